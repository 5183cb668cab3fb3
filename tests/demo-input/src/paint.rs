//! Pictures with the statistics of photos: large soft shapes, fine grain, few hard edges.
//!
//! **Invariant:** a picture is a pure function of its size and seed. Noise is made on a
//! coarse grid and stretched, so that twelve megapixels take a tenth of a second.

use crate::random::Random;

/// Pixels between two points of the coarse grid, as a power of two.
const GRID_SHIFT: u32 = 4;
/// Octaves of the fractal noise, each half as wide and half as strong.
const OCTAVES: u32 = 5;

/// What is in a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Motif {
    /// A sky above ridges that fade with distance.
    Mountains,
    /// Clouds in three colours.
    Clouds,
    /// A Julia set.
    Fractal,
}

type Rgb = [f32; 3];

/// The pixels of a picture, RGB, row by row.
pub(crate) fn paint(motif: Motif, width: u32, height: u32, seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    match motif {
        Motif::Mountains => mountains(width, height, &mut random),
        Motif::Clouds => clouds(width, height, &mut random),
        Motif::Fractal => fractal(width, height, &mut random),
    }
}

fn mountains(width: u32, height: u32, random: &mut Random) -> Vec<u8> {
    const RIDGES: usize = 5;
    let sky = [hue(random, 0.55), hue(random, 0.92)];
    let rock = hue(random, 0.25);
    let ridges: [Vec<f32>; RIDGES] = std::array::from_fn(|ridge| {
        let noise = Noise::new(width, 1, 0.5, random);
        let base = height as f32 * (0.35 + 0.13 * ridge as f32);
        (0..width).map(|x| base + (noise.at(x, 0) - 0.5) * height as f32 * 0.45).collect()
    });
    let texture = Noise::new(width, height, 0.05, random);
    each_pixel(width, height, random, |x, y| {
        let depth = ridges.iter().rposition(|ridge| y as f32 > ridge[x as usize]);
        let shade = texture.at(x, y) - 0.5;
        match depth {
            None => mix(sky[0], sky[1], y as f32 / height as f32 + shade * 0.2),
            Some(ridge) => {
                let near = (ridge + 1) as f32 / RIDGES as f32;
                let lit = mix(sky[1], rock, near);
                lit.map(|channel| channel * (1.0 + shade * near))
            }
        }
    })
}

fn clouds(width: u32, height: u32, random: &mut Random) -> Vec<u8> {
    let colours = [hue(random, 0.3), hue(random, 0.6), hue(random, 0.95)];
    let wide = Noise::new(width, height, 0.4, random);
    let fine = Noise::new(width, height, 0.1, random);
    each_pixel(width, height, random, |x, y| {
        let low = mix(colours[0], colours[1], wide.at(x, y) * 1.4 - 0.2);
        mix(low, colours[2], (fine.at(x, y) - 0.45) * 2.0)
    })
}

fn fractal(width: u32, height: u32, random: &mut Random) -> Vec<u8> {
    const STEPS_MAX: u32 = 48;
    let colours = [hue(random, 0.1), hue(random, 0.9)];
    let angle = 1.9 + 0.5 * random.unit() as f32;
    let c = (0.7885 * angle.cos(), 0.7885 * angle.sin());
    let scale = 3.0 / width.min(height) as f32;
    each_pixel(width, height, random, |x, y| {
        let mut re = (x as f32 - width as f32 / 2.0) * scale;
        let mut im = (y as f32 - height as f32 / 2.0) * scale;
        let mut steps = 0;
        while steps < STEPS_MAX && re * re + im * im < 16.0 {
            (re, im) = (re * re - im * im + c.0, 2.0 * re * im + c.1);
            steps += 1;
        }
        mix(colours[0], colours[1], (steps as f32 / STEPS_MAX as f32).sqrt())
    })
}

/// Paints every pixel and adds grain, as a sensor would.
fn each_pixel(
    width: u32,
    height: u32,
    random: &mut Random,
    colour: impl Fn(u32, u32) -> Rgb,
) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..height {
        for x in 0..width {
            let grain = (random.next() >> 61) as f32 - 3.5;
            pixels.extend(colour(x, y).map(|channel| (channel * 255.0 + grain) as u8));
        }
    }
    pixels
}

/// A colour of any hue and this brightness.
fn hue(random: &mut Random, brightness: f32) -> Rgb {
    std::array::from_fn(|_| brightness * (0.55 + 0.45 * random.unit() as f32))
}

fn mix(from: Rgb, to: Rgb, share: f32) -> Rgb {
    let share = share.clamp(0.0, 1.0);
    std::array::from_fn(|channel| from[channel] + (to[channel] - from[channel]) * share)
}

/// Fractal value noise in 0..1 on a coarse grid, read in between by straight lines.
struct Noise {
    columns: usize,
    grid: Vec<f32>,
}

impl Noise {
    /// `feature` is the size of the largest shapes as a share of the width.
    fn new(width: u32, height: u32, feature: f32, random: &mut Random) -> Self {
        let columns = (width >> GRID_SHIFT) as usize + 2;
        let rows = (height >> GRID_SHIFT) as usize + 2;
        let mut grid = vec![0.0; columns * rows];
        let mut cell = (columns as f32 * feature).max(2.0);
        let mut strength = 0.5;
        for _ in 0..OCTAVES {
            add_octave(&mut grid, columns, cell, strength, random.next());
            cell = (cell / 2.0).max(1.0);
            strength /= 2.0;
        }
        Self { columns, grid }
    }

    fn at(&self, x: u32, y: u32) -> f32 {
        let part = |at: u32| (at & ((1 << GRID_SHIFT) - 1)) as f32 / (1 << GRID_SHIFT) as f32;
        let corner = (y >> GRID_SHIFT) as usize * self.columns + (x >> GRID_SHIFT) as usize;
        let row = |at: usize| self.grid[at] + (self.grid[at + 1] - self.grid[at]) * part(x);
        let (upper, lower) = (row(corner), row(corner + self.columns));
        upper + (lower - upper) * part(y)
    }
}

fn add_octave(grid: &mut [f32], columns: usize, cell: f32, strength: f32, seed: u64) {
    for (index, value) in grid.iter_mut().enumerate() {
        let (x, y) = ((index % columns) as f32 / cell, (index / columns) as f32 / cell);
        let (left, top) = (x as u64, y as u64);
        let (right_share, lower_share) = (smooth(x.fract()), smooth(y.fract()));
        let row = |y: u64| {
            let (from, to) = (lattice(left, y, seed), lattice(left + 1, y, seed));
            from + (to - from) * right_share
        };
        let upper = row(top);
        *value += strength * (upper + (row(top + 1) - upper) * lower_share);
    }
}

/// The value at a point of the lattice, 0..1.
fn lattice(x: u64, y: u64, seed: u64) -> f32 {
    let mixed = (x.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ y.wrapping_mul(0xc2b2_ae3d_27d4_eb4f))
        .wrapping_add(seed);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed ^ (mixed >> 32)) & 0xffff) as f32 / 65_535.0
}

fn smooth(share: f32) -> f32 {
    share * share * (3.0 - 2.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_depends_on_its_seed_alone() {
        for motif in [Motif::Mountains, Motif::Clouds, Motif::Fractal] {
            assert!(paint(motif, 80, 60, 1) == paint(motif, 80, 60, 1));
            assert!(paint(motif, 80, 60, 1) != paint(motif, 80, 60, 2));
        }
    }

    #[test]
    fn neighbours_are_alike_and_the_whole_is_not_flat() {
        let pixels = paint(Motif::Clouds, 320, 240, 3);
        assert_eq!(pixels.len(), 320 * 240 * 3);
        let step: u32 = pixels.windows(4).map(|near| u32::from(near[0].abs_diff(near[3]))).sum();
        assert!(step / (pixels.len() as u32) < 12, "soft, but {step}");
        let (least, most) = (pixels.iter().min(), pixels.iter().max());
        assert!(most > least.map(|value| value + 60).as_ref(), "{least:?} to {most:?}");
    }
}
