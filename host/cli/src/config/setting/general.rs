//! What every command works with.

use std::path::PathBuf;

use zapjobs_model::TenantId;

use super::Setting;
use super::text::{one_of_two, path, unlike};
use crate::config::{Color, StorageUrl};

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "storage",
        meaning: "Where runs and job definitions are kept.",
        bounds: "sqlite:PATH, postgres://..., redis://..., redis+sentinel://..., redis-cluster://..., sqlite::memory: or memory: (the last two live inside one process)",
        read: |config| config.storage.to_string(),
        write: |config, text| {
            config.storage = StorageUrl::new(text);
            Ok(())
        },
    },
    Setting {
        key: "migrate",
        meaning: "Whether `serve` brings the schema up to date, or refuses one that is not.",
        bounds: "automatic or manual (then `zapjobs migrate up` does it)",
        read: |config| if config.migrate_by_hand { "manual" } else { "automatic" }.to_owned(),
        write: |config, text| {
            config.migrate_by_hand = one_of_two(text, "automatic", "manual")?;
            Ok(())
        },
    },
    Setting {
        key: "plugins",
        meaning: "The directory of components; `serve` creates it where it is missing.",
        bounds: "a path",
        read: |config| config.plugins.display().to_string(),
        write: |config, text| {
            config.plugins = path(text)?;
            Ok(())
        },
    },
    Setting {
        key: "tenant",
        meaning: "Whose job types and runs the command works on.",
        bounds: "1 to 100 of a-z, A-Z, 0-9, '.', '_', '-'",
        read: |config| config.tenant.to_string(),
        write: |config, text| {
            config.tenant = TenantId::new(text).map_err(|error| error.to_string())?;
            Ok(())
        },
    },
    Setting {
        key: "quotas",
        meaning: "A file with the tenants' quotas; nothing is bounded where empty.",
        bounds: "a path",
        read: |config| {
            config.quotas.as_ref().map_or_else(String::new, |path| path.display().to_string())
        },
        write: |config, text| {
            config.quotas = (!text.is_empty()).then(|| PathBuf::from(text));
            Ok(())
        },
    },
    Setting {
        key: "color",
        meaning: "Whether to write in colour; auto means on a terminal, unless NO_COLOR is set.",
        bounds: "auto, always or never",
        read: |config| color_name(config.color).to_owned(),
        write: |config, text| {
            let all = [Color::Auto, Color::Always, Color::Never];
            let color = all.into_iter().find(|color| color_name(*color) == text);
            config.color = color.ok_or_else(|| unlike(text, "auto, always or never"))?;
            Ok(())
        },
    },
    Setting {
        key: "log.level",
        meaning: "The least weighty line of the host's own log, on stderr.",
        bounds: "off, error, warn, info, debug, trace, or a filter such as info,zapjobs_runtime=debug",
        read: |config| config.log.level.clone(),
        write: |config, text| {
            crate::commands::logging::check_filter(text)?;
            config.log.level = text.to_owned();
            Ok(())
        },
    },
    Setting {
        key: "log.format",
        meaning: "How the host's own log is written.",
        bounds: "text or json",
        read: |config| if config.log.json { "json" } else { "text" }.to_owned(),
        write: |config, text| {
            config.log.json = one_of_two(text, "text", "json")?;
            Ok(())
        },
    },
];

fn color_name(color: Color) -> &'static str {
    match color {
        Color::Auto => "auto",
        Color::Always => "always",
        Color::Never => "never",
    }
}
