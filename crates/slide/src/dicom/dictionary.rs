//! The elements that are kept, with their keywords (PS3.6) and how a value is held.
//!
//! The patient module (group 0010), physicians, operators, institutions, accession numbers and the
//! label's text are left out on purpose: what is never read cannot leak.

use super::element::Tag;

/// How the value of a kept element is held.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text, several values apart by a backslash.
    Text,
    /// `US`.
    UnsignedShort,
    /// `UL`.
    UnsignedLong,
    /// `SL`.
    SignedLong,
    /// `FL`.
    Float,
    /// Bytes that mean nothing here, such as an ICC profile.
    Bytes,
    /// Too large to keep: only its place in the file.
    Place,
    /// Items.
    Sequence,
}

/// An element that is kept.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) tag: Tag,
    pub(super) keyword: &'static str,
    pub(super) kind: Kind,
}

/// The element of a tag, where it is kept.
pub(super) fn lookup(tag: Tag) -> Option<&'static Entry> {
    ENTRIES.binary_search_by_key(&tag, |entry| entry.tag).ok().and_then(|at| ENTRIES.get(at))
}

macro_rules! dictionary {
    ($($name:ident = $group:literal $element:literal $keyword:literal $kind:ident;)*) => {
        $(pub(super) const $name: Tag = Tag::new($group, $element);)*

        /// Sorted by tag.
        static ENTRIES: &[Entry] = &[$(
            Entry { tag: $name, keyword: $keyword, kind: Kind::$kind },
        )*];
    };
}

dictionary! {
    SPECIFIC_CHARACTER_SET = 0x0008 0x0005 "SpecificCharacterSet" Text;
    IMAGE_TYPE = 0x0008 0x0008 "ImageType" Text;
    SOP_CLASS_UID = 0x0008 0x0016 "SOPClassUID" Text;
    SOP_INSTANCE_UID = 0x0008 0x0018 "SOPInstanceUID" Text;
    PYRAMID_UID = 0x0008 0x0019 "PyramidUID" Text;
    _STUDY_DATE = 0x0008 0x0020 "StudyDate" Text;
    _CONTENT_DATE = 0x0008 0x0023 "ContentDate" Text;
    _ACQUISITION_DATE_TIME = 0x0008 0x002A "AcquisitionDateTime" Text;
    _MODALITY = 0x0008 0x0060 "Modality" Text;
    MANUFACTURER = 0x0008 0x0070 "Manufacturer" Text;
    _CODE_VALUE = 0x0008 0x0100 "CodeValue" Text;
    _CODING_SCHEME_DESIGNATOR = 0x0008 0x0102 "CodingSchemeDesignator" Text;
    _CODE_MEANING = 0x0008 0x0104 "CodeMeaning" Text;
    _STUDY_DESCRIPTION = 0x0008 0x1030 "StudyDescription" Text;
    _SERIES_DESCRIPTION = 0x0008 0x103E "SeriesDescription" Text;
    _MANUFACTURER_MODEL_NAME = 0x0008 0x1090 "ManufacturerModelName" Text;
    _DERIVATION_DESCRIPTION = 0x0008 0x2111 "DerivationDescription" Text;
    _PRIMARY_ANATOMIC_STRUCTURE = 0x0008 0x2228 "PrimaryAnatomicStructureSequence" Sequence;
    _FRAME_TYPE = 0x0008 0x9007 "FrameType" Text;
    _VOLUMETRIC_PROPERTIES = 0x0008 0x9206 "VolumetricProperties" Text;
    _SLICE_THICKNESS = 0x0018 0x0050 "SliceThickness" Text;
    _DEVICE_SERIAL_NUMBER = 0x0018 0x1000 "DeviceSerialNumber" Text;
    _SOFTWARE_VERSIONS = 0x0018 0x1020 "SoftwareVersions" Text;
    _CONTENT_QUALIFICATION = 0x0018 0x9004 "ContentQualification" Text;
    _STUDY_INSTANCE_UID = 0x0020 0x000D "StudyInstanceUID" Text;
    SERIES_INSTANCE_UID = 0x0020 0x000E "SeriesInstanceUID" Text;
    _SERIES_NUMBER = 0x0020 0x0011 "SeriesNumber" Text;
    _INSTANCE_NUMBER = 0x0020 0x0013 "InstanceNumber" Text;
    _PYRAMID_LABEL = 0x0020 0x0027 "PyramidLabel" Text;
    FRAME_OF_REFERENCE_UID = 0x0020 0x0052 "FrameOfReferenceUID" Text;
    CONCATENATION_UID = 0x0020 0x9161 "ConcatenationUID" Text;
    CONCATENATION_FRAME_OFFSET = 0x0020 0x9228 "ConcatenationFrameOffsetNumber" UnsignedLong;
    DIMENSION_ORGANIZATION_TYPE = 0x0020 0x9311 "DimensionOrganizationType" Text;
    _ILLUMINATION_TYPE_CODE = 0x0022 0x0016 "IlluminationTypeCodeSequence" Sequence;
    SAMPLES_PER_PIXEL = 0x0028 0x0002 "SamplesPerPixel" UnsignedShort;
    PHOTOMETRIC_INTERPRETATION = 0x0028 0x0004 "PhotometricInterpretation" Text;
    PLANAR_CONFIGURATION = 0x0028 0x0006 "PlanarConfiguration" UnsignedShort;
    NUMBER_OF_FRAMES = 0x0028 0x0008 "NumberOfFrames" Text;
    ROWS = 0x0028 0x0010 "Rows" UnsignedShort;
    COLUMNS = 0x0028 0x0011 "Columns" UnsignedShort;
    PIXEL_SPACING = 0x0028 0x0030 "PixelSpacing" Text;
    BITS_ALLOCATED = 0x0028 0x0100 "BitsAllocated" UnsignedShort;
    BITS_STORED = 0x0028 0x0101 "BitsStored" UnsignedShort;
    PIXEL_REPRESENTATION = 0x0028 0x0103 "PixelRepresentation" UnsignedShort;
    _BURNED_IN_ANNOTATION = 0x0028 0x0301 "BurnedInAnnotation" Text;
    ICC_PROFILE = 0x0028 0x2000 "ICCProfile" Bytes;
    _COLOR_SPACE = 0x0028 0x2002 "ColorSpace" Text;
    _LOSSY_COMPRESSION = 0x0028 0x2110 "LossyImageCompression" Text;
    _LOSSY_RATIO = 0x0028 0x2112 "LossyImageCompressionRatio" Text;
    _LOSSY_METHOD = 0x0028 0x2114 "LossyImageCompressionMethod" Text;
    PIXEL_MEASURES = 0x0028 0x9110 "PixelMeasuresSequence" Sequence;
    _CONTAINER_IDENTIFIER = 0x0040 0x0512 "ContainerIdentifier" Text;
    _SPECIMEN_IDENTIFIER = 0x0040 0x0551 "SpecimenIdentifier" Text;
    _SPECIMEN_UID = 0x0040 0x0554 "SpecimenUID" Text;
    _SPECIMEN_DESCRIPTION = 0x0040 0x0560 "SpecimenDescriptionSequence" Sequence;
    _SPECIMEN_PREPARATION = 0x0040 0x0610 "SpecimenPreparationSequence" Sequence;
    _SPECIMEN_PREPARATION_STEP =
        0x0040 0x0612 "SpecimenPreparationStepContentItemSequence" Sequence;
    _FRAME_TYPE_SEQUENCE = 0x0040 0x0710 "WholeSlideMicroscopyImageFrameTypeSequence" Sequence;
    _X_OFFSET = 0x0040 0x072A "XOffsetInSlideCoordinateSystem" Text;
    _Y_OFFSET = 0x0040 0x073A "YOffsetInSlideCoordinateSystem" Text;
    _CONCEPT_NAME = 0x0040 0xA043 "ConceptNameCodeSequence" Sequence;
    _CONCEPT_CODE = 0x0040 0xA168 "ConceptCodeSequence" Sequence;
    IMAGED_VOLUME_WIDTH = 0x0048 0x0001 "ImagedVolumeWidth" Float;
    IMAGED_VOLUME_HEIGHT = 0x0048 0x0002 "ImagedVolumeHeight" Float;
    TOTAL_PIXEL_MATRIX_COLUMNS = 0x0048 0x0006 "TotalPixelMatrixColumns" UnsignedLong;
    TOTAL_PIXEL_MATRIX_ROWS = 0x0048 0x0007 "TotalPixelMatrixRows" UnsignedLong;
    _MATRIX_ORIGIN = 0x0048 0x0008 "TotalPixelMatrixOriginSequence" Sequence;
    _SPECIMEN_LABEL_IN_IMAGE = 0x0048 0x0010 "SpecimenLabelInImage" Text;
    _FOCUS_METHOD = 0x0048 0x0011 "FocusMethod" Text;
    _EXTENDED_DEPTH_OF_FIELD = 0x0048 0x0012 "ExtendedDepthOfField" Text;
    _IMAGE_ORIENTATION_SLIDE = 0x0048 0x0102 "ImageOrientationSlide" Text;
    OPTICAL_PATH = 0x0048 0x0105 "OpticalPathSequence" Sequence;
    _OPTICAL_PATH_IDENTIFIER = 0x0048 0x0106 "OpticalPathIdentifier" Text;
    _OPTICAL_PATH_DESCRIPTION = 0x0048 0x0107 "OpticalPathDescription" Text;
    OBJECTIVE_LENS_POWER = 0x0048 0x0112 "ObjectiveLensPower" Text;
    _OBJECTIVE_LENS_APERTURE = 0x0048 0x0113 "ObjectiveLensNumericalAperture" Text;
    PLANE_POSITION_SLIDE = 0x0048 0x021A "PlanePositionSlideSequence" Sequence;
    COLUMN_POSITION = 0x0048 0x021E "ColumnPositionInTotalImagePixelMatrix" SignedLong;
    ROW_POSITION = 0x0048 0x021F "RowPositionInTotalImagePixelMatrix" SignedLong;
    NUMBER_OF_OPTICAL_PATHS = 0x0048 0x0302 "NumberOfOpticalPaths" UnsignedLong;
    FOCAL_PLANES = 0x0048 0x0303 "TotalPixelMatrixFocalPlanes" UnsignedLong;
    _BARCODE_VALUE = 0x2200 0x0005 "BarcodeValue" Text;
    SHARED_FUNCTIONAL_GROUPS = 0x5200 0x9229 "SharedFunctionalGroupsSequence" Sequence;
    PER_FRAME_FUNCTIONAL_GROUPS = 0x5200 0x9230 "PerFrameFunctionalGroupsSequence" Sequence;
    EXTENDED_OFFSET_TABLE = 0x7FE0 0x0001 "ExtendedOffsetTable" Place;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_sorted_so_that_each_is_found() {
        assert!(ENTRIES.is_sorted_by_key(|entry| entry.tag));
        assert_eq!(lookup(ROWS).unwrap().keyword, "Rows");
    }

    #[test]
    fn nothing_of_the_patient_is_kept() {
        for entry in ENTRIES {
            assert_ne!(entry.tag.group(), 0x0010, "{}", entry.keyword);
            assert!(!entry.keyword.contains("Patient"), "{}", entry.keyword);
        }
        // ReferringPhysicianName, InstitutionName, OperatorsName, AccessionNumber, LabelText.
        for tag in [(0x08, 0x90), (0x08, 0x80), (0x08, 0x1070), (0x08, 0x50), (0x2200, 0x02)] {
            assert!(lookup(Tag::new(tag.0, tag.1)).is_none(), "{tag:?}");
        }
    }
}
