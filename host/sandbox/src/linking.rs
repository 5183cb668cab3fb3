//! Checks what a component wants and offers against what this host has, and links it.
//!
//! **Invariant:** an import of this project's packages that the host does not know is an
//! error; any other unknown import becomes a trap, so that a component that never calls it
//! still loads.

use std::collections::BTreeSet;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{
    Component, ComponentExportIndex, ComponentNamedList, InstancePre, Lift, Linker, Lower,
    ResourceType,
};
use zapjobs_model::port::{LoadError, PluginSource};

use crate::contract::{DescribeResult, IMPORTS, JOBS, PACKAGE, RunParams, RunResult, VERSION};
use crate::host::{State, children, http, settings, wasi};
use crate::inspect::{Import, Inspection, split_version};
use crate::text;

/// A component with all its imports, ready to be instantiated.
pub(crate) struct Linked {
    pub(crate) pre: InstancePre<State>,
    pub(crate) describe: ComponentExportIndex,
    pub(crate) run: ComponentExportIndex,
    /// The interfaces that it imports, without versions.
    pub(crate) imports: Vec<String>,
}

/// The name under which the component exports its jobs. Refuses components of other worlds
/// and versions, before any time is spent on compiling them.
pub(crate) fn check(inspection: &Inspection) -> Result<&str, LoadError> {
    for import in &inspection.imports {
        check_import(&import.name)?;
    }
    let offers_jobs = |name: &&String| split_version(name).0 == JOBS;
    let Some(jobs) = inspection.exports.iter().find(offers_jobs) else {
        let offers = match inspection.exports.as_slice() {
            [] => "nothing".to_owned(),
            some => some.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", "),
        };
        return Err(LoadError(format!(
            "this component does not export {JOBS}@{VERSION}.x: it exports {offers}: build a job \
             with the ZapJobs SDK"
        )));
    };
    check_version(jobs, "exports")?;
    Ok(jobs)
}

/// Refuses a component that wants what its operator does not grant. Only HTTP is looked at:
/// standard libraries import files, sockets and the environment whether a program uses them or
/// not, and there a call finds nothing, or fails.
pub(crate) fn check_grants(
    inspection: &Inspection,
    source: &PluginSource,
) -> Result<(), LoadError> {
    check_enqueue(inspection, source)?;
    let sends = |import: &Import| split_version(&import.name).0 == http::OUTGOING;
    let Some(import) = inspection.imports.iter().find(|import| sends(import)) else {
        return Ok(());
    };
    if source.grants.http.is_some() {
        return Ok(());
    }
    Err(LoadError(format!(
        "this component imports {}, and its manifest grants no hosts: add to {}.toml, for each \
         host that it may send requests to, the lines `[[http]]`, `host = \"api.example.com\"`; or \
         the line `http = []` if it works without",
        import.name, source.name
    )))
}

/// Refuses a component that wants to enqueue runs where its manifest says nothing of that.
fn check_enqueue(inspection: &Inspection, source: &PluginSource) -> Result<(), LoadError> {
    let enqueues = |import: &Import| split_version(&import.name).0 == children::INTERFACE;
    let Some(import) = inspection.imports.iter().find(|import| enqueues(import)) else {
        return Ok(());
    };
    if source.grants.enqueue.is_some() {
        return Ok(());
    }
    Err(LoadError(format!(
        "this component imports {}, and its manifest does not say which jobs it may enqueue: add \
         to {}.toml the lines `[enqueue]`, `jobs = [\"resize\", \"report-*\"]`, with the jobs that \
         are meant; or `jobs = []` if it works without",
        import.name, source.name
    )))
}

fn check_import(name: &str) -> Result<(), LoadError> {
    let (interface, _) = split_version(name);
    let (package, own_name) = interface.split_once('/').unwrap_or((interface, ""));
    if !package.starts_with("zapjobs:") {
        return Ok(());
    }
    let known = package == PACKAGE && IMPORTS.iter().any(|(known, _)| *known == own_name);
    if known {
        return check_version(name, "imports");
    }
    Err(LoadError(format!(
        "this component imports {name}, which this host does not know: update the host, or \
         rebuild the component with an older SDK"
    )))
}

fn check_version(name: &str, verb: &str) -> Result<(), LoadError> {
    let version = split_version(name).1.unwrap_or("");
    let fits = version == VERSION
        || version.strip_prefix(VERSION).is_some_and(|patch| patch.starts_with('.'));
    if fits {
        return Ok(());
    }
    Err(LoadError(format!(
        "this component {verb} {name}, and this host knows version {VERSION}.x: rebuild it with \
         an SDK of that version, or use a host that knows this one"
    )))
}

/// Links a compiled component; `jobs` is what [`check`] answered.
pub(crate) fn link(
    linker: &Linker<State>,
    component: &Component,
    inspection: &Inspection,
    jobs: &str,
) -> Result<Linked, LoadError> {
    let mut linker = linker.clone();
    trap_unknown(&mut linker, component)?;
    let pre = linker.instantiate_pre(component).map_err(|error| {
        LoadError(format!(
            "this component does not fit this host: {}: rebuild it with a matching SDK",
            text::name(&format!("{error:#}"), 500)
        ))
    })?;
    let describe = export::<(), DescribeResult>(component, jobs, "describe")?;
    let run = export::<RunParams<'_>, RunResult>(component, jobs, "run")?;
    Ok(Linked { pre, describe, run, imports: imported(inspection) })
}

fn imported(inspection: &Inspection) -> Vec<String> {
    let interface = |import: &Import| split_version(&import.name).0.to_owned();
    let interfaces: BTreeSet<String> = inspection.imports.iter().map(interface).collect();
    interfaces.into_iter().collect()
}

/// Finds a function of the exported jobs, and checks its type.
fn export<P, R>(
    component: &Component,
    jobs: &str,
    name: &str,
) -> Result<ComponentExportIndex, LoadError>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    let refused = |problem: String| {
        LoadError(format!(
            "this component exports {jobs} {problem}: rebuild it with a matching SDK"
        ))
    };
    let found = component
        .get_export_index(None, jobs)
        .and_then(|instance| component.get_export(Some(&instance), name));
    let Some((ComponentItem::ComponentFunc(function), index)) = found else {
        return Err(refused(format!("without the function `{name}`")));
    };
    let ty = component.component_type();
    function.typecheck::<P, R>(&ty.instance_type()).map_err(|error| {
        refused(format!("with another type of `{name}` ({})", text::name(&error.to_string(), 300)))
    })?;
    Ok(index)
}

/// Defines every import that the host does not have as a trap. (Wasmtime's own way to do so
/// also hides interfaces that the host has in another patch version.)
fn trap_unknown(linker: &mut Linker<State>, component: &Component) -> Result<(), LoadError> {
    let engine = component.engine().clone();
    let failed = |name: &str, error: wasmtime::Error| {
        LoadError(format!("this component imports {name}, which cannot be linked: {error}"))
    };
    for (name, import) in component.component_type().imports(&engine) {
        if is_provided(name) {
            check_functions(name, &import.ty, &engine)?;
            continue;
        }
        match import.ty {
            ComponentItem::ComponentFunc(_) => {
                trap(&mut linker.root(), name, name).map_err(|e| failed(name, e))?;
            }
            ComponentItem::ComponentInstance(instance) => {
                let mut linked = linker.instance(name).map_err(|error| failed(name, error))?;
                for (item_name, item) in instance.exports(&engine) {
                    match item.ty {
                        ComponentItem::ComponentFunc(_) => {
                            trap(&mut linked, item_name, &format!("{name}#{item_name}"))
                        }
                        ComponentItem::Resource(_) => {
                            let unknown = ResourceType::host::<Unknown>();
                            linked.resource(item_name, unknown, |_, _| Ok(()))
                        }
                        _ => Ok(()),
                    }
                    .map_err(|error| failed(name, error))?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// A resource that no one can make, because every function that would is a trap.
struct Unknown;

fn trap(
    instance: &mut wasmtime::component::LinkerInstance<'_, State>,
    name: &str,
    full_name: &str,
) -> wasmtime::Result<()> {
    let full_name = text::name(full_name, 200);
    instance.func_new(name, move |_, _, _, _| {
        Err(wasmtime::format_err!("called {full_name}, which this host does not provide"))
    })
}

fn is_provided(name: &str) -> bool {
    let (interface, version) = split_version(name);
    if interface == settings::STORE {
        return version == Some(settings::VERSION);
    }
    let wasi = version.is_some_and(|version| version.starts_with("0.2."));
    interface.starts_with("zapjobs:") || (wasi && wasi::PROVIDED.contains(&interface))
}

/// Refuses functions that a later version of this project's interfaces may have.
fn check_functions(
    name: &str,
    item: &ComponentItem,
    engine: &wasmtime::Engine,
) -> Result<(), LoadError> {
    let (interface, _) = split_version(name);
    let own_name = interface.strip_prefix(PACKAGE).and_then(|rest| rest.strip_prefix('/'));
    let known = IMPORTS.iter().find(|(known, _)| Some(*known) == own_name);
    let (Some((_, functions)), ComponentItem::ComponentInstance(instance)) = (known, item) else {
        return Ok(());
    };
    for (function, item) in instance.exports(engine) {
        let is_function = matches!(item.ty, ComponentItem::ComponentFunc(_));
        if is_function && !functions.contains(&function) {
            return Err(LoadError(format!(
                "this component imports {name}#{function}, which this host does not know: update \
                 the host, or rebuild the component with an older SDK"
            )));
        }
    }
    Ok(())
}
