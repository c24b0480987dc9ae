//! TIFF files of every byte order, offset size, grid and coding read back as they were written.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "malformed/tiff_structure.rs"]
#[allow(dead_code, reason = "the malformed cases use more of it")]
mod tiff_structure;

use bianque_core::{Confidence, MppSource, PixelRect, RgbImage};
use bianque_slide::{Codec, Format, OpenOptions, Slide, SlideError, TileIndex, open_bytes};
use bianque_testkit::tiff_writer::{
    ByteOrder, Coding, JpegCoding, JpegColour, OffsetSize, Page, TiffWriter, Value,
    resolution_tags, tag,
};
use tiff_structure::{Part, TiffStructure};

const WIDTH: u32 = 101;
const HEIGHT: u32 = 75;

fn picture(width: u32, height: u32) -> RgbImage {
    let mut image = RgbImage::filled(width, height, [0; 3]);
    for y in 0..height {
        for x in 0..width {
            image.set_pixel(x, y, [(2 * x) as u8, (3 * y) as u8, 255 - (x + y) as u8]);
        }
    }
    image
}

fn written(pages: Vec<Page>, order: ByteOrder, size: OffsetSize) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slide");
    let mut writer = TiffWriter::create_with(&path, order, size).unwrap();
    for page in pages {
        let image = picture(page.width, page.height);
        writer.write_image(page, &image).unwrap();
    }
    writer.finish().unwrap();
    std::fs::read(path).unwrap()
}

fn classic(pages: Vec<Page>) -> Vec<u8> {
    written(pages, ByteOrder::Little, OffsetSize::AsNeeded)
}

fn opened(bytes: Vec<u8>) -> Box<dyn Slide> {
    open_bytes(bytes, &OpenOptions::default()).unwrap()
}

/// The largest difference of a slide's level 0 from the picture.
fn difference(slide: &dyn Slide) -> u8 {
    let read = slide.read_region(0, PixelRect::new(0, 0, WIDTH, HEIGHT)).unwrap();
    let expected = picture(WIDTH, HEIGHT);
    let pairs = read.pixels().iter().zip(expected.pixels());
    pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn every_form_reads_back_as_written() {
    let jpeg =
        |colour, shared_tables| Coding::Jpeg(JpegCoding { quality: 97, colour, shared_tables });
    let codings = [
        (Coding::Raw, 0),
        (Coding::Lzw { predictor: false }, 0),
        (Coding::Lzw { predictor: true }, 0),
        (Coding::Deflate { predictor: false }, 0),
        (Coding::Deflate { predictor: true }, 0),
        (jpeg(JpegColour::Rgb, true), 12),
        (jpeg(JpegColour::Rgb, false), 12),
        (jpeg(JpegColour::YCbCr444, true), 12),
        (jpeg(JpegColour::YCbCr420, false), 12),
    ];
    for (coding, tolerance) in codings {
        for order in [ByteOrder::Little, ByteOrder::Big] {
            for size in [OffsetSize::AsNeeded, OffsetSize::Big] {
                for page in [
                    Page::tiled(WIDTH, HEIGHT, 32, coding),
                    Page::stripped(WIDTH, HEIGHT, 16, coding),
                    Page::stripped(WIDTH, HEIGHT, HEIGHT, coding),
                ] {
                    let name = format!("{coding:?} {order:?} {size:?} {:?}", page.grid);
                    let slide = opened(written(vec![page], order, size));
                    assert_eq!(slide.facts().format, Format::GenericTiff, "{name}");
                    let difference = difference(slide.as_ref());
                    assert!(difference <= tolerance, "{name}: off by {difference}");
                }
            }
        }
    }
}

#[test]
fn raw_tiles_are_complete_streams_with_their_colour_marked() {
    let coding = JpegCoding { quality: 90, colour: JpegColour::Rgb, shared_tables: true };
    let page = Page::tiled(WIDTH, HEIGHT, 32, Coding::Jpeg(coding));
    let slide = opened(classic(vec![page]));
    let tile = slide.raw_tile(0, TileIndex { column: 1, row: 1 }).unwrap().unwrap();
    assert_eq!(tile.codec, Codec::Jpeg);
    assert_eq!((tile.width, tile.height), (32, 32));
    assert!(tile.bytes.windows(2).any(|bytes| bytes == [0xff, 0xdb]), "tables");
    assert!(tile.bytes.windows(5).any(|bytes| bytes == b"Adobe"), "colour mark");
    let error = slide.raw_tile(0, TileIndex { column: 4, row: 0 }).unwrap_err();
    assert!(matches!(error, SlideError::Request(_)), "{error}");
    let error = slide.raw_tile(1, TileIndex { column: 0, row: 0 }).unwrap_err();
    assert!(matches!(error, SlideError::Request(_)), "{error}");
}

#[test]
fn the_pyramid_is_found_in_the_chain_and_in_sub_directories() {
    let pages = || {
        vec![
            Page::tiled(WIDTH, HEIGHT, 32, Coding::Raw),
            Page { subfile_type: 1, ..Page::tiled(50, 37, 32, Coding::Raw) },
        ]
    };
    for order in [ByteOrder::Little, ByteOrder::Big] {
        for size in [OffsetSize::AsNeeded, OffsetSize::Big] {
            let chained = written(pages(), order, size);
            let mut nested = chained.clone();
            let file = TiffStructure::read(&nested);
            // PlanarConfiguration gives its place away to SubIFDs; its default is what it stated.
            let entry = file.entry(0, tag::PLANAR_CONFIGURATION);
            let kind = if size == OffsetSize::Big { 18 } else { 13 };
            let below = file.directories[1].count.start as u64;
            file.write(&mut nested, file.part(entry, Part::Tag), 330);
            file.write(&mut nested, file.part(entry, Part::Kind), kind);
            file.write(&mut nested, file.part(entry, Part::Value), below);
            file.write(&mut nested, file.directories[0].next.clone(), 0);
            for bytes in [chained, nested] {
                let slide = opened(bytes);
                let levels = &slide.facts().levels;
                let sizes: Vec<_> = levels.iter().map(|l| (l.width, l.height)).collect();
                assert_eq!(sizes, [(WIDTH, HEIGHT), (50, 37)]);
                assert!((levels[1].downsample - (101.0 / 50.0 + 75.0 / 37.0) / 2.0).abs() < 1e-12);
                assert_eq!(slide.facts().warnings, [""; 0]);
            }
        }
    }
}

#[test]
fn a_left_out_tile_is_absent_and_white() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slide");
    let mut writer = TiffWriter::create(&path).unwrap();
    let page = writer.begin_page(Page::tiled(64, 32, 32, Coding::Raw)).unwrap();
    writer.add_coded(page, None).unwrap();
    writer.add_coded(page, Some(&[7; 32 * 32 * 3])).unwrap();
    writer.finish().unwrap();
    let slide = opened(std::fs::read(path).unwrap());
    assert!(slide.raw_tile(0, TileIndex { column: 0, row: 0 }).unwrap().is_none());
    let read = slide.read_region(0, PixelRect::new(30, 0, 4, 1)).unwrap();
    assert_eq!(read.row(0), [255, 255, 255, 255, 255, 255, 7, 7, 7, 7, 7, 7]);
    assert_eq!(slide.facts().warnings.len(), 1);
}

#[test]
fn resolutions_are_found_where_they_are_stated() {
    let page = |description: &str, tags: Vec<(u16, Value)>| {
        let page = Page::tiled(WIDTH, HEIGHT, 32, Coding::Raw).with_tags(tags);
        opened(classic(vec![if description.is_empty() {
            page
        } else {
            page.described(description)
        }]))
    };
    let resolution = |value: (u32, u32), unit: u16| {
        vec![
            (tag::X_RESOLUTION, Value::Rational(vec![value])),
            (tag::Y_RESOLUTION, Value::Rational(vec![value])),
            (tag::RESOLUTION_UNIT, Value::Short(vec![unit])),
        ]
    };
    let mpp = |slide: &dyn Slide| slide.facts().mpp.clone();

    let found = mpp(page("", resolution_tags(0.5)).as_ref()).unwrap();
    assert!((found.x() - 0.5).abs() < 1e-6);
    assert_eq!(found.confidence(), Confidence::Medium);
    let found = mpp(page("", resolution((50_800, 1), 2)).as_ref()).unwrap();
    assert!((found.x() - 0.5).abs() < 1e-9);
    let found = mpp(page("ImageJ=1.5\nunit=micron", resolution((2, 1), 1)).as_ref()).unwrap();
    assert!((found.x() - 0.5).abs() < 1e-9);
    let ome = "<OME><Image><Pixels PhysicalSizeX=\"0.5\" PhysicalSizeY=\"0.25\"></Pixels></Image>";
    let found = mpp(page(ome, Vec::new()).as_ref()).unwrap();
    assert_eq!((found.x(), found.y(), found.confidence()), (0.5, 0.25, Confidence::High));

    for (value, unit) in [((1, 1), 1), ((72, 1), 2), ((96, 1), 2), ((300, 1), 2), ((1200, 1), 2)] {
        assert_eq!(mpp(page("", resolution(value, unit)).as_ref()), None, "{value:?} {unit}");
    }
    for (value, unit) in [((0, 1), 3), ((1, 0), 3), ((0, 0), 2), ((u32::MAX, 1), 2)] {
        assert_eq!(mpp(page("", resolution(value, unit)).as_ref()), None, "{value:?} {unit}");
    }
}

#[test]
fn a_contradiction_is_shown_and_the_user_decides() {
    let aperio = "Aperio Image Library v11.2.1 \r\n101x75 (32x32)|AppMag = 20|MPP = 0.5";
    let page = Page::tiled(WIDTH, HEIGHT, 32, Coding::Raw).described(aperio);
    let bytes = classic(vec![page.with_tags(resolution_tags(0.25))]);
    let slide = opened(bytes.clone());
    let facts = slide.facts();
    assert_eq!(facts.mpp_statements.len(), 2);
    let mpp = facts.mpp.as_ref().unwrap();
    assert_eq!((mpp.x(), mpp.confidence()), (0.5, Confidence::Low));
    assert_eq!(*mpp.source(), MppSource::VendorField("aperio.MPP".into()));
    assert!(facts.warnings[0].contains("contradictory"), "{:?}", facts.warnings);

    let stated = |mpp| OpenOptions { mpp: Some(mpp), ..OpenOptions::default() };
    let slide = open_bytes(bytes.clone(), &stated(0.3)).unwrap();
    let mpp = slide.facts().mpp.as_ref().unwrap();
    assert_eq!(
        (mpp.x(), mpp.source(), mpp.confidence()),
        (0.3, &MppSource::User, Confidence::High)
    );
    for value in [0.0, -1.0, f64::NAN, 1e9] {
        let error = open_bytes(bytes.clone(), &stated(value)).err().unwrap();
        assert!(matches!(error, SlideError::Request(_)), "{value}: {error}");
    }
}
