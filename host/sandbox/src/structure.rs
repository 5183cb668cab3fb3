//! How large and how nested a component may be, checked before anything is compiled.
//!
//! **Invariant:** one pass over the sections, which allocates nothing that grows with the file;
//! what is malformed is left to the validation that follows.
//!
//! Compiling takes time and memory that grow with these counts, some of them faster than the
//! file: a function's body is optimised as a whole, and a few bytes can instantiate a large
//! module again. The bounds are several times what the largest known languages need (Python
//! and JavaScript engines: about 20,000 functions in 10 MB of code).

use wasmparser::{Parser, Payload};
use zapjobs_model::port::LoadError;

use crate::text;

/// A count, and the most that it may be.
struct Bound {
    /// What is counted.
    what: &'static str,
    /// How many there may be.
    max: u64,
    count: fn(&Counts) -> u64,
}

#[derive(Debug, Default)]
struct Counts {
    functions: u64,
    function_bytes: u64,
    code_bytes: u64,
    types: u64,
    imports: u64,
    exports: u64,
    segments: u64,
    globals: u64,
    memories: u64,
    tables: u64,
    modules: u64,
    components: u64,
    instances: u64,
    depth: u64,
    name_bytes: u64,
}

/// Every bound: what it counts, how many, and why that many.
const BOUNDS: &[Bound] = &[
    // Each is a unit of work for the compiler, with tables and relocations of its own.
    Bound { what: "functions", max: 200_000, count: |counts| counts.functions },
    // Register allocation takes more than linear time; interpreters' main loops have 200 KB.
    Bound { what: "bytes in one function", max: 2 << 20, count: |counts| counts.function_bytes },
    // Machine code takes 3 to 5 times as much, and all of it is held at once.
    Bound { what: "bytes of code", max: 48 << 20, count: |counts| counts.code_bytes },
    // Types are compared with each other and kept for the whole engine.
    Bound { what: "types", max: 50_000, count: |counts| counts.types },
    // Each is looked up by name, and linked anew for every attempt.
    Bound { what: "imports", max: 20_000, count: |counts| counts.imports },
    // Dynamically linked languages export every symbol of their libraries.
    Bound { what: "exports", max: 100_000, count: |counts| counts.exports },
    // Each is copied into every fresh instance.
    Bound { what: "data and element segments", max: 100_000, count: |counts| counts.segments },
    // Each takes room in every instance; position-independent code has one for each symbol.
    Bound { what: "globals", max: 100_000, count: |counts| counts.globals },
    // The pool has 16 for each component; some modules are never instantiated.
    Bound { what: "memories", max: 64, count: |counts| counts.memories },
    // The pool has 32 for each component.
    Bound { what: "tables", max: 128, count: |counts| counts.tables },
    // Python is linked from about 30.
    Bound { what: "modules", max: 256, count: |counts| counts.modules },
    Bound { what: "nested components", max: 256, count: |counts| counts.components },
    // The pool has 32 core instances for each component; most others are bundles of exports.
    Bound { what: "instances", max: 2_000, count: |counts| counts.instances },
    // The validator and the compiler keep one state for each level.
    Bound { what: "levels of nesting", max: 16, count: |counts| counts.depth },
    // Names are kept, compared and shown in errors.
    Bound { what: "bytes in one name", max: 16 << 10, count: |counts| counts.name_bytes },
];

/// Refuses a component that exceeds a bound.
pub(crate) fn check(bytes: &[u8]) -> Result<(), LoadError> {
    let mut counts = Counts::default();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        // What is malformed, the validation names.
        let Ok(payload) = payload else { break };
        counts.add(&payload, &mut depth);
        if let Some(bound) = BOUNDS.iter().find(|bound| (bound.count)(&counts) > bound.max) {
            return Err(LoadError(format!(
                "this component has more than {} {}: split it, or leave out what it does not need",
                text::count(bound.max),
                bound.what
            )));
        }
    }
    Ok(())
}

impl Counts {
    fn add(&mut self, payload: &Payload<'_>, depth: &mut u64) {
        match payload {
            Payload::TypeSection(section) => self.types += u64::from(section.count()),
            Payload::CoreTypeSection(section) => self.types += u64::from(section.count()),
            Payload::ComponentTypeSection(section) => self.types += u64::from(section.count()),
            Payload::ImportSection(section) => {
                self.imports += u64::from(section.count());
                for import in section.clone().into_imports().map_while(Result::ok) {
                    self.name(import.module);
                    self.name(import.name);
                }
            }
            Payload::ComponentImportSection(section) => {
                self.imports += u64::from(section.count());
                for import in section.clone().into_iter().map_while(Result::ok) {
                    self.name(import.name.name);
                }
            }
            Payload::ExportSection(section) => {
                self.exports += u64::from(section.count());
                for export in section.clone().into_iter().map_while(Result::ok) {
                    self.name(export.name);
                }
            }
            Payload::ComponentExportSection(section) => {
                self.exports += u64::from(section.count());
                for export in section.clone().into_iter().map_while(Result::ok) {
                    self.name(export.name.name);
                }
            }
            Payload::FunctionSection(section) => self.functions += u64::from(section.count()),
            Payload::ComponentCanonicalSection(section) => {
                self.functions += u64::from(section.count());
            }
            Payload::CodeSectionEntry(body) => {
                let bytes = body.range().len() as u64;
                self.function_bytes = self.function_bytes.max(bytes);
                self.code_bytes += bytes;
            }
            Payload::DataSection(section) => self.segments += u64::from(section.count()),
            Payload::ElementSection(section) => self.segments += u64::from(section.count()),
            Payload::GlobalSection(section) => self.globals += u64::from(section.count()),
            Payload::MemorySection(section) => self.memories += u64::from(section.count()),
            Payload::TableSection(section) => self.tables += u64::from(section.count()),
            Payload::InstanceSection(section) => self.instances += u64::from(section.count()),
            Payload::ComponentInstanceSection(section) => {
                self.instances += u64::from(section.count());
            }
            Payload::ModuleSection { .. } => {
                self.modules += 1;
                self.enter(depth);
            }
            Payload::ComponentSection { .. } => {
                self.components += 1;
                self.enter(depth);
            }
            Payload::End(_) => *depth = depth.saturating_sub(1),
            _ => {}
        }
    }

    fn enter(&mut self, depth: &mut u64) {
        *depth += 1;
        self.depth = self.depth.max(*depth);
    }

    fn name(&mut self, name: &str) {
        self.name_bytes = self.name_bytes.max(name.len() as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(wat: &str) -> String {
        let bytes = wat::parse_str(wat).expect("WAT");
        check(&bytes).expect_err("a refusal").to_string()
    }

    fn module(items: &str) -> String {
        format!("(component (core module {items}))")
    }

    #[test]
    fn each_bound_is_named() {
        let memories = module(&"(memory 0)".repeat(65));
        let tables = module(&"(table 0 funcref)".repeat(129));
        let types: String = (0..50_001).map(|n| format!("(type $t{n} (func))")).collect();
        let nested = format!("{}{}", "(component ".repeat(18), ")".repeat(18));
        let components = format!("(component {})", "(component)".repeat(257));
        let modules = format!("(component {})", "(core module)".repeat(257));
        let instances = format!(
            "(component (core module $m) {})",
            "(core instance (instantiate $m))".repeat(2_001)
        );
        let body = module(&format!("(func {})", "nop ".repeat((2 << 20) + 1)));
        let functions = module(&"(func)".repeat(200_001));
        let globals = module(&"(global i32 (i32.const 0))".repeat(100_001));
        let segments = module(&"(data \"\")".repeat(100_001));
        let imports = module(&"(import \"a\" \"b\" (func))".repeat(20_001));
        let exports: String = (0..100_001).map(|n| format!("(export \"{n}\" (func 0))")).collect();
        let name = module(&format!("(import \"{}\" \"b\" (func))", "n".repeat(16_385)));
        for (wat, what) in [
            (memories, "64 memories"),
            (tables, "128 tables"),
            (module(&types), "50,000 types"),
            (nested, "16 levels of nesting"),
            (components, "256 nested components"),
            (modules, "256 modules"),
            (instances, "2,000 instances"),
            (body, "2,097,152 bytes in one function"),
            (functions, "200,000 functions"),
            (globals, "100,000 globals"),
            (segments, "100,000 data and element segments"),
            (imports, "20,000 imports"),
            (module(&format!("(func){exports}")), "100,000 exports"),
            (name, "16,384 bytes in one name"),
        ] {
            let expected = format!(
                "this component has more than {what}: split it, or leave out what it does not need"
            );
            assert_eq!(refusal(&wat), expected);
        }
    }

    #[test]
    fn all_code_counts_together() {
        let body = format!("(func {})", "nop ".repeat(2_000_000));
        let module = wat::parse_str(format!("(module {body})")).expect("WAT");
        let mut counts = Counts::default();
        for _ in 0..3 {
            let mut depth = 0;
            for payload in Parser::new(0).parse_all(&module) {
                counts.add(&payload.expect("sound"), &mut depth);
            }
        }
        assert_eq!((counts.functions, counts.code_bytes), (3, 3 * 2_000_002));
    }

    #[test]
    fn what_is_malformed_is_left_to_others() {
        assert!(check(b"\0asm\x0d\0\x01\0\xff\xff\xff").is_ok());
        assert!(check(b"").is_ok());
    }
}
