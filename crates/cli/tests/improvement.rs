//! The real server on generated slides: decisions refit the head, a person activates it, the next
//! slide is examined by it, and it can be taken back.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use bianque_core::{Level0, Point, Polygon};
use bianque_testkit::{SlideRecipe, Truth, write_svs};
use serde_json::{Value, json};
use support::serving::{Server, text};

/// A key that no other request has.
fn key() -> String {
    static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    format!("test-key-{}", NUMBER.fetch_add(1, std::sync::atomic::Ordering::SeqCst))
}

fn recipe(seed: u64) -> SlideRecipe {
    let (width, height) = (4096, 3072);
    let lesion_diameters = (500.0, 700.0);
    SlideRecipe { width, height, lesions: 1, lesion_diameters, ..SlideRecipe::demo(seed) }
}

/// A slide that was made.
struct Made {
    truth: Truth,
    digest: String,
}

/// A slide of the seed, moved into the folder when it is whole.
fn slide(folder: &Path, seed: u64) -> Made {
    let beside = folder.with_extension("making");
    std::fs::create_dir_all(&beside).unwrap();
    let made: PathBuf = beside.join(format!("{seed}.svs"));
    let truth = write_svs(&recipe(seed), &made).unwrap();
    assert_eq!(truth.lesions.len(), 1, "seed {seed}");
    let digest = bianque_slide::content_digest(&made).unwrap().to_string();
    std::fs::rename(made, folder.join(format!("{seed}.svs"))).unwrap();
    Made { truth, digest }
}

/// The edge of a square that the doctor draws.
const EDGE: f64 = 800.0;

/// The share of a square that lies in some shapes, by a grid of points.
fn covered(shapes: &[Polygon<Level0>], (x, y): (f64, f64)) -> f64 {
    let steps = |from: f64| (0..=8).map(move |step| from + f64::from(step) * EDGE / 8.0);
    let points = steps(x).flat_map(|x| steps(y).map(move |y| Point::new(x, y)));
    points.filter(|point| shapes.iter().any(|shape| shape.contains(*point))).count() as f64 / 81.0
}

/// Of the squares of which this share is lesion, the one that has the most tissue.
fn square(truth: &Truth, lesion: RangeInclusive<f64>) -> Value {
    let places = (0..35).flat_map(|row| (0..51).map(move |column| (column * 64, row * 64)));
    let places = places.map(|(x, y)| (f64::from(x), f64::from(y)));
    let fitting = places.filter(|place| lesion.contains(&covered(&truth.lesions, *place)));
    let tissue = |place: &(f64, f64)| covered(&truth.tissue, *place);
    let best = fitting.max_by(|a, b| tissue(a).total_cmp(&tissue(b)));
    let (x, y) = best.expect("no place has so much of a lesion");
    json!([[[[x, y], [x + EDGE, y], [x + EDGE, y + EDGE], [x, y + EDGE]]]])
}

/// The case of a slide's file: a file's key is the beginning of its content's digest.
fn case_of<'a>(cases: &'a [Value], made: &Made) -> &'a Value {
    let is = |case: &&Value| made.digest.contains(case["slides"][0]["key"].as_str().unwrap());
    cases.iter().find(is).expect("the slide is no case")
}

#[test]
#[allow(clippy::print_stdout, reason = "shows what was measured")]
fn decisions_on_generated_slides_refit_the_head_that_examines_the_next() {
    let ground = tempfile::tempdir().unwrap();
    let (slides, keep) = (ground.path().join("slides"), ground.path().join("keep"));
    std::fs::create_dir_all(&slides).unwrap();
    let made: Vec<Made> = (21..25).map(|seed| slide(&slides, seed)).collect();
    let server = Server::start(&slides, &keep, &[], &[]);
    let cases = server.cases(made.len());

    // The doctor agrees with what was found, draws healthy tissue on each slide, and counts tissue
    // at the lesion's border to it: what the head says already would leave nothing to refit.
    let mut tumours = Vec::new();
    for made in &made {
        let case = case_of(&cases, made);
        let id = text(&case["id"]);
        for region in server.regions(&id) {
            let path = format!("/api/v1/findings/{}/decision", text(&region["id"]));
            let accept = json!({ "key": key(), "verdict": "accept" });
            tumours.push(text(&server.change("POST", &path, &accept)["decision"]));
        }
        let draw = |label: &str, outline: Value| {
            let slide = &case["slides"][0]["id"];
            let drawn = json!({ "key": key(), "slide": slide, "label": label, "outline": outline });
            let path = format!("/api/v1/cases/{id}/findings");
            text(&server.change("POST", &path, &drawn)["mine"]["decision"])
        };
        draw("normal", square(&made.truth, 0.0..=0.0));
        tumours.push(draw("tumour", square(&made.truth, 0.1..=0.3)));
    }
    let first = server.refitted();
    let head = first["heads"][0].clone();
    let measured = &head["measured"];
    assert!(measured["held_out_cases"].as_u64().unwrap() >= 1, "{measured}");
    assert_eq!(measured["slides"], made.len(), "{measured}");
    assert_eq!(measured["left_out"]["no_features"], 0, "{measured}");
    let own = text(&first["in_use"]);
    assert_ne!(own, text(&head["weights"]), "nothing comes into use by itself");

    // The next slide is examined by the activated head, and what it finds says so.
    let active = "/api/v1/improvement/active";
    // Chance holds cases out: where the head is worse on them, a reason is needed.
    let first_use = json!({ "head": head["id"], "reason": "tried on the next slide" });
    server.change("PUT", active, &first_use);
    let next = slide(&slides, 25);
    let cases = server.cases(made.len() + 1);
    let new = case_of(&cases, &next);
    let found = server.regions(&text(&new["id"]));
    assert!(!found.is_empty(), "the planted lesion was not found");
    for region in found {
        assert_eq!(region["producer"]["digest"], head["weights"]);
    }

    // The doctor takes everything back: no such region is a tumour.
    for decision in tumours {
        let refuse =
            json!({ "key": key(), "verdict": "refuse", "reason": "regenerative, on review" });
        server.change("POST", &format!("/api/v1/decisions/{decision}/amendment"), &refuse);
    }
    let second = server.refitted();
    let measured = &second["heads"][0]["measured"];
    let balanced = |which: &str| measured[which]["balanced"].as_f64().unwrap();
    let loss = |which: &str| measured[which]["log_loss"].as_f64().unwrap();
    // Which cases are held out follows their random numbers. Of two learned cases the others' loss
    // falls to a fraction but need not cross a half; of one alone the pull cannot be found.
    let learned = measured["learned_cases"].as_u64().unwrap();
    let share = if learned < 2 { 1.0 } else { 0.5 };
    assert!(balanced("after") >= balanced("before"), "{measured}");
    assert!(loss("after") < share * loss("before"), "{measured}");
    assert!(measured["changed_tiles"].as_u64().unwrap() > 0, "{measured}");
    println!("{measured:#}");

    // After another start the activated head is in use; the task's own comes back with a reason.
    drop(server);
    let server = Server::start(&slides, &keep, &[], &[]);
    let until = Instant::now() + Duration::from_secs(60);
    while server.get("/api/v1/improvement")["in_use"] != head["weights"] {
        assert!(Instant::now() < until, "the head was forgotten");
        std::thread::sleep(Duration::from_millis(200));
    }
    server.change("PUT", active, &json!({ "reason": "back to what was validated" }));
    assert_eq!(server.get("/api/v1/improvement")["in_use"], own);
}
