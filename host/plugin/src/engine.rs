//! The engine: wasmtime's configuration, the instance pool and the linker. One per process.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use wasmtime::{
    Config, InstanceAllocationStrategy, PoolingAllocationConfig, Store, WasmBacktraceDetails,
    component::{Component, Linker},
};

use crate::{
    api,
    component::{self, CompiledCache},
    contract::{CONTRACT, Contract},
    error::{EngineError, LoadError},
    instance::State,
    meter::{Meter, TABLE_ELEMENTS},
    turn::Turns,
    version::{Source, Version},
};

/// How often the driver calls [`Engine::tick`].
pub const TICK: Duration = Duration::from_millis(10);

/// In a deterministic engine a tick is this much fuel; about one unit per instruction.
const FUEL_PER_TICK: u64 = 10_000_000;

/// One of each kind, before and after an update.
const MAX_RUNNERS: usize = 8;

/// Room for instances that are not calls: validations, services, voices.
const SPARE_INSTANCES: u32 = 64;
/// A core module becomes a component of three core instances with two tables: itself, a shim and its fix-up. The
/// runtime of a language has more: its libraries, the adapters of WASI.
const CORE_INSTANCES: u32 = 48;
const TABLES: u32 = 4;
/// Instances may have a second memory, up to so many at once: JavaScript's do.
const SECOND_MEMORIES: u32 = 4000;

/// Bounds checks are free while each memory has all that 32 bits can address; 32 MiB of guard follow.
const MEMORY_RESERVATION: u64 = 4 << 30;
const MEMORY_GUARD: u64 = 32 << 20;
/// Of the 128 TiB that a process may address.
const ADDRESS_SPACE: u64 = 120 << 40;

/// Host functions run on the guest's stack too, below what the guest itself may use.
const STACK: usize = 512 << 10;
const GUEST_STACK: usize = 256 << 10;

/// How an [`Engine`] is made.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// At once; a few more are kept for validations, services and voices.
    pub max_instances: u32,
    /// Bytes per instance; no plugin's limit can be higher.
    pub max_memory: usize,
    /// Counts fuel in place of ticks, so that a run depends on nothing but its input: tests, simulator.
    pub deterministic: bool,
    /// `vm.max_map_count` of the system, where it has one.
    pub max_map_count: Option<u64>,
    /// Guests that may compute at once for longer than a [`TICK`]; fewer than the executor has threads, so that those
    /// who only react find one.
    pub computing: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        EngineOptions {
            max_instances: 1000,
            max_memory: 256 << 20,
            deterministic: false,
            max_map_count: None,
            computing: 1,
        }
    }
}

/// wasmtime behind one door. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) wasmtime: wasmtime::Engine,
    pub(crate) linker: Linker<State>,
    pub(crate) contract: Contract,
    pub(crate) max_memory: usize,
    pub(crate) turns: Arc<Turns>,
    deterministic: bool,
    clock: Arc<AtomicU64>,
    /// The runners of scripts, by the hash of their files.
    runners: Mutex<BTreeMap<String, Component>>,
}

impl Engine {
    /// Reserves the address space of the pool; it takes no memory yet.
    pub fn new(options: EngineOptions) -> Result<Engine, EngineError> {
        Engine::of(options, CONTRACT, |_| Ok(()))
    }

    /// As [`Engine::new`], of a later contract that has one more `interface`, with a function `next: func(number: u32)
    /// -> u32`. For tests that plugins outlive the growth of the contract.
    #[doc(hidden)]
    pub fn grown(options: EngineOptions, contract: Contract, interface: &str) -> Result<Engine, EngineError> {
        Engine::of(options, contract, |linker| {
            let mut instance = linker.instance(&format!("jackfield:plugin/{interface}@{contract}"))?;
            instance.func_wrap("next", |_, (number,): (u32,)| Ok((number.wrapping_add(1),)))
        })
    }

    fn of(
        options: EngineOptions,
        contract: Contract,
        add: impl FnOnce(&mut Linker<State>) -> wasmtime::Result<()>,
    ) -> Result<Engine, EngineError> {
        let instances = options.max_instances.saturating_add(SPARE_INSTANCES);
        let reservation = u64::from(memories(instances)) * (MEMORY_RESERVATION + MEMORY_GUARD);
        check(&options, reservation)?;
        let failed = |error: wasmtime::Error| EngineError::Wasmtime(format!("{error:#}"), reservation >> 30);
        let wasmtime = wasmtime::Engine::new(&config(&options, instances)).map_err(failed)?;
        let mut linker = Linker::new(&wasmtime);
        api::add_to_linker(&mut linker).and_then(|()| add(&mut linker)).map_err(failed)?;
        let inner = Inner {
            wasmtime,
            linker,
            contract,
            max_memory: options.max_memory,
            turns: Arc::new(Turns::new(options.computing)),
            deterministic: options.deterministic,
            clock: Arc::default(),
            runners: Mutex::default(),
        };
        Ok(Engine { inner: Arc::new(inner) })
    }

    /// Makes a version of a plugin's files. This compiles and blocks: call it off the call path.
    pub fn load(&self, source: Source, cache: &dyn CompiledCache) -> Result<Arc<Version>, LoadError> {
        Version::load(self, source, cache)
    }

    /// Time goes on by one [`TICK`]. The driver calls this from a thread of its own.
    pub fn tick(&self) {
        self.inner.clock.fetch_add(1, Relaxed);
        self.inner.wasmtime.increment_epoch();
    }

    /// A runner is compiled, or taken from the cache, once for all its scripts.
    pub(crate) fn runner(
        &self,
        wasm: &[u8],
        sha256: &str,
        cache: &dyn CompiledCache,
    ) -> Result<Component, LoadError> {
        let mut runners = self.inner.runners.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runner) = runners.get(sha256) {
            return Ok(runner.clone());
        }
        let runner = component::compile(&self.inner.wasmtime, "the runner", wasm, sha256, cache)?;
        if runners.len() >= MAX_RUNNERS {
            runners.clear();
        }
        runners.insert(sha256.to_owned(), runner.clone());
        Ok(runner)
    }

    pub(crate) fn clock(&self) -> Arc<AtomicU64> {
        self.inner.clock.clone()
    }

    pub(crate) fn is_deterministic(&self) -> bool {
        self.inner.deterministic
    }

    /// A store whose guest yields to the executor at every tick.
    pub(crate) fn store(&self, state: State, meter: &Arc<Meter>) -> wasmtime::Result<Store<State>> {
        let mut store = Store::new(&self.inner.wasmtime, state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(component::MAX_LIFTED);
        if self.inner.deterministic {
            store.set_fuel(u64::MAX)?;
            store.fuel_async_yield_interval(Some(FUEL_PER_TICK))?;
        } else {
            let meter = meter.clone();
            store.set_epoch_deadline(1);
            store.epoch_deadline_callback(move |_| {
                meter.tick()?;
                Ok(wasmtime::UpdateDeadline::Yield(1))
            });
        }
        Ok(store)
    }
}

/// Says what to do where the system's limits are lower than the configured calls need.
fn check(options: &EngineOptions, reservation: u64) -> Result<(), EngineError> {
    let instances = options.max_instances;
    if reservation > ADDRESS_SPACE {
        let most = ADDRESS_SPACE / (MEMORY_RESERVATION + MEMORY_GUARD)
            - u64::from(SPARE_INSTANCES)
            - u64::from(SECOND_MEMORIES);
        let tebibytes = reservation.div_ceil(1 << 40);
        return Err(EngineError::TooManyInstances { instances, tebibytes, most: most as u32 });
    }
    // Two for each stack of the pool; four for the memory of each instance that stands: its shadow stack, its static
    // data, what lies behind them, and what it has not asked for yet; and the daemon's own.
    let needed = u64::from(instances) * 6 + 4096;
    match options.max_map_count {
        Some(have) if have < needed => {
            let suggested = needed.next_power_of_two().max(262_144);
            Err(EngineError::TooFewMappings { instances, needed, have, suggested })
        }
        _ => Ok(()),
    }
}

/// In the pool, for so many instances.
fn memories(instances: u32) -> u32 {
    instances.saturating_add(instances.min(SECOND_MEMORIES))
}

fn config(options: &EngineOptions, instances: u32) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(CORE_INSTANCES))
        .total_memories(memories(instances))
        .total_tables(instances.saturating_mul(TABLES))
        .total_stacks(instances)
        .max_memory_size(options.max_memory)
        .table_elements(TABLE_ELEMENTS)
        .max_unused_warm_slots(64);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .memory_reservation(MEMORY_RESERVATION)
        .memory_guard_size(MEMORY_GUARD)
        .memory_init_cow(true)
        .async_stack_size(STACK)
        .max_wasm_stack(GUEST_STACK)
        .epoch_interruption(!options.deterministic)
        .consume_fuel(options.deterministic)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable);
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_with_too_few_mappings_is_told_what_to_do() {
        let options =
            EngineOptions { max_instances: 20_000, max_map_count: Some(65_530), ..EngineOptions::default() };
        let error = Engine::new(options).err().expect("refused");
        assert!(error.to_string().contains("sysctl -w vm.max_map_count=262144"), "{error}");
    }

    #[test]
    fn more_instances_than_the_address_space_holds_are_refused() {
        let error = Engine::new(EngineOptions { max_instances: 40_000, ..EngineOptions::default() }).err();
        assert!(
            matches!(error, Some(EngineError::TooManyInstances { most: 25_000..32_000, .. })),
            "{error:?}"
        );
    }
}
