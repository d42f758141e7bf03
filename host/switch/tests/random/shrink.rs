//! Runs cases, and finds the shortest that still fails (delta debugging).

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Once,
};

use crate::{
    fault::Fault,
    life::{Case, Count, Life},
    weather::{FAIR, RAIN},
};

/// Runs that the shrinker may make.
const MAX_RUNS: usize = 2_000;

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
    static PANIC: Cell<Option<String>> = const { Cell::new(None) };
}

/// How a case fails, and after how many steps; a panic is a failure too.
pub(crate) fn run(case: &Case) -> Result<Count, (Fault, Count)> {
    run_traced(case, false)
}

pub(crate) fn run_traced(case: &Case, is_traced: bool) -> Result<Count, (Fault, Count)> {
    listen_to_panics();
    let mut count = Count::default();
    IS_QUIET.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(|| Life::run(case, is_traced, &mut |now| count = now)));
    IS_QUIET.set(false);
    match outcome {
        Ok(Ok(count)) => Ok(count),
        Ok(Err(fault)) => Err((fault, count)),
        Err(_) => {
            let text = PANIC.take().unwrap_or_default();
            Err((Fault { rule: "nothing panics", text }, count))
        }
    }
}

/// Keeps what a panic says instead of printing it, while a case runs on this thread.
fn listen_to_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| match IS_QUIET.get() {
            true => PANIC.set(Some(info.to_string())),
            false => usual(info),
        }));
    });
}

/// The shortest list of steps that still breaks the same rule.
pub(crate) fn shrink(case: &Case, fault: &Fault) -> Case {
    let mut runs = 0;
    let mut fails = |case: &Case| {
        runs += 1;
        runs <= MAX_RUNS && run(case).is_err_and(|(other, _)| is_alike(&other, fault))
    };
    let mut best = case.clone();
    for weather in [FAIR, RAIN] {
        let calmer = Case { weather, ..best.clone() };
        if fails(&calmer) {
            best = calmer;
            break;
        }
    }
    let mut size = best.steps.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < best.steps.len() {
            let end = (at + size).min(best.steps.len());
            let mut shorter = best.clone();
            shorter.steps.drain(at..end);
            // The time that the others have stays the same, or nearly nothing would fail any more.
            let gap: u32 = best.steps[at..end].iter().map(|step| step.after).sum();
            if let Some(next) = shorter.steps.get_mut(at) {
                next.after += gap;
            }
            match fails(&shorter) {
                true => best = shorter,
                false => at = end,
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    for at in 0..best.steps.len() {
        for after in [0, best.steps[at].after / 2] {
            let mut sooner = best.clone();
            sooner.steps[at].after = after;
            if after < best.steps[at].after && fails(&sooner) {
                best = sooner;
                break;
            }
        }
    }
    best
}

/// The same rule, and for panics the same place.
fn is_alike(a: &Fault, b: &Fault) -> bool {
    let place = |fault: &Fault| fault.text.lines().next().unwrap_or_default().to_owned();
    a.rule == b.rule && (a.rule != "nothing panics" || place(a) == place(b))
}
