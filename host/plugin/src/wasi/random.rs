//! `wasi:random`: the services' numbers, so that a run can be repeated.

use wasmtime::component::LinkerInstance;

use crate::instance::State;

/// In one call.
const MAX_BYTES: u64 = 64 << 10;

pub(super) fn add(to: &mut LinkerInstance<'_, State>, name: &str) -> wasmtime::Result<bool> {
    match name {
        "get-random-bytes" | "get-insecure-random-bytes" => {
            to.func_wrap(name, |mut store, (length,): (u64,)| {
                let state = store.data_mut();
                state.count()?;
                if length > MAX_BYTES {
                    return Err(wasmtime::Error::msg(format!(
                        "{length} random bytes at once, more than {MAX_BYTES}"
                    )));
                }
                let mut bytes: Vec<u8> = (0..length.div_ceil(8))
                    .flat_map(|_| state.host.services.random().to_le_bytes())
                    .collect();
                bytes.truncate(length as usize);
                Ok((bytes,))
            })?
        }
        "get-random-u64" | "get-insecure-random-u64" => {
            to.func_wrap(name, |store, ()| Ok((store.data().host.services.random(),)))?;
        }
        "insecure-seed" => to.func_wrap(name, |store, ()| {
            let services = &store.data().host.services;
            Ok(((services.random(), services.random()),))
        })?,
        _ => return Ok(false),
    }
    Ok(true)
}
