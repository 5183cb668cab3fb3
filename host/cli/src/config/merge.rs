//! Which source of a setting wins: the file, then the environment, then flags.

use std::fmt;
use std::path::PathBuf;

use super::{Config, DEFAULT_FILE, SETTINGS, Setting, file};
use crate::errors::{Done, Failure};

/// Where a setting's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Default,
    File { path: PathBuf, line: usize },
    Environment(String),
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{} line {line}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// What may set settings.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// The file; [`DEFAULT_FILE`] where absent and there.
    pub(crate) file: Option<PathBuf>,
    /// Whether the file is left alone: it is about to be written.
    pub(crate) is_file_unread: bool,
    /// Flags that stand for a setting: its key, the flag, the text.
    pub(crate) flags: Vec<(&'static str, String, String)>,
    /// `KEY=VALUE`, as `--set` has it.
    pub(crate) set: Vec<String>,
}

/// The configuration, and where each value of it comes from.
#[derive(Debug)]
pub(crate) struct Effective {
    pub(crate) config: Config,
    /// In the order of [`SETTINGS`].
    pub(crate) sources: Vec<Source>,
    /// The file that was named, whether or not it was read.
    pub(crate) file: Option<PathBuf>,
}

impl Default for Effective {
    fn default() -> Self {
        let sources = vec![Source::Default; SETTINGS.len()];
        Self { config: Config::default(), sources, file: None }
    }
}

/// Merges all sources.
pub(crate) fn load(
    sources: &Sources,
    environment: impl Fn(&str) -> Option<String>,
) -> Done<Effective> {
    let mut effective = Effective { file: sources.file.clone(), ..Effective::default() };
    if let Some(path) = file_to_read(sources) {
        for entry in file::read(&path)? {
            let source = Source::File { path: path.clone(), line: entry.line };
            effective.set(entry.setting, &entry.text, source)?;
        }
    }
    for setting in SETTINGS {
        let name = setting.env();
        if let Some(text) = environment(&name) {
            effective.set(setting, &text, Source::Environment(name))?;
        }
    }
    for pair in &sources.set {
        let (key, text) = pair.split_once('=').ok_or_else(|| {
            Failure::usage(format!("--set {pair}: use KEY=VALUE, such as limits.cpu=10s"))
        })?;
        let setting = Setting::find(key.trim())
            .ok_or_else(|| Failure::usage(format!("--set: {}", file::unknown(key.trim()))))?;
        effective.set(setting, text.trim(), Source::Flag("--set".to_owned()))?;
    }
    for (key, flag, text) in &sources.flags {
        let setting = Setting::find(key).expect("flags name settings; a test holds it");
        effective.set(setting, text, Source::Flag(flag.clone()))?;
    }
    Ok(effective)
}

impl Effective {
    /// Sets one, as this source says.
    pub(crate) fn set(&mut self, setting: &'static Setting, text: &str, source: Source) -> Done {
        (setting.write)(&mut self.config, text)
            .map_err(|problem| Failure::usage(format!("{source}: {}: {problem}", setting.key)))?;
        self.sources[place(setting)] = source;
        Ok(())
    }

    /// Where a setting's value comes from.
    pub(crate) fn source(&self, setting: &Setting) -> &Source {
        &self.sources[place(setting)]
    }
}

/// A setting's place among all.
fn place(setting: &Setting) -> usize {
    let at = SETTINGS.iter().position(|known| known.key == setting.key);
    at.expect("it is one of them")
}

fn file_to_read(sources: &Sources) -> Option<PathBuf> {
    match &sources.file {
        _ if sources.is_file_unread => None,
        Some(path) => Some(path.clone()),
        None => Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_environment_which_wins_over_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("z.toml");
        std::fs::write(&path, "tenant = \"file\"\nstorage = \"memory:\"\nplugins = \"p\"\n")
            .expect("written");
        let sources = Sources {
            file: Some(path),
            flags: vec![("tenant", "--tenant".to_owned(), "flag".to_owned())],
            set: vec!["host.lease=9s".to_owned()],
            ..Sources::default()
        };
        let environment = |name: &str| match name {
            "ZAPJOBS_TENANT" | "ZAPJOBS_PLUGINS" => Some("env".to_owned()),
            _ => None,
        };
        let effective = load(&sources, environment).expect("merged");
        let of = |key| {
            let at = SETTINGS.iter().position(|setting| setting.key == key).expect("a key");
            ((SETTINGS[at].read)(&effective.config), effective.sources[at].to_string())
        };
        assert_eq!(of("tenant"), ("flag".to_owned(), "flag --tenant".to_owned()));
        assert_eq!(of("plugins").1, "environment ZAPJOBS_PLUGINS");
        assert!(of("storage").1.ends_with("z.toml line 2"), "{}", of("storage").1);
        assert_eq!(of("host.lease"), ("9s".to_owned(), "flag --set".to_owned()));
        assert_eq!(of("color").1, "default");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_source() {
        let bad = Sources { set: vec!["host.leese=9s".to_owned()], ..Sources::default() };
        let error = load(&bad, |_| None).expect_err("a typo").message;
        assert!(error.contains("did you mean host.lease"), "{error}");
        let environment = |name: &str| (name == "ZAPJOBS_HOST_LEASE").then(|| "x".to_owned());
        let error = load(&Sources::default(), environment).expect_err("no span").message;
        assert!(error.starts_with("environment ZAPJOBS_HOST_LEASE: host.lease: "), "{error}");
    }
}
