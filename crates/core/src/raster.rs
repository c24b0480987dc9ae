//! Images in memory: 8-bit RGB and 8-bit single channel, rows from the top, no padding.

/// An image whose buffer does not hold what its size says.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("an image of {width} x {height} px needs {expected} bytes, the buffer has {actual}")]
pub struct RasterSizeError {
    width: u32,
    height: u32,
    expected: u64,
    actual: usize,
}

macro_rules! raster {
    ($name:ident, $channels:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name {
            width: u32,
            height: u32,
            pixels: Vec<u8>,
        }

        impl $name {
            /// Bytes per pixel.
            pub const CHANNELS: usize = $channels;

            /// An image of one value in every channel.
            #[must_use]
            pub fn filled(width: u32, height: u32, value: [u8; $channels]) -> Self {
                let count = width as usize * height as usize;
                let mut pixels = Vec::with_capacity(count * $channels);
                for _ in 0..count {
                    pixels.extend_from_slice(&value);
                }
                Self { width, height, pixels }
            }

            /// An image over an existing buffer of `width * height * CHANNELS` bytes.
            ///
            /// # Errors
            /// When the buffer has another length.
            pub fn from_pixels(
                width: u32,
                height: u32,
                pixels: Vec<u8>,
            ) -> Result<Self, RasterSizeError> {
                let expected = u64::from(width) * u64::from(height) * $channels;
                if expected == pixels.len() as u64 {
                    Ok(Self { width, height, pixels })
                } else {
                    Err(RasterSizeError { width, height, expected, actual: pixels.len() })
                }
            }

            /// Width in pixels.
            #[must_use]
            pub fn width(&self) -> u32 {
                self.width
            }

            /// Height in pixels.
            #[must_use]
            pub fn height(&self) -> u32 {
                self.height
            }

            /// All bytes, row by row.
            #[must_use]
            pub fn pixels(&self) -> &[u8] {
                &self.pixels
            }

            /// All bytes, row by row, to change.
            pub fn pixels_mut(&mut self) -> &mut [u8] {
                &mut self.pixels
            }

            /// Gives the buffer away.
            #[must_use]
            pub fn into_pixels(self) -> Vec<u8> {
                self.pixels
            }

            /// One row's bytes. Panics when `y` is outside, as indexing does.
            #[must_use]
            pub fn row(&self, y: u32) -> &[u8] {
                let stride = self.width as usize * $channels;
                &self.pixels[y as usize * stride..][..stride]
            }

            /// One pixel. Panics when it is outside, as indexing does.
            #[must_use]
            pub fn pixel(&self, x: u32, y: u32) -> [u8; $channels] {
                let at = (y as usize * self.width as usize + x as usize) * $channels;
                std::array::from_fn(|channel| self.pixels[at + channel])
            }

            /// Sets one pixel. Panics when it is outside, as indexing does.
            pub fn set_pixel(&mut self, x: u32, y: u32, value: [u8; $channels]) {
                let at = (y as usize * self.width as usize + x as usize) * $channels;
                self.pixels[at..at + $channels].copy_from_slice(&value);
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({} x {})", stringify!($name), self.width, self.height)
            }
        }
    };
}

raster!(RgbImage, 3, "An 8-bit RGB image.");
raster!(GrayImage, 1, "An 8-bit single-channel image: a mask, a map.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_must_fit() {
        assert!(RgbImage::from_pixels(2, 2, vec![0; 12]).is_ok());
        assert!(RgbImage::from_pixels(2, 2, vec![0; 11]).is_err());
        assert!(GrayImage::from_pixels(u32::MAX, u32::MAX, vec![]).is_err());
    }

    #[test]
    fn pixels_are_row_by_row() {
        let mut image = RgbImage::filled(3, 2, [255; 3]);
        image.set_pixel(1, 1, [1, 2, 3]);
        assert_eq!(image.row(1), [255, 255, 255, 1, 2, 3, 255, 255, 255]);
        assert_eq!(image.pixel(1, 1), [1, 2, 3]);
    }
}
