//! The job: input and output, progress, and the files that are written.
//!
//! **Invariant:** a broken link is a warning with its place, never the end of the build.

use std::fs;
use std::path::Path;

use zapjobs_sdk::prelude::*;

use crate::layout::{Layout, STYLE};
use crate::link::{Images, Site};
use crate::page::Page;
use crate::render::{RawHtml, render};
use crate::search;
use crate::source::sources;

/// Broken links that the output lists; all are counted.
const BROKEN_LISTED_MAX: usize = 500;
/// Bytes of an image that is copied.
const IMAGE_BYTES_MAX: u64 = 16 << 20;

/// What to build.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Input {
    /// The directory of the Markdown files.
    pub from: String,
    /// The directory for the site.
    pub to: String,
    /// Files and folders that become pages; those that are not there are left out.
    pub pages: Vec<String>,
    /// The site's name; the title of README.md where absent.
    pub name: Option<String>,
    /// Where links to files that are no pages lead, such as
    /// `https://host/org/repo/blob/main`. Without it they are reported as broken.
    #[schemars(regex(pattern = "^https?://"))]
    pub repository: Option<String>,
    /// Whether to add a search box with an index of all pages.
    pub search: bool,
    /// Whether HTML in Markdown stays, scripts included. Only for authors you trust.
    pub allow_html: bool,
}

impl Default for Input {
    fn default() -> Self {
        let pages = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs"];
        Self {
            from: "/in".into(),
            to: "/out".into(),
            pages: pages.map(str::to_owned).to_vec(),
            name: None,
            repository: None,
            search: true,
            allow_html: false,
        }
    }
}

/// What came of it.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Output {
    /// Pages that were written.
    pub pages: u64,
    /// Images that were copied.
    pub images: u64,
    /// Bytes of all files that were written.
    pub bytes: u64,
    /// Links that lead nowhere.
    pub broken_links: u64,
    /// The first 500 of them.
    pub broken: Vec<Broken>,
}

/// A link that leads nowhere.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Broken {
    /// The file it is in.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// The link as written.
    pub link: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Builds a static site from Markdown files: navigation, anchors, search, light and dark
/// style. Links between files become links between pages; broken ones are reported.
#[job(name = "Build a site", default_input = "{}", tags = ["example"], timeout = "5m")]
pub fn site_build(input: Input) -> Result<Output, JobError> {
    let pages = read_pages(&input)?;
    let name = input.name.as_deref().unwrap_or_else(|| name_of(&pages));
    let root = Path::new(&input.from);
    let site = Site::new(root, &pages, input.repository.as_deref());
    let layout = Layout::new(name, &pages, input.search);
    let raw_html = if input.allow_html { RawHtml::Keep } else { RawHtml::Drop };

    let mut build = Build { to: Path::new(&input.to), output: Output::default() };
    let mut images = Images::new();
    let mut pages_with_broken = 0;
    for (index, page) in pages.iter().enumerate() {
        check_cancelled()?;
        progress(index as u64, pages.len() as u64, &page.source.path);
        let rendered = render(page, &site, raw_html);
        build.write(&page.output, layout.document(page, &rendered.html).as_bytes())?;
        build.output.pages += 1;
        images.extend(rendered.images);
        pages_with_broken += u64::from(!rendered.broken.is_empty());
        for broken in rendered.broken {
            build.report(&page.source.path, broken);
        }
        let done = index as u64 + 1;
        count_items(done, done - pages_with_broken, pages_with_broken);
    }
    build.write("style.css", STYLE.as_bytes())?;
    if input.search {
        let index = search::index_json(&pages)?;
        build.write("search.json", index.as_bytes())?;
        build.write("search.js", search::script(&index).as_bytes())?;
    }
    build.copy(root, &images)?;
    progress(pages.len() as u64, pages.len() as u64, "done");
    info!(pages = build.output.pages, broken_links = build.output.broken_links, "site built");
    Ok(build.output)
}

fn read_pages(input: &Input) -> Result<Vec<Page>, JobError> {
    let sources = sources(Path::new(&input.from), &input.pages).map_err(|error| {
        let message = format!("cannot read pages in {}: {error}", input.from);
        JobError::permanent(message).with_type("unreadable-input")
    })?;
    if sources.is_empty() {
        let message = format!("none of {} is in {}", input.pages.join(", "), input.from);
        return Err(JobError::permanent(message).with_type("no-pages"));
    }
    Ok(sources.into_iter().map(Page::new).collect())
}

fn name_of(pages: &[Page]) -> &str {
    let index = pages.iter().find(|page| page.output == "index.html");
    index.map_or("Documentation", |page| &page.title)
}

struct Build<'a> {
    to: &'a Path,
    output: Output,
}

impl Build<'_> {
    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), JobError> {
        let at = self.to.join(path);
        let folder = at.parent().filter(|folder| !folder.is_dir());
        folder.map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&at, bytes)).map_err(
            |error| {
                JobError::retry(format!("cannot write {}: {error}", at.display()))
                    .with_type("unwritable-output")
            },
        )?;
        self.output.bytes += bytes.len() as u64;
        Ok(())
    }

    fn report(&mut self, file: &str, broken: crate::render::BrokenLink) {
        warn!(file, line = broken.line, link = broken.link, "broken link: {}", broken.problem);
        self.output.broken_links += 1;
        if self.output.broken.len() < BROKEN_LISTED_MAX {
            let crate::render::BrokenLink { line, link, problem } = broken;
            self.output.broken.push(Broken { file: file.to_owned(), line, link, problem });
        }
    }

    fn copy(&mut self, root: &Path, images: &Images) -> Result<(), JobError> {
        for image in images {
            check_cancelled()?;
            let bytes = fs::metadata(root.join(image))?.len();
            if bytes > IMAGE_BYTES_MAX {
                warn!(image, bytes, "not copied: larger than {IMAGE_BYTES_MAX} bytes");
                continue;
            }
            self.write(image, &fs::read(root.join(image))?)?;
            self.output.images += 1;
        }
        Ok(())
    }
}
