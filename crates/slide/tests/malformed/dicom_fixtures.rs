//! Small sound DICOM files that the cases break.

use bianque_core::RgbImage;
use bianque_testkit::dicom::{
    FrameCoding, FrameOrder, Identity, OffsetTable, SparseOrder, Tag, Value, WsiInstance,
};

/// The sound instances by name: 40 x 24 pixels in 3 x 2 frames of 16 x 16.
pub(crate) const DICOM: [&str; 6] =
    ["jpeg", "fragments", "extended", "native", "implicit", "sparse"];

/// A sound instance with some elements changed.
pub(crate) fn dicom(fixture: &str, changes: Vec<(Tag, Option<Value>)>) -> Vec<u8> {
    let mut image = RgbImage::filled(40, 24, [230, 200, 220]);
    for y in 0..24 {
        for x in 0..40 {
            image.set_pixel(x, y, [(x * 6) as u8, (y * 10) as u8, 128]);
        }
    }
    let mut instance = WsiInstance::new(&image, 16, 0.5, Identity::new(1, 1));
    match fixture {
        "jpeg" => {}
        "fragments" => {
            instance.fragment = Some(200);
            instance.offsets = OffsetTable::Empty;
        }
        "extended" => instance.offsets = OffsetTable::Extended,
        "native" => instance.coding = FrameCoding::Native { implicit: false, planar: false },
        "implicit" => instance.coding = FrameCoding::Native { implicit: true, planar: true },
        "sparse" => {
            let tiles = vec![5, 4, 3, 2, 1, 0];
            instance.order = FrameOrder::Sparse(SparseOrder { tiles, stated: true });
        }
        other => panic!("there is no fixture '{other}'"),
    }
    instance.changes = changes;
    instance.encode().unwrap()
}
