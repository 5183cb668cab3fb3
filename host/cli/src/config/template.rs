//! A configuration file with every setting, its meaning, bounds and default.

use super::{Config, SETTINGS, Setting};

/// The text of a file in which every setting is a comment that shows its default.
pub(crate) fn template() -> String {
    written(&Config::default(), |_| false)
}

/// The same with the values that are chosen: they stand as the configuration has them, with the
/// storage's password.
pub(crate) fn written(config: &Config, is_chosen: impl Fn(&Setting) -> bool) -> String {
    let defaults = Config::default();
    let mut text = String::from(
        "# ZapJobs configuration. Read from ./zapjobs.toml, or from the file that --config names.\n\
         # The environment wins over this file, and flags over both.\n\
         # Durations: 250ms, 30s, 10m, 1h30m, 7d. Sizes: 512KiB, 64MiB.\n",
    );
    let mut table = "";
    for setting in SETTINGS {
        let (own_table, name) = setting.key.split_once('.').unwrap_or(("", setting.key));
        if own_table != table {
            text.push_str(&format!("\n[{own_table}]\n"));
            table = own_table;
        }
        let mark = if is_chosen(setting) { "" } else { "# " };
        let value = match is_chosen(setting) {
            true if setting.key == "storage" => config.storage.secret().to_owned(),
            true => (setting.read)(config),
            false => (setting.read)(&defaults),
        };
        text.push_str(&format!(
            "\n# {}\n# Use {}. Environment: {}.\n{mark}{name} = {}\n",
            setting.meaning,
            setting.bounds,
            setting.env(),
            literal(value),
        ));
    }
    text
}

/// A value as the file has it: a number where it is one, else a text.
fn literal(value: String) -> String {
    let number = value.parse::<u64>().ok().map(|number| number.to_string());
    match number {
        Some(number) if number == value => number,
        _ => toml::Value::String(value).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, load};

    /// Every choice of some values for every choice of settings, odd ones among them.
    #[test]
    fn whatever_is_chosen_is_read_as_it_was_written() {
        let choices: [(&str, &[&str]); 5] = [
            ("storage", &["sqlite:a b.db", "postgres://ada:hu\"s'h\\@db/x?a=b#c", "memory:"]),
            ("plugins", &["plugins", "C:\\plugins \"new\"", "007", "12", "grün\u{7f}"]),
            ("tenant", &["default", "1.50", "true"]),
            ("http.listen", &["auto", "off", "[::1]:80"]),
            ("host.retention", &["7d", "forever"]),
        ];
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("z.toml");
        let all: usize = choices.iter().map(|(_, values)| values.len() + 1).product();
        for combination in 0..all {
            let (mut config, mut left) = (Config::default(), combination);
            let mut chosen = Vec::new();
            for (key, values) in &choices {
                let choice = left % (values.len() + 1);
                left /= values.len() + 1;
                if let Some(value) = values.get(choice) {
                    let setting = Setting::find(key).expect("a setting");
                    (setting.write)(&mut config, value).unwrap_or_else(|it| panic!("{it}"));
                    chosen.push(*key);
                }
            }
            let text = written(&config, |setting| chosen.contains(&setting.key));
            std::fs::write(&path, &text).expect("written");
            let sources = Sources { file: Some(path.clone()), ..Sources::default() };
            let effective = load(&sources, |_| None).unwrap_or_else(|it| panic!("{it}\n{text}"));
            assert_eq!(effective.config.storage.secret(), config.storage.secret());
            for (at, setting) in SETTINGS.iter().enumerate() {
                let is_default = effective.sources[at].to_string() == "default";
                assert_eq!(is_default, !chosen.contains(&setting.key), "{}", setting.key);
                assert_eq!((setting.read)(&effective.config), (setting.read)(&config));
            }
        }
    }

    #[test]
    fn every_setting_stands_in_the_documentation_as_it_is() {
        let documentation = include_str!("../../../../docs/cli.md");
        for setting in SETTINGS {
            let row = format!("| `{}` |", setting.key);
            let row = documentation.lines().find(|line| line.starts_with(&row));
            let row = row.unwrap_or_else(|| panic!("docs/cli.md does not name {}", setting.key));
            let rest = format!("| {} | {} |", setting.meaning, setting.bounds);
            assert!(row.ends_with(&rest), "docs/cli.md differs: {row}");
        }
    }

    #[test]
    fn the_template_is_a_file_that_changes_nothing_once_uncommented() {
        let lines = template()
            .lines()
            .map(|line| {
                let assigns = line.starts_with("# ") && line.contains(" = ");
                if assigns { line[2..].to_owned() } else { line.to_owned() }
            })
            .collect::<Vec<_>>();
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("all.toml");
        std::fs::write(&path, lines.join("\n")).expect("written");
        let sources = Sources { file: Some(path), ..Sources::default() };
        let effective = load(&sources, |_| None).unwrap_or_else(|error| panic!("{error}"));
        for (at, setting) in SETTINGS.iter().enumerate() {
            assert_ne!(effective.sources[at].to_string(), "default", "{}", setting.key);
            assert_eq!((setting.read)(&effective.config), (setting.read)(&Config::default()));
        }
    }
}
