//! The bare JPEG decoders on tiles in memory, at full and half size.

use crate::{Failure, measure};

/// A decoder's name and its rates in source megapixels per second of processor time.
pub(crate) struct Rate {
    pub(crate) name: &'static str,
    pub(crate) full: f64,
    pub(crate) half: Option<f64>,
    pub(crate) eighth: Option<f64>,
}

type Decode = fn(&[u8], u16) -> Result<usize, Failure>;

/// Measures every decoder on the same JPEG tiles of `pixels` pixels each, one thread.
pub(crate) fn rates(tiles: &[Vec<u8>], pixels: u64, rounds: u32) -> Result<Vec<Rate>, Failure> {
    let decoders: [(&str, Decode, bool); 3] =
        [("turbojpeg", turbo, true), ("zune-jpeg", zune, false), ("jpeg-decoder", plain, true)];
    let total = pixels as f64 * tiles.len() as f64 / 1e6;
    let mut rates = Vec::new();
    for (name, decode, scales) in decoders {
        if name == "turbojpeg" && !cfg!(feature = "turbojpeg") {
            continue;
        }
        let rate = |factor: u16| -> Result<f64, Failure> {
            let mut best = f64::INFINITY;
            for _ in 0..rounds {
                let cost = measure::cost(|| {
                    tiles.iter().try_for_each(|tile| decode(tile, factor).map(|_| ()))
                })?;
                best = best.min(cost.processor);
            }
            Ok(total / best)
        };
        let scaled = |factor| scales.then(|| rate(factor)).transpose();
        rates.push(Rate { name, full: rate(1)?, half: scaled(2)?, eighth: scaled(8)? });
    }
    Ok(rates)
}

#[cfg(feature = "turbojpeg")]
fn turbo(bytes: &[u8], factor: u16) -> Result<usize, Failure> {
    use std::cell::RefCell;

    use turbojpeg::{Decompressor, Image, PixelFormat, ScalingFactor};

    thread_local! {
        static STATE: RefCell<Option<(Decompressor, Vec<u8>)>> = const { RefCell::new(None) };
    }
    STATE.with_borrow_mut(|state| {
        let (decompressor, pixels) = match state {
            Some(state) => state,
            None => state.insert((Decompressor::new()?, Vec::new())),
        };
        decompressor.set_scaling_factor(ScalingFactor::new(1, factor.into()))?;
        let size = decompressor.read_header(bytes)?.scaled(decompressor.scaling_factor());
        pixels.resize(size.width * size.height * 3, 0);
        decompressor.decompress(
            bytes,
            Image {
                pixels: pixels.as_mut_slice(),
                width: size.width,
                pitch: size.width * 3,
                height: size.height,
                format: PixelFormat::RGB,
            },
        )?;
        Ok(pixels.len())
    })
}

#[cfg(not(feature = "turbojpeg"))]
fn turbo(_: &[u8], _: u16) -> Result<usize, Failure> {
    Err("turbojpeg is not built in".into())
}

fn zune(bytes: &[u8], _: u16) -> Result<usize, Failure> {
    let mut decoder =
        zune_jpeg::JpegDecoder::new(zune_jpeg::zune_core::bytestream::ZCursor::new(bytes));
    let pixels = decoder.decode().map_err(|error| error.to_string())?;
    Ok(pixels.len())
}

fn plain(bytes: &[u8], factor: u16) -> Result<usize, Failure> {
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    if factor > 1 {
        decoder.read_info()?;
        let size = decoder.info().ok_or("no JPEG header")?;
        decoder.scale(size.width.div_ceil(factor), size.height.div_ceil(factor))?;
    }
    Ok(decoder.decode()?.len())
}
