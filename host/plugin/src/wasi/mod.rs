//! WASI 0.2 with nothing behind it, for languages whose runtime asks for it: what a guest writes to stdout and
//! stderr are lines of its log, clocks and random numbers are the services', waiting is the switch's. There are no
//! files, no sockets, no arguments and no environment.
//!
//! A component names the functions that it imports, and each of them gets an answer: one of those in this folder, or
//! else the emptiest that its type allows.

mod clocks;
mod output;
mod poll;
mod random;
mod streams;

use wasmtime::{
    StoreContextMut,
    component::{
        Component, Linker, LinkerInstance, Resource, ResourceAny, ResourceType, Val,
        types::{ComponentItem, Type},
    },
};

use crate::{component, error::LoadError, instance::State};

pub(crate) use output::Printed;

/// The prefix of its packages.
pub(crate) const PACKAGE: &str = "wasi:";
/// Every 0.2.x is a subset of the newest.
const SERIES: &str = "0.2.";

/// A resource of which there is never one.
struct Nothing;

/// A linker with an answer to each function of WASI that this component imports. None: it imports none.
pub(crate) fn link(
    engine: &wasmtime::Engine,
    linker: &Linker<State>,
    component: &Component,
) -> Result<Option<Linker<State>>, LoadError> {
    let types = component.component_type();
    let mut own = None;
    for (name, import) in types.imports(engine) {
        let Some((interface, series)) = name.strip_prefix(PACKAGE).and_then(|name| name.split_once('@'))
        else {
            continue;
        };
        let ComponentItem::ComponentInstance(functions) = import.ty else { continue };
        if !series.starts_with(SERIES) {
            return Err(LoadError::Wasi(name.to_owned()));
        }
        let linker = own.get_or_insert_with(|| linker.clone());
        let mut instance =
            linker.instance(name).map_err(|error| LoadError::Import(component::sentence(&error)))?;
        for (function, item) in functions.exports(engine) {
            add(&mut instance, interface, function, &item.ty)
                .map_err(|error| LoadError::Import(component::sentence(&error)))?;
        }
    }
    Ok(own)
}

fn add(
    to: &mut LinkerInstance<'_, State>,
    interface: &str,
    name: &str,
    item: &ComponentItem,
) -> wasmtime::Result<()> {
    match item {
        ComponentItem::Resource(_) => add_resource(to, name),
        ComponentItem::ComponentFunc(_) => {
            let known = match interface {
                "cli/exit" => add_exit(to, name)?,
                "cli/stdin" | "cli/stdout" | "cli/stderr" | "io/error" | "io/streams" => {
                    streams::add(to, name)?
                }
                "io/poll" => poll::add(to, name)?,
                "clocks/monotonic-clock" => clocks::add_monotonic(to, name)?,
                "clocks/wall-clock" => clocks::add_wall(to, name)?,
                "random/random" | "random/insecure" | "random/insecure-seed" => random::add(to, name)?,
                _ => false,
            };
            if known { Ok(()) } else { add_emptiest(to, format!("{interface}.{name}"), name) }
        }
        _ => Ok(()),
    }
}

/// A resource is the same in all interfaces that use it, and no two have one name.
fn add_resource(to: &mut LinkerInstance<'_, State>, name: &str) -> wasmtime::Result<()> {
    match name {
        "input-stream" => add_host_type::<streams::Input>(to, name),
        "output-stream" => add_host_type::<streams::Sink>(to, name),
        "pollable" => add_host_type::<poll::Pollable>(to, name),
        _ => to.resource(name, ResourceType::host::<Nothing>(), |_, _| Ok(())),
    }
}

fn add_host_type<T: Send + 'static>(to: &mut LinkerInstance<'_, State>, name: &str) -> wasmtime::Result<()> {
    to.resource(name, ResourceType::host::<T>(), |mut store, handle| {
        store.data_mut().table.delete(Resource::<T>::new_own(handle))?;
        Ok(())
    })
}

/// How a guest ends itself.
fn add_exit(to: &mut LinkerInstance<'_, State>, name: &str) -> wasmtime::Result<bool> {
    match name {
        "exit" => to.func_wrap(name, |_, (status,): (Result<(), ()>,)| exited(u8::from(status.is_err())))?,
        "exit-with-code" => to.func_wrap(name, |_, (code,): (u8,)| exited(code))?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn exited(code: u8) -> wasmtime::Result<()> {
    Err(wasmtime::Error::msg(format!("it ended itself with exit code {code}")))
}

/// No environment, no directory, no terminal, no network.
fn add_emptiest(to: &mut LinkerInstance<'_, State>, what: String, name: &str) -> wasmtime::Result<()> {
    to.func_new(name, move |mut store, function, _, results| {
        store.data_mut().count()?;
        for (result, kind) in results.iter_mut().zip(function.results()) {
            *result = match emptiest(&kind) {
                Some(value) => value,
                None if matches!(kind, Type::Own(_)) => nothing(&mut store)?,
                None => return Err(wasmtime::Error::msg(format!("a plugin has no wasi:{what}"))),
            };
        }
        Ok(())
    })
}

fn emptiest(kind: &Type) -> Option<Val> {
    match kind {
        Type::List(_) => Some(Val::List(Vec::new())),
        Type::Option(_) => Some(Val::Option(None)),
        Type::Result(result) => {
            let Type::Enum(codes) = result.err()? else { return None };
            // Of files and of sockets.
            let code = ["access", "access-denied"]
                .into_iter()
                .find(|code| codes.names().any(|name| name == *code))?;
            Some(Val::Result(Err(Some(Box::new(Val::Enum(code.to_owned()))))))
        }
        _ => None,
    }
}

/// The network, on which nothing can be opened.
fn nothing(store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<Val> {
    Ok(Val::Resource(ResourceAny::try_from_resource(Resource::<Nothing>::new_own(0), store)?))
}
