//! A head's file from any bytes, of tiles or of slides: reading never panics, hangs or takes memory
//! that the bytes cannot justify, and what is taken for sound judges a tile.
#![no_main]

use bianque_lesion::{FeatureMatrix, head_from_bytes, slide_head_from_bytes};
use libfuzzer_sys::fuzz_target;

/// Rows of the bag that a head judges.
const TILES: usize = 3;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(head) = head_from_bytes(bytes) {
        let _ = head.probabilities(&bag(head.dimension()), 1.0);
    }
    if let Ok((head, _)) = slide_head_from_bytes(bytes) {
        let _ = head.predict(&bag(head.inputs()));
    }
});

fn bag(dimension: usize) -> FeatureMatrix {
    let values = (0..TILES * dimension).map(|index| (index % 7) as f32 - 3.0).collect();
    FeatureMatrix::new(dimension, values).expect("whole rows of finite values")
}
