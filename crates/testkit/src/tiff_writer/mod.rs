//! Writes TIFF and BigTIFF files for fixtures and sample slides, tile by tile.
//!
//! Cells (tiles or strips) of all pages go into the file as they come, in any interleaving; the
//! directories follow at the end, when it is known whether 32-bit offsets reach.

mod directory;
mod jpeg;
mod page;

use std::{
    fs::File,
    io::{BufWriter, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use bianque_core::{AtLevel, PixelRect, RgbImage};
use rayon::prelude::*;

use directory::Encoding;
pub use directory::{ByteOrder, Value, tag};
pub(crate) use jpeg::encode as encode_jpeg;
pub use jpeg::{JpegCoding, JpegColour};
pub use page::{Coding, Grid, Page, gray_as_rgb, resolution_tags};

use crate::error::{Result, TestkitError};

/// How wide the file's offsets are.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum OffsetSize {
    /// 32 bits where the file stays below 4 GiB, else 64.
    AsNeeded,
    /// Always 64: a BigTIFF.
    Big,
}

/// The largest header, reserved at the start of the file.
const HEADER_BYTES: u64 = 16;
/// Cells encoded together before they are written: what bounds the memory of a page.
const CELLS_AT_ONCE: usize = 256;

/// A page that is being written, by its place in the file.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct PageId(usize);

struct OpenPage {
    page: Page,
    offsets: Vec<u64>,
    counts: Vec<u64>,
}

/// A TIFF file in the making. [`TiffWriter::finish`] makes it readable.
pub struct TiffWriter {
    path: PathBuf,
    file: BufWriter<File>,
    position: u64,
    order: ByteOrder,
    offset_size: OffsetSize,
    pages: Vec<OpenPage>,
}

impl TiffWriter {
    /// A new little-endian file whose offsets grow only as needed.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path) -> Result<Self> {
        Self::create_with(path, ByteOrder::Little, OffsetSize::AsNeeded)
    }

    /// A new file of a byte order and offset size.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create_with(path: &Path, order: ByteOrder, offset_size: OffsetSize) -> Result<Self> {
        let fail = |source| TestkitError::Io { path: path.to_owned(), source };
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path).map_err(fail)?);
        file.write_all(&[0; HEADER_BYTES as usize]).map_err(fail)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            position: HEADER_BYTES,
            order,
            offset_size,
            pages: Vec::new(),
        })
    }

    /// Opens the next page; its cells are then added in raster order.
    ///
    /// # Errors
    /// When the page has no pixels or asks for a coding that does not exist.
    pub fn begin_page(&mut self, page: Page) -> Result<PageId> {
        page.check()?;
        self.pages.push(OpenPage { page, offsets: Vec::new(), counts: Vec::new() });
        Ok(PageId(self.pages.len() - 1))
    }

    /// Encodes cells in parallel and adds them in their order.
    ///
    /// # Errors
    /// When a cell does not encode or the file cannot be written.
    pub fn add_cells(&mut self, id: PageId, cells: &[RgbImage]) -> Result<()> {
        for some in cells.chunks(CELLS_AT_ONCE) {
            let page = &self.open(id)?.page;
            let coded: Result<Vec<Vec<u8>>> =
                some.par_iter().map(|image| page.encode_cell(image)).collect();
            coded?.iter().try_for_each(|bytes| self.add_coded(id, Some(bytes)))?;
        }
        Ok(())
    }

    /// Adds one cell that is already coded; `None` leaves it out (offset and count 0).
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add_coded(&mut self, id: PageId, bytes: Option<&[u8]>) -> Result<()> {
        let offset = if bytes.is_some() { self.position } else { 0 };
        let bytes = bytes.unwrap_or_default();
        // Offsets stay even, as TIFF 6.0 asks for values.
        let padding = bytes.len() % 2;
        self.file
            .write_all(bytes)
            .and_then(|()| self.file.write_all(&[0][..padding]))
            .map_err(|source| TestkitError::Io { path: self.path.clone(), source })?;
        self.position += (bytes.len() + padding) as u64;
        let page = self.open(id)?;
        page.offsets.push(offset);
        page.counts.push(bytes.len() as u64);
        Ok(())
    }

    /// Writes a whole page whose cells `pixels` gives, called from many threads, each with the
    /// part of the cell that lies inside the image.
    ///
    /// # Errors
    /// When a cell does not encode or the file cannot be written.
    pub fn write_page(
        &mut self,
        page: Page,
        pixels: impl Fn(PixelRect<AtLevel>) -> Result<RgbImage> + Sync,
    ) -> Result<PageId> {
        let cells = cells(&page);
        let id = self.begin_page(page)?;
        for some in cells.chunks(CELLS_AT_ONCE) {
            let page = &self.open(id)?.page;
            let coded: Result<Vec<Vec<u8>>> =
                some.par_iter().map(|cell| page.encode_cell(&pixels(*cell)?)).collect();
            coded?.iter().try_for_each(|bytes| self.add_coded(id, Some(bytes)))?;
        }
        Ok(id)
    }

    /// Adds all cells of an open page from an image in memory.
    ///
    /// # Errors
    /// As [`TiffWriter::write_page`], and when the image has another size than the page.
    pub fn add_image(&mut self, id: PageId, image: &RgbImage) -> Result<()> {
        let page = &self.open(id)?.page;
        if (page.width, page.height) != (image.width(), image.height()) {
            return Err(TestkitError::Request("the image has another size than its page".into()));
        }
        let images: Result<Vec<RgbImage>> =
            cells(page).into_iter().map(|cell| crop(image, cell)).collect();
        self.add_cells(id, &images?)
    }

    /// Writes a whole page from an image in memory.
    ///
    /// # Errors
    /// As [`TiffWriter::write_page`], and when the image has another size than the page.
    pub fn write_image(&mut self, page: Page, image: &RgbImage) -> Result<PageId> {
        let id = self.begin_page(page)?;
        self.add_image(id, image)?;
        Ok(id)
    }

    /// Writes the directories and the header.
    ///
    /// # Errors
    /// When a page lacks cells, there is no page, or the file cannot be written.
    pub fn finish(mut self) -> Result<()> {
        self.position = self.position.next_multiple_of(8);
        let directories: Vec<Vec<(u16, Value)>> =
            std::mem::take(&mut self.pages).into_iter().map(close).collect::<Result<_>>()?;
        if directories.is_empty() {
            return Err(TestkitError::Request("a file without pages".into()));
        }
        let classic = Encoding { order: self.order, big: false };
        let mut encoding = Encoding { big: self.offset_size == OffsetSize::Big, ..classic };
        let mut bytes = encode_directories(encoding, &directories, self.position);
        if !encoding.big && self.position + bytes.len() as u64 > u64::from(u32::MAX) {
            encoding.big = true;
            bytes = encode_directories(encoding, &directories, self.position);
        }
        let header = encoding.header(self.position);
        self.file
            .seek(SeekFrom::Start(self.position))
            .and_then(|_| self.file.write_all(&bytes))
            .and_then(|()| self.file.seek(SeekFrom::Start(0)))
            .and_then(|_| self.file.write_all(&header))
            .and_then(|()| self.file.flush())
            .map_err(|source| TestkitError::Io { path: self.path.clone(), source })
    }

    fn open(&mut self, id: PageId) -> Result<&mut OpenPage> {
        self.pages
            .get_mut(id.0)
            .ok_or_else(|| TestkitError::Request("a page of another file".into()))
    }
}

fn close(open: OpenPage) -> Result<Vec<(u16, Value)>> {
    let (expected, actual) = (cells(&open.page).len(), open.offsets.len());
    if expected != actual {
        return Err(TestkitError::Request(format!("a page of {expected} cells has {actual}")));
    }
    open.page.directory(open.offsets, open.counts)
}

fn encode_directories(encoding: Encoding, list: &[Vec<(u16, Value)>], start: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, tags) in list.iter().enumerate() {
        let at = start + bytes.len() as u64;
        bytes.extend(encoding.directory(tags, at, index + 1 == list.len()));
    }
    bytes
}

/// The cells of a page in raster order, cut at its right and bottom edge.
fn cells(page: &Page) -> Vec<PixelRect<AtLevel>> {
    let (width, height) = page.cell_size();
    let starts = |end: u32, step: u32| (0..end).step_by(step.max(1) as usize);
    starts(page.height, height)
        .flat_map(|y| {
            starts(page.width, width).map(move |x| {
                let (right, bottom) = (width.min(page.width - x), height.min(page.height - y));
                PixelRect::new(i64::from(x), i64::from(y), right, bottom)
            })
        })
        .collect()
}

/// A part of an image.
///
/// # Errors
/// When the part reaches outside.
pub(crate) fn crop(image: &RgbImage, rect: PixelRect<AtLevel>) -> Result<RgbImage> {
    let outside = || TestkitError::Request("a region reaches outside its image".into());
    let whole = PixelRect::new(0, 0, image.width(), image.height());
    if whole.intersection(&rect) != Some(rect) {
        return Err(outside());
    }
    let (left, length) = (rect.x as usize * 3, rect.width as usize * 3);
    let mut pixels = Vec::with_capacity(length * rect.height as usize);
    for y in 0..rect.height {
        pixels.extend_from_slice(&image.row(rect.y as u32 + y)[left..left + length]);
    }
    RgbImage::from_pixels(rect.width, rect.height, pixels).map_err(|_| outside())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_bytes(path: &Path) -> Vec<u8> {
        use std::io::Read;
        let mut bytes = vec![0; 16];
        File::open(path).unwrap().read_exact(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn offsets_grow_when_the_file_passes_four_gibibytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sparse.tif");
        for (skipped, version) in [(0, 42), (5 << 30, 43)] {
            let mut writer = TiffWriter::create(&path).unwrap();
            let page = writer.begin_page(Page::tiled(16, 16, 16, Coding::Raw)).unwrap();
            // As if that much had been written: the file system keeps the gap as a hole.
            writer.position += skipped;
            writer.add_cells(page, &[RgbImage::filled(16, 16, [7; 3])]).unwrap();
            writer.finish().unwrap();
            assert_eq!(first_bytes(&path)[2], version);
        }
    }

    #[test]
    fn what_makes_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let create = || TiffWriter::create(&folder.path().join("a.tif")).unwrap();
        assert!(create().finish().is_err(), "no page");
        let page = || Page::tiled(40, 40, 16, Coding::Raw);
        let mut writer = create();
        let id = writer.begin_page(page()).unwrap();
        writer.add_cells(id, &[RgbImage::filled(16, 16, [0; 3])]).unwrap();
        assert!(writer.finish().is_err(), "eight cells are missing");
        assert!(create().begin_page(Page::tiled(0, 4, 16, Coding::Raw)).is_err());
        assert!(create().begin_page(Page { samples: 2, ..page() }).is_err());
        assert!(create().write_image(page(), &RgbImage::filled(9, 9, [0; 3])).is_err());
        let too_large = RgbImage::filled(17, 16, [0; 3]);
        let mut writer = create();
        let id = writer.begin_page(page()).unwrap();
        assert!(writer.add_cells(id, &[too_large]).is_err());
    }
}
