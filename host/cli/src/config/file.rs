//! Reads a configuration file into keys and texts, each with its line.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::Setting;
use crate::config::SETTINGS;
use crate::errors::{Done, Failure};
use crate::values::nearest;

/// Bytes of a configuration file at most.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// One value of the file.
pub(super) struct Entry {
    pub(super) setting: &'static Setting,
    pub(super) text: String,
    pub(super) line: usize,
}

/// Reads a file's values. Unknown keys are refused.
pub(super) fn read(path: &Path) -> Done<Vec<Entry>> {
    let unreadable = |error: std::io::Error| {
        Failure::usage(format!("the configuration {} cannot be read: {error}", path.display()))
    };
    if std::fs::metadata(path).map_err(unreadable)?.len() > FILE_BYTES_MAX {
        return Err(Failure::usage(format!(
            "the configuration {} is longer than 1 MiB",
            path.display()
        )));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    parse(&text).map_err(|problem| problem.at(path))
}

/// What is wrong with a file, and on which line.
#[derive(Debug)]
pub(super) struct Problem {
    line: usize,
    what: String,
}

impl Problem {
    pub(super) fn new(line: usize, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }

    pub(super) fn at(&self, path: &Path) -> Failure {
        Failure::usage(format!("{} line {}: {}", path.display(), self.line, self.what))
    }
}

fn parse(text: &str) -> Result<Vec<Entry>, Problem> {
    let line_of = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
    let root = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(span.start));
        Problem::new(line, error.message().replace('\n', ", "))
    })?;
    let mut entries = Vec::new();
    collect(root.get_ref(), "", &line_of, &mut entries)?;
    Ok(entries)
}

fn collect(
    table: &DeTable<'_>,
    above: &str,
    line_of: &dyn Fn(usize) -> usize,
    entries: &mut Vec<Entry>,
) -> Result<(), Problem> {
    for (key, value) in table.iter() {
        let line = line_of(key.span().start);
        let path = match above {
            "" => key.get_ref().to_string(),
            above => format!("{above}.{}", key.get_ref()),
        };
        if let (DeValue::Table(inner), true) = (value.get_ref(), is_table(&path)) {
            collect(inner, &path, line_of, entries)?;
            continue;
        }
        let setting = Setting::find(&path).ok_or_else(|| Problem::new(line, unknown(&path)))?;
        let text = as_text(value.get_ref()).ok_or_else(|| {
            Problem::new(
                line,
                format!("{path} is a {}: use {}", value.get_ref().type_str(), setting.bounds),
            )
        })?;
        entries.push(Entry { setting, text, line });
    }
    Ok(())
}

fn is_table(path: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.key.split_once('.').is_some_and(|(it, _)| it == path))
}

/// What to say of a key that is no setting.
pub(super) fn unknown(key: &str) -> String {
    let keys = SETTINGS.iter().map(|setting| setting.key);
    match nearest(key, keys) {
        Some(like) => format!("unknown setting {key:?}: did you mean {like}?"),
        None => format!("unknown setting {key:?}: `zapjobs config --template` names them all"),
    }
}

fn as_text(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        DeValue::Array(items) => {
            let texts: Option<Vec<String>> =
                items.iter().map(|item| as_text(item.get_ref())).collect();
            texts.map(|texts| texts.join(","))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        let problem = parse(text).err().expect("a problem");
        problem.at(Path::new("z.toml")).message
    }

    #[test]
    fn a_file_is_read_with_its_lines() {
        let entries =
            parse("storage = \"memory:\"\n\n[host]\nqueues = [\"a\", \"b\"]\nconcurrency = 4\n")
                .unwrap_or_else(|problem| panic!("{}", problem.what));
        let seen: Vec<(&str, &str, usize)> = entries
            .iter()
            .map(|entry| (entry.setting.key, entry.text.as_str(), entry.line))
            .collect();
        assert!(seen.contains(&("storage", "memory:", 1)), "{seen:?}");
        assert!(seen.contains(&("host.queues", "a,b", 4)), "{seen:?}");
        assert!(seen.contains(&("host.concurrency", "4", 5)), "{seen:?}");
    }

    #[test]
    fn a_typo_is_told_with_its_line_and_the_nearest_name() {
        assert_eq!(
            problem("# mine\n[host]\nconcurency = 4\n"),
            "z.toml line 3: unknown setting \"host.concurency\": did you mean host.concurrency?"
        );
        assert!(problem("[hots]\nlease = \"1s\"\n").contains("line 1: unknown setting \"hots\""));
        assert!(problem("storage = 1.5\n").contains("storage is a float"));
        assert!(problem("storage = \n").starts_with("z.toml line 1: "));
    }
}
