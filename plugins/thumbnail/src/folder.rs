//! Images of a folder, and the names of their thumbnails.
//!
//! **Invariant:** a name never leads out of its folder. The sandbox would refuse that as
//! well; here it is one failed item with a clear reason.

use std::fs;
use std::io;
use std::path::{Component, Path};

use image::ImageFormat;

/// Images of one run.
pub const FILES_MAX: usize = 5_000;

/// The names of all images in `directory`, by extension (`jpg`, `jpeg`, `png`), sorted.
///
/// # Errors
/// Where the directory cannot be read.
pub fn images_in(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string()
            && format_of(&name).is_some()
            && entry.file_type()?.is_file()
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Whether a name stays within its folder: `a.jpg`, `2026/a.jpg`, but not `../a.jpg`.
pub fn stays_within(name: &str) -> bool {
    let mut components = Path::new(name).components().peekable();
    components.peek().is_some()
        && components.all(|component| matches!(component, Component::Normal(_)))
}

/// The thumbnail's name: that of the image, with the format's extension added where it has
/// another, so that `a.jpg` and `a.png` do not meet.
pub fn thumbnail_name(source: &str, format: ImageFormat) -> String {
    let extension = if format == ImageFormat::Png { "png" } else { "jpg" };
    match format_of(source) == Some(format) {
        true => source.to_owned(),
        false => format!("{source}.{extension}"),
    }
}

fn format_of(name: &str) -> Option<ImageFormat> {
    let (_, extension) = name.rsplit_once('.')?;
    match extension.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => Some(ImageFormat::Jpeg),
        "png" => Some(ImageFormat::Png),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_found_by_extension_and_sorted() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for name in ["b.PNG", "a.jpeg", "notes.txt", "jpg"] {
            fs::write(directory.path().join(name), "").expect("it is written");
        }
        fs::create_dir(directory.path().join("folder.png")).expect("it is made");
        assert_eq!(images_in(directory.path()).expect("it is read"), ["a.jpeg", "b.PNG"]);
    }

    #[test]
    fn names_that_lead_out_are_told() {
        assert!(stays_within("a.jpg") && stays_within("2026/a.jpg"));
        for name in ["", "../a.jpg", "a/../../b.jpg", "/etc/passwd", "."] {
            assert!(!stays_within(name), "{name}");
        }
    }

    #[test]
    fn thumbnails_of_different_images_have_different_names() {
        assert_eq!(thumbnail_name("a.JPG", ImageFormat::Jpeg), "a.JPG");
        assert_eq!(thumbnail_name("a.png", ImageFormat::Jpeg), "a.png.jpg");
        assert_eq!(thumbnail_name("a.jpg", ImageFormat::Png), "a.jpg.png");
    }
}
