//! The site around a page: head, navigation by folder, search box.
//!
//! **Invariant:** every text that comes from a page is escaped here.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::link::{encode, to_top};
use crate::page::Page;

/// The style of all pages, light or dark as the reader's system is.
pub const STYLE: &str = include_str!("style.css");

/// What all pages share.
#[derive(Debug)]
pub struct Layout<'a> {
    /// The site's name.
    pub name: &'a str,
    /// Whether there is a `search.js`.
    pub has_search: bool,
    folders: BTreeMap<&'a str, Vec<&'a Page>>,
}

impl<'a> Layout<'a> {
    /// Of these pages: by folder, its README first, then by title.
    pub fn new(name: &'a str, pages: &'a [Page], has_search: bool) -> Self {
        let mut folders: BTreeMap<&str, Vec<&Page>> = BTreeMap::new();
        for page in pages {
            folders.entry(page.folder()).or_default().push(page);
        }
        for pages in folders.values_mut() {
            pages.sort_by_key(|page| (!page.output.ends_with("index.html"), &page.title));
        }
        Self { name, has_search, folders }
    }

    /// The whole document of a page.
    pub fn document(&self, page: &Page, body: &str) -> String {
        let top = to_top(page);
        let title = escape(&page.title);
        let name = escape(self.name);
        let navigation = self.navigation(page, &top);
        let (search, script) = match self.has_search {
            true => (
                "<input id=\"search\" type=\"search\" placeholder=\"Search\" aria-label=\"Search\">\
                 <ul id=\"results\"></ul>",
                format!("<script src=\"{top}search.js\" defer></script>\n"),
            ),
            false => ("", String::new()),
        };
        format!(
            "<!doctype html>\n<html lang=\"en\" data-top=\"{top}\">\n<head>\n\
             <meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title} - {name}</title>\n\
             <link rel=\"stylesheet\" href=\"{top}style.css\">\n{script}</head>\n<body>\n\
             <nav class=\"side\"><a class=\"name\" href=\"{top}index.html\">{name}</a>{search}\n\
             {navigation}</nav>\n<main>\n{body}</main>\n</body>\n</html>\n"
        )
    }

    fn navigation(&self, current: &Page, top: &str) -> String {
        let mut out = String::new();
        for (folder, pages) in &self.folders {
            if !folder.is_empty() {
                let _ = writeln!(out, "<h2>{}</h2>", escape(folder));
            }
            out.push_str("<ul>\n");
            for page in pages {
                let here =
                    if page.output == current.output { " aria-current=\"page\"" } else { "" };
                let (href, title) = (encode(&page.output), escape(&page.title));
                let _ = writeln!(out, "<li><a href=\"{top}{href}\"{here}>{title}</a></li>");
            }
            out.push_str("</ul>\n");
        }
        out
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn navigation_leads_from_any_depth_and_titles_are_escaped() {
        let page =
            |path: &str, text: &str| Page::new(Source { path: path.into(), text: text.into() });
        let pages = [page("README.md", "# A `<b>`"), page("docs/x/y.md", "# Y")];
        let layout = Layout::new("Site", &pages, false);
        let document = layout.document(&pages[1], "body");
        assert!(document.contains("<a href=\"../../index.html\">A &lt;b&gt;</a>"), "{document}");
        assert!(document.contains("<a href=\"../../docs/x/y.html\" aria-current=\"page\">Y</a>"));
        assert!(!document.contains("search.js"));
    }
}
