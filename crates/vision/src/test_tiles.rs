//! Sixteen tiles that every copy of the program makes alike, to compare features by.

use bianque_core::RgbImage;

/// How many there are.
pub const TEST_TILES: usize = 16;

/// The built-in test tiles, `size` x `size` pixels: blank glass, black, noise, a ramp, and twelve
/// with the colours of haematoxylin and eosin and discs for nuclei. They are made with integers
/// alone, so that they are the same bytes everywhere. They are no tissue.
#[must_use]
pub fn test_tiles(size: u32) -> Vec<RgbImage> {
    (0..TEST_TILES as u32).map(|index| tile(index, size)).collect()
}

fn tile(index: u32, size: u32) -> RgbImage {
    let nuclei = nuclei(index, size);
    let mut image = RgbImage::filled(size, size, [0; 3]);
    let rows = image.pixels_mut().chunks_exact_mut(3 * size.max(1) as usize);
    for (y, row) in (0..size).zip(rows) {
        for (x, pixel) in (0..size).zip(row.chunks_exact_mut(3)) {
            let color = match index {
                0 => [243, 242, 244],
                1 => [0; 3],
                2 => {
                    let noise = hash(index, x, y);
                    [noise as u8, (noise >> 8) as u8, (noise >> 16) as u8]
                }
                3 => {
                    let ramp = |at: u32| (at * 255 / size.max(2).saturating_sub(1)).min(255) as u8;
                    [ramp(x), ramp(y), ramp((x + y) / 2)]
                }
                _ => stained(index, x, y, &nuclei),
            };
            pixel.copy_from_slice(&color);
        }
    }
    image
}

/// A disc: centre and squared radius in pixels.
struct Nucleus {
    x: i64,
    y: i64,
    square: i64,
}

/// More and larger nuclei in later tiles.
fn nuclei(index: u32, size: u32) -> Vec<Nucleus> {
    let place = |value: u32| i64::from(value % size.max(1));
    (0..index * 6)
        .map(|number| {
            let radius = i64::from(3 + hash(index, number, 2) % (2 + index / 2));
            Nucleus {
                x: place(hash(index, number, 0)),
                y: place(hash(index, number, 1)),
                square: radius * radius,
            }
        })
        .collect()
}

/// Eosin with a grain, haematoxylin where a nucleus is.
fn stained(index: u32, x: u32, y: u32, nuclei: &[Nucleus]) -> [u8; 3] {
    let inside = nuclei.iter().any(|nucleus| {
        let (dx, dy) = (i64::from(x) - nucleus.x, i64::from(y) - nucleus.y);
        dx * dx + dy * dy <= nucleus.square
    });
    let base: [u32; 3] = if inside { [96, 64, 140] } else { [214, 150 + 4 * index, 190] };
    let coarse = hash(index, x / 8, y / 8) % 24;
    let fine = hash(index + 64, x, y) % 16;
    base.map(|value| (value + coarse + fine).saturating_sub(20).min(255) as u8)
}

/// Scattered bits of three numbers (the finaliser of MurmurHash3, which is public domain).
fn hash(a: u32, b: u32, c: u32) -> u32 {
    let mix = |value: u32| {
        let value = (value ^ (value >> 16)).wrapping_mul(0x85eb_ca6b);
        let value = (value ^ (value >> 13)).wrapping_mul(0xc2b2_ae35);
        value ^ (value >> 16)
    };
    mix(mix(mix(a.wrapping_add(0x9e37_79b9)) ^ b).wrapping_add(c))
}

#[cfg(test)]
mod tests {
    use bianque_core::Digest;

    use super::*;

    #[test]
    fn they_are_the_same_everywhere() {
        let tiles = test_tiles(224);
        assert_eq!(tiles.len(), TEST_TILES);
        let bytes: Vec<u8> = tiles.iter().flat_map(|tile| tile.pixels().to_vec()).collect();
        assert_eq!(
            Digest::of(&bytes).to_string(),
            "blake3:bc5d6404f591575a780628a9e96df045d22b36f81d5ed64496bd550a1440afc5"
        );
    }

    #[test]
    fn all_differ_and_any_size_works() {
        for size in [1, 8, 48] {
            assert!(test_tiles(size).iter().all(|tile| tile.width() == size));
        }
        let tiles = test_tiles(48);
        for (index, tile) in tiles.iter().enumerate() {
            assert!(tiles[..index].iter().all(|other| other.pixels() != tile.pixels()));
        }
    }
}
