//! The files of the dashboard, as they were built.

/// The folder of files whose names hold a hash of what is in them.
pub(crate) const HASHED: &str = "assets/";
const INDEX: &str = "index.html";

/// A file.
pub(crate) struct File {
    /// Where it is, without a slash before it.
    path: &'static str,
    /// What it is.
    pub(crate) kind: &'static str,
    /// A hash of what is in it, in quotes.
    pub(crate) etag: &'static str,
    /// What is in it.
    pub(crate) bytes: &'static [u8],
}

/// Every file, by its path.
static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

impl File {
    /// The file at a path.
    pub(crate) fn find(path: &str) -> Option<&'static Self> {
        FILES.iter().find(|file| file.path == path)
    }

    /// The page.
    pub(crate) fn index() -> &'static Self {
        Self::find(INDEX).expect("the page is built: a test looks for it")
    }

    /// How long browsers may keep it: a hashed name never means anything else, every other file
    /// is asked for again.
    pub(crate) fn caching(&self) -> &'static str {
        if self.path.starts_with(HASHED) {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        }
    }
}
