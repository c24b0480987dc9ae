//! A features file from any bytes: reading never panics, hangs or takes memory that the bytes cannot
//! justify, and what is taken for sound has a finite vector for each of its tiles.
#![no_main]

use bianque_lesion::SlideFeatures;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(features) = SlideFeatures::from_bytes(bytes) else { return };
    let matrix = features.matrix().expect("what was read is finite");
    assert_eq!(matrix.rows(), features.cells().len());
});
