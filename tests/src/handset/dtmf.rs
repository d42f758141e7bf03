//! Keys as sound (ITU-T Q.23): made here, read by multimon-ng.

use std::process::Command;

use crate::{
    audio::{RATE, sine},
    process,
};

const LOW: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const HIGH: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
const KEYS: &str = "123A456B789C*0#D";

/// How long one key with its pause takes, in samples: 120 ms and 120 ms.
const KEY: usize = RATE * 120 / 1000;

/// The sound of these keys after a short silence, at 8 kHz.
pub fn sound(keys: &str) -> Vec<i16> {
    let mut samples = vec![0; RATE / 2];
    for key in keys.chars() {
        let index = KEYS.find(key).expect("a key of a telephone");
        let (low, high) = (sine(LOW[index / 4], 0, KEY), sine(HIGH[index % 4], 0, KEY));
        samples.extend(low.iter().zip(&high).map(|(low, high)| low / 2 + high / 2));
        samples.extend([0; KEY]);
    }
    samples
}

/// The keys that are heard in 8 kHz samples, by multimon-ng's ear.
pub fn in_band(samples: &[i16]) -> String {
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        "sox -q -t raw -r 8000 -e signed -b 16 -c 1 - -t raw -r 22050 - | multimon-ng -q -t raw -a DTMF -",
    ]);
    let said = process::run(&mut shell, &bytes).out;
    said.lines().filter_map(|line| line.strip_prefix("DTMF: ")).map(str::trim).collect()
}

#[cfg(test)]
mod tests {
    use crate::audio::share_at;

    #[test]
    fn a_key_is_a_low_and_a_high_tone() {
        let sound = super::sound("5");
        let key = &sound[4000..4960];
        assert!(share_at(key, 770.0) > 0.4 && share_at(key, 1336.0) > 0.4);
    }
}
