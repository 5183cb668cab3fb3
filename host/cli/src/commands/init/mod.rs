//! `zapjobs init`: writes a configuration file.
//!
//! **Invariant:** nothing is written that the configuration's own reader has not taken: answers go
//! through the settings themselves, and so do the words they are asked with.

mod ask;
mod file;

use std::io::{self, BufReader, IsTerminal};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use zapjobs_storage::{Finding, Verdict};

use crate::args::InitArgs;
use crate::config::{Config, DEFAULT_FILE, Effective, SETTINGS, Setting, Source, written};
use crate::errors::{Done, Failure};
use crate::output::{Output, Tone};
use crate::own_file::Readers;
use crate::storage;
use ask::Asker;

/// What is asked, and always written.
const ASKED: [&str; 5] = ["storage", "plugins", "tenant", "http.listen", "host.retention"];

pub(super) async fn init(args: InitArgs, effective: Effective, output: Output) -> Done {
    let mut effective = effective;
    let path = effective.file.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    file::check(&path, args.force)?;
    storage::check(&effective.config.storage)?;
    if !args.yes && !output.json {
        ask(&mut effective, output)?;
    }
    let findings = match args.no_check {
        true => Vec::new(),
        false => storage::examine(&effective.config).await?,
    };
    refuse_problems(&findings)?;
    let settings = chosen(&effective);
    let text = written(&effective.config, |setting| {
        settings.iter().any(|chosen| chosen.key == setting.key)
    });
    let readers = match effective.config.storage.has_secret() {
        true => Readers::Owner,
        false => Readers::AsUsual,
    };
    file::write(&path, &text, readers, args.force)?;
    tell(&path, &settings, &findings, &effective, output);
    Ok(())
}

/// Asks for what neither a flag nor the environment says.
fn ask(effective: &mut Effective, output: Output) -> Done {
    let mut asker = Asker::new(BufReader::new(io::stdin()), io::stderr());
    if io::stdin().is_terminal() {
        output.note("an empty answer takes what stands in brackets");
    }
    for key in ASKED {
        let setting = Setting::find(key).expect("it is a setting; a test holds it");
        match effective.source(setting) {
            Source::Flag(_) => continue,
            Source::Environment(name) => {
                output.note(format_args!("{key} is what {name} says, and is not written"));
                continue;
            }
            Source::Default | Source::File { .. } => {}
        }
        let offered = (setting.read)(&effective.config);
        let answer = asker.ask(setting, &offered, |text| {
            let mut config = Config::default();
            (setting.write)(&mut config, text)?;
            storage::check(&config.storage).map_err(|failure| failure.message)
        })?;
        effective.set(setting, &answer, Source::Flag("answer".to_owned()))?;
    }
    Ok(())
}

/// What stands in the file as a value: what is asked, and what flags say. What the environment
/// says stays there, for it wins over the file anyway, and may be a secret.
fn chosen(effective: &Effective) -> Vec<&'static Setting> {
    let is_chosen = |setting: &&Setting| match effective.source(setting) {
        Source::Flag(_) => true,
        Source::Environment(_) => false,
        Source::Default | Source::File { .. } => ASKED.contains(&setting.key),
    };
    SETTINGS.iter().filter(is_chosen).collect()
}

fn refuse_problems(findings: &[Finding]) -> Done {
    let problems: Vec<String> = findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Problem)
        .map(|finding| match &finding.remedy {
            Some(remedy) => format!("{}; to mend it: {remedy}", finding.found),
            None => finding.found.clone(),
        })
        .collect();
    if problems.is_empty() {
        return Ok(());
    }
    Err(Failure::unavailable(format!(
        "nothing was written, for the storage is not fit for use: {} (--no-check writes the file \
         all the same)",
        problems.join("; ")
    )))
}

fn tell(
    path: &Path,
    settings: &[&Setting],
    findings: &[Finding],
    effective: &Effective,
    output: Output,
) {
    let next = next(path, &effective.config);
    if output.json {
        let values = settings.iter().map(|setting| {
            let value = Value::String((setting.read)(&effective.config));
            (setting.key.to_owned(), value)
        });
        let values: Map<String, Value> = values.collect();
        output.document(&json!({
            "file": path, "settings": values, "findings": findings, "next": next,
        }));
        return;
    }
    for finding in findings.iter().filter(|it| it.verdict == Verdict::Warning) {
        output.note(format_args!("note: {}", finding.found));
    }
    output.line(format_args!("{} {}", output.paint(Tone::Good, "wrote"), path.display()));
    if effective.config.storage.has_secret() {
        output.note("it holds the storage's password: only you may read it");
    }
    output.line(format_args!("next:\n  {}", next.join("\n  ")));
}

/// The next two commands.
fn next(path: &Path, config: &Config) -> [String; 2] {
    let zapjobs = match path == Path::new(DEFAULT_FILE) {
        true => "zapjobs".to_owned(),
        false => format!("zapjobs --config {}", path.display()),
    };
    let first = if config.migrate_by_hand { "migrate up" } else { "new hello" };
    [format!("{zapjobs} {first}"), format!("{zapjobs} serve")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_are_settings() {
        assert!(ASKED.iter().all(|key| Setting::find(key).is_some()));
    }

    #[test]
    fn the_next_commands_name_the_file_and_begin_with_the_schema_where_that_is_made_by_hand() {
        let mut config = Config::default();
        let shown = |path: &str, config: &Config| next(Path::new(path), config);
        assert_eq!(shown(DEFAULT_FILE, &config), ["zapjobs new hello", "zapjobs serve"]);
        config.migrate_by_hand = true;
        assert_eq!(
            shown("/etc/z.toml", &config),
            ["zapjobs --config /etc/z.toml migrate up", "zapjobs --config /etc/z.toml serve"]
        );
    }
}
