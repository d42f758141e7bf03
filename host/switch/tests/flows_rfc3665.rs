//! The flows of RFC 3665 (SIP Basic Call Flow Examples) that a back-to-back user agent plays, one test per
//! flow. The exchange stands where the RFC draws a proxy: each side is a dialog of its own, so what one
//! phone says reaches the other one as the exchange's own request, with another Call-ID and other tags.
//!
//! Not in here, for a B2BUA does not play them: 3.3 and 3.4 (several proxies, one of them broken), 3.5 (an
//! application layer gateway). Of 3.6 only the offer that comes late, not the redirect server.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_switch::Cause;
use rsip::Method;

// ---- 2: registration

/// 2.1: 401, then 200 with the Contact and how long it is kept.
#[test]
fn rfc3665_2_1_successful_new_registration() {
    let mut world = World::new();
    let bob = world.stranger("bob", "10.0.0.10:5060");
    let challenge = world.register_as(bob, "<sip:bob@10.0.0.10:5060>", Some(3600));
    assert_eq!(challenge.status_code.code(), 401);
    world.set_password(bob, &password("bob"));
    let answer = world.register_as(bob, "<sip:bob@10.0.0.10:5060>", Some(3600));
    assert_eq!(answer.status_code.code(), 200);
    let text = answer.to_string();
    assert!(text.contains("sip:bob@10.0.0.10:5060") && text.contains("expires=3600"), "{text}");
}

/// 2.2: a second Contact is kept beside the first.
#[test]
fn rfc3665_2_2_update_of_contact_list() {
    let mut world = World::new();
    let bob = world.new_phone("bob", jackfield_sip::Transport::Udp);
    world.register_as(bob, "<sip:bob@10.0.0.10:5060>", Some(3600));
    let answer = world.register_as(bob, "<sip:bob@10.0.0.10:5070>", Some(3600)).to_string();
    assert!(answer.contains("10.0.0.10:5060") && answer.contains("10.0.0.10:5070"), "{answer}");
}

/// 2.3: without Contact it asks what is kept.
#[test]
fn rfc3665_2_3_request_for_current_contact_list() {
    let mut world = World::new();
    let bob = world.new_phone("bob", jackfield_sip::Transport::Udp);
    world.register_as(bob, "<sip:bob@10.0.0.10:5060>", Some(3600));
    let answer = world.register_as(bob, "", None).to_string();
    assert!(answer.contains("sip:bob@10.0.0.10:5060"), "{answer}");
}

/// 2.4: `Contact: *` with Expires 0 forgets all.
#[test]
fn rfc3665_2_4_cancellation_of_registration() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let answer = world.register_as(bob, "*", Some(0));
    assert_eq!(answer.status_code.code(), 200);
    assert!(!answer.to_string().to_ascii_lowercase().contains("\r\ncontact:"), "{answer}");
    let call = world.dial(alice, "bob");
    assert_eq!(world.end(call), Some(End::Refused(480)));
}

/// 2.5: the credentials do not fit.
#[test]
fn rfc3665_2_5_unsuccessful_registration() {
    let mut world = World::new();
    let bob = world.new_phone("bob", jackfield_sip::Transport::Udp);
    world.set_password(bob, "another one");
    assert_ne!(world.register(bob, 3600), 200);
    let alice = world.phone("alice");
    let call = world.dial(alice, "bob");
    assert_eq!(world.end(call), Some(End::Refused(480)), "nobody was registered");
}

// ---- 3: sessions

/// 3.1 and 3.2: INVITE, 180, 200, ACK, both ways RTP, BYE of the callee, 200. The challenge of the proxy
/// (407 there) is the 401 of a user agent here.
#[test]
fn rfc3665_3_1_successful_session_establishment() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "bob");
    assert_eq!(world.statuses(call), [100]);
    let callee = world.called(bob);
    assert!(world.invited_with(callee, "Contact").is_some());
    world.ring(callee);
    assert_eq!(world.statuses(call), [100, 180]);
    world.answer(callee);
    assert_eq!(world.statuses(call), [100, 180, 200]);
    assert_eq!(world.acks(callee), 1);
    assert_ne!(world.invited_with(callee, "Call-ID"), world.last_header(call, "Call-ID"), "two dialogs");
    world.assert_talking(call, callee);
    world.hang_up(callee);
    assert_eq!(world.end(callee), Some(End::Local));
    assert!(matches!(world.end(call), Some(End::Bye(_))));
    assert_eq!(world.record().end.cause, Cause::Normal);
    world.assert_over();
}

/// 3.6: the INVITE has no offer: it is in the 200, and the ACK brings the answer. Our own INVITE always has
/// an offer, so the callee sees none of this.
#[test]
fn rfc3665_3_6_session_with_sdp_in_ack() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial_without_offer(alice, "bob");
    let callee = world.called(bob);
    world.ring(callee);
    world.answer(callee);
    assert_eq!(world.statuses(call), [100, 180, 200]);
    world.assert_talking(call, callee);
    world.hang_up(callee);
    world.assert_over();
}

/// 3.7: the callee's re-INVITE (another address) is answered by us; the other phone hears nothing of it.
#[test]
fn rfc3665_3_7_session_with_re_invite() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let (call, callee) = world.talking(alice, "bob", bob);
    let before = world.theirs(call);
    let moved = world.moves(callee, "10.0.0.11:40000");
    assert_eq!(world.reoffer(callee, Method::Invite, Some(moved)), 200);
    assert_eq!(world.theirs(call), before);
    world.assert_talking(call, callee);
    world.hang_up(call);
    world.assert_over();
}

/// 3.8 (no answer): the caller gives up. CANCEL, 200, 487, ACK on both sides.
#[test]
fn rfc3665_3_8_unsuccessful_no_answer() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "bob");
    let callee = world.called(bob);
    world.ring(callee);
    world.cancel(call);
    assert_eq!(world.statuses(call), [100, 180, 487]);
    assert!(matches!(world.end(callee), Some(End::Cancelled(_))));
    assert_eq!(world.record().end.cause, Cause::Cancelled);
    world.assert_over();
}

/// 3.9 (busy): 486 reaches the caller.
#[test]
fn rfc3665_3_9_unsuccessful_busy() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "bob");
    let callee = world.called(bob);
    world.refuse(callee, 486);
    assert_eq!(world.end(call), Some(End::Refused(486)));
    assert_eq!(world.record().end.cause, Cause::Busy);
    world.assert_over();
}

/// 3.10 (no response): the callee's phone is silent. Our INVITE is given up after 64*T1, or when it has
/// rung for as long as the settings say; the RFC's proxy says 408, and the exchange that nobody is there.
#[test]
fn rfc3665_3_10_unsuccessful_no_response() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    world.deafen(bob, true);
    let call = world.dial(alice, "bob");
    assert_eq!(world.statuses(call), [100]);
    world.run_for(LONG);
    assert!(matches!(world.end(call), Some(End::Refused(408 | 480))), "{:?}", world.end(call));
    world.assert_over();
}

/// 3.11 (temporarily unavailable): 480 reaches the caller.
#[test]
fn rfc3665_3_11_unsuccessful_temporarily_unavailable() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "bob");
    let callee = world.called(bob);
    world.ring(callee);
    world.refuse(callee, 480);
    assert_eq!(world.statuses(call), [100, 180, 480]);
    world.assert_over();
}
