//! `wasi:clocks`: the services' time, in whole milliseconds, which does not go on while a guest computes in a
//! simulator.

use wasmtime::{
    StoreContextMut,
    component::{ComponentType, LinkerInstance, Lower, Resource},
};

use super::poll::{Pollable, now};
use crate::instance::State;

const MILLISECOND: u64 = 1_000_000;

/// `datetime`.
#[derive(ComponentType, Lower)]
#[component(record)]
struct DateTime {
    seconds: u64,
    nanoseconds: u32,
}

/// Nothing says where a monotonic clock begins: here in 1970.
pub(super) fn add_monotonic(to: &mut LinkerInstance<'_, State>, name: &str) -> wasmtime::Result<bool> {
    match name {
        "now" => to.func_wrap(name, |store, ()| Ok((now(store.data()),)))?,
        "resolution" => to.func_wrap(name, |_, ()| Ok((MILLISECOND,)))?,
        "subscribe-instant" => to.func_wrap(name, |store, (at,): (u64,)| subscribe(store, at))?,
        "subscribe-duration" => to.func_wrap(name, |store, (time,): (u64,)| {
            let at = now(store.data()).saturating_add(time);
            subscribe(store, at)
        })?,
        _ => return Ok(false),
    }
    Ok(true)
}

pub(super) fn add_wall(to: &mut LinkerInstance<'_, State>, name: &str) -> wasmtime::Result<bool> {
    match name {
        "now" => to.func_wrap(name, |store, ()| {
            let millis = store.data().host.services.now();
            let nanoseconds = (millis % 1000) as u32 * MILLISECOND as u32;
            Ok((DateTime { seconds: millis / 1000, nanoseconds },))
        })?,
        "resolution" => {
            to.func_wrap(name, |_, ()| Ok((DateTime { seconds: 0, nanoseconds: MILLISECOND as u32 },)))?
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn subscribe(mut store: StoreContextMut<'_, State>, at: u64) -> wasmtime::Result<(Resource<Pollable>,)> {
    Ok((store.data_mut().table.push(Pollable::at(at))?,))
}
