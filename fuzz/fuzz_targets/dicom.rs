//! DICOM from any bytes: opening and reading never panics, hangs or takes memory that the bytes
//! cannot justify.
#![no_main]

use bianque_slide::{OpenOptions, open_bytes};
use libfuzzer_sys::fuzz_target;

#[path = "../src/reading.rs"]
mod reading;

fuzz_target!(|bytes: &[u8]| {
    let dicom = bytes.get(128..132) == Some(b"DICM");
    if let Some(bytes) = dicom.then(|| bytes.to_vec())
        && let Ok(slide) = open_bytes(bytes, &OpenOptions { cache_bytes: 1 << 20, mpp: None })
    {
        reading::read(slide.as_ref());
    }
});
