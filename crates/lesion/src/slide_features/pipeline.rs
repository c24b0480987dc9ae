//! A slide's tiles through one encoder.

use std::{path::Path, sync::atomic::AtomicBool};

use bianque_slide::Slide;
use bianque_vision::Encoder;

use super::{
    ahead::ReadAhead,
    grid::TissueMap,
    pass::{EncoderRequest, PassRequest, SlideExtraction, encode_slide},
};
use crate::{
    error::{LesionError, Result},
    tiles::Progress,
};

/// What is to be encoded, and how.
#[derive(Copy, Clone)]
pub struct SlideRequest<'a> {
    /// The slide; it must state microns per pixel, or be opened with the user's.
    pub slide: &'a dyn Slide,
    /// The slide's digest, or what else names its content.
    pub identity: &'a str,
    /// Where tissue is.
    pub tissue: &'a dyn TissueMap,
    /// Smallest share of tissue in a tile that is encoded.
    pub tissue_share: f64,
    /// Tile positions along a tile's edge: 1 tiles meet, 2 they overlap by half.
    pub steps: u32,
    /// The encoder; its recipe says how tiles are cut.
    pub encoder: &'a dyn Encoder,
}

/// Encodes the tissue tiles of a slide with one encoder; [`encode_slide`] does the same for many.
/// With a `file` the features are kept there; a file with the same slide, encoder and settings is
/// used as it is, and an interrupted run is continued.
///
/// # Errors
/// As [`encode_slide`].
pub fn slide_features(
    request: &SlideRequest<'_>,
    file: Option<&Path>,
    progress: &(dyn Fn(Progress) + Sync),
    cancel: &AtomicBool,
) -> Result<SlideExtraction> {
    let encoder = EncoderRequest {
        encoder: request.encoder,
        steps: request.steps,
        tissue_share: request.tissue_share,
        only: None,
        file,
        tokens: &[],
    };
    let pass = PassRequest {
        slide: request.slide,
        identity: request.identity,
        tissue: request.tissue,
        encoders: &[encoder],
    };
    let mut found = encode_slide(&pass, ReadAhead::default(), progress, cancel)?;
    found.pop().ok_or_else(|| LesionError::Data("an encoder gave no features".into()))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use bianque_core::{Level0, PixelRect};

    use super::*;
    use crate::{
        fakes::{MeanColourEncoder, PaintedSlide},
        slide_features::TissueEverywhere,
    };

    fn paint(x: i64, y: i64) -> [u8; 3] {
        [(x / 64 % 256) as u8, (y / 64 % 256) as u8, 128]
    }

    fn run(
        slide: &PaintedSlide,
        encoder: &MeanColourEncoder,
        file: Option<&Path>,
        cancel: &AtomicBool,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<SlideExtraction> {
        let request = SlideRequest {
            slide,
            identity: "slide",
            tissue: &TissueEverywhere,
            tissue_share: 0.25,
            steps: 2,
            encoder,
        };
        slide_features(&request, file, progress, cancel)
    }

    fn quiet(
        slide: &PaintedSlide,
        encoder: &MeanColourEncoder,
        file: Option<&Path>,
    ) -> SlideExtraction {
        run(slide, encoder, file, &AtomicBool::new(false), &|_| ()).unwrap()
    }

    #[test]
    fn tiles_are_read_where_the_grid_says() {
        // Tiles of 8 px at 1 um: 16 level-0 px, stride 8.
        let slide = PaintedSlide::new(256, 128, paint);
        let encoder = MeanColourEncoder::new(8);
        let found = quiet(&slide, &encoder, None);
        assert_eq!(found.features.cells().len(), 32 * 16);
        let matrix = found.features.matrix().unwrap();
        let at = found.features.cells().iter().position(|c| (c.row, c.column) == (8, 16)).unwrap();
        assert!((matrix.row(at)[0] - 2.0 / 255.0).abs() < 1e-3);
        assert!((matrix.row(at)[1] - 1.0 / 255.0).abs() < 1e-3);
        assert_eq!(found.timing.tiles, 512);
        assert!(found.warnings.is_empty());
    }

    #[test]
    fn the_same_slide_gives_the_same_bytes_whether_interrupted_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let (whole, resumed) =
            (folder.path().join("a.safetensors"), folder.path().join("b.safetensors"));
        let slide = PaintedSlide::new(512, 512, paint);
        let encoder = MeanColourEncoder::new(8);
        quiet(&slide, &encoder, Some(&whole));
        let cancel = AtomicBool::new(false);
        // Stopped once a stretch is kept: how many tiles that takes is up to the threads.
        let kept = folder.path().join("b.safetensors.partial");
        let stop = |_: Progress| {
            let mut files = std::fs::read_dir(&kept).into_iter().flatten().flatten();
            if files.any(|file| file.path().extension().is_some_and(|e| e == "safetensors")) {
                cancel.store(true, Ordering::Relaxed);
            }
        };
        let error = run(&slide, &encoder, Some(&resumed), &cancel, &stop).unwrap_err();
        assert!(matches!(error, LesionError::Cancelled));
        assert!(!resumed.exists());
        let before = slide.reads();
        let second = quiet(&slide, &encoder, Some(&resumed));
        // Tiles in other threads' hands are finished before a run stops.
        assert!(second.reused >= 1024 && second.reused.is_multiple_of(1024), "{}", second.reused);
        assert_eq!(slide.reads() - before, 4096 - second.reused);
        assert_eq!(std::fs::read(&whole).unwrap(), std::fs::read(&resumed).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn finished_features_are_used_again_and_other_settings_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.safetensors");
        let slide =
            PaintedSlide::new(64, 64, paint).with_broken(PixelRect::<Level0>::new(0, 0, 8, 8));
        let first = quiet(&slide, &MeanColourEncoder::new(8), Some(&file));
        let reads = slide.reads();
        let again = quiet(&slide, &MeanColourEncoder::new(8), Some(&file));
        assert_eq!((slide.reads(), again.reused), (reads, first.features.cells().len()));
        assert_eq!(again.features, first.features);
        assert_eq!(quiet(&slide, &MeanColourEncoder::new(4), Some(&file)).reused, 0);
        std::fs::write(&file, b"nonsense").unwrap();
        let made = quiet(&slide, &MeanColourEncoder::new(8), Some(&file));
        assert!(made.warnings[0].contains("made again"), "{:?}", made.warnings);
        assert_eq!(made.features, first.features);
    }

    #[test]
    fn a_broken_tile_is_left_out_with_its_place() {
        let slide =
            PaintedSlide::new(64, 64, paint).with_broken(PixelRect::<Level0>::new(40, 40, 4, 4));
        let found = quiet(&slide, &MeanColourEncoder::new(8), None);
        assert_eq!(found.features.facts.left_out.len(), 4);
        assert_eq!(found.features.cells().len(), 60);
        assert!(found.warnings[0].contains("x 32, y 32"), "{:?}", found.warnings);
    }

    #[test]
    fn a_slide_with_nothing_to_judge_is_a_finding_and_no_error() {
        struct Glass;
        impl TissueMap for Glass {
            fn tissue_fraction(&self, _: PixelRect<Level0>) -> f64 {
                0.0
            }
            fn ink_fraction(&self, _: PixelRect<Level0>) -> f64 {
                0.0
            }
        }
        let (slide, encoder) = (PaintedSlide::new(64, 64, paint), MeanColourEncoder::new(8));
        let request = SlideRequest {
            slide: &slide,
            identity: "slide",
            tissue: &Glass,
            tissue_share: 0.25,
            steps: 1,
            encoder: &encoder,
        };
        let run = AtomicBool::new(false);
        let found = slide_features(&request, None, &|_| (), &run).unwrap();
        assert!(found.features.cells().is_empty());
        assert_eq!(found.warnings, ["no tile has enough tissue: nothing was judged"]);
        let everything = PixelRect::<Level0>::new(0, 0, 64, 64);
        let broken = PaintedSlide::new(64, 64, paint).with_broken(everything);
        let found = quiet(&broken, &encoder, None);
        assert!(found.warnings.last().unwrap().contains("no tile could be read"));
        let wrong = SlideRequest { tissue_share: f64::NAN, ..request };
        assert!(slide_features(&wrong, None, &|_| (), &run).is_err());
    }
}
