//! `wasi:io/streams`, and who has one: stdin, which is at its end, stdout and stderr, which are the log.

use wasmtime::{
    StoreContextMut,
    component::{ComponentType, LinkerInstance, Lower, Resource},
};

use super::{output::Output, poll::Pollable};
use crate::instance::State;

/// Bytes that a stream takes at once.
const ROOM: u64 = 64 << 10;

/// Always at its end.
pub(super) struct Input;

/// A line of the log each.
pub(super) struct Sink(Output);

/// `stream-error`; a stream of ours never fails in another way.
#[derive(ComponentType, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    #[expect(dead_code, reason = "the type has it")]
    LastOperationFailed(Resource<super::Nothing>),
    #[component(name = "closed")]
    Closed,
}

type Store<'a> = StoreContextMut<'a, State>;
type Written = (Result<(), StreamError>,);

pub(super) fn add(to: &mut LinkerInstance<'_, State>, name: &str) -> wasmtime::Result<bool> {
    match name {
        "get-stdin" => to.func_wrap(name, |mut store, ()| Ok((store.data_mut().table.push(Input)?,)))?,
        "get-stdout" => add_sink(to, name, Output::Stdout)?,
        "get-stderr" => add_sink(to, name, Output::Stderr)?,
        "[method]input-stream.read" | "[method]input-stream.blocking-read" => {
            to.func_wrap(name, |_, (_, _): (Resource<Input>, u64)| {
                Ok((Err::<Vec<u8>, _>(StreamError::Closed),))
            })?;
        }
        "[method]input-stream.skip" | "[method]input-stream.blocking-skip" => {
            to.func_wrap(name, |_, (_, _): (Resource<Input>, u64)| {
                Ok((Err::<u64, _>(StreamError::Closed),))
            })?;
        }
        "[method]input-stream.subscribe" => {
            to.func_wrap(name, |store, (_,): (Resource<Input>,)| ready(store))?;
        }
        "[method]output-stream.subscribe" => {
            to.func_wrap(name, |store, (_,): (Resource<Sink>,)| ready(store))?;
        }
        "[method]output-stream.check-write" => {
            to.func_wrap(name, |_, (_,): (Resource<Sink>,)| Ok((Ok::<_, StreamError>(ROOM),)))?;
        }
        "[method]output-stream.write" | "[method]output-stream.blocking-write-and-flush" => {
            to.func_wrap(name, |mut store, (sink, bytes): (Resource<Sink>, Vec<u8>)| {
                write(&mut store, &sink, &bytes)
            })?;
        }
        "[method]output-stream.write-zeroes" | "[method]output-stream.blocking-write-zeroes-and-flush" => {
            to.func_wrap(name, |mut store, (sink, count): (Resource<Sink>, u64)| {
                let zeroes = vec![0; count.min(ROOM) as usize];
                write(&mut store, &sink, &zeroes)
            })?;
        }
        "[method]output-stream.flush" | "[method]output-stream.blocking-flush" => {
            to.func_wrap(name, |_, (_,): (Resource<Sink>,)| -> wasmtime::Result<Written> { Ok((Ok(()),)) })?;
        }
        "[method]output-stream.splice" | "[method]output-stream.blocking-splice" => {
            to.func_wrap(name, |_, (_, _, _): (Resource<Sink>, Resource<Input>, u64)| {
                Ok((Err::<u64, _>(StreamError::Closed),))
            })?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn add_sink(to: &mut LinkerInstance<'_, State>, name: &str, output: Output) -> wasmtime::Result<()> {
    to.func_wrap(name, move |mut store, ()| Ok((store.data_mut().table.push(Sink(output))?,)))
}

fn ready(mut store: Store<'_>) -> wasmtime::Result<(Resource<Pollable>,)> {
    Ok((store.data_mut().table.push(Pollable::ready())?,))
}

fn write(store: &mut Store<'_>, sink: &Resource<Sink>, bytes: &[u8]) -> wasmtime::Result<Written> {
    let state = store.data_mut();
    state.count()?;
    let output = state.table.get(sink)?.0;
    state.print(output, bytes);
    Ok((Ok(()),))
}
