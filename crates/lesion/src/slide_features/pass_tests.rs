//! One pass for many encoders.

use std::sync::atomic::AtomicBool;

use bianque_core::{Digest, Level0, PixelRect};
use bianque_vision::{Encoder, VisionError};

use super::*;
use crate::{
    error::{LesionError, Result},
    fakes::{MeanColourEncoder, PaintedSlide, QuartersEncoder},
    head::{Examples, Head, LogisticSettings, train_logistic},
    matrix::FeatureMatrix,
    tiles::Progress,
};

fn paint(x: i64, y: i64) -> [u8; 3] {
    [(x / 4 % 256) as u8, (y / 4 % 256) as u8, (x * y / 64 % 256) as u8]
}

fn wish<'a>(encoder: &'a dyn Encoder, steps: u32) -> EncoderRequest<'a> {
    EncoderRequest { encoder, steps, tissue_share: 0.0, only: None, file: None, tokens: &[] }
}

fn pass<'a>(slide: &'a PaintedSlide, encoders: &'a [EncoderRequest<'a>]) -> PassRequest<'a> {
    PassRequest { slide, identity: "slide", tissue: &TissueEverywhere, encoders }
}

fn encode(slide: &PaintedSlide, encoders: &[EncoderRequest<'_>]) -> Vec<SlideExtraction> {
    let never = AtomicBool::new(false);
    encode_slide(&pass(slide, encoders), ReadAhead::default(), &|_| (), &never).unwrap()
}

fn values(found: &SlideExtraction) -> FeatureMatrix {
    found.features.matrix().unwrap()
}

#[test]
fn encoders_that_cut_alike_share_what_is_read() {
    let slide = PaintedSlide::new(1024, 512, paint);
    let (colour, quarters) = (MeanColourEncoder::new(8), QuartersEncoder::new(8));
    let alone = [encode(&slide, &[wish(&colour, 1)]), encode(&slide, &[wish(&quarters, 1)])];
    let before = slide.reads();
    let both = encode(&slide, &[wish(&colour, 1), wish(&quarters, 1)]);
    assert_eq!(slide.reads() - before, 64 * 32);
    assert_eq!(both[0].features, alone[0][0].features);
    assert_eq!(both[1].features, alone[1][0].features);
    assert_eq!((both[0].timing.tiles, both[1].timing.tiles), (2048, 2048));
}

#[test]
fn encoders_that_cut_otherwise_get_their_own_tiles() {
    let slide = PaintedSlide::new(1024, 512, paint);
    let (small, large) = (MeanColourEncoder::new(8), MeanColourEncoder::new(32));
    let both = encode(&slide, &[wish(&small, 1), wish(&large, 2)]);
    assert_eq!(values(&both[0]), values(&encode(&slide, &[wish(&small, 1)])[0]));
    assert_eq!(values(&both[1]), values(&encode(&slide, &[wish(&large, 2)])[0]));
}

#[test]
fn the_result_does_not_depend_on_threads() {
    let slide = PaintedSlide::new(1024, 1024, paint)
        .with_broken(PixelRect::<Level0>::new(200, 300, 40, 40));
    let (colour, quarters) = (MeanColourEncoder::new(8), QuartersEncoder::new(16));
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let found = pool.install(|| encode(&slide, &[wish(&colour, 1), wish(&quarters, 2)]));
        found.into_iter().map(|found| (found.features, found.warnings)).collect::<Vec<_>>()
    };
    let one = run(1);
    assert!(!one[0].0.facts.left_out.is_empty());
    assert_eq!(one, run(5));
}

#[test]
fn what_was_read_ahead_is_not_read_again() {
    let slide = PaintedSlide::new(1024, 512, paint);
    let encoder = MeanColourEncoder::new(8);
    let (expected, before) = (encode(&slide, &[wish(&encoder, 1)]), slide.reads());
    let never = AtomicBool::new(false);
    let encoders = [wish(&encoder, 1)];
    let request = pass(&slide, &encoders);
    let ahead = read_ahead(&request, &never).unwrap();
    assert!(ahead.tiles() > 0 && slide.reads() - before == ahead.tiles());
    let found = encode_slide(&request, ahead, &|_| (), &never).unwrap();
    assert_eq!(slide.reads() - before, 64 * 32);
    assert_eq!(found[0].features, expected[0].features);
    // Of another cut it is of no use, and does no harm.
    let ahead = read_ahead(&request, &never).unwrap();
    let other = [wish(&encoder, 2)];
    let found = encode_slide(&pass(&slide, &other), ahead, &|_| (), &never).unwrap();
    assert_eq!(found[0].features, encode(&slide, &other)[0].features);
}

#[test]
fn only_chosen_tiles_are_encoded_and_others_refused() {
    let slide = PaintedSlide::new(256, 256, paint);
    let encoder = MeanColourEncoder::new(8);
    let chosen = [Cell { row: 1, column: 2 }, Cell { row: 3, column: 0 }];
    let some = EncoderRequest { only: Some(&chosen), ..wish(&encoder, 1) };
    assert_eq!(encode(&slide, &[some])[0].features.cells(), chosen);
    let refused = |cells: &[Cell]| {
        let encoders = [EncoderRequest { only: Some(cells), ..wish(&encoder, 1) }];
        let never = AtomicBool::new(false);
        encode_slide(&pass(&slide, &encoders), ReadAhead::default(), &|_| (), &never).is_err()
    };
    assert!(refused(&[chosen[1], chosen[0]]) && refused(&[Cell { row: 99, column: 0 }]));
}

#[test]
fn progress_counts_the_tiles_of_every_encoder_to_the_end() {
    let slide = PaintedSlide::new(512, 512, paint);
    let (a, b) = (MeanColourEncoder::new(8), QuartersEncoder::new(8));
    let encoders = [wish(&a, 1), wish(&b, 1)];
    let last = std::sync::Mutex::new((0, 0));
    let see = |progress: Progress| {
        let mut last = last.lock().unwrap();
        *last = (last.0.max(progress.done), progress.total);
    };
    let never = AtomicBool::new(false);
    encode_slide(&pass(&slide, &encoders), ReadAhead::default(), &see, &never).unwrap();
    assert_eq!(*last.lock().unwrap(), (2048, 2048));
}

/// Fails on its second call.
struct Failing(MeanColourEncoder);

impl Encoder for Failing {
    fn recipe(&self) -> &bianque_vision::Recipe {
        self.0.recipe()
    }
    fn producer(&self) -> &bianque_core::Producer {
        self.0.producer()
    }
    fn dimension(&self) -> usize {
        6
    }
    fn encode(
        &self,
        tiles: &[bianque_core::RgbImage],
        out: &mut [f32],
    ) -> std::result::Result<(), VisionError> {
        if self.0.encoded() > 0 {
            return Err(VisionError::OutputSize { expected: 1, actual: 2 });
        }
        self.0.encode(tiles, out)
    }
}

#[test]
fn an_encoder_that_fails_ends_the_pass_at_once() {
    let slide = PaintedSlide::new(4096, 4096, paint);
    let encoder = Failing(MeanColourEncoder::new(8));
    let encoders = [wish(&encoder, 1)];
    let never = AtomicBool::new(false);
    let found = encode_slide(&pass(&slide, &encoders), ReadAhead::default(), &|_| (), &never);
    assert!(matches!(found, Err(LesionError::Vision(_))));
    assert!(slide.reads() < 2000, "{}", slide.reads());
}

fn red_head() -> Result<Head> {
    let vectors = [[0.1_f32, 0.4, 0.4], [0.2, 0.5, 0.3], [0.8, 0.4, 0.5], [0.9, 0.5, 0.4]];
    let features = FeatureMatrix::new(3, vectors.as_flattened().to_vec())?;
    let examples = Examples::new(features, vec![0, 0, 1, 1], 2)?;
    Ok(train_logistic(&examples, &LogisticSettings::default())?.0)
}

#[test]
fn heads_on_tokens_are_served_by_the_same_call() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["features.safetensors", "tokens.safetensors"].map(|name| folder.path().join(name));
    let slide = PaintedSlide::new(256, 256, paint);
    let encoder = QuartersEncoder::new(8);
    let head = red_head().unwrap();
    let digest = Digest::of(b"head");
    let tokens = [TokenRequest { head: &head, digest, file: Some(&files[1]) }];
    let request = EncoderRequest { file: Some(&files[0]), tokens: &tokens, ..wish(&encoder, 1) };
    let found = encode(&slide, &[request]).remove(0);
    assert_eq!(encoder.encoded(), 16 * 16);
    let logits = found.tokens[0].matrix().unwrap();
    assert_eq!((logits.dimension(), found.tokens[0].cells()), (8, found.features.cells()));
    // A linear head's logits of a tile are the means of its tokens'.
    let whole = head.logits(&values(&found)).unwrap();
    for tile in 0..256 {
        let mean: f32 = logits.row(tile).iter().skip(1).step_by(2).sum::<f32>() / 4.0;
        assert!((mean - whole[tile * 2 + 1]).abs() < 0.02, "{mean} {}", whole[tile * 2 + 1]);
    }
    let again = encode(&slide, &[request]).remove(0);
    assert_eq!((encoder.encoded(), &again.tokens), (256, &found.tokens));
    // Without the tokens' file only they are made again.
    std::fs::remove_file(&files[1]).unwrap();
    let again = encode(&slide, &[request]).remove(0);
    assert_eq!((&again.tokens, again.reused), (&found.tokens, 256));
    let colour = MeanColourEncoder::new(8);
    let other = [EncoderRequest { tokens: &tokens, ..wish(&colour, 1) }];
    let never = AtomicBool::new(false);
    assert!(encode_slide(&pass(&slide, &other), ReadAhead::default(), &|_| (), &never).is_err());
}
