//! What is known of a page before it is rendered: its title, headings, and words.
//!
//! **Invariant:** headings come in the order in which [`crate::render`] meets them.

use std::collections::HashSet;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::slug::Slugs;
use crate::source::Source;

/// Bytes of a page's text that can be searched.
const WORDS_BYTES_MAX: usize = 8 << 10;

/// A page.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its Markdown file.
    pub source: Source,
    /// Its HTML file: `docs/README.md` is `docs/index.html`.
    pub output: String,
    /// Its first heading, else its file's name.
    pub title: String,
    /// Its headings.
    pub headings: Vec<Heading>,
    /// The beginning of its text, without markup.
    pub words: String,
}

/// A heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// 1 to 6.
    pub level: u8,
    /// Its text, without markup.
    pub text: String,
    /// What `#` links to it.
    pub anchor: String,
}

impl Page {
    /// Reads a Markdown file.
    pub fn new(source: Source) -> Self {
        let mut headings = Vec::new();
        let mut words = String::new();
        let mut slugs = Slugs::default();
        let mut open: Option<(HeadingLevel, String)> = None;
        for event in Parser::new_ext(&source.text, options()) {
            match event {
                Event::Start(Tag::Heading { level, .. }) => open = Some((level, String::new())),
                Event::End(TagEnd::Heading(_)) => {
                    if let Some((level, text)) = open.take() {
                        let anchor = slugs.next(&text);
                        headings.push(Heading { level: level as u8, text, anchor });
                    }
                }
                Event::Text(text) | Event::Code(text) => match &mut open {
                    Some((_, heading)) => heading.push_str(&text),
                    None if words.len() + text.len() < WORDS_BYTES_MAX => words.push_str(&text),
                    None => {}
                },
                Event::End(_) | Event::SoftBreak | Event::HardBreak if !words.ends_with(' ') => {
                    words.push(' ');
                }
                _ => {}
            }
        }
        let title = headings.iter().min_by_key(|heading| heading.level);
        let title = title.map_or_else(|| stem(&source.path), |heading| heading.text.clone());
        Self { output: output(&source.path), title, headings, words, source }
    }

    /// Its anchors.
    pub fn anchors(&self) -> HashSet<&str> {
        self.headings.iter().map(|heading| heading.anchor.as_str()).collect()
    }

    /// The folder it is in, empty for the top.
    pub fn folder(&self) -> &str {
        self.source.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

/// The Markdown that is understood beyond CommonMark.
pub fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_GFM
}

fn output(path: &str) -> String {
    let stem = path.strip_suffix(".md").unwrap_or(path);
    match stem.strip_suffix("README") {
        Some(folder) if folder.is_empty() || folder.ends_with('/') => format!("{folder}index.html"),
        _ => format!("{stem}.html"),
    }
}

fn stem(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".md").unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str, text: &str) -> Page {
        Page::new(Source { path: path.to_owned(), text: text.to_owned() })
    }

    #[test]
    fn a_page_knows_its_title_headings_and_words() {
        let page = page("docs/a.md", "# The `a` page\n\nSome *words*.\n\n## More\n\n## More\n");
        assert_eq!(page.title, "The a page");
        let anchors: Vec<_> = page.headings.iter().map(|one| one.anchor.as_str()).collect();
        assert_eq!(anchors, ["the-a-page", "more", "more-1"]);
        assert_eq!(page.words.split_whitespace().collect::<Vec<_>>(), ["Some", "words", "."]);
    }

    #[test]
    fn readmes_are_the_index_of_their_folder() {
        assert_eq!(page("README.md", "").output, "index.html");
        assert_eq!(page("docs/README.md", "").output, "docs/index.html");
        assert_eq!(page("docs/NOREADME.md", "").output, "docs/NOREADME.html");
        assert_eq!(page("docs/plain.md", "").title, "plain");
    }
}
