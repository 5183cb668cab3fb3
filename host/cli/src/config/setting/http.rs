//! The HTTP API.

use std::path::PathBuf;

use super::Setting;
use super::text::one_of_two;
use crate::config::HttpListen;

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "http.listen",
        meaning: "Where `serve` listens for the HTTP API; auto is 127.0.0.1:7878 where that is free.",
        bounds: "auto, off, or an address such as 0.0.0.0:7878",
        read: |config| config.http.listen.to_string(),
        write: |config, text| {
            config.http.listen = match text {
                "auto" => HttpListen::Auto,
                "off" => HttpListen::Off,
                text => HttpListen::At(text.parse().map_err(|_| {
                    format!("{text:?} is no address: use auto, off, or one such as 127.0.0.1:7878")
                })?),
            };
            Ok(())
        },
    },
    Setting {
        key: "http.auth",
        meaning: "Whether the HTTP API asks for tokens; off lets everyone on this machine do all, and takes a loopback address.",
        bounds: "tokens or off",
        read: |config| if config.http.auth_off { "off" } else { "tokens" }.to_owned(),
        write: |config, text| {
            config.http.auth_off = one_of_two(text, "tokens", "off")?;
            Ok(())
        },
    },
    Setting {
        key: "http.hosts",
        meaning: "Names that requests may call this host by, beside those of the loopback.",
        bounds: "names without ports, separated by commas",
        read: |config| config.http.hosts.join(","),
        write: |config, text| {
            let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
            config.http.hosts = names.map(str::to_owned).collect();
            Ok(())
        },
    },
    Setting {
        key: "http.endpoints",
        meaning: "A file with endpoints: paths whose requests become runs; there are none where empty.",
        bounds: "a path",
        read: |config| {
            let path = config.http.endpoints.as_ref();
            path.map_or_else(String::new, |path| path.display().to_string())
        },
        write: |config, text| {
            config.http.endpoints = (!text.is_empty()).then(|| PathBuf::from(text));
            Ok(())
        },
    },
];
