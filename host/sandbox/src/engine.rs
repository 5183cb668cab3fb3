//! The machine that compiles and runs guests: one for the process.
//!
//! **Invariant:** every guest runs in a slot of the pool, under epoch interruption; nothing
//! here depends on a component.
//!
//! The settings that matter for speed (they bring a no-op run from 27 us to 8 us): slots keep
//! their pages between runs and a kernel call finds the dirty ones, and the engine's support
//! for concurrent components is off.

use std::num::NonZeroUsize;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
    WasmBacktraceDetails,
};

use crate::options::{ErrorKind, SandboxError, SandboxOptions};

/// Core instances in one component at most. Python needs 16.
const CORE_INSTANCES_PER_COMPONENT_MAX: u32 = 32;
/// Linear memories in one component at most.
const MEMORIES_PER_COMPONENT_MAX: u32 = 16;
/// Tables in one component at most.
const TABLES_PER_COMPONENT_MAX: u32 = 32;
/// Elements in one table at most. Debug builds of large languages need about 10,000.
const TABLE_ELEMENTS_MAX: usize = 20_000;
/// Instances beyond `instances_max`, for plugins that are asked to describe themselves.
const INSTANCES_SPARE: u32 = 4;
/// Bytes that a slot's memory keeps between runs, where dirty pages can be found quickly.
const MEMORY_BYTES_KEPT: usize = 4 << 20;
/// Bytes that a slot's table keeps between runs, likewise.
const TABLE_BYTES_KEPT: usize = 1 << 20;
/// Bytes of a guest's stack. Host functions have the rest of the fiber's 2 MiB.
const STACK_BYTES_MAX: usize = 512 << 10;
/// Frames of a backtrace at most.
pub(crate) const BACKTRACE_FRAMES_MAX: usize = 32;

/// Makes the engine, with the quickest way to clean slots that this kernel has.
pub(crate) fn new(options: &SandboxOptions) -> Result<Engine, SandboxError> {
    if let Ok(engine) = Engine::new(&config(options, Enabled::Yes)) {
        return Ok(engine);
    }
    // Linux before 6.7 and other systems: dropping the pages beats writing over all of them.
    let engine = Engine::new(&config(options, Enabled::No)).map_err(|error| {
        SandboxError::new(
            ErrorKind::Engine,
            format!(
                "{error:#}: lower instances_max ({}) or raise the limits on this process's \
                 address space and memory maps (vm.max_map_count)",
                options.instances_max
            ),
        )
    })?;
    tracing::info!("this kernel cannot find dirty pages (Linux 6.7 can): runs take longer");
    Ok(engine)
}

/// An engine that compiles the same code, and reserves nothing to run it in.
pub(crate) fn for_compiling() -> wasmtime::Result<Engine> {
    Engine::new(&compiling())
}

fn config(options: &SandboxOptions, pagemap_scan: Enabled) -> Config {
    let mut config = compiling();
    let pool = pool(options, pagemap_scan);
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .coredump_on_trap(options.core_dump_dir.is_some());
    config
}

/// What decides which code is made: all that is not the pool's.
fn compiling() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .concurrency_support(false)
        .max_wasm_stack(STACK_BYTES_MAX)
        .wasm_backtrace_max_frames(NonZeroUsize::new(BACKTRACE_FRAMES_MAX))
        // A hostile component's debug information would be parsed outside every limit.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        // What the limits cannot see is off: shared memories and the collector's heap.
        .wasm_threads(false)
        .shared_memory(false)
        .wasm_function_references(false)
        .wasm_gc(false)
        .wasm_exceptions(false)
        .wasm_memory64(false);
    config
}

fn pool(options: &SandboxOptions, pagemap_scan: Enabled) -> PoolingAllocationConfig {
    let instances = options.instances_max + INSTANCES_SPARE;
    let memory_bytes_max = usize::try_from(options.memory_bytes_max).unwrap_or(usize::MAX);
    let keeps = matches!(pagemap_scan, Enabled::Yes);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_stacks(instances)
        .total_core_instances(instances.saturating_mul(8))
        .total_memories(instances.saturating_mul(2))
        .total_tables(instances.saturating_mul(4))
        .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT_MAX)
        .max_memories_per_component(MEMORIES_PER_COMPONENT_MAX)
        .max_tables_per_component(TABLES_PER_COMPONENT_MAX)
        .max_memories_per_module(MEMORIES_PER_COMPONENT_MAX)
        .max_tables_per_module(TABLES_PER_COMPONENT_MAX)
        .table_elements(TABLE_ELEMENTS_MAX)
        .max_memory_size(memory_bytes_max)
        .linear_memory_keep_resident(if keeps { MEMORY_BYTES_KEPT } else { 0 })
        .table_keep_resident(if keeps { TABLE_BYTES_KEPT } else { 0 })
        .pagemap_scan(pagemap_scan);
    pool
}

#[cfg(test)]
mod tests {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};

    use super::*;

    #[test]
    fn code_compiled_without_a_pool_fits_the_pool() {
        let hash = |engine: &Engine| {
            let mut hasher = DefaultHasher::new();
            engine.precompile_compatibility_hash().hash(&mut hasher);
            hasher.finish()
        };
        let options = SandboxOptions { instances_max: 1, ..SandboxOptions::default() };
        let dumping = SandboxOptions { core_dump_dir: Some("/tmp".into()), ..options.clone() };
        let compiling = hash(&for_compiling().expect("an engine"));
        assert_eq!(compiling, hash(&new(&options).expect("an engine")));
        assert_eq!(compiling, hash(&new(&dumping).expect("an engine")));
    }
}
