//! ABMIL trained here and in PyTorch: `BIANQUE_PYTHON=… cargo run --release -p bianque-lesion
//! --example bench_mil [SLIDES] [TILES] [EPOCHS]`.
//!
//! Both sides get the same features (in memory), the same parts, the same first weights and the
//! same settings; PyTorch trains in `bench_mil.py`. Twice: without dropout in the same order of
//! slides, where both must give the same losses but for rounding; and with dropout by five seeds
//! each, where the validation losses must agree within their spread.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    process::Command,
    sync::atomic::AtomicBool,
};

use bianque_lesion::{
    Bags, EpochRecord, FeatureMatrix, MemoryBags, Parts, SlideHead, SlideHeadKind, SlidePurpose,
    SlideTarget, SlideTrainingData, SlideTrainingSettings, SlideTrainingWatch, slide_order,
    train_slide_head,
};
use bianque_testkit::surroundings;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

const DIMENSION: usize = 1024;
/// Features that tell of the class, where they do.
const TELLING: usize = 32;

/// Slides of two classes: in those of the second, 15 % of tiles are shifted in some of their
/// features by about as much as all features vary.
fn slides(count: usize, tiles: usize) -> (MemoryBags, Vec<usize>) {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let labels: Vec<usize> = (0..count).map(|slide| slide % 2).collect();
    let bags = labels.iter().map(|label| {
        let share = if *label == 1 { 0.15 } else { 0.0 };
        let mut values = Vec::with_capacity(tiles * DIMENSION);
        for _ in 0..tiles {
            let shift = if random.random_range(0.0..1.0) < share { 1.2 } else { 0.0 };
            for feature in 0..DIMENSION {
                let noise: f32 = random.random_range(-1.7..1.7);
                values.push(noise + if feature < TELLING { shift } else { 0.0 });
            }
        }
        FeatureMatrix::new(DIMENSION, values).unwrap()
    });
    (MemoryBags::new(bags.collect()).unwrap(), labels)
}

struct Bench<'a> {
    bags: &'a MemoryBags,
    labels: &'a [usize],
    parts: Parts,
    purpose: SlidePurpose,
}

impl Bench<'_> {
    fn settings(&self, epochs: usize, dropout: f32, seed: u64) -> SlideTrainingSettings {
        let head = SlideHeadKind::Abmil { hidden: 512, attention: 384, branches: 1, dropout };
        let settings = SlideTrainingSettings::for_head(head, false);
        let fixed = SlideTrainingSettings { epochs, patience: epochs, seed, ..settings };
        SlideTrainingSettings { standardise: false, balance: false, ..fixed }
    }

    fn own(&self, settings: &SlideTrainingSettings) -> Vec<EpochRecord> {
        let targets: Vec<SlideTarget> =
            self.labels.iter().map(|l| SlideTarget::Class(*l)).collect();
        let data = SlideTrainingData { bags: self.bags, targets: &targets, purpose: &self.purpose };
        let stop = AtomicBool::new(false);
        let watch = SlideTrainingWatch { checkpoint: None, progress: &|_| {}, stop: &stop };
        train_slide_head(&data, &self.parts, settings, &watch).unwrap().history
    }

    fn peer(&self, python: &Path, folder: &Path, settings: &SlideTrainingSettings) -> Vec<Value> {
        let head =
            SlideHead::new(settings.head.clone(), self.purpose.clone(), DIMENSION, settings.seed)
                .unwrap();
        let parameters: serde_json::Map<String, Value> = head
            .parameters()
            .map(|(name, extent, values)| {
                (name.into(), json!({ "shape": extent, "values": values }))
            })
            .collect();
        let orders: Vec<Vec<usize>> = (1..=settings.epochs)
            .map(|epoch| slide_order(&self.parts.train, settings.seed, epoch))
            .collect();
        let plan = json!({
            "parameters": parameters,
            "settings": settings,
            "orders": orders,
            "validation": self.parts.validation,
            "labels": self.labels,
            "tiles": self.bags.tiles(0),
            "dimension": DIMENSION,
            "features": folder.join("features.f32"),
            "threads": rayon::current_num_threads(),
        });
        let path = folder.join("plan.json");
        std::fs::write(&path, plan.to_string()).unwrap();
        let script = surroundings::crate_folder().join("examples/bench_mil.py");
        let output = Command::new(python).arg(script).arg(&path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn main() {
    let number = |place: usize, default: usize| {
        std::env::args().nth(place).map_or(default, |text| text.parse().expect("a number"))
    };
    let (count, tiles, epochs) = (number(1, 120), number(2, 2048), number(3, 6));
    let python = surroundings::python().expect("set BIANQUE_PYTHON");
    let (bags, labels) = slides(count, tiles);
    let folder = tempfile::tempdir().unwrap();
    let mut file = BufWriter::new(File::create(folder.path().join("features.f32")).unwrap());
    for bag in 0..count {
        for value in bags.read(bag, None).unwrap().values() {
            file.write_all(&value.to_le_bytes()).unwrap();
        }
    }
    file.flush().unwrap();
    let part = |of: usize| (0..count).filter(|s| s / 2 % 3 == of).collect::<Vec<_>>();
    let parts = Parts { train: [part(0), part(1)].concat(), validation: part(2), test: vec![] };
    let classes = vec!["without".to_owned(), "with".to_owned()];
    let purpose = SlidePurpose::Classification { classes };
    let trained = parts.train.len();
    let bench = Bench { bags: &bags, labels: &labels, parts, purpose };
    println!(
        "{count} slides of {tiles} tiles x {DIMENSION}, {trained} to train on; {} threads",
        rayon::current_num_threads()
    );
    println!("\nno dropout, same weights, same order:  validation loss          seconds a pass");
    println!("pass                                   Bianque     PyTorch     Bianque  PyTorch");
    let settings = bench.settings(epochs, 0.0, 1);
    let (own, other) = (bench.own(&settings), bench.peer(&python, folder.path(), &settings));
    let (mut seconds, mut others) = (f64::INFINITY, f64::INFINITY);
    for (own, other) in own.iter().zip(&other) {
        let second = other["seconds"].as_f64().unwrap();
        let loss = other["validation_loss"].as_f64().unwrap();
        println!(
            "{:<38} {:.6}    {loss:.6}    {:.2}     {second:.2}",
            own.epoch, own.validation_loss, own.train_seconds
        );
        (seconds, others) = (seconds.min(own.train_seconds), others.min(second));
    }
    println!(
        "best pass: Bianque {seconds:.2} s, PyTorch {others:.2} s, ratio {:.2}; 1,000 slides of \
         4,096 tiles at this rate: {:.1} min a pass",
        others / seconds,
        seconds / trained as f64 * 1000.0 * 4096.0 / tiles as f64 / 60.0
    );
    let mut lowest = (Vec::new(), Vec::new());
    for seed in 1..=5 {
        let settings = bench.settings(epochs, 0.25, seed);
        let least = |losses: Vec<f64>| losses.into_iter().fold(f64::INFINITY, f64::min);
        let own = bench.own(&settings);
        lowest.0.push(least(own.iter().map(|record| record.validation_loss).collect()));
        let other = bench.peer(&python, folder.path(), &settings);
        lowest
            .1
            .push(least(other.iter().map(|r| r["validation_loss"].as_f64().unwrap()).collect()));
    }
    println!("\ndropout 0.25, five seeds, lowest validation loss: mean (standard deviation)");
    for (name, losses) in [("Bianque", &lowest.0), ("PyTorch", &lowest.1)] {
        let mean = losses.iter().sum::<f64>() / 5.0;
        let spread = (losses.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / 4.0).sqrt();
        println!("{name}  {mean:.4} ({spread:.4})  {losses:.4?}");
    }
}
