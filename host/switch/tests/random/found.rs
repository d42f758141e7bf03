//! Defects that random cases have found, each as the shortest case that showed it.

use crate::{
    action::{Action, Action::*, Step},
    life::Case,
    shrink,
    weather::{FAIR, STORM, Weather},
};

#[track_caller]
fn plays(seed: u64, weather: Weather, steps: &[(u32, Action)]) {
    let steps = steps.iter().map(|(after, action)| Step { after: *after, action: action.clone() }).collect();
    if let Err((fault, count)) = shrink::run(&Case { seed, weather, steps }) {
        panic!("step {}: {fault}", count.steps);
    }
}

/// A callee answered while the way to another one was still looked for; nobody waited for it any more.
#[test]
fn an_answer_ends_the_search_for_other_ways() {
    plays(
        73,
        FAIR,
        &[
            (0, Drive(3)),
            (0, Dial { phone: 476, number: 360, offer: 4 }),
            (0, Dial { phone: 861, number: 690, offer: 3 }),
            (2522, Command { who: 323, verb: 17, legs: [745, 526], number: 439747 }),
            (62, Answer(231)),
            (24, Answer(936)),
        ],
    );
}

/// UPDATE overtook the ACK that had the answer to our offer: both sides ended with another direction.
#[test]
fn an_update_does_not_overtake_the_answer_in_an_ack() {
    plays(
        83,
        STORM,
        &[
            (0, Dial { phone: 354, number: 204, offer: 5 }),
            (0, Register(873, 60)),
            (21401, Dial { phone: 687, number: 745, offer: 3 }),
            (781, Command { who: 391, verb: 0, legs: [356, 414], number: 16793 }),
            (446, HangUp(355)),
            (1382, Answer(532)),
            (283, Command { who: 658, verb: 16, legs: [933, 690], number: 780726 }),
            (279, Dial { phone: 649, number: 446, offer: 3 }),
            (113, Answer(275)),
            (220, Dial { phone: 521, number: 103, offer: 2 }),
            (0, Register(668, 3600)),
            (0, Early(583)),
            (7463, Cancel(832)),
            (255, Change { line: 44, update: true, direction: 3, moves: false }),
            (1221, Dial { phone: 881, number: 58, offer: 0 }),
            (0, Dial { phone: 247, number: 299, offer: 7 }),
            (1442, Dial { phone: 468, number: 564, offer: 2 }),
            (119, Dial { phone: 447, number: 381, offer: 3 }),
            (779, Change { line: 370, update: true, direction: 3, moves: false }),
            (1053, Register(423, 60)),
            (3302, Refuse(69, 500)),
            (81, Register(224, 0)),
            (421, Dial { phone: 282, number: 649, offer: 3 }),
            (2742, Early(606)),
            (0, Answer(44)),
            (0, Command { who: 727, verb: 0, legs: [932, 69], number: 164612 }),
            (395, Weather(0)),
            (0, Change { line: 118, update: true, direction: 3, moves: false }),
        ],
    );
}

/// Of two phones that rang together, the one that answered had seen version 1 and then version 3: each has
/// its own keys, and so its own description.
#[test]
fn versions_count_for_each_phone_alone() {
    plays(
        3,
        FAIR,
        &[
            (0, Dial { phone: 25, number: 797, offer: 3 }),
            (0, Dial { phone: 768, number: 783, offer: 1 }),
            (5583, Unplug(127)),
            (0, Dial { phone: 39, number: 641, offer: 4 }),
            (0, Answer(2)),
            (154, Answer(545)),
            (11673, Change { line: 284, update: false, direction: 0, moves: false }),
        ],
    );
}
