//! `wasi:io/poll`: waiting for one of several. Only the clock ever makes a guest wait, and that is a timer of the
//! switch, as for `timers.sleep`.

use std::time::Duration;

use jackfield_switch::Command;
use wasmtime::component::{LinkerInstance, Resource};

use crate::{api::Failure, instance::State};

/// That can be waited for at once.
const MAX_LIST: usize = 64;

/// Something to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pollable {
    /// Unix time in nanoseconds, the services'.
    at: u64,
}

impl Pollable {
    /// Nothing is waited for.
    pub(super) fn ready() -> Pollable {
        Pollable { at: 0 }
    }

    /// At a moment of the services' clock, in nanoseconds.
    pub(super) fn at(at: u64) -> Pollable {
        Pollable { at }
    }
}

type Borrowed = Resource<Pollable>;

pub(super) fn add(to: &mut LinkerInstance<'_, State>, name: &str) -> wasmtime::Result<bool> {
    match name {
        "[method]pollable.ready" => to.func_wrap(name, |mut store, (pollable,): (Borrowed,)| {
            let state = store.data_mut();
            state.count()?;
            Ok((state.table.get(&pollable)?.at <= now(state),))
        })?,
        "[method]pollable.block" => to.func_wrap_async(name, |mut store, (pollable,): (Borrowed,)| {
            Box::new(async move {
                let state = store.data_mut();
                let pollable = *state.table.get(&pollable)?;
                wait(state, &[pollable]).await.map(drop)
            })
        })?,
        "poll" => to.func_wrap_async(name, |mut store, (list,): (Vec<Borrowed>,)| {
            Box::new(async move {
                let state = store.data_mut();
                if list.is_empty() || list.len() > MAX_LIST {
                    return Err(wasmtime::Error::msg(format!("wasi:io/poll with {} pollables", list.len())));
                }
                let list =
                    list.iter().map(|one| state.table.get(one).copied()).collect::<Result<Vec<_>, _>>()?;
                Ok((wait(state, &list).await?,))
            })
        })?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// Until one of them is there; the places of those that are.
async fn wait(state: &mut State, list: &[Pollable]) -> wasmtime::Result<Vec<u32>> {
    state.count()?;
    loop {
        let now = now(state);
        let there: Vec<u32> =
            (0..).zip(list).filter(|(_, one)| one.at <= now).map(|(place, _)| place).collect();
        let Some(first) = list.iter().min().filter(|_| there.is_empty()) else { return Ok(there) };
        let millis = (first.at - now).div_ceil(1_000_000).min(u32::MAX.into());
        state
            .ask(Command::Sleep { time: Duration::from_millis(millis) })
            .await
            .map_err(Failure::into_trap)?;
    }
}

/// Unix time in nanoseconds.
pub(super) fn now(state: &State) -> u64 {
    state.host.services.now().saturating_mul(1_000_000)
}
