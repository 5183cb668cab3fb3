//! The fields of a `tracing` event as JSON.

use std::error::Error;
use std::fmt;

use serde_json::Value;
use tracing::field::{Field, Visit};

/// What an event says: its message, and its other fields in their order.
#[derive(Default)]
pub(crate) struct Fields {
    pub(crate) message: String,
    pub(crate) list: Vec<crate::host::Field>,
}

impl Fields {
    fn push(&mut self, field: &Field, value: &Value) {
        let (name, value) = (field.name().to_owned(), value.to_string());
        self.list.push(crate::host::Field { name, value });
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = text;
        } else {
            self.push(field, &text.into());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.push(field, &value.into());
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.push(field, &value.to_string().into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, &value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, &value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, &value.into());
    }

    // JSON knows neither infinity nor NaN: they become null.
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field, &value.into());
    }
}
