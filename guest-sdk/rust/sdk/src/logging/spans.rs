//! The spans a thread is in. A line carries the fields of the spans around it.
//!
//! **Invariant.** A span's number is its place in the table plus one, and the place is free
//! again once nobody holds the span.

use std::cell::RefCell;

use tracing::span::Id;

use crate::host::Field;

/// Spans at a time whose fields are kept; those beyond have none.
const SPANS_MAX: usize = 10_000;

thread_local! {
    static SPANS: RefCell<Spans> = const { RefCell::new(Spans { table: Vec::new(), entered: Vec::new() }) };
}

struct Spans {
    table: Vec<Option<Span>>,
    entered: Vec<usize>,
}

struct Span {
    fields: Vec<Field>,
    holders: usize,
}

impl Spans {
    fn get(&mut self, id: &Id) -> Option<&mut Span> {
        self.table.get_mut(place(id))?.as_mut()
    }
}

fn place(id: &Id) -> usize {
    usize::try_from(id.into_u64() - 1).unwrap_or(SPANS_MAX)
}

/// The fields of all spans around, outermost first.
pub(crate) fn fields() -> Vec<Field> {
    SPANS.with_borrow(|spans| {
        let around = spans.entered.iter().filter_map(|&place| spans.table.get(place)?.as_ref());
        around.flat_map(|span| span.fields.iter().cloned()).collect()
    })
}

pub(crate) fn open(fields: Vec<Field>) -> Id {
    SPANS.with_borrow_mut(|spans| {
        let free = spans.table.iter().position(Option::is_none);
        let place = free.unwrap_or(spans.table.len());
        if place < SPANS_MAX {
            let span = Some(Span { fields, holders: 1 });
            match free {
                Some(place) => spans.table[place] = span,
                None => spans.table.push(span),
            }
        }
        Id::from_u64(place as u64 + 1)
    })
}

pub(crate) fn extend(id: &Id, fields: Vec<Field>) {
    SPANS.with_borrow_mut(|spans| {
        if let Some(span) = spans.get(id) {
            span.fields.extend(fields);
        }
    });
}

pub(crate) fn enter(id: &Id) {
    SPANS.with_borrow_mut(|spans| spans.entered.push(place(id)));
}

pub(crate) fn exit(id: &Id) {
    SPANS.with_borrow_mut(|spans| {
        if let Some(at) = spans.entered.iter().rposition(|&entered| entered == place(id)) {
            spans.entered.remove(at);
        }
    });
}

pub(crate) fn share(id: &Id) {
    SPANS.with_borrow_mut(|spans| {
        if let Some(span) = spans.get(id) {
            span.holders += 1;
        }
    });
}

/// Whether nobody holds the span any more.
pub(crate) fn close(id: &Id) -> bool {
    SPANS.with_borrow_mut(|spans| {
        let Some(span) = spans.get(id) else { return false };
        span.holders -= 1;
        let last = span.holders == 0;
        if last {
            spans.table[place(id)] = None;
        }
        last
    })
}
