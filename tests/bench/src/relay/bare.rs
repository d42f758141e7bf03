//! The yardstick: the same poll call over the same number of sockets, `recv` and `send`.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use mio::{Events, Interest, Poll, Token, Waker, net::UdpSocket};

use super::{phones::Phones, scene::Scene, threads};

/// CPU microseconds for a packet.
pub(super) fn measure(scene: &Scene) -> f64 {
    let mut phones = Phones::new(scene);
    let any = || "127.0.0.1:0".parse().expect("an address");
    let mut sockets: Vec<UdpSocket> =
        (0..scene.legs()).map(|_| UdpSocket::bind(any()).expect("a loopback port is free")).collect();
    let ports: Vec<SocketAddr> =
        sockets.iter().map(|socket| socket.local_addr().expect("a bound socket has an address")).collect();
    let mut poll = Poll::new().expect("a poll can be made");
    for (index, socket) in sockets.iter_mut().enumerate() {
        socket.connect(phones.address(index)).expect("loopback can be reached");
        poll.registry().register(socket, Token(index), Interest::READABLE).expect("a socket can be polled");
    }
    let waker = Waker::new(poll.registry(), Token(usize::MAX)).expect("a waker can be made");
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let bare = move || {
        let mut events = Events::with_capacity(1024);
        let mut buffer = [0; 2048];
        while !stopped.load(Ordering::Relaxed) {
            let _ = poll.poll(&mut events, None);
            for event in events.iter().filter(|event| event.token() != Token(usize::MAX)) {
                let index = event.token().0;
                while let Ok(length) = sockets[index].recv(&mut buffer) {
                    let _ = sockets[index ^ 1].send(&buffer[..length]);
                }
            }
        }
    };
    let before = threads::named("bare");
    let thread = thread::Builder::new().name("bare".to_owned()).spawn(bare).expect("a thread can be started");
    let tid = threads::new("bare", &before);
    let cpu = phones.run(&ports, tid);
    stop.store(true, Ordering::Relaxed);
    waker.wake().expect("a waker can wake");
    thread.join().expect("the bare loop has no bug to panic of");
    cpu
}
