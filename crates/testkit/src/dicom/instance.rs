//! One instance: an image in frames with the attributes that readers ask for (PS3.3, A.32.8).

use std::path::Path;

use bianque_core::RgbImage;

use super::data_set::{DataSet, Encoding, Tag, Value, tag};
use crate::{
    error::{Result, TestkitError},
    tiff_writer::{JpegCoding, JpegColour, encode_jpeg},
};

/// VL Whole Slide Microscopy Image Storage.
const SOP_CLASS: &str = "1.2.840.10008.5.1.4.1.1.77.1.6";
/// A UUID-derived UID (PS3.5, B.2) of this writer.
const IMPLEMENTATION: &str = "2.25.178446905341281209";

/// How frames are coded.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum FrameCoding {
    /// Pixels as they are, in explicit or implicit VR.
    Native {
        /// Implicit VR.
        implicit: bool,
        /// Plane by plane.
        planar: bool,
    },
    /// Grey pixels as they are (the red channel).
    Grey,
    /// Baseline JPEG; RGB streams carry no colour marker.
    Jpeg {
        /// 1 to 100.
        quality: u8,
        /// The stream's colour space.
        colour: JpegColour,
    },
}

/// Which frame lies where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameOrder {
    /// `TILED_FULL`.
    Full,
    /// Positions for each frame.
    Sparse(SparseOrder),
    /// Row by row without saying so.
    Unstated,
}

/// Frames with positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SparseOrder {
    /// The tiles that are written, in frame order, counted row by row.
    pub tiles: Vec<u32>,
    /// Whether `TILED_SPARSE` is stated, or nothing.
    pub stated: bool,
}

/// Which offset table leads the frames.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum OffsetTable {
    /// An empty basic table.
    Empty,
    /// A full basic table.
    Basic,
    /// An empty basic and a full extended table.
    Extended,
}

/// The UIDs that tie instances together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `StudyInstanceUID`.
    pub study: String,
    /// `SeriesInstanceUID`.
    pub series: String,
    /// `FrameOfReferenceUID`.
    pub frame_of_reference: String,
    /// `PyramidUID`.
    pub pyramid: Option<String>,
    /// `SOPInstanceUID`.
    pub instance: String,
}

impl Identity {
    /// Instance `number` of the slide `slide`: the same slide gives the same series.
    #[must_use]
    pub fn new(slide: u32, number: u32) -> Self {
        let uid = |kind: u32| format!("2.25.{}", (u64::from(kind) << 40) + u64::from(slide) + 1);
        Self {
            study: uid(1),
            series: uid(2),
            frame_of_reference: uid(3),
            pyramid: Some(uid(4)),
            instance: format!("{}.{number}", uid(5)),
        }
    }
}

/// A part of a level that is cut into several instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// `ConcatenationUID`.
    pub uid: String,
    /// Which part, from 1.
    pub number: u16,
    /// How many parts.
    pub total: u16,
    /// The frames of this part among all frames of the level.
    pub frames: std::ops::Range<usize>,
}

/// One instance to be written.
#[derive(Clone, Debug)]
pub struct WsiInstance<'a> {
    /// The pixels of the whole total pixel matrix.
    pub image: &'a RgbImage,
    /// Width and height of a frame; those at the edge repeat the last pixels.
    pub tile: (u16, u16),
    /// How frames are coded.
    pub coding: FrameCoding,
    /// Which frame lies where.
    pub order: FrameOrder,
    /// Which offset table leads JPEG frames.
    pub offsets: OffsetTable,
    /// JPEG frames are cut into fragments of this many bytes.
    pub fragment: Option<usize>,
    /// `ImageType`.
    pub image_type: &'static str,
    /// Microns per pixel along x and y.
    pub mpp: (f64, f64),
    /// The UIDs.
    pub identity: Identity,
    /// Where the level is cut into several instances.
    pub part: Option<Part>,
    /// Sequences of undefined length.
    pub delimited: bool,
    /// Elements set or removed last.
    pub changes: Vec<(Tag, Option<Value>)>,
}

impl<'a> WsiInstance<'a> {
    /// A level in full tiling with JPEG frames and a basic offset table.
    #[must_use]
    pub fn new(image: &'a RgbImage, tile: u16, mpp: f64, identity: Identity) -> Self {
        Self {
            image,
            tile: (tile, tile),
            coding: FrameCoding::Jpeg { quality: 90, colour: JpegColour::YCbCr422 },
            order: FrameOrder::Full,
            offsets: OffsetTable::Basic,
            fragment: None,
            image_type: "ORIGINAL\\PRIMARY\\VOLUME\\NONE",
            mpp: (mpp, mpp),
            identity,
            part: None,
            delimited: true,
            changes: Vec::new(),
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When a frame does not encode or the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        std::fs::write(path, self.encode()?)
            .map_err(|source| TestkitError::Io { path: path.to_owned(), source })
    }

    /// The whole file in memory.
    ///
    /// # Errors
    /// When a frame does not encode, or the image has no pixels.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let sides =
            [self.image.width(), self.image.height(), self.tile.0.into(), self.tile.1.into()];
        if sides.contains(&0) {
            return Err(TestkitError::Request("an image or frame without pixels".into()));
        }
        let frames = self.frames()?;
        let implicit = matches!(self.coding, FrameCoding::Native { implicit: true, .. });
        let encoding = Encoding { implicit, delimited: self.delimited };
        let mut data_set = self.attributes(frames.len());
        self.add_pixel_data(&mut data_set, frames);
        let mut meta = self.meta(implicit);
        for (tag, value) in &self.changes {
            let target = if tag.0 == 0x0002 { &mut meta } else { &mut data_set };
            target.change(*tag, value.clone());
        }
        let meta = meta.encode(Encoding { implicit: false, delimited: false });
        let mut bytes = vec![0; 128];
        bytes.extend(b"DICM");
        let length = Value::UnsignedLong(vec![meta.len() as u32]);
        let explicit = Encoding { implicit: false, delimited: false };
        bytes.extend(DataSet::of([((0x0002, 0x0000), length)]).encode(explicit));
        bytes.extend(meta);
        bytes.extend(data_set.encode(encoding));
        Ok(bytes)
    }

    fn columns(&self) -> u32 {
        self.image.width().div_ceil(self.tile.0.into())
    }

    /// The tiles of this instance's frames, in frame order.
    fn tiles(&self) -> Vec<u32> {
        let all = match &self.order {
            FrameOrder::Sparse(sparse) => sparse.tiles.clone(),
            FrameOrder::Full | FrameOrder::Unstated => {
                (0..self.columns() * self.image.height().div_ceil(self.tile.1.into())).collect()
            }
        };
        match &self.part {
            Some(part) => all.get(part.frames.clone()).unwrap_or_default().to_vec(),
            None => all,
        }
    }

    fn frames(&self) -> Result<Vec<Vec<u8>>> {
        self.tiles().into_iter().map(|tile| self.frame(tile)).collect()
    }

    fn frame(&self, tile: u32) -> Result<Vec<u8>> {
        let (width, height) = (u32::from(self.tile.0), u32::from(self.tile.1));
        let (left, top) = (tile % self.columns() * width, tile / self.columns() * height);
        let mut pixels = RgbImage::filled(width, height, [255; 3]);
        let (right, bottom) = (self.image.width() - 1, self.image.height() - 1);
        for y in 0..height {
            for x in 0..width {
                let inside = ((left + x).min(right), (top + y).min(bottom));
                pixels.set_pixel(x, y, self.image.pixel(inside.0, inside.1));
            }
        }
        match self.coding {
            FrameCoding::Native { planar: false, .. } => Ok(pixels.into_pixels()),
            FrameCoding::Native { planar: true, .. } => {
                let bytes = pixels.pixels();
                Ok((0..3).flat_map(|c| bytes.iter().skip(c).step_by(3).copied()).collect())
            }
            FrameCoding::Grey => Ok(pixels.pixels().iter().step_by(3).copied().collect()),
            FrameCoding::Jpeg { quality, colour } => {
                encode_jpeg(&pixels, &JpegCoding { quality, colour, shared_tables: false })
            }
        }
    }

    fn meta(&self, implicit: bool) -> DataSet {
        let syntax = match self.coding {
            FrameCoding::Jpeg { .. } => "1.2.840.10008.1.2.4.50",
            _ if implicit => "1.2.840.10008.1.2",
            _ => "1.2.840.10008.1.2.1",
        };
        let uid = |text: &str| Value::text(b"UI", text);
        DataSet::of([
            ((0x0002, 0x0001), Value::Bytes(vec![0, 1])),
            ((0x0002, 0x0002), uid(SOP_CLASS)),
            ((0x0002, 0x0003), uid(&self.identity.instance)),
            ((0x0002, 0x0010), uid(syntax)),
            ((0x0002, 0x0012), uid(IMPLEMENTATION)),
        ])
    }

    fn attributes(&self, frames: usize) -> DataSet {
        let mut data_set = self.general();
        for (tag, value) in self.image_attributes(frames) {
            data_set.set(tag, value);
        }
        self.add_order(&mut data_set);
        if let Some(part) = &self.part {
            let number = |n: u16| Value::UnsignedShort(vec![n]);
            data_set.set(tag::CONCATENATION_UID, Value::text(b"UI", &part.uid));
            data_set.set(tag::CONCATENATION_SOURCE, Value::text(b"UI", format!("{}.9", part.uid)));
            data_set.set(tag::IN_CONCATENATION_NUMBER, number(part.number));
            data_set.set(tag::IN_CONCATENATION_TOTAL_NUMBER, number(part.total));
            let first = Value::UnsignedLong(vec![part.frames.start as u32]);
            data_set.set(tag::CONCATENATION_FRAME_OFFSET, first);
        }
        data_set
    }

    /// Who, what and where; not how the pixels lie.
    fn general(&self) -> DataSet {
        let text = |vr: &[u8; 2], text: &str| Value::text(vr, text);
        let identity = &self.identity;
        let mut data_set = DataSet::of([
            (tag::IMAGE_TYPE, text(b"CS", self.image_type)),
            (tag::SOP_CLASS_UID, text(b"UI", SOP_CLASS)),
            (tag::SOP_INSTANCE_UID, text(b"UI", &identity.instance)),
            (tag::MODALITY, text(b"CS", "SM")),
            (tag::MANUFACTURER, text(b"LO", "Bianque testkit")),
            ((0x0008, 0x0020), text(b"DA", "20260101")),
            ((0x0008, 0x0030), text(b"TM", "120000")),
            ((0x0008, 0x0023), text(b"DA", "20260101")),
            ((0x0008, 0x0033), text(b"TM", "120000")),
            ((0x0008, 0x002A), text(b"DT", "20260101120000")),
            (tag::PATIENT_NAME, text(b"PN", "NOBODY^NEVER")),
            (tag::PATIENT_ID, text(b"LO", "SECRET-ID")),
            (tag::STUDY_INSTANCE_UID, text(b"UI", &identity.study)),
            (tag::SERIES_INSTANCE_UID, text(b"UI", &identity.series)),
            (tag::INSTANCE_NUMBER, text(b"IS", "1")),
            (tag::FRAME_OF_REFERENCE_UID, text(b"UI", &identity.frame_of_reference)),
            (tag::CONTAINER_IDENTIFIER, text(b"LO", "SLIDE-1")),
        ]);
        let pyramid = identity.pyramid.as_ref().map(|uid| text(b"UI", uid));
        data_set.change(tag::PYRAMID_UID, pyramid);
        data_set
    }

    fn image_attributes(&self, frames: usize) -> Vec<(Tag, Value)> {
        let short = |n: u16| Value::UnsignedShort(vec![n]);
        let long = |n: u32| Value::UnsignedLong(vec![n]);
        let float = |n: f64| Value::Float(vec![n as f32]);
        let yes = |text: &str| Value::text(b"CS", text);
        let (width, height) = (self.image.width(), self.image.height());
        let (photometric, samples) = match self.coding {
            FrameCoding::Grey => ("MONOCHROME2", 1),
            FrameCoding::Native { .. } | FrameCoding::Jpeg { colour: JpegColour::Rgb, .. } => {
                ("RGB", 3)
            }
            FrameCoding::Jpeg { .. } => ("YBR_FULL_422", 3),
        };
        let planar = matches!(self.coding, FrameCoding::Native { planar: true, .. });
        let lossy = matches!(self.coding, FrameCoding::Jpeg { .. });
        vec![
            (tag::SAMPLES_PER_PIXEL, short(samples)),
            (tag::PHOTOMETRIC_INTERPRETATION, yes(photometric)),
            (tag::PLANAR_CONFIGURATION, short(planar.into())),
            (tag::NUMBER_OF_FRAMES, Value::text(b"IS", frames.to_string())),
            (tag::ROWS, short(self.tile.1)),
            (tag::COLUMNS, short(self.tile.0)),
            (tag::BITS_ALLOCATED, short(8)),
            (tag::BITS_STORED, short(8)),
            (tag::HIGH_BIT, short(7)),
            (tag::PIXEL_REPRESENTATION, short(0)),
            (tag::LOSSY_IMAGE_COMPRESSION, yes(if lossy { "01" } else { "00" })),
            (tag::IMAGED_VOLUME_WIDTH, float(f64::from(width) * self.mpp.0 / 1e3)),
            (tag::IMAGED_VOLUME_HEIGHT, float(f64::from(height) * self.mpp.1 / 1e3)),
            (tag::IMAGED_VOLUME_DEPTH, float(1.0)),
            (tag::TOTAL_PIXEL_MATRIX_COLUMNS, long(width)),
            (tag::TOTAL_PIXEL_MATRIX_ROWS, long(height)),
            (tag::TOTAL_PIXEL_MATRIX_ORIGIN, origin()),
            (tag::SPECIMEN_LABEL_IN_IMAGE, yes("NO")),
            (tag::FOCUS_METHOD, yes("AUTO")),
            (tag::EXTENDED_DEPTH_OF_FIELD, yes("NO")),
            (tag::IMAGE_ORIENTATION_SLIDE, Value::text(b"DS", "0\\-1\\0\\-1\\0\\0")),
            (tag::OPTICAL_PATH, optical_path()),
            (tag::NUMBER_OF_OPTICAL_PATHS, long(1)),
            (tag::FOCAL_PLANES, long(1)),
            (tag::SHARED_FUNCTIONAL_GROUPS, self.shared_groups()),
        ]
    }

    /// `PixelSpacing` states millimetres between rows, then between columns.
    fn shared_groups(&self) -> Value {
        let spacing = format!("{:.8}\\{:.8}", self.mpp.1 / 1e3, self.mpp.0 / 1e3);
        let measures = DataSet::of([
            ((0x0018, 0x0050), Value::text(b"DS", "0.001")),
            (tag::PIXEL_SPACING, Value::text(b"DS", spacing)),
        ]);
        let frame_type = DataSet::of([((0x0008, 0x9007), Value::text(b"CS", self.image_type))]);
        let path = DataSet::of([((0x0048, 0x0106), Value::text(b"SH", "0"))]);
        Value::Sequence(vec![DataSet::of([
            (tag::PIXEL_MEASURES, Value::Sequence(vec![measures])),
            ((0x0040, 0x0710), Value::Sequence(vec![frame_type])),
            ((0x0048, 0x0207), Value::Sequence(vec![path])),
        ])])
    }

    fn add_order(&self, data_set: &mut DataSet) {
        let stated = |text: &str| Value::text(b"CS", text);
        match &self.order {
            FrameOrder::Unstated => {}
            FrameOrder::Full => {
                data_set.set(tag::DIMENSION_ORGANIZATION_TYPE, stated("TILED_FULL"));
            }
            FrameOrder::Sparse(sparse) => {
                let kind = sparse.stated.then(|| stated("TILED_SPARSE"));
                data_set.change(tag::DIMENSION_ORGANIZATION_TYPE, kind);
                let groups = self.tiles().into_iter().map(|tile| self.frame_groups(tile));
                let groups = Value::Sequence(groups.collect());
                data_set.set(tag::PER_FRAME_FUNCTIONAL_GROUPS, groups);
            }
        }
    }

    fn frame_groups(&self, tile: u32) -> DataSet {
        let column = tile % self.columns() * u32::from(self.tile.0) + 1;
        let row = tile / self.columns() * u32::from(self.tile.1) + 1;
        let position = DataSet::of([
            (tag::COLUMN_POSITION, Value::SignedLong(vec![column as i32])),
            (tag::ROW_POSITION, Value::SignedLong(vec![row as i32])),
            ((0x0040, 0x072A), Value::text(b"DS", "0")),
            ((0x0040, 0x073A), Value::text(b"DS", "0")),
            ((0x0040, 0x074A), Value::text(b"DS", "0")),
        ]);
        DataSet::of([(tag::PLANE_POSITION_SLIDE, Value::Sequence(vec![position]))])
    }

    fn add_pixel_data(&self, data_set: &mut DataSet, frames: Vec<Vec<u8>>) {
        if !matches!(self.coding, FrameCoding::Jpeg { .. }) {
            data_set.set(tag::PIXEL_DATA, Value::Bytes(frames.concat()));
            return;
        }
        let mut offsets = Vec::new();
        let mut lengths = Vec::new();
        let mut fragments = vec![Vec::new()];
        let mut at = 0_u64;
        for mut frame in frames {
            lengths.push(frame.len() as u64);
            frame.resize(frame.len().next_multiple_of(2), 0);
            offsets.push(at);
            // Fragments have an even length.
            let size = self.fragment.unwrap_or(frame.len()).next_multiple_of(2).max(2);
            for piece in frame.chunks(size) {
                at += 8 + piece.len() as u64;
                fragments.push(piece.to_vec());
            }
        }
        match self.offsets {
            OffsetTable::Empty => {}
            OffsetTable::Basic => {
                let table = offsets.iter().flat_map(|offset| (*offset as u32).to_le_bytes());
                fragments[0] = table.collect();
            }
            OffsetTable::Extended => {
                data_set.set(tag::EXTENDED_OFFSET_TABLE, Value::VeryLong(offsets));
                data_set.set(tag::EXTENDED_OFFSET_TABLE_LENGTHS, Value::VeryLong(lengths));
            }
        }
        data_set.set(tag::PIXEL_DATA, Value::Fragments(fragments));
    }
}

fn origin() -> Value {
    Value::Sequence(vec![DataSet::of([
        ((0x0040, 0x072A), Value::text(b"DS", "10")),
        ((0x0040, 0x073A), Value::text(b"DS", "20")),
    ])])
}

fn code(value: &str, scheme: &str, meaning: &str) -> Value {
    Value::Sequence(vec![DataSet::of([
        ((0x0008, 0x0100), Value::text(b"SH", value)),
        ((0x0008, 0x0102), Value::text(b"SH", scheme)),
        ((0x0008, 0x0104), Value::text(b"LO", meaning)),
    ])])
}

fn optical_path() -> Value {
    Value::Sequence(vec![DataSet::of([
        ((0x0022, 0x0016), code("111744", "DCM", "Brightfield illumination")),
        ((0x0028, 0x2000), Value::Bytes(b"not really an ICC profile".to_vec())),
        ((0x0048, 0x0106), Value::text(b"SH", "0")),
        ((0x0048, 0x0108), code("414298005", "SCT", "Full Spectrum")),
        ((0x0048, 0x0112), Value::text(b"DS", "20")),
    ])])
}
