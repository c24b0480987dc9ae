//! One file as an instance of a whole-slide image (PS3.3, C.8.12.4).

use crate::{
    error::{Result, SlideError},
    file::SlideFile,
};

use super::{
    data_set::{DataSet, Header, read_header},
    dictionary::{
        CONCATENATION_FRAME_OFFSET, CONCATENATION_UID, EXTENDED_OFFSET_TABLE, FOCAL_PLANES,
        FRAME_OF_REFERENCE_UID, IMAGE_TYPE, NUMBER_OF_FRAMES, NUMBER_OF_OPTICAL_PATHS,
        OPTICAL_PATH, PYRAMID_UID, SERIES_INSTANCE_UID, SOP_CLASS_UID, SOP_INSTANCE_UID,
    },
    element::PIXEL_DATA,
    frames::{Frames, PixelData},
    layout::{Grid, Layout},
    part10::{self, PixelCoding, TransferSyntax, WSI_SOP_CLASS},
    pixels::PixelFormat,
};

/// A coded frame may be this many times as large as its pixels, or this large, before it is
/// disbelieved.
const LARGEST_EXPANSION: u64 = 4;
const LARGEST_SMALL_FRAME: u64 = 1 << 20;

/// What an instance shows: the third value of `ImageType` (PS3.3, C.8.12.4.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Flavour {
    /// A level of the pyramid.
    Volume,
    /// An associated image, by the name that it has here.
    Associated(&'static str),
    /// Something that is not shown.
    Other(String),
}

/// Which slide an instance belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) instance: Option<String>,
    pub(super) series: Option<String>,
    pub(super) pyramid: Option<String>,
    pub(super) frame_of_reference: Option<String>,
}

impl Identity {
    fn of(data_set: &DataSet) -> Self {
        Self {
            instance: data_set.uid(SOP_INSTANCE_UID),
            series: data_set.uid(SERIES_INSTANCE_UID),
            pyramid: data_set.uid(PYRAMID_UID),
            frame_of_reference: data_set.uid(FRAME_OF_REFERENCE_UID),
        }
    }
}

/// Which part of a level an instance holds, where a level is cut into several (PS3.3, C.7.6.16.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Concatenation {
    pub(super) uid: String,
    pub(super) first_frame: u32,
}

/// A parsed instance; its pixel data is still in the file.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) file: SlideFile,
    pub(super) data_set: DataSet,
    /// The functional groups of its first frame, where frames have their own.
    pub(super) first_frame: Option<DataSet>,
    pub(super) flavour: Flavour,
    pub(super) identity: Identity,
    pub(super) concatenation: Option<Concatenation>,
    pub(super) grid: Grid,
    pub(super) layout: Layout,
    pub(super) format: PixelFormat,
    pub(super) frames: Frames,
    pub(super) warnings: Vec<String>,
}

impl Instance {
    /// Parses a file's header and checks what it says against itself and the file's length.
    ///
    /// # Errors
    /// [`SlideError::NotASlide`] for what is no whole-slide image; broken and unsupported files.
    pub(super) fn read(file: SlideFile) -> Result<Self> {
        let (syntax, start) = part10::read(&file)?;
        let header = read_header(&file, start, syntax.implicit, PIXEL_DATA)?;
        let data_set = &header.data_set;
        check_class(&file, data_set)?;
        check_planes(&file, data_set)?;
        let mut warnings = Vec::new();
        let flavour = flavour(data_set, &mut warnings);
        let count = frame_count(&file, data_set)?;
        let grid = Grid::read(&file, data_set, count)?;
        let format = PixelFormat::read(&file, data_set, syntax.pixels)?;
        let full = data_set.is_tiled_full();
        let layout = Layout::read(&file, grid, full, count, &header.positions)?;
        let data = pixel_data(&file, &header, syntax, grid, format)?;
        let frames = Frames::new(&file, data, count)?;
        let concatenation = data_set.uid(CONCATENATION_UID).map(|uid| Concatenation {
            uid,
            first_frame: data_set.count(CONCATENATION_FRAME_OFFSET).unwrap_or(0),
        });
        let identity = Identity::of(data_set);
        let Header { data_set, first_frame, .. } = header;
        Ok(Self {
            file,
            data_set,
            first_frame,
            flavour,
            identity,
            concatenation,
            grid,
            layout,
            format,
            frames,
            warnings,
        })
    }
}

/// The identity of a file and what it shows, by its first kilobytes; `None` for what is no
/// whole-slide image.
///
/// # Errors
/// When it is one, but broken or unsupported.
pub(super) fn identify(file: &SlideFile) -> Result<Option<(Identity, Flavour)>> {
    let read = || -> Result<(Identity, Flavour)> {
        let (syntax, start) = part10::read(file)?;
        let header = read_header(file, start, syntax.implicit, FRAME_OF_REFERENCE_UID)?;
        check_class(file, &header.data_set)?;
        Ok((Identity::of(&header.data_set), flavour(&header.data_set, &mut Vec::new())))
    };
    match read() {
        Ok(found) => Ok(Some(found)),
        Err(SlideError::NotASlide { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn check_class(file: &SlideFile, data_set: &DataSet) -> Result<()> {
    match data_set.uid(SOP_CLASS_UID) {
        Some(uid) if uid == WSI_SOP_CLASS => Ok(()),
        Some(uid) => Err(SlideError::NotASlide {
            path: file.path().to_owned(),
            why: part10::other_class(&uid),
        }),
        None => Err(file.broken("it lacks SOPClassUID (0008,0016)")),
    }
}

fn check_planes(file: &SlideFile, data_set: &DataSet) -> Result<()> {
    // Where frames have no positions of their own, every path that is listed has frames.
    let listed = u32::try_from(data_set.items(OPTICAL_PATH).len()).unwrap_or(u32::MAX);
    let paths = if data_set.is_tiled_full() { listed } else { 1 };
    let paths = data_set.count(NUMBER_OF_OPTICAL_PATHS).unwrap_or(paths);
    let planes = data_set.count(FOCAL_PLANES).unwrap_or(1);
    for (count, name) in [(planes, "focal planes"), (paths, "optical paths")] {
        if count > 1 {
            return Err(file.unsupported(format!("{count} {name}; only slides of one are read")));
        }
    }
    Ok(())
}

fn flavour(data_set: &DataSet, warnings: &mut Vec<String>) -> Flavour {
    let Some(image_type) = data_set.text(IMAGE_TYPE) else {
        warnings.push("it does not state ImageType (0008,0008): taken as VOLUME".into());
        return Flavour::Volume;
    };
    match image_type.split('\\').nth(2).map(str::trim) {
        Some("VOLUME") => Flavour::Volume,
        Some("LABEL") => Flavour::Associated("label"),
        Some("OVERVIEW") => Flavour::Associated("macro"),
        Some("THUMBNAIL") => Flavour::Associated("thumbnail"),
        other => Flavour::Other(
            other.unwrap_or("").chars().filter(char::is_ascii_graphic).take(16).collect(),
        ),
    }
}

fn frame_count(file: &SlideFile, data_set: &DataSet) -> Result<u32> {
    match (data_set.text(NUMBER_OF_FRAMES), data_set.count(NUMBER_OF_FRAMES)) {
        (None, _) => Ok(1),
        (Some(_), Some(count @ 1..)) => Ok(count),
        _ => Err(file.broken("NumberOfFrames (0028,0008) is no positive number")),
    }
}

fn pixel_data(
    file: &SlideFile,
    header: &Header,
    syntax: TransferSyntax,
    grid: Grid,
    format: PixelFormat,
) -> Result<PixelData> {
    let element =
        header.pixel_data.ok_or_else(|| file.broken("it ends without PixelData (7FE0,0010)"))?;
    let pixels = u64::from(grid.tile_width) * u64::from(grid.tile_height);
    let frame_bytes = pixels * u64::from(format.samples());
    let offset = element.value_at;
    match (syntax.pixels, element.length) {
        (PixelCoding::Native, Some(_)) => Ok(PixelData::Native { offset, frame_bytes }),
        (PixelCoding::Native, None) => {
            Err(file.broken("its uncompressed pixel data has no length"))
        }
        (_, None) => Ok(PixelData::Encapsulated {
            offset,
            extended: header.data_set.place(EXTENDED_OFFSET_TABLE),
            largest: (frame_bytes * LARGEST_EXPANSION).max(LARGEST_SMALL_FRAME),
        }),
        (_, Some(_)) => Err(file.broken("its compressed pixel data is not encapsulated")),
    }
}
