//! A relayed RTP packet: beside the bare system calls, encrypted, and transcoded.
//!
//! All sides run in one thread with mio over the same number of sockets and relay the same packets in the same pace;
//! the measure is the thread's own CPU time as the kernel counts it. The bare loop knows where to send and does
//! nothing else. What the phones hear is judged: encrypted packets are made and opened by libsrtp.
//!
//! Every figure is the median of rounds that were measured in turns.

mod bare;
mod phones;
mod scene;
mod threads;
mod worker;

use jackfield_media::{Codec, Suite};

use crate::report::Figure;
use scene::Scene;

const ROUNDS: usize = 5;

const SUITES: [(Suite, &str); 2] =
    [(Suite::AesCm128Sha1_80, "relay_aes_cm_128_sha1_80"), (Suite::AeadAes128Gcm, "relay_aead_aes_128_gcm")];

const TRANSCODED: [(Codec, Codec, &str); 4] = [
    (Codec::Opus, Codec::Pcma, "transcode_opus_to_g711"),
    (Codec::Pcma, Codec::Opus, "transcode_g711_to_opus"),
    (Codec::G722, Codec::Pcma, "transcode_g722_to_g711"),
    (Codec::Pcma, Codec::G722, "transcode_g711_to_g722"),
];

pub(crate) fn figures() -> Vec<Figure> {
    let plain = Scene::plain();
    let mut others: Vec<(&str, Scene)> =
        SUITES.into_iter().map(|(suite, name)| (name, Scene::encrypted(suite))).collect();
    others.extend(TRANSCODED.map(|(from, to, name)| (name, Scene::transcoded(from, to))));

    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    let mut prices = vec![Vec::new(); others.len()];
    for _ in 0..ROUNDS {
        bare.push(bare::measure(&plain));
        ours.push(worker::measure(&plain));
        for ((_, scene), prices) in others.iter().zip(&mut prices) {
            prices.push(worker::measure(scene));
        }
    }
    let (bare, ours) = (median(bare), median(ours));
    let mut figures =
        vec![Figure::new("relay_packet", ours, "us").beside("bare mio loop", bare).target(bare * 1.3)];
    figures.extend(
        others
            .iter()
            .zip(prices)
            .map(|((name, _), prices)| Figure::new(*name, median(prices), "us").beside("relay_packet", ours)),
    );
    figures
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
