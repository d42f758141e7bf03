//! The way of a relayed packet and of a tick: nothing is allocated on it.

#![allow(clippy::unwrap_used, clippy::err_expect, reason = "a test fails by a panic")]
#![expect(unsafe_code, reason = "a global allocator that counts cannot be written without")]

mod common;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use common::*;
use jackfield_media::{PortId, rtp};

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: as for the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as for the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(run: impl FnOnce()) -> usize {
    let before = COUNT.get();
    run();
    COUNT.get() - before
}

#[test]
fn relaying_allocates_nothing() {
    let mut world = World::of_two(params(1), alaw(2));
    world.bridge();
    let mut phone = Phone::new(1, &params(1));
    phone.talk_for(&mut world, 2);
    let mut packet = [0; 172];
    let count = allocations(|| {
        for n in 0..1000_u16 {
            let (sequence, timestamp) =
                (phone.sequence.wrapping_add(n), phone.timestamp.wrapping_add(160 * u32::from(n)));
            let stamp = rtp::Stamp { ssrc: phone.ssrc, sequence, timestamp, marker: false };
            rtp::build(&mut packet, stamp, 0, &[0; 160]).expect("room");
            let now = world.now + ms(20) * u32::from(n);
            assert!(world.session.handle_packet(now, PortId(1), addr(1), &mut packet, 172).is_some());
        }
    });
    assert_eq!(count, 0);
}

#[test]
fn playing_allocates_nothing_once_it_runs() {
    let mut world = World::new();
    let sources = || vec![clip(1, ms(60_000)), jackfield_media::Source::Dtmf("123".into())];
    for n in 1..=50 {
        world.open(n, params(n));
        world.play(n, n, sources());
    }
    world.advance(ms(100));
    let mut buffer = [0; 1500];
    let count = allocations(|| {
        for _ in 0..100 {
            world.now += ms(20);
            world.session.handle_timeout(world.now);
            while world.session.poll_transmit(&mut buffer).is_some() {}
        }
    });
    assert_eq!(count, 0);
}
