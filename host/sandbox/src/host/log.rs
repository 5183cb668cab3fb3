//! `zapjobs:job/log`: what the job says while it runs.

use std::borrow::Cow;

use serde_json::value::RawValue;
use wasmtime::StoreContextMut;
use wasmtime::component::{LinkerInstance, WasmStr};
use zapjobs_model::{Json, LogLevel};

use super::State;
use crate::contract::{Field, Level};
use crate::text;

/// Fields of one line at most; further ones are left out and said.
const FIELDS_MAX: usize = 64;
/// Bytes of a field's name at most; the rest is cut.
const FIELD_NAME_BYTES_MAX: usize = 200;
/// The field that says how many were left out.
const LEFT_OUT: &str = "zapjobs.fields-left-out";

pub(super) fn add_to_linker(interface: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    interface.func_wrap("min-level", |store, ()| {
        Ok((to_guest(store.data().journal.lock().level_min()),))
    })?;
    interface.func_wrap("write", |store, line: Line| write(&store, line))
}

/// Level, category, message and fields of a line.
type Line = (Level, WasmStr, WasmStr, Vec<Field>);

fn write(
    store: &StoreContextMut<'_, State>,
    (level, category, message, fields): Line,
) -> wasmtime::Result<()> {
    let level = to_model(level);
    let mut journal = store.data().journal.lock();
    // Looked at first: what is not kept costs next to nothing.
    if !journal.takes(level) {
        return Ok(());
    }
    let category = category.to_str(store)?;
    let message = message.to_str(store)?;
    let fields = match fields.as_slice() {
        [] => None,
        some => Some(object(store, some, journal.line_bytes_max())?),
    };
    journal.write(level, &category, &message, fields);
    Ok(())
}

/// A JSON object of the fields that fit into `bytes_max`.
fn object(
    store: &StoreContextMut<'_, State>,
    fields: &[Field],
    bytes_max: usize,
) -> wasmtime::Result<Json> {
    let mut object = String::from("{");
    let mut kept = 0;
    for field in fields.iter().take(FIELDS_MAX) {
        let (name, value) = (field.name.to_str(store)?, field.value.to_str(store)?);
        if object.len() + name.len() + value.len() > bytes_max {
            break;
        }
        let name = Json::of(&text::name(&name, FIELD_NAME_BYTES_MAX))?;
        object.push_str(if kept == 0 { "" } else { "," });
        object.push_str(name.as_str());
        object.push(':');
        object.push_str(&as_json(&value)?);
        kept += 1;
    }
    if kept < fields.len() {
        let comma = if kept == 0 { "" } else { "," };
        object.push_str(&format!("{comma}\"{LEFT_OUT}\":{}", fields.len() - kept));
    }
    object.push('}');
    Ok(Json::trusted(object))
}

/// The value if it is JSON, else the text as a JSON string.
fn as_json(value: &str) -> wasmtime::Result<Cow<'_, str>> {
    match serde_json::from_str::<&RawValue>(value) {
        Ok(raw) => Ok(Cow::Borrowed(raw.get())),
        Err(_) => Ok(Cow::Owned(Json::of(&value)?.to_string())),
    }
}

const fn to_guest(level: LogLevel) -> Level {
    match level {
        LogLevel::Trace => Level::Trace,
        LogLevel::Debug => Level::Debug,
        LogLevel::Info => Level::Info,
        LogLevel::Warn => Level::Warn,
        LogLevel::Error => Level::Error,
    }
}

const fn to_model(level: Level) -> LogLevel {
    match level {
        Level::Trace => LogLevel::Trace,
        Level::Debug => LogLevel::Debug,
        Level::Info => LogLevel::Info,
        Level::Warn => LogLevel::Warn,
        Level::Error => LogLevel::Error,
    }
}
