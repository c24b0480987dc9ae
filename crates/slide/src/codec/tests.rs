//! Every codec on good, truncated, lying and random bytes.

use std::{borrow::Cow, io::Write};

use proptest::prelude::*;

use super::*;

/// 32 x 32 px, lossless, 2 decompositions: red 8x, green 8y, blue 4(x + y). Written by OpenJPEG.
const GRADIENT_J2K: &str = "\
ff4fff51002f000000000020000000200000000000000000000000200000002000000000000000000003070101070101\
070101ff52000c00000001010204040001ff5c000a4040484850484850ff640025000143726561746564206279204f70\
656e4a5045472076657273696f6e20322e352e34ff90000a0000000001010001ff93df81b0122b65caf47b4dfbd836a9\
41885990ba358ed9f99bf0eab03a4dd9a0eaad031f97c7d4030bd548cf44e1eb561b59116af3bd9b4d705fcfb4902775\
668a9f1ca5bdba8f3aaf5b33fc97429074f7a26f512e61def648cbb851c35876ec07df81402775668a9f1ca5bdba8f3a\
af5b33fc97429074f7a26f512e61def648cbb851c35876ec07a03bd68cc07c2240f9020036a1853f3da63433c0f90340\
f9030036a199ae639f3e62a2ad886dc1f38783e70e36a199ae63a35f3e62a2ad886e2bc03a2407c2285fa7c7319dac29\
403fc07c22c07c23005fa7c7889f9d96a900ff7fc0f902c0f902805fa7c788b79d96a90107ffd9";

fn from_hexadecimal(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn gradient(width: u32, height: u32) -> Vec<u8> {
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| [8 * x, 8 * y, 4 * (x + y)]));
    pixels.flatten().map(|value| value as u8).collect()
}

fn tile(bytes: Vec<u8>, codec: Codec, width: u32, height: u32) -> RawTile<'static> {
    RawTile { bytes: Cow::Owned(bytes), codec, width, height }
}

fn jpeg(width: u16, height: u16) -> RawTile<'static> {
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 95);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::R_4_4_4);
    let pixels = gradient(u32::from(width), u32::from(height));
    encoder.encode(&pixels, width, height, jpeg_encoder::ColorType::Rgb).unwrap();
    tile(bytes, Codec::Jpeg, width.into(), height.into())
}

fn packed(lzw: bool, predictor: bool) -> RawTile<'static> {
    let mut pixels = gradient(32, 32);
    if predictor {
        for row in pixels.chunks_mut(32 * 3) {
            for index in (3..row.len()).rev() {
                row[index] = row[index].wrapping_sub(row[index - 3]);
            }
        }
    }
    let codec = Codec::Packed { samples: 3, lzw, predictor };
    tile(if lzw { pack_lzw(&pixels) } else { deflate(&pixels) }, codec, 32, 32)
}

fn pack_lzw(pixels: &[u8]) -> Vec<u8> {
    weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8).encode(pixels).unwrap()
}

fn deflate(pixels: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(pixels).unwrap();
    encoder.finish().unwrap()
}

fn every_codec() -> Vec<RawTile<'static>> {
    let j2k = from_hexadecimal(GRADIENT_J2K);
    let mut tiles = vec![
        jpeg(32, 32),
        tile(j2k, Codec::Jpeg2000Rgb, 32, 32),
        tile(gradient(32, 32), Codec::Raw { samples: 3 }, 32, 32),
    ];
    for (lzw, predictor) in [(false, false), (false, true), (true, false), (true, true)] {
        tiles.push(packed(lzw, predictor));
    }
    tiles
}

fn decoded(tile: &RawTile<'_>, reduction: Reduction) -> Result<Vec<u8>> {
    let coded = coded_size(tile)?;
    if coded.area() > 1 << 20 {
        return Err(CodecError::new("too large for a test"));
    }
    let size = reduction.apply(coded);
    let mut pixels = vec![255; size.area() as usize * RGB];
    decode(tile, coded, coded.height, reduction, &mut Canvas::whole(&mut pixels, size))?;
    Ok(pixels)
}

#[test]
fn every_codec_gives_the_gradient() {
    for tile in every_codec() {
        let pixels = decoded(&tile, Reduction::Full).unwrap();
        let furthest =
            pixels.iter().zip(gradient(32, 32)).map(|(&a, b)| a.abs_diff(b)).max().unwrap();
        let allowed = if tile.codec == Codec::Jpeg { 6 } else { 0 };
        assert!(furthest <= allowed, "{:?}: {furthest}", tile.codec);
    }
}

/// Reduced pixels stand where `Reducible::centred` says, in every codec.
#[test]
fn reduced_pixels_stand_where_they_are_said_to() {
    for tile in every_codec() {
        let Reducible { most, centred } = reducible(&tile).unwrap();
        assert!(most >= Reduction::Quarter);
        for reduction in Reduction::ALL.into_iter().filter(|&reduction| reduction <= most) {
            let factor = f64::from(reduction.factor());
            let side = 32 / reduction.factor();
            let pixels = decoded(&tile, reduction).unwrap();
            for (index, pixel) in pixels.chunks_exact(3).enumerate() {
                let (column, row) = (index as u32 % side, index as u32 / side);
                // Wavelets mirror at the edges, which bends a gradient there.
                if !centred && [column, row].iter().any(|&i| i == 0 || i + 1 == side) {
                    continue;
                }
                let middle = if centred { (factor - 1.0) / 2.0 } else { 0.0 };
                let at = |i: u32| 8.0 * (f64::from(i) * factor + middle);
                for (value, expected) in pixel.iter().zip([at(column), at(row)]) {
                    let gap = (f64::from(*value) - expected).abs();
                    assert!(gap <= 6.0, "{:?} {reduction:?} {index}: {gap}", tile.codec);
                }
            }
        }
    }
}

#[test]
fn grey_becomes_rgb() {
    let mut bytes = Vec::new();
    let grey: Vec<u8> = (0..16 * 16).map(|i| (i % 16) as u8 * 16).collect();
    jpeg_encoder::Encoder::new(&mut bytes, 95)
        .encode(&grey, 16, 16, jpeg_encoder::ColorType::Luma)
        .unwrap();
    for tile in [
        tile(bytes, Codec::Jpeg, 16, 16),
        tile(grey.clone(), Codec::Raw { samples: 1 }, 16, 16),
        tile(deflate(&grey), Codec::Packed { samples: 1, lzw: false, predictor: false }, 16, 16),
    ] {
        let pixels = decoded(&tile, Reduction::Full).unwrap();
        for (pixel, &value) in pixels.chunks_exact(3).zip(&grey) {
            assert!(pixel.iter().all(|&v| v == pixel[0] && v.abs_diff(value) < 6));
        }
    }
}

/// An Adobe marker that says "no transform", as a container adds it to Aperio's RGB streams.
#[test]
fn rgb_streams_are_not_converted() {
    let mut adobe = vec![0xFF, 0xEE, 0, 14];
    adobe.extend(b"Adobe\0\x64\0\0\0\0\0");
    let ycbcr = jpeg(32, 32).bytes.into_owned();
    // The encoder writes a JFIF segment of 16 bytes behind the start marker.
    assert_eq!(ycbcr[2..4], [0xFF, 0xE0]);
    let bytes = [&ycbcr[..2], &adobe, &ycbcr[20..]].concat();
    let pixels = decoded(&tile(bytes, Codec::Jpeg, 32, 32), Reduction::Full).unwrap();
    // Luma of the gradient stands in the first channel.
    let [red, green, blue] = [8.0 * 20.0, 8.0 * 10.0, 4.0 * 30.0];
    let luma = 0.299 * red + 0.587 * green + 0.114 * blue;
    let first = f64::from(pixels[(10 * 32 + 20) * 3]);
    assert!((first - luma).abs() < 4.0, "{first} {luma}");
}

/// A kept decompressor remembers the tables of the tile before.
#[test]
fn tables_of_another_tile_do_not_stand_in_for_missing_ones() {
    let whole = jpeg(16, 16);
    decoded(&whole, Reduction::Full).unwrap();
    let bytes = whole.bytes.to_vec();
    let start = bytes.windows(2).position(|pair| pair == [0xFF, 0xDB]).unwrap();
    let length = usize::from(u16::from_be_bytes([bytes[start + 2], bytes[start + 3]]));
    let lacking = [&bytes[..start], &bytes[start + 2 + length..]].concat();
    let lacking = tile(lacking, Codec::Jpeg, 16, 16);
    assert!(decoded(&lacking, Reduction::Full).is_err());
    decoded(&whole, Reduction::Full).unwrap();
}

#[test]
fn a_cut_tile_is_an_error() {
    for whole in every_codec() {
        for part in [0, 1, 2, 10, whole.bytes.len() / 2, whole.bytes.len() * 4 / 5] {
            let bytes = whole.bytes[..part].to_vec();
            let cut = tile(bytes, whole.codec, 32, 32);
            assert!(decoded(&cut, Reduction::Full).is_err(), "{:?} {part}", whole.codec);
        }
    }
}

#[test]
fn a_short_last_strip_is_whole_where_it_is_needed() {
    let coded = Size::new(32, 32);
    let bytes = gradient(32, 20);
    for (bytes, codec) in [
        (bytes.clone(), Codec::Raw { samples: 3 }),
        (pack_lzw(&bytes), Codec::Packed { samples: 3, lzw: true, predictor: false }),
        (deflate(&bytes), Codec::Packed { samples: 3, lzw: false, predictor: false }),
    ] {
        let strip = tile(bytes, codec, 32, 32);
        let mut pixels = vec![255; 32 * 32 * 3];
        let mut canvas = Canvas::whole(&mut pixels, coded);
        assert!(decode(&strip, coded, 21, Reduction::Full, &mut canvas).is_err());
        decode(&strip, coded, 20, Reduction::Full, &mut canvas).unwrap();
        assert_eq!(pixels[..20 * 96], gradient(32, 20));
    }
}

/// Packed bytes that would unfold to far more than the tile holds stop at the tile's size.
#[test]
fn bombs_stop_at_the_tile() {
    let bomb = vec![0; 64 << 20];
    for (bytes, lzw) in [(pack_lzw(&bomb), true), (deflate(&bomb), false)] {
        assert!(bytes.len() < 1 << 20);
        let codec = Codec::Packed { samples: 3, lzw, predictor: false };
        let pixels = decoded(&tile(bytes, codec, 32, 32), Reduction::Full).unwrap();
        assert_eq!(pixels, vec![0; 32 * 32 * 3]);
    }
}

#[test]
fn sizes_that_the_bytes_cannot_justify_are_refused() {
    let huge = 60_000;
    let lzw = packed(true, false);
    let lying = tile(lzw.bytes.to_vec(), lzw.codec, huge, huge);
    let coded = coded_size(&lying).unwrap();
    let layout = packed::Layout::new(coded, huge, 3).unwrap();
    assert!(packed::unpack(&lying.bytes, true, layout).is_err());
    assert!(packed::unpack(&lying.bytes, false, layout).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever the bytes, decoding ends in pixels or an error.
    #[test]
    fn damaged_tiles_never_panic(
        which in 0_usize..7,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
        halvings in 0_usize..4,
    ) {
        let good = every_codec().swap_remove(which);
        let mut bytes = good.bytes.into_owned();
        for (place, value) in damage {
            let at = place.index(bytes.len());
            bytes[at] = value;
        }
        let keep = cut.index(bytes.len()).max(bytes.len() / 2);
        bytes.truncate(keep);
        let _ = decoded(&tile(bytes, good.codec, 32, 32), Reduction::ALL[halvings]);
    }

    #[test]
    fn random_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        which in 0_usize..7,
    ) {
        let codec = every_codec().swap_remove(which).codec;
        let _ = decoded(&tile(bytes, codec, 32, 32), Reduction::Full);
    }
}
