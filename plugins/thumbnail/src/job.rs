//! The job: input and output, progress, and the way of one image.
//!
//! **Invariant:** what is wrong with an image is a failed item; what is wrong with the
//! directories fails the run.

use std::fs;
use std::path::Path;

use image::ImageFormat;
use zapjobs_sdk::prelude::*;

use crate::decode::{Problem, open};
use crate::encode::{Format, encode};
use crate::folder::{FILES_MAX, images_in, stays_within, thumbnail_name};
use crate::shrink::shrink;

/// What to make.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Input {
    /// The directory of the images.
    pub from: String,
    /// The directory for the thumbnails.
    pub to: String,
    /// The images' names; empty for all `*.jpg`, `*.jpeg` and `*.png`. At most 5,000.
    #[schemars(length(max = 5000))]
    pub files: Vec<String>,
    /// The longer side of a thumbnail in pixels. Smaller images keep their size.
    #[schemars(range(min = 1, max = 1024))]
    pub size: u16,
    /// What thumbnails are stored as.
    pub format: Format,
    /// The quality of JPEG.
    #[schemars(range(min = 1, max = 100))]
    pub quality: u8,
}

impl Default for Input {
    fn default() -> Self {
        Self {
            from: "/in".into(),
            to: "/out".into(),
            files: Vec::new(),
            size: 256,
            format: Format::Same,
            quality: 82,
        }
    }
}

/// What came of it.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Output {
    /// The thumbnails that were made.
    pub made: Vec<Thumbnail>,
    /// The images of which none could be made.
    pub failed: Vec<Failed>,
}

/// A thumbnail.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Thumbnail {
    /// The image it is of.
    pub source: String,
    /// Its file.
    pub thumbnail: String,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// Its size.
    pub bytes: u64,
}

/// An image of which no thumbnail could be made.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Failed {
    /// The image.
    pub source: String,
    /// Why.
    pub reason: String,
}

/// Makes thumbnails of a folder's JPEG and PNG images, upright by their EXIF data. A broken
/// image is counted as failed and does not stop the others.
#[job(name = "Make thumbnails", default_input = "{}", tags = ["example"], timeout = "5m")]
pub fn thumbnail(input: Input) -> Result<Output, JobError> {
    let sources = sources(&input)?;
    let mut output = Output::default();
    for (index, source) in sources.iter().enumerate() {
        check_cancelled()?;
        progress(index as u64, sources.len() as u64, source);
        match make(source, &input)? {
            Ok(thumbnail) => output.made.push(thumbnail),
            Err(reason) => {
                warn!(source, reason, "no thumbnail");
                output.failed.push(Failed { source: source.clone(), reason });
            }
        }
        count_items(index as u64 + 1, output.made.len() as u64, output.failed.len() as u64);
    }
    progress(sources.len() as u64, sources.len() as u64, "done");
    info!(made = output.made.len(), failed = output.failed.len(), "thumbnails made");
    Ok(output)
}

fn sources(input: &Input) -> Result<Vec<String>, JobError> {
    let sources = match &input.files[..] {
        [] => images_in(Path::new(&input.from)).map_err(|error| {
            let message = format!("cannot list images in {}: {error}", input.from);
            JobError::permanent(message).with_type("unreadable-input")
        })?,
        named => named.to_vec(),
    };
    if sources.len() > FILES_MAX {
        let message = format!("{} images, at most {FILES_MAX} are taken: name some", sources.len());
        return Err(JobError::permanent(message).with_type("too-many-images"));
    }
    Ok(sources)
}

/// Makes one thumbnail, or says what is wrong with the image. Errors are those of writing.
fn make(source: &str, input: &Input) -> Result<Result<Thumbnail, String>, JobError> {
    if !stays_within(source) {
        return Ok(Err("the name leads out of the directory".to_owned()));
    }
    let opened = match open(&Path::new(&input.from).join(source)) {
        Ok(opened) => opened,
        Err(problem) => return Ok(Err(Problem::to_string(&problem))),
    };
    let format = match input.format {
        Format::Same => opened.format,
        Format::Jpeg => ImageFormat::Jpeg,
        Format::Png => ImageFormat::Png,
    };
    let small = shrink(opened, u32::from(input.size.clamp(1, 1_024)));
    let quality = (format == ImageFormat::Jpeg).then_some(input.quality.clamp(1, 100));
    let bytes = encode(&small, quality)?;
    let name = thumbnail_name(source, format);
    write(&Path::new(&input.to).join(&name), &bytes)?;
    Ok(Ok(Thumbnail {
        source: source.to_owned(),
        thumbnail: name,
        width: small.width(),
        height: small.height(),
        bytes: bytes.len() as u64,
    }))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), JobError> {
    let in_folder = path.parent().map_or(Ok(()), |folder| match folder.is_dir() {
        true => Ok(()),
        false => fs::create_dir_all(folder),
    });
    in_folder.and_then(|()| fs::write(path, bytes)).map_err(|error| {
        JobError::retry(format!("cannot write {}: {error}", path.display()))
            .with_type("unwritable-output")
    })
}
