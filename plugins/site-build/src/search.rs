//! The search index: a script, so that it also works from files without a server.
//!
//! **Invariant:** page texts go into the document as text, never as HTML.

use serde::Serialize;

use crate::page::Page;

/// Searches the index; made part of the index's file.
const SEARCH: &str = include_str!("search.js");

#[derive(Serialize)]
struct Entry<'a> {
    title: &'a str,
    url: &'a str,
    headings: Vec<&'a str>,
    text: &'a str,
}

/// The index of these pages as JSON.
///
/// # Errors
/// Never for texts, which are what it is made of.
pub fn index_json(pages: &[Page]) -> serde_json::Result<String> {
    let entries: Vec<_> = pages
        .iter()
        .map(|page| Entry {
            title: &page.title,
            url: &page.output,
            headings: page.headings.iter().map(|heading| heading.text.as_str()).collect(),
            text: &page.words,
        })
        .collect();
    serde_json::to_string(&entries)
}

/// The script that holds an index and searches it.
pub fn script(index_json: &str) -> String {
    format!("const pages = {index_json};\n{SEARCH}")
}
