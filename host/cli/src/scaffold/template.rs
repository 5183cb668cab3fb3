//! A new plugin, from the template.

use std::fs;
use std::io;
use std::path::Path;

use super::PluginName;
use super::embedded::TEMPLATE;
use crate::errors::{Done, Failure};

/// Makes a plugin's directory. It must not be there yet.
pub(crate) fn create(directory: &Path, name: &PluginName, sdk: &Path) -> Done {
    if directory.symlink_metadata().is_ok() {
        return Err(Failure::usage(format!(
            "{} is there already: choose another place with --dir",
            directory.display()
        )));
    }
    let sdk = toml_text(&sdk.display().to_string());
    let files: Vec<(&str, String)> = TEMPLATE
        .iter()
        .map(|(path, text)| {
            let text = text.replace("{{name}}", name.as_str()).replace("{{sdk_path}}", &sdk);
            (target(path), text)
        })
        .collect();
    write_files(directory, files.iter().map(|(path, text)| (*path, text.as_str()))).map_err(
        |error| Failure::unavailable(format!("{} cannot be written: {error}", directory.display())),
    )
}

/// Where a file of the template goes. Hidden ones have plain names in the template, so that
/// they do not work on the template itself.
fn target(path: &str) -> &str {
    let path = path.strip_prefix("template/").unwrap_or(path);
    match path.strip_suffix(".template").unwrap_or(path) {
        "gitignore" => ".gitignore",
        "cargo-config.toml" => ".cargo/config.toml",
        path => path,
    }
}

/// Text within the quotes of a TOML string.
fn toml_text(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// Writes files below a directory, which is made.
pub(super) fn write_files<'a>(
    directory: &Path,
    files: impl Iterator<Item = (&'a str, &'a str)>,
) -> io::Result<()> {
    for (path, text) in files {
        let path = directory.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_plugin_has_its_name_everywhere_and_overwrites_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("image-tools");
        let name = PluginName::new("image-tools").expect("a name");
        create(&place, &name, Path::new("/data/sdk")).expect("created");
        let manifest = fs::read_to_string(place.join("Cargo.toml")).expect("a manifest");
        assert!(manifest.contains("name = \"image-tools\""), "{manifest}");
        assert!(manifest.contains("path = \"/data/sdk\""), "{manifest}");
        for path in ["src/lib.rs", "README.md", ".gitignore", ".cargo/config.toml"] {
            let text = fs::read_to_string(place.join(path)).expect(path);
            assert!(!text.contains("{{"), "{path}: {text}");
        }
        let error = create(&place, &name, Path::new("/data/sdk")).expect_err("it is there");
        assert!(error.message.contains("is there already"), "{error}");
    }
}
