//! Tables for people.

use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table};

use super::text::{Tone, plain};

/// Below this width, in columns, wrapping a table makes it unreadable.
const WRAPPED_WIDTH_MIN: u16 = 60;

/// A table without lines. Each cell has its text and, where it means something, a tone.
pub(crate) fn table(
    in_color: bool,
    header: &[&str],
    rows: impl IntoIterator<Item = Vec<(String, Option<Tone>)>>,
) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    if table.width().is_some_and(|width| width >= WRAPPED_WIDTH_MIN) {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    if in_color {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table.set_header(header.iter().map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
    for row in rows {
        table.add_row(row.into_iter().map(|(text, tone)| cell(&text, tone)));
    }
    table.trim_fmt()
}

fn cell(text: &str, tone: Option<Tone>) -> Cell {
    let cell = Cell::new(plain(text));
    match tone {
        None => cell,
        Some(Tone::Good) => cell.fg(Color::Green),
        Some(Tone::Bad) => cell.fg(Color::Red),
        Some(Tone::Warning) => cell.fg(Color::Yellow),
        Some(Tone::Quiet) => cell.add_attribute(Attribute::Dim),
        Some(Tone::Strong) => cell.add_attribute(Attribute::Bold),
    }
}
