//! Small sound files that the cases break.

use std::path::Path;

use bianque_core::RgbImage;
use bianque_testkit::tiff_writer::{
    ByteOrder, Coding, JpegCoding, JpegColour, OffsetSize, Page, TiffWriter, Value, tag,
};

const DESCRIPTION: &str = "Aperio Image Library v11.2.1 \r\n\
    100x84 [0,0 100x84] (32x32) JPEG/RGB Q=70|AppMag = 20|MPP = 0.4990";

/// The sound TIFF files by name.
pub(crate) const TIFF: [&str; 4] = ["svs", "pyramid", "flat", "planes"];

/// A sound file's bytes.
pub(crate) fn tiff(name: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fixture");
    match name {
        "svs" => svs(&path),
        "pyramid" => pyramid(&path),
        "flat" => flat(&path),
        "planes" => planes(&path),
        other => panic!("there is no fixture '{other}'"),
    }
    std::fs::read(path).unwrap()
}

/// Aperio-shaped: level 0, thumbnail, level 1, label, macro.
fn svs(path: &Path) {
    let rgb =
        Coding::Jpeg(JpegCoding { quality: 70, colour: JpegColour::Rgb, shared_tables: true });
    let mut writer = TiffWriter::create(path).unwrap();
    let mut write = |page: Page, subfile_type: u32| {
        let image = texture(page.width, page.height);
        writer.write_image(Page { subfile_type, ..page }, &image).unwrap();
    };
    let below = |text: &str| format!("Aperio Image Library v11.2.1 \n{text}");
    write(Page::tiled(100, 84, 32, rgb).described(DESCRIPTION), 0);
    write(Page::stripped(25, 21, 16, rgb).described(below("100x84 -> 25x21 - ")), 0);
    write(Page::tiled(50, 42, 32, Coding::jpeg(70)).described(below("(32x32) -> 50x42")), 0);
    let lzw = Coding::Lzw { predictor: true };
    write(Page::stripped(20, 30, 7, lzw).described(below("label 20x30")), 1);
    write(Page::stripped(40, 16, 16, Coding::jpeg(70)).described(below("macro 40x16")), 9);
    writer.finish().unwrap();
}

/// A BigTIFF with the highest byte first: a Deflate pyramid with a resolution.
fn pyramid(path: &Path) {
    let coding = Coding::Deflate { predictor: true };
    let mut writer = TiffWriter::create_with(path, ByteOrder::Big, OffsetSize::Big).unwrap();
    let resolution = bianque_testkit::tiff_writer::resolution_tags(0.5);
    let page = Page::tiled(70, 50, 32, coding).with_tags(resolution);
    writer.write_image(page, &texture(70, 50)).unwrap();
    let page = Page { subfile_type: 1, ..Page::tiled(35, 25, 32, coding) };
    writer.write_image(page, &texture(35, 25)).unwrap();
    writer.finish().unwrap();
}

/// One gray image in raw strips.
fn flat(path: &Path) {
    let mut writer = TiffWriter::create(path).unwrap();
    let page = Page { samples: 1, ..Page::stripped(30, 20, 6, Coding::Raw) };
    writer.write_image(page, &texture(30, 20)).unwrap();
    writer.finish().unwrap();
}

/// Two images of one size with an ImageJ description: the shape of a multi-channel file.
fn planes(path: &Path) {
    let mut writer = TiffWriter::create(path).unwrap();
    let software = vec![(tag::SOFTWARE, Value::Ascii("a microscope".into()))];
    for _ in 0..2 {
        let page = Page { samples: 1, ..Page::stripped(30, 20, 20, Coding::Raw) };
        let page = page.described("ImageJ=1.5\nunit=micron").with_tags(software.clone());
        writer.write_image(page, &texture(30, 20)).unwrap();
    }
    writer.finish().unwrap();
}

/// A chain of `count` directories, each with one entry of tag `number` whose values are `length`
/// bytes at offset 8. Little-endian classic TIFF.
pub(crate) fn chain(count: u32, number: u16, length: u32) -> Vec<u8> {
    let mut bytes = b"II\x2a\0\x08\0\0\0".to_vec();
    for index in 1..=count {
        let mut entries = vec![
            (tag::NEW_SUBFILE_TYPE, 4u16, 1, u32::from(index > 1)),
            (tag::IMAGE_WIDTH, 4, 1, 64),
            (tag::IMAGE_LENGTH, 4, 1, 64),
        ];
        entries.retain(|entry| entry.0 != number);
        entries.push((number, 1, length, 8));
        bytes.extend((entries.len() as u16).to_le_bytes());
        for (tag, kind, count, value) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend(count.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        let next = if index == count { 0 } else { bytes.len() as u32 + 4 };
        bytes.extend(next.to_le_bytes());
    }
    bytes
}

fn texture(width: u32, height: u32) -> RgbImage {
    let mut image = RgbImage::filled(width, height, [230, 200, 220]);
    for y in 0..height {
        for x in 0..width {
            let value = (x * 37 + y * 91 + x * y) as u8;
            image.set_pixel(x, y, [value, value.wrapping_mul(3), 255 - value / 2]);
        }
    }
    image
}
