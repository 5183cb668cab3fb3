//! Every setting, once.

mod general;
mod host;
mod http;
mod limits;
mod plugins;
mod sandbox;
mod storages;
mod text;
mod webhooks;

use super::Config;

/// One setting.
#[derive(Clone, Copy)]
pub(crate) struct Setting {
    /// Its name in the file; a dot stands for a table.
    pub(crate) key: &'static str,
    /// What it does.
    pub(crate) meaning: &'static str,
    /// What it may be.
    pub(crate) bounds: &'static str,
    /// Its value as text.
    pub(crate) read: fn(&Config) -> String,
    /// Sets it from text; the error says what is wrong with the text.
    pub(crate) write: fn(&mut Config, &str) -> Result<(), String>,
}

impl Setting {
    /// The environment variable: the key in capitals after `ZAPJOBS_`.
    pub(crate) fn env(&self) -> String {
        format!("ZAPJOBS_{}", self.key.replace('.', "_").to_uppercase())
    }

    /// The setting with this name.
    pub(crate) fn find(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }
}

/// Every setting, in the order of the template.
pub(crate) const SETTINGS: &[Setting] = &joined();

const GROUPS: [&[Setting]; 8] = [
    general::SETTINGS,
    host::SETTINGS,
    http::SETTINGS,
    webhooks::SETTINGS,
    plugins::SETTINGS,
    limits::SETTINGS,
    sandbox::SETTINGS,
    storages::SETTINGS,
];
const COUNT: usize = count();

const fn count() -> usize {
    let (mut count, mut group) = (0, 0);
    while group < GROUPS.len() {
        count += GROUPS[group].len();
        group += 1;
    }
    count
}

/// All groups as one list, when the program is compiled.
const fn joined() -> [Setting; COUNT] {
    let mut all = [GROUPS[0][0]; COUNT];
    let (mut group, mut at) = (0, 0);
    while group < GROUPS.len() {
        let mut place = 0;
        while place < GROUPS[group].len() {
            all[at] = GROUPS[group][place];
            (place, at) = (place + 1, at + 1);
        }
        group += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_can_be_written_as_it_is_read() {
        let mut config = Config::default();
        for setting in SETTINGS {
            let text = (setting.read)(&config);
            (setting.write)(&mut config, &text)
                .unwrap_or_else(|error| panic!("{}: {error}", setting.key));
            assert_eq!((setting.read)(&config), text, "{}", setting.key);
        }
    }

    #[test]
    fn values_out_of_bounds_say_what_is_allowed() {
        for (key, text, expected) in [
            ("host.concurrency", "0", "use 1 to 10000"),
            ("host.concurrency", "many", "use 1 to 10000"),
            ("host.lease", "10ms", "use 1s to 1h"),
            ("host.lease", "10", "such as 30s"),
            ("limits.memory", "5GiB", "use 64KiB to 4GiB"),
            ("color", "red", "auto, always or never"),
            ("log.format", "xml", "text or json"),
            ("host.queues", "a,b c", "queue name"),
            ("host.queues", "a=0", "use 1 to 1000"),
            ("http.listen", "7878", "use auto, off, or one such as 127.0.0.1:7878"),
            ("http.auth", "none", "tokens or off"),
            ("webhooks.allow", "10.0.0.1/8", "have to be zero"),
        ] {
            let setting = Setting::find(key).expect("a setting");
            let error = (setting.write)(&mut Config::default(), text).expect_err(text);
            assert!(error.contains(expected), "{key}: {error}");
        }
    }
}
