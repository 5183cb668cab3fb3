//! A configuration file with every setting, its meaning, bounds and default.

use super::{Config, SETTINGS};

/// The text of a file in which every setting is a comment that shows its default.
pub(crate) fn template() -> String {
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
        let value = (setting.read)(&defaults);
        let value = if value.parse::<u64>().is_ok() { value } else { format!("{value:?}") };
        text.push_str(&format!(
            "\n# {}\n# Use {}. Environment: {}.\n# {name} = {value}\n",
            setting.meaning,
            setting.bounds,
            setting.env()
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, load};

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
