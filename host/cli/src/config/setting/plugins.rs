//! How the plugins directory is looked after, and when code is taken out of service.

use std::path::PathBuf;

use zapjobs_runtime::{SchemaCheck, TrustedKeys};

use super::Setting;
use super::text::{number, size, span, unlike};
use crate::values::{format_size, format_span};

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "plugin.per_tenant",
        meaning: "Plugins of one tenant that serve at a time.",
        bounds: "1 to 10000",
        read: |config| config.plugin.per_tenant_max.to_string(),
        write: |config, text| {
            config.plugin.per_tenant_max = number(text, 1..=10_000)? as usize;
            Ok(())
        },
    },
    Setting {
        key: "plugin.component",
        meaning: "Size of a component file.",
        bounds: "1KiB to 1GiB",
        read: |config| format_size(config.plugin.component_bytes_max),
        write: |config, text| {
            config.plugin.component_bytes_max = size(text, 1 << 10..=1 << 30)?;
            Ok(())
        },
    },
    Setting {
        key: "plugin.versions_dir",
        meaning: "Where versions of plugins are kept; .versions in the plugins directory where empty.",
        bounds: "a directory of the host's own",
        read: |config| {
            let path = config.plugin.versions_dir.as_ref();
            path.map_or_else(String::new, |path| path.display().to_string())
        },
        write: |config, text| {
            config.plugin.versions_dir = (!text.is_empty()).then(|| PathBuf::from(text));
            Ok(())
        },
    },
    Setting {
        key: "plugin.versions",
        meaning: "Versions of each plugin that are kept to go back to.",
        bounds: "1 to 100",
        read: |config| config.plugin.versions_kept.to_string(),
        write: |config, text| {
            config.plugin.versions_kept = number(text, 1..=100)? as usize;
            Ok(())
        },
    },
    Setting {
        key: "plugin.trusted_keys",
        meaning: "Minisign public keys, or their files: where there is one, every component needs a signature by one.",
        bounds: "keys (RW...) or paths, separated by commas",
        read: |config| config.plugin.trusted_keys.join(","),
        write: |config, text| {
            let keys = text.split(',').map(str::trim).filter(|key| !key.is_empty());
            let keys: Vec<String> = keys.map(str::to_owned).collect();
            TrustedKeys::read(keys.iter().map(String::as_str))?;
            config.plugin.trusted_keys = keys;
            Ok(())
        },
    },
    Setting {
        key: "plugin.schema_check",
        meaning: "What is done about waiting inputs that do not fit a new version's schema: nothing, a warning, or holding the version back.",
        bounds: "off, warn or hold",
        read: |config| schema_check_name(config.plugin.schema_check).to_owned(),
        write: |config, text| {
            let all = [SchemaCheck::Off, SchemaCheck::Warn, SchemaCheck::Hold];
            let named = all.into_iter().find(|it| schema_check_name(*it) == text);
            config.plugin.schema_check = named.ok_or_else(|| unlike(text, "off, warn or hold"))?;
            Ok(())
        },
    },
    Setting {
        key: "breaker.threshold",
        meaning: "Traps of one job's code, with no run ending well in between, that take it out of service; 0 never does.",
        bounds: "0 to 1000",
        read: |config| config.host.breaker.threshold.to_string(),
        write: |config, text| {
            config.host.breaker.threshold = number(text, 0..=1_000)? as usize;
            Ok(())
        },
    },
    Setting {
        key: "breaker.window",
        meaning: "Time within which these traps come.",
        bounds: "1s to 1d",
        read: |config| format_span(config.host.breaker.window),
        write: |config, text| {
            config.host.breaker.window = span(text, 1_000..=86_400_000)?;
            Ok(())
        },
    },
    Setting {
        key: "breaker.cool_down",
        meaning: "How long code is out of service before one run probes it; twice as long after each probe that traps.",
        bounds: "1s to 1d",
        read: |config| format_span(config.host.breaker.cool_down),
        write: |config, text| {
            config.host.breaker.cool_down = span(text, 1_000..=86_400_000)?;
            Ok(())
        },
    },
    Setting {
        key: "breaker.cool_down_max",
        meaning: "How long it is out of service at most.",
        bounds: "1s to 7d",
        read: |config| format_span(config.host.breaker.cool_down_max),
        write: |config, text| {
            config.host.breaker.cool_down_max = span(text, 1_000..=604_800_000)?;
            Ok(())
        },
    },
];

fn schema_check_name(check: SchemaCheck) -> &'static str {
    match check {
        SchemaCheck::Off => "off",
        SchemaCheck::Warn => "warn",
        SchemaCheck::Hold => "hold",
    }
}
