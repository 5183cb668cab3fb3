//! Markdown to HTML, with links rewritten and checked.
//!
//! **Invariant:** raw HTML reaches the page only where it was asked for; the text between
//! its tags stays.

use pulldown_cmark::{CowStr, Event, Parser, Tag, TagEnd, html};

use crate::link::{Images, Site};
use crate::page::{Page, options};

/// Characters of a broken link that are told, and of what is wrong with it.
const LINK_CHARS_MAX: usize = 300;

/// A page's HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// What stands between the page's `<main>` tags.
    pub html: String,
    /// Links that lead nowhere.
    pub broken: Vec<BrokenLink>,
    /// Images to copy.
    pub images: Images,
}

/// A link that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenLink {
    /// The line it begins on, from 1.
    pub line: usize,
    /// The link as written.
    pub link: String,
    /// What is wrong with it.
    pub problem: String,
}

/// What becomes of HTML in Markdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawHtml {
    /// It is left out.
    Drop,
    /// It stays, scripts included.
    Keep,
}

/// Renders a page of the site.
pub fn render(page: &Page, site: &Site<'_>, raw_html: RawHtml) -> Rendered {
    let text = &page.source.text;
    let line_ends = text.match_indices('\n').map(|(at, _)| at + 1);
    let line_starts: Vec<usize> = std::iter::once(0).chain(line_ends).collect();
    let mut headings = page.headings.iter();
    let mut anchor = "";
    let mut broken = Vec::new();
    let mut images = Images::new();
    let mut events = Vec::new();
    for (event, range) in Parser::new_ext(text, options()).into_offset_iter() {
        let mut follow = |link: CowStr<'_>| {
            let resolved = site.resolve(page, &link);
            images.extend(resolved.image);
            if let Some(problem) = resolved.problem {
                let problem = problem.chars().take(LINK_CHARS_MAX).collect();
                let line = line_starts.partition_point(|start| *start <= range.start);
                let link = link.chars().take(LINK_CHARS_MAX).collect();
                broken.push(BrokenLink { line, link, problem });
            }
            CowStr::from(resolved.href)
        };
        match event {
            Event::Html(_) | Event::InlineHtml(_) if raw_html == RawHtml::Drop => {}
            Event::Start(Tag::Heading { level, classes, attrs, .. }) => {
                anchor = headings.next().map_or("", |heading| &heading.anchor);
                let id = Some(CowStr::from(anchor));
                events.push(Event::Start(Tag::Heading { level, id, classes, attrs }));
            }
            Event::End(TagEnd::Heading(level)) => {
                // An anchor is letters, digits, `-` and `_`: nothing to escape.
                let link = format!(r##" <a class="anchor" href="#{anchor}">#</a>"##);
                events.push(Event::InlineHtml(link.into()));
                events.push(Event::End(TagEnd::Heading(level)));
            }
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                let mail = link_type == pulldown_cmark::LinkType::Email;
                let dest_url = if mail { dest_url } else { follow(dest_url) };
                events.push(Event::Start(Tag::Link { link_type, dest_url, title, id }));
            }
            Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
                let dest_url = follow(dest_url);
                events.push(Event::Start(Tag::Image { link_type, dest_url, title, id }));
            }
            event => events.push(event),
        }
    }
    let mut html = String::with_capacity(text.len() * 3 / 2);
    html::push_html(&mut html, events.into_iter());
    Rendered { html, broken, images }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::source::Source;

    fn rendered(text: &str, raw_html: RawHtml) -> Rendered {
        let page = Page::new(Source { path: "a.md".into(), text: text.into() });
        let pages = [page];
        let site = Site::new(Path::new("/nowhere"), &pages, None);
        render(&pages[0], &site, raw_html)
    }

    #[test]
    fn tables_footnotes_and_anchors_are_rendered() {
        let html =
            rendered("# Top\n\n|a|b|\n|-|-|\n|1|2|\n\nSee[^1].\n\n[^1]: Note.\n", RawHtml::Drop)
                .html;
        assert!(html.contains(r##"<h1 id="top">Top <a class="anchor" href="#top">#</a></h1>"##));
        assert!(html.contains("<td>1</td>") && html.contains("footnote-definition"), "{html}");
    }

    #[test]
    fn scripts_are_left_out_unless_asked_for() {
        let text = "<script>alert(1)</script>\n\nHi <img src=x onerror=alert(1)> there\n";
        let html = rendered(text, RawHtml::Drop).html;
        assert!(!html.contains("alert") && html.contains("Hi") && html.contains("there"), "{html}");
        assert!(rendered(text, RawHtml::Keep).html.contains("<script>"));
    }

    #[test]
    fn a_broken_link_is_located() {
        let broken = rendered("# A\n\nText\nand [b](b.md).\n", RawHtml::Drop).broken;
        assert_eq!(broken.len(), 1);
        assert_eq!((broken[0].line, broken[0].link.as_str()), (4, "b.md"));
    }
}
