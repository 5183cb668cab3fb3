//! Encodes a thumbnail.
//!
//! **Invariant:** takes premultiplied pixels, as [`crate::shrink`] makes them. JPEG knows
//! no transparency: there, what is transparent becomes white.

use image::codecs::{jpeg::JpegEncoder, png::PngEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageError, RgbaImage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What thumbnails are stored as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// What the image was stored as.
    #[default]
    Same,
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
}

/// Encodes as PNG, or as JPEG with this quality, 1 to 100.
///
/// # Errors
/// Where the encoder refuses, which it has no reason to.
pub fn encode(image: &RgbaImage, jpeg_quality: Option<u8>) -> Result<Vec<u8>, ImageError> {
    let (width, height) = image.dimensions();
    let is_opaque = image.pixels().all(|pixel| pixel.0[3] == 255);
    let mut bytes = Vec::new();
    match jpeg_quality {
        Some(quality) => JpegEncoder::new_with_quality(&mut bytes, quality).write_image(
            &on_white(image),
            width,
            height,
            ExtendedColorType::Rgb8,
        )?,
        None if is_opaque => PngEncoder::new(&mut bytes).write_image(
            &on_white(image),
            width,
            height,
            ExtendedColorType::Rgb8,
        )?,
        None => PngEncoder::new(&mut bytes).write_image(
            &straight(image),
            width,
            height,
            ExtendedColorType::Rgba8,
        )?,
    }
    Ok(bytes)
}

/// Without transparency. Premultiplied colours only lack the white that shines through.
fn on_white(image: &RgbaImage) -> Vec<u8> {
    let pixels = image.pixels().map(|pixel| pixel.0);
    pixels.flat_map(|[r, g, b, a]| [r, g, b].map(|c| c.saturating_add(255 - a))).collect()
}

/// No longer premultiplied.
fn straight(image: &RgbaImage) -> Vec<u8> {
    let whole = |c: u8, a: u8| (u16::from(c) * 255 / u16::from(a.max(1))).min(255) as u8;
    let pixels = image.pixels().map(|pixel| pixel.0);
    pixels.flat_map(|[r, g, b, a]| [whole(r, a), whole(g, a), whole(b, a), a]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgba;

    #[test]
    fn transparency_stays_in_png_and_is_white_in_jpeg() {
        let half_red = RgbaImage::from_pixel(16, 16, Rgba([128, 0, 0, 128]));
        let png = encode(&half_red, None).expect("it is encoded");
        let png = image::load_from_memory(&png).expect("it is PNG").to_rgba8();
        assert_eq!(png.get_pixel(8, 8).0, [255, 0, 0, 128]);
        let jpeg = encode(&half_red, Some(95)).expect("it is encoded");
        let jpeg = image::load_from_memory(&jpeg).expect("it is JPEG").to_rgb8();
        let [r, g, b] = jpeg.get_pixel(8, 8).0;
        assert!(r > 250 && g.abs_diff(127) < 6 && b.abs_diff(127) < 6, "{r} {g} {b}");
    }
}
