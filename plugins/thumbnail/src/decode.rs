//! Opens an image within bounds.
//!
//! **Invariant:** nothing is decoded before its header has been held against the bounds,
//! so that a small file cannot unpack to a large image (a *decompression bomb*). With the
//! bounds here a run fits into the default 128 MiB of memory.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};

/// Bytes of a file. The decoder of JPEG holds them a second time.
pub const FILE_BYTES_MAX: u64 = 16 << 20;
/// Pixels of either side.
pub const SIDE_PX_MAX: u32 = 20_000;
/// Bytes that decoding takes, working space included. Enough for 25 megapixels of JPEG.
pub const DECODED_BYTES_MAX: u64 = 72 << 20;

/// An image that was opened.
#[derive(Debug)]
pub struct Opened {
    /// Its pixels, as stored.
    pub pixels: DynamicImage,
    /// How to turn it, by its EXIF data.
    pub orientation: Orientation,
    /// What it was stored as.
    pub format: ImageFormat,
}

/// Why an image could not be opened.
#[derive(Debug)]
pub enum Problem {
    /// The file cannot be read.
    Unreadable(io::Error),
    /// The file has more bytes than [`FILE_BYTES_MAX`].
    FileTooLarge(u64),
    /// The image is larger than the bounds.
    ImageTooLarge {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// What decoding would take.
        decoded_bytes: u64,
    },
    /// It is neither JPEG nor PNG.
    UnknownFormat,
    /// It is damaged.
    Damaged(ImageError),
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
            Self::FileTooLarge(bytes) => {
                write!(f, "the file has {bytes} bytes, at most {FILE_BYTES_MAX} are opened")
            }
            Self::ImageTooLarge { width, height, decoded_bytes } => write!(
                f,
                "{width} x {height} pixels take {decoded_bytes} bytes to decode; at most \
                 {DECODED_BYTES_MAX} bytes and {SIDE_PX_MAX} pixels a side are allowed"
            ),
            Self::UnknownFormat => write!(f, "is neither JPEG nor PNG"),
            Self::Damaged(error) => write!(f, "is damaged: {error}"),
        }
    }
}

impl std::error::Error for Problem {}

/// Opens the image at `path`.
///
/// # Errors
/// Where it is not an image that can be opened within the bounds.
pub fn open(path: &Path) -> Result<Opened, Problem> {
    let file = File::open(path).map_err(Problem::Unreadable)?;
    let length = file.metadata().map_err(Problem::Unreadable)?.len();
    if length > FILE_BYTES_MAX {
        return Err(Problem::FileTooLarge(length));
    }
    let mut bytes = Vec::with_capacity(length as usize);
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(Problem::Unreadable)?;
    decode(&bytes)
}

/// Decodes a file's bytes.
///
/// # Errors
/// Where they are not an image that can be opened within the bounds.
pub fn decode(bytes: &[u8]) -> Result<Opened, Problem> {
    let format = match image::guess_format(bytes) {
        Ok(format @ (ImageFormat::Jpeg | ImageFormat::Png)) => format,
        _ => return Err(Problem::UnknownFormat),
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut bounds = image::Limits::default();
    bounds.max_alloc = Some(DECODED_BYTES_MAX);
    reader.limits(bounds);
    let mut decoder = reader.into_decoder().map_err(Problem::Damaged)?;

    let (width, height) = decoder.dimensions();
    let decoded_bytes = decoded_bytes(&decoder, is_progressive(bytes));
    if width.max(height) > SIDE_PX_MAX || decoded_bytes > DECODED_BYTES_MAX {
        return Err(Problem::ImageTooLarge { width, height, decoded_bytes });
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let pixels = DynamicImage::from_decoder(decoder).map_err(Problem::Damaged)?;
    Ok(Opened { pixels, orientation, format })
}

/// Pixels as stored, and the working space beside them: a progressive JPEG keeps all its
/// coefficients (two bytes a channel), 16-bit channels are copied to eight bits.
fn decoded_bytes(decoder: &impl ImageDecoder, is_progressive: bool) -> u64 {
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    let channels = u64::from(decoder.color_type().channel_count());
    let stored = pixels.saturating_mul(u64::from(decoder.color_type().bytes_per_pixel()));
    let is_deep = stored > pixels.saturating_mul(channels);
    let working = match (is_progressive, is_deep) {
        (true, _) => pixels.saturating_mul(2 * channels),
        (false, true) => pixels.saturating_mul(4),
        (false, false) => 0,
    };
    stored.saturating_add(working)
}

/// Whether a JPEG's frame header says progressive (SOF2). Markers are `FF xx`, and all but
/// those without content are followed by the length of their segment.
fn is_progressive(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xff, marker, high, low]) = bytes.get(at..at + 4) {
        match marker {
            0xff => at += 1,
            0xc2 => return true,
            // Other frames, and the beginning of the pixels: the header is over.
            0xc0 | 0xc1 | 0xda => return false,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageBuffer, Rgb, RgbImage};

    fn encoded(image: &RgbImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).expect("it is encoded");
        bytes.into_inner()
    }

    fn small() -> RgbImage {
        ImageBuffer::from_fn(64, 48, |x, y| Rgb([x as u8 * 4, y as u8 * 5, 128]))
    }

    #[test]
    fn both_formats_open() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png] {
            let opened = decode(&encoded(&small(), format)).expect("it opens");
            assert_eq!((opened.pixels.width(), opened.pixels.height()), (64, 48));
            assert_eq!(opened.format, format);
        }
    }

    #[test]
    fn a_bomb_is_refused_by_its_header() {
        // 12,000 x 12,000 black pixels: 432 MB from a file of half a megabyte or less.
        let mut bytes = encoded(&small(), ImageFormat::Png);
        bytes[16..20].copy_from_slice(&12_000_u32.to_be_bytes());
        bytes[20..24].copy_from_slice(&12_000_u32.to_be_bytes());
        let header_crc = crc32(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&header_crc.to_be_bytes());
        let problem = decode(&bytes).expect_err("it is too large");
        assert!(matches!(problem, Problem::ImageTooLarge { width: 12_000, .. }), "{problem}");
    }

    #[test]
    fn every_cut_of_a_file_is_a_problem_or_an_image_and_none_panics() {
        let png = encoded(&small(), ImageFormat::Png);
        for end in 0..png.len() * 3 / 4 {
            assert!(decode(&png[..end]).is_err(), "cut at {end}");
        }
        let jpeg = encoded(&small(), ImageFormat::Jpeg);
        for end in 0..jpeg.len() {
            let _ = decode(&jpeg[..end]);
        }
    }

    #[test]
    fn a_text_is_no_image() {
        assert!(matches!(decode(b"GIF89a and more"), Err(Problem::UnknownFormat)));
        assert!(matches!(decode(b""), Err(Problem::UnknownFormat)));
    }

    #[test]
    fn a_progressive_jpeg_is_told_by_its_frame() {
        let mut jpeg = encoded(&small(), ImageFormat::Jpeg);
        assert!(!is_progressive(&jpeg));
        let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a frame");
        jpeg[frame + 1] = 0xc2;
        assert!(is_progressive(&jpeg));
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0_u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
            })
        })
    }
}
