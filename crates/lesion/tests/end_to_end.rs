//! The whole way on synthetic slides: annotated slide -> features -> head -> another slide's
//! regions -> measures.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{path::Path, sync::atomic::AtomicBool};

use bianque_core::{Digest, Producer, RgbImage, geojson};
use bianque_lesion::{
    AnnotationMap, EncoderReference, HeadSettings, Label, LesionSettings, Parts, ProbabilityMap,
    RegionSettings, SlideExtraction, SlideLesions, SlideRequest, Task, TileSettings, TrainingData,
    evaluate_lesions, find_regions, label_tiles, random_folds, recipe_digest, regions_to_geojson,
    slide_features, train_head,
};
use bianque_quality::{TissueSettings, find_tissue};
use bianque_slide::{OpenOptions, Slide, open};
use bianque_testkit::{SlideRecipe, Truth, write_svs};
use bianque_vision::{
    Architecture, ConvNet, Encoder, Filter, Input, Normalise, Recipe, VisionError,
};

const TILE: u32 = 64;
const DIMENSION: usize = 12;

/// Colour and roughness of a tile: enough for painted tissue, and fast.
struct TextureEncoder {
    recipe: Recipe,
    producer: Producer,
}

impl TextureEncoder {
    fn new() -> Self {
        let digest = Some(Digest::of(b"texture"));
        let input = Input {
            size: TILE,
            mpp: 1.0,
            filter: Filter::Bilinear,
            normalise: Normalise::PerTile { floor: 0.01 },
        };
        let network = ConvNet { stem: 1, stages: vec![], head: DIMENSION };
        Self {
            recipe: Recipe {
                schema: 1,
                name: "texture".into(),
                version: "1".into(),
                licence: "Apache-2.0".into(),
                source: "test".into(),
                terms: None,
                weights: "none".into(),
                digest,
                published: None,
                input,
                architecture: Architecture::ConvNet(network),
            },
            producer: Producer {
                name: "texture".into(),
                version: "1".into(),
                digest,
                licence: None,
            },
        }
    }
}

impl Encoder for TextureEncoder {
    fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    fn producer(&self) -> &Producer {
        &self.producer
    }

    fn dimension(&self) -> usize {
        DIMENSION
    }

    fn encode(&self, tiles: &[RgbImage], out: &mut [f32]) -> Result<(), VisionError> {
        for (tile, out) in tiles.iter().zip(out.chunks_exact_mut(DIMENSION)) {
            let value = |x: u32, y: u32, channel: usize| f32::from(tile.pixel(x, y)[channel]);
            let count = (TILE * TILE) as f32;
            for channel in 0..3 {
                let pixels = || (0..TILE * TILE).map(|at| value(at % TILE, at / TILE, channel));
                let mean = pixels().sum::<f32>() / count;
                let variance = pixels().map(|v| (v - mean).powi(2)).sum::<f32>() / count;
                let dark = pixels().filter(|v| *v < 110.0).count() as f32 / count;
                let edges: f32 = (0..(TILE - 1) * TILE)
                    .map(|at| (at % (TILE - 1), at / (TILE - 1)))
                    .map(|(x, y)| (value(x + 1, y, channel) - value(x, y, channel)).abs())
                    .sum();
                out[channel] = mean / 255.0;
                out[channel + 3] = variance.sqrt() / 255.0;
                out[channel + 6] = dark;
                out[channel + 9] = edges / count / 255.0;
            }
        }
        Ok(())
    }
}

fn make(folder: &Path, seed: u64) -> (Box<dyn Slide>, Truth) {
    let recipe = SlideRecipe {
        width: 4000,
        height: 3000,
        mpp: 1.0,
        lesions: 3,
        lesion_diameters: (350.0, 900.0),
        ..SlideRecipe::demo(seed)
    };
    let path = folder.join(format!("{seed}.svs"));
    let truth = write_svs(&recipe, &path).unwrap();
    assert!(!truth.lesions.is_empty(), "seed {seed} has no lesion");
    (open(&path, &OpenOptions::default()).unwrap(), truth)
}

fn encode(slide: &dyn Slide, identity: &str, file: Option<&Path>) -> SlideExtraction {
    let tissue = find_tissue(slide, &TissueSettings::default()).unwrap();
    let encoder = TextureEncoder::new();
    let request = SlideRequest {
        slide,
        identity,
        tissue: &tissue,
        tissue_share: 0.25,
        steps: 2,
        encoder: &encoder,
    };
    slide_features(&request, file, &|_| (), &AtomicBool::new(false)).unwrap()
}

fn train(found: &SlideExtraction, truth: &Truth) -> Task {
    let annotations = geojson::decode(&truth.to_geojson()).unwrap();
    let map = AnnotationMap { classes: vec![("Tumor".into(), 1)], background: Some(0) };
    let labelled = label_tiles(&found.features, &annotations, &map).unwrap();
    let features = found.features.matrix().unwrap().select(&labelled.tiles);
    let classes = ["healthy", "tumour"].map(String::from).to_vec();
    let data = TrainingData {
        features: &features,
        varied: &[],
        labels: &labelled.labels,
        classes: &classes,
    };
    let parts = Parts::from_folds(&random_folds(&labelled.labels, 4, 1).unwrap(), 4, 0).unwrap();
    let trained = train_head(&data, &parts, &HeadSettings::default()).unwrap();
    let test = trained.report.test.as_ref().unwrap();
    assert!(test.pair("healthy", "tumour").unwrap() > 0.95, "{test:?}");
    let label = |name: &str, lesion, color| Label {
        name: name.into(),
        title: name.into(),
        title_zh: None,
        lesion,
        color,
    };
    let encoder = TextureEncoder::new();
    Task {
        name: "synthetic".into(),
        version: "1".into(),
        title: "Synthetic".into(),
        title_zh: None,
        organ: "none".into(),
        encoder: EncoderReference {
            path: "../texture".into(),
            name: "texture".into(),
            version: "1".into(),
            digest: encoder.producer.digest.unwrap(),
            recipe_digest: Some(recipe_digest(&encoder.recipe)),
        },
        tiles: TileSettings { size: TILE, mpp: 1.0, steps: 2, tissue: 0.25 },
        labels: vec![label("healthy", false, [0, 150, 0]), label("tumour", true, [200, 0, 0])],
        regions: RegionSettings {
            minimum_area_um2: 20_000.0,
            ..RegionSettings::for_tile(f64::from(TILE))
        },
        temperature: trained.temperature,
        intended_use: "this test".into(),
        licence: "Apache-2.0".into(),
        trained_on: "one synthetic slide".into(),
        training_tiles: None,
        measured: serde_json::to_value(&trained.report).unwrap(),
        head_digest: Digest::of(&bianque_lesion::head_to_bytes(&trained.head).unwrap()),
        head: trained.head,
    }
}

#[test]
fn a_head_trained_on_one_slide_finds_the_lesions_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let (slide, truth) = make(folder.path(), 1);
    let task = train(&encode(slide.as_ref(), "one", None), &truth);
    task.save(&folder.path().join("task")).unwrap();
    let task = Task::load(&folder.path().join("task")).unwrap();
    task.check_encoder(&TextureEncoder::new()).unwrap();

    let (slide, truth) = make(folder.path(), 2);
    let file = folder.path().join("two.safetensors");
    let found = encode(slide.as_ref(), "two", Some(&file));
    let features = &found.features;
    let matrix = features.matrix().unwrap();
    let probabilities = task.head.probabilities(&matrix, task.temperature).unwrap();
    let grid = &features.facts.grid;
    let tissue = find_tissue(slide.as_ref(), &TissueSettings::default()).unwrap();
    let map = ProbabilityMap::from_tiles(grid, features.cells(), &probabilities, |cell| {
        tissue.tissue_fraction(grid.cell_rect(cell)) > 0.1
    })
    .unwrap();
    let regions =
        find_regions(&map, features.cells(), &probabilities, &task.lesions(), &task.regions)
            .unwrap();
    let text = regions_to_geojson(&regions, &task);

    let slides = [SlideLesions {
        name: "two".into(),
        truth: geojson::decode(&truth.to_geojson()).unwrap(),
        regions: geojson::decode(&text).unwrap(),
    }];
    let settings = LesionSettings { mpp: Some(1.0), ..LesionSettings::default() };
    let result = evaluate_lesions(&slides, &settings).unwrap();
    assert!(result.lesions.iter().all(|lesion| lesion.confidence.is_some()), "{result:#?}");
    assert!(result.froc.score > 0.8, "{:?}", result.froc);
    assert!(result.overlap.dice.unwrap() > 0.7, "{:?}", result.overlap);

    // The same slide and settings: nothing is decoded again, and a fresh run gives equal bytes.
    let again = encode(slide.as_ref(), "two", Some(&file));
    assert_eq!((again.reused, again.timing.tiles), (features.cells().len(), 0));
    let fresh = folder.path().join("fresh.safetensors");
    encode(slide.as_ref(), "two", Some(&fresh));
    assert_eq!(std::fs::read(&file).unwrap(), std::fs::read(&fresh).unwrap());
}
