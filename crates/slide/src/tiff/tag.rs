//! The TIFF tags that are read, with their names for messages and properties.
//!
//! Source: TIFF 6.0 (Adobe, 1992), its technical notes 1 (SubIFDs) and 2 (JPEG), the ICC
//! specification annex B.4 (34675), and the registered private tags of the vendors.

pub(super) const NEW_SUBFILE_TYPE: u16 = 254;
pub(super) const IMAGE_WIDTH: u16 = 256;
pub(super) const IMAGE_LENGTH: u16 = 257;
pub(super) const BITS_PER_SAMPLE: u16 = 258;
pub(super) const COMPRESSION: u16 = 259;
pub(super) const PHOTOMETRIC: u16 = 262;
pub(super) const FILL_ORDER: u16 = 266;
pub(super) const DOCUMENT_NAME: u16 = 269;
pub(super) const IMAGE_DESCRIPTION: u16 = 270;
pub(super) const MAKE: u16 = 271;
pub(super) const MODEL: u16 = 272;
pub(super) const STRIP_OFFSETS: u16 = 273;
pub(super) const ORIENTATION: u16 = 274;
pub(super) const SAMPLES_PER_PIXEL: u16 = 277;
pub(super) const ROWS_PER_STRIP: u16 = 278;
pub(super) const STRIP_BYTE_COUNTS: u16 = 279;
pub(super) const X_RESOLUTION: u16 = 282;
pub(super) const Y_RESOLUTION: u16 = 283;
pub(super) const PLANAR_CONFIGURATION: u16 = 284;
pub(super) const RESOLUTION_UNIT: u16 = 296;
pub(super) const SOFTWARE: u16 = 305;
pub(super) const DATE_TIME: u16 = 306;
pub(super) const ARTIST: u16 = 315;
pub(super) const HOST_COMPUTER: u16 = 316;
pub(super) const PREDICTOR: u16 = 317;
pub(super) const TILE_WIDTH: u16 = 322;
pub(super) const TILE_LENGTH: u16 = 323;
pub(super) const TILE_OFFSETS: u16 = 324;
pub(super) const TILE_BYTE_COUNTS: u16 = 325;
pub(super) const SUB_IFDS: u16 = 330;
pub(super) const SAMPLE_FORMAT: u16 = 339;
pub(super) const JPEG_TABLES: u16 = 347;
pub(super) const XMP: u16 = 700;
pub(super) const IMAGE_DEPTH: u16 = 32997;
pub(super) const COPYRIGHT: u16 = 33432;
pub(super) const ICC_PROFILE: u16 = 34675;
pub(super) const NDPI_FORMAT: u16 = 65420;

/// The specification's name of a tag, or its number.
pub(super) fn name(tag: u16) -> String {
    let name = match tag {
        NEW_SUBFILE_TYPE => "NewSubfileType",
        IMAGE_WIDTH => "ImageWidth",
        IMAGE_LENGTH => "ImageLength",
        BITS_PER_SAMPLE => "BitsPerSample",
        COMPRESSION => "Compression",
        PHOTOMETRIC => "PhotometricInterpretation",
        FILL_ORDER => "FillOrder",
        DOCUMENT_NAME => "DocumentName",
        IMAGE_DESCRIPTION => "ImageDescription",
        MAKE => "Make",
        MODEL => "Model",
        STRIP_OFFSETS => "StripOffsets",
        ORIENTATION => "Orientation",
        SAMPLES_PER_PIXEL => "SamplesPerPixel",
        ROWS_PER_STRIP => "RowsPerStrip",
        STRIP_BYTE_COUNTS => "StripByteCounts",
        X_RESOLUTION => "XResolution",
        Y_RESOLUTION => "YResolution",
        PLANAR_CONFIGURATION => "PlanarConfiguration",
        RESOLUTION_UNIT => "ResolutionUnit",
        SOFTWARE => "Software",
        DATE_TIME => "DateTime",
        ARTIST => "Artist",
        HOST_COMPUTER => "HostComputer",
        PREDICTOR => "Predictor",
        TILE_WIDTH => "TileWidth",
        TILE_LENGTH => "TileLength",
        TILE_OFFSETS => "TileOffsets",
        TILE_BYTE_COUNTS => "TileByteCounts",
        SUB_IFDS => "SubIFDs",
        SAMPLE_FORMAT => "SampleFormat",
        JPEG_TABLES => "JPEGTables",
        XMP => "XMP",
        IMAGE_DEPTH => "ImageDepth",
        COPYRIGHT => "Copyright",
        ICC_PROFILE => "InterColorProfile",
        NDPI_FORMAT => "NDPI format",
        other => return format!("tag {other}"),
    };
    name.to_owned()
}
