//! Where a link leads.
//!
//! **Invariant:** only the web, mail, and files of the input's folder are led to; a link
//! to anything else (`javascript:`, `../../etc`) becomes `#` and is reported.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use crate::page::Page;
use crate::source::normalize;

/// Files that are copied where a page shows or links them.
const IMAGE_EXTENSIONS: [&str; 7] = ["png", "jpg", "jpeg", "gif", "webp", "avif", "svg"];

/// All pages, to look links up in.
#[derive(Debug)]
pub struct Site<'a> {
    root: &'a Path,
    pages: BTreeMap<&'a str, (&'a Page, HashSet<&'a str>)>,
    /// The address of a repository's files, such as `https://host/org/repo/blob/main`.
    repository: Option<&'a str>,
}

/// A link, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// What to write.
    pub href: String,
    /// What is wrong with it, if anything.
    pub problem: Option<String>,
    /// The image to copy, by its path in the input's folder.
    pub image: Option<String>,
}

impl<'a> Site<'a> {
    /// Of these pages, in this folder.
    pub fn new(root: &'a Path, pages: &'a [Page], repository: Option<&'a str>) -> Self {
        let pages = pages.iter().map(|page| (&*page.source.path, (page, page.anchors()))).collect();
        Self { root, pages, repository }
    }

    /// Where `link` leads from `page`.
    pub fn resolve(&self, page: &Page, link: &str) -> Resolved {
        if let Some(scheme) = scheme(link) {
            return match scheme.to_ascii_lowercase().as_str() {
                "http" | "https" | "mailto" => fine(link.to_owned()),
                _ => broken(format!("links of the kind {scheme}: are not allowed")),
            };
        }
        if link.starts_with("//") {
            return fine(link.to_owned());
        }
        let (path, anchor) = link.split_once('#').map_or((link, None), |(p, a)| (p, Some(a)));
        let path = path.split('?').next().unwrap_or(path);
        let Some(path) = self.path_of(page, &decode(path)) else {
            return broken("leads out of the site".to_owned());
        };
        match self.page_at(&path) {
            Some((target, anchors)) => to_page(page, target, anchors, anchor),
            None => self.to_file(page, &path, anchor),
        }
    }

    fn path_of(&self, page: &Page, path: &str) -> Option<String> {
        match path.strip_prefix('/') {
            _ if path.is_empty() => Some(page.source.path.clone()),
            Some(from_root) => normalize(from_root),
            None => normalize(&format!("{}/{path}", page.folder())),
        }
    }

    fn page_at(&self, path: &str) -> Option<&(&'a Page, HashSet<&'a str>)> {
        let readme = if path.is_empty() { "README.md".into() } else { format!("{path}/README.md") };
        self.pages.get(path).or_else(|| self.pages.get(readme.as_str()))
    }

    /// A file that is no page: copied if it is an image, else shown in the repository.
    fn to_file(&self, page: &Page, path: &str, anchor: Option<&str>) -> Resolved {
        let at = self.root.join(path);
        let extension = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        let anchor = anchor.map(|anchor| format!("#{anchor}")).unwrap_or_default();
        if !at.exists() {
            return broken(format!("there is no {path}"));
        }
        if at.is_file() && IMAGE_EXTENSIONS.contains(&extension.as_str()) {
            let href = format!("{}{}", to_top(page), encode(path));
            return Resolved { image: Some(path.to_owned()), ..fine(href) };
        }
        match self.repository {
            Some(repository) => {
                fine(format!("{}/{}{anchor}", repository.trim_end_matches('/'), encode(path)))
            }
            None => broken(format!("{path} is there, but is no page of the site")),
        }
    }
}

/// Every image that is to be copied, once.
pub type Images = BTreeSet<String>;

/// `../` for each folder that a page is in.
pub fn to_top(page: &Page) -> String {
    "../".repeat(page.output.matches('/').count())
}

fn to_page(from: &Page, to: &Page, anchors: &HashSet<&str>, anchor: Option<&str>) -> Resolved {
    let file = match from.output == to.output {
        true => String::new(),
        false => format!("{}{}", to_top(from), encode(&to.output)),
    };
    let Some(anchor) = anchor.filter(|anchor| !anchor.is_empty()) else {
        return fine(if file.is_empty() { "#".to_owned() } else { file });
    };
    let known = anchors.contains(decode(anchor).as_str());
    let problem = (!known).then(|| format!("{} has no heading #{anchor}", to.source.path));
    Resolved { problem, ..fine(format!("{file}#{anchor}")) }
}

fn fine(href: String) -> Resolved {
    Resolved { href, problem: None, image: None }
}

fn broken(problem: String) -> Resolved {
    Resolved { href: "#".to_owned(), problem: Some(problem), image: None }
}

fn scheme(link: &str) -> Option<&str> {
    let (scheme, _) = link.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    // Browsers skip control characters and spaces in front of a scheme and within.
    let is_disguised = scheme.bytes().any(|b| b <= b' ') && !scheme.contains('/');
    (is_scheme || is_disguised).then_some(scheme)
}

/// `%20` becomes a space; what is no UTF-8 stays as it was written.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let decoded = hex.filter(|hex| byte == b'%' && hex.bytes().all(|b| b.is_ascii_hexdigit()));
        match decoded.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(value) => (rest, _) = (&after[2..], bytes.push(value)),
            None => (rest, _) = (after, bytes.push(byte)),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// Escapes what a path may hold and a link may not.
pub fn encode(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                text.push(char::from(byte));
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn page(path: &str, text: &str) -> Page {
        Page::new(Source { path: path.to_owned(), text: text.to_owned() })
    }

    fn resolved(link: &str) -> Resolved {
        let root = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir(root.path().join("docs")).expect("it is made");
        for name in ["docs/a b.png", "Cargo.toml"] {
            std::fs::write(root.path().join(name), "").expect("it is written");
        }
        let pages = [page("README.md", "# Top"), page("docs/guide.md", "# Guide\n## Use")];
        Site::new(root.path(), &pages, None).resolve(&pages[1], link)
    }

    #[test]
    fn links_between_pages_lead_to_html() {
        assert_eq!(resolved("../README.md").href, "../index.html");
        assert_eq!(resolved("/README.md#top").href, "../index.html#top");
        assert_eq!(resolved("#use"), fine("#use".into()));
        assert_eq!(resolved("..").href, "../index.html");
        assert_eq!(resolved("https://example.com/a.md").href, "https://example.com/a.md");
    }

    #[test]
    fn images_are_copied_and_other_files_are_not() {
        let image = resolved("a%20b.png");
        assert_eq!(
            (image.href.as_str(), image.image.as_deref()),
            ("../docs/a%20b.png", Some("docs/a b.png"))
        );
        assert!(resolved("../Cargo.toml").problem.is_some());
    }

    #[test]
    fn broken_and_dangerous_links_are_told_and_lead_nowhere() {
        for link in [
            "nope.md",
            "../../etc/passwd",
            "javascript:alert(1)",
            "JavaScript:x",
            "data:text/html,x",
            "java\nscript:alert(1)",
            " javascript:alert(1)",
        ] {
            let resolved = resolved(link);
            assert!(resolved.problem.is_some() && resolved.href == "#", "{link}: {resolved:?}");
        }
        assert!(resolved("../README.md#nope").problem.is_some());
    }
}
