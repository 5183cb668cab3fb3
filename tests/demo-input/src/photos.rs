//! A folder of photos, and one upload that broke off.
//!
//! **Invariant:** file names, sizes and content follow from count and seed alone, however
//! many threads paint. See [`crate::paint`] for the content.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use image::codecs::{jpeg::JpegEncoder, png::PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use crate::paint::{Motif, paint};

/// How many photos may be asked for.
pub const PHOTOS_MAX: usize = 10_000;

const JPEG_QUALITY: u8 = 88;
/// Threads that paint; a large photo in the making takes 40 MB.
const THREADS_MAX: usize = 4;
/// The upload that broke off, and how much of it arrived.
const BROKEN_NAME: &str = "broken-upload.png";
const BROKEN_SHARE: f64 = 0.6;

/// What photos are like, over and over: most are screen-sized, few come from a camera.
const KINDS: [Kind; 8] = [
    Kind { width: 4_000, height: 3_000, motif: Motif::Mountains, format: Format::Jpeg },
    Kind { width: 1_600, height: 1_200, motif: Motif::Clouds, format: Format::Jpeg },
    Kind { width: 1_024, height: 768, motif: Motif::Fractal, format: Format::Png },
    Kind { width: 1_920, height: 1_080, motif: Motif::Mountains, format: Format::Jpeg },
    Kind { width: 1_200, height: 1_600, motif: Motif::Clouds, format: Format::Jpeg },
    Kind { width: 640, height: 480, motif: Motif::Mountains, format: Format::Png },
    Kind { width: 2_400, height: 1_600, motif: Motif::Clouds, format: Format::Jpeg },
    Kind { width: 800, height: 800, motif: Motif::Fractal, format: Format::Jpeg },
];

/// What [`photos`] wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Photos {
    /// Files that are whole.
    pub whole: u64,
    /// Files that are not.
    pub broken: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Pixels of the whole files.
    pub pixels: u64,
}

/// Writes `count` photos (`photo-001.jpg`, `photo-003.png`, ...) and one broken file to
/// `directory`, which must exist. At most [`PHOTOS_MAX`].
///
/// # Errors
/// Where `count` is above the bound or a file cannot be written.
pub fn photos(directory: &Path, count: usize, seed: u64) -> io::Result<Photos> {
    if count > PHOTOS_MAX {
        let message = format!("{count} photos asked for, at most {PHOTOS_MAX} are made");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    let next = AtomicUsize::new(0);
    let work = || -> io::Result<Photos> {
        let mut made = Photos::default();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return Ok(made);
            }
            made.add(whole(directory, index, seed)?);
        }
    };
    let mut total = broken(directory, seed)?;
    thread::scope(|scope| {
        let painters: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for painter in painters {
            total.add(painter.join().map_err(|_| io::Error::other("a painter panicked"))??);
        }
        Ok(total)
    })
}

impl Photos {
    fn add(&mut self, other: Self) {
        self.whole += other.whole;
        self.broken += other.broken;
        self.bytes += other.bytes;
        self.pixels += other.pixels;
    }
}

fn whole(directory: &Path, index: usize, seed: u64) -> io::Result<Photos> {
    let kind = KINDS[index % KINDS.len()];
    let bytes = kind.encode(seed.wrapping_add(index as u64))?;
    let name = format!("photo-{:03}.{}", index + 1, kind.format.extension());
    write(&directory.join(name), &bytes)?;
    let pixels = u64::from(kind.width) * u64::from(kind.height);
    Ok(Photos { whole: 1, broken: 0, bytes: bytes.len() as u64, pixels })
}

fn broken(directory: &Path, seed: u64) -> io::Result<Photos> {
    let kind = Kind { width: 480, height: 320, motif: Motif::Clouds, format: Format::Png };
    let mut bytes = kind.encode(!seed)?;
    bytes.truncate((bytes.len() as f64 * BROKEN_SHARE) as usize);
    write(&directory.join(BROKEN_NAME), &bytes)?;
    Ok(Photos { whole: 0, broken: 1, bytes: bytes.len() as u64, pixels: 0 })
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(bytes)?;
    file.flush()
}

#[derive(Debug, Clone, Copy)]
struct Kind {
    width: u32,
    height: u32,
    motif: Motif,
    format: Format,
}

impl Kind {
    fn encode(self, seed: u64) -> io::Result<Vec<u8>> {
        let Self { width, height, motif, format } = self;
        let pixels = paint(motif, width, height, seed);
        let mut bytes = Vec::with_capacity(pixels.len() / 4);
        let colour = ExtendedColorType::Rgb8;
        match format {
            Format::Jpeg => JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)
                .write_image(&pixels, width, height, colour),
            Format::Png => PngEncoder::new(&mut bytes).write_image(&pixels, width, height, colour),
        }
        .map_err(io::Error::other)?;
        Ok(bytes)
    }
}

#[derive(Debug, Clone, Copy)]
enum Format {
    Jpeg,
    Png,
}

impl Format {
    const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photos_decode_and_the_broken_one_does_not() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let made = photos(directory.path(), 3, 5).expect("photos are written");
        assert_eq!((made.whole, made.broken), (3, 1));
        let mut bytes = 0;
        for entry in directory.path().read_dir().expect("a directory") {
            let entry = entry.expect("an entry");
            bytes += entry.metadata().expect("a size").len();
            let is_whole = entry.file_name() != BROKEN_NAME;
            assert_eq!(image::open(entry.path()).is_ok(), is_whole, "{:?}", entry.file_name());
        }
        assert_eq!(bytes, made.bytes);
    }

    #[test]
    fn the_same_seed_gives_the_same_photo() {
        let bytes = |seed| KINDS[5].encode(seed).expect("it is encoded");
        assert!(bytes(1) == bytes(1));
        assert!(bytes(1) != bytes(2));
    }

    #[test]
    fn more_than_the_bound_is_refused() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let refused = photos(directory.path(), PHOTOS_MAX + 1, 0).expect_err("too many");
        assert!(refused.to_string().contains("10000"));
    }
}
