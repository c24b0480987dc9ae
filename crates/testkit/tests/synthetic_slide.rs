//! The synthetic slide is the same every time, however it is cut, and its truth is true.

use bianque_core::{Level0, PixelRect, Polygon, RgbImage};
use bianque_testkit::{
    SlideRecipe, SyntheticSlide,
    histology::{Content, InkColour, Stain, TileClass},
    render_region, write_svs,
};

fn small(seed: u64) -> SlideRecipe {
    SlideRecipe {
        width: 3200,
        height: 2600,
        lesions: 1,
        lesion_diameters: (300.0, 420.0),
        ..SlideRecipe::demo(seed)
    }
}

fn rect(x: i64, y: i64, width: u32, height: u32) -> PixelRect<Level0> {
    PixelRect::new(x, y, width, height)
}

fn mean(image: &RgbImage) -> [f64; 3] {
    let count = f64::from(image.width() * image.height());
    std::array::from_fn(|channel| {
        let sum: f64 = image.pixels().iter().skip(channel).step_by(3).map(|v| f64::from(*v)).sum();
        sum / count
    })
}

#[test]
fn the_same_recipe_gives_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = SlideRecipe { width: 1100, height: 700, lesions: 0, ..SlideRecipe::demo(3) };
    let write = |name: &str, recipe: &SlideRecipe| {
        let path = folder.path().join(name);
        write_svs(recipe, &path).unwrap();
        std::fs::read(path).unwrap()
    };
    let first = write("a.svs", &recipe);
    assert_eq!(first, write("b.svs", &recipe));
    assert_ne!(first, write("c.svs", &SlideRecipe { seed: 4, ..recipe.clone() }));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "no leftovers");
}

#[test]
fn a_pixel_does_not_depend_on_its_tile() {
    let recipe = SlideRecipe { ink: vec![InkColour::Blue], ..small(9) };
    let slide = SyntheticSlide::new(&recipe).unwrap();
    let whole = slide.render(rect(300, 300, 1500, 1200));
    for (x, y, width, height) in
        [(0, 0, 256, 256), (7, 13, 1, 1), (501, 333, 700, 3), (9, 8, 77, 990)]
    {
        let part = slide.render(rect(300 + x, 300 + y, width, height));
        for row in 0..height {
            for column in 0..width {
                let expected = whole.pixel(x as u32 + column, y as u32 + row);
                assert_eq!(part.pixel(column, row), expected, "{x} {y} {column} {row}");
            }
        }
    }
    let again = render_region(&recipe, rect(400, 500, 64, 64)).unwrap();
    assert_eq!(again, slide.render(rect(400, 500, 64, 64)));
}

#[test]
fn lesions_have_the_sizes_asked_for_and_lie_in_tissue() {
    let recipe = SlideRecipe { lesions: 4, ..SlideRecipe::demo(17) };
    let truth = SyntheticSlide::new(&recipe).unwrap().truth();
    assert_eq!(truth.lesions.len(), 4);
    let mut areas = truth.lesion_areas();
    areas.sort_by(f64::total_cmp);
    // The tissue's edge may cut a lesion, so the area is at most the circle's and some waves.
    let circle = |diameter: f64| std::f64::consts::PI * (diameter / 2000.0).powi(2);
    assert!(areas[0] > 0.4 * circle(450.0) && areas[0] < 1.3 * circle(450.0), "{areas:?}");
    assert!(areas[3] > 0.4 * circle(1500.0) && areas[3] < 1.3 * circle(1500.0), "{areas:?}");
    for lesion in &truth.lesions {
        let in_tissue =
            |point| truth.tissue.iter().any(|tissue: &Polygon<Level0>| tissue.contains(point));
        assert!(lesion.outer.iter().all(|point| in_tissue(*point)));
    }
}

#[test]
fn what_is_painted_agrees_with_the_truth() {
    let recipe = small(21);
    let slide = SyntheticSlide::new(&recipe).unwrap();
    let truth = slide.truth();
    let mut light: [Vec<f64>; 3] = Default::default();
    for y in (0..2600 - 128).step_by(128) {
        for x in (0..3200 - 128).step_by(128) {
            let tile = rect(x, y, 128, 128);
            let class = match truth.class_of(tile) {
                TileClass::Glass => 0,
                TileClass::Healthy => 1,
                TileClass::Lesion => 2,
                TileClass::Mixed => continue,
            };
            // Red light is what haematoxylin takes.
            light[class].push(mean(&slide.render(tile))[0]);
        }
    }
    let mean = light.map(|values| {
        assert!(values.len() > 5, "too few tiles of a class");
        values.iter().sum::<f64>() / values.len() as f64
    });
    assert!(mean[0] > 235.0, "glass {mean:?}");
    assert!(mean[0] - mean[1] > 25.0, "healthy tissue against glass {mean:?}");
    assert!(mean[1] - mean[2] > 20.0, "lesion against healthy tissue {mean:?}");
}

#[test]
fn tissue_is_where_the_truth_says() {
    let slide = SyntheticSlide::new(&SlideRecipe { lesions: 0, ..small(33) }).unwrap();
    let truth = slide.truth();
    let (mut hits, mut misses, mut alarms) = (0_u32, 0_u32, 0_u32);
    // Averaged over 32 px: fat and lumens are white too.
    for y in (0..2600 - 32).step_by(32) {
        for x in (0..3200 - 32).step_by(32) {
            let tile = rect(x, y, 32, 32);
            let seen = mean(&slide.render(tile))[1] < 222.0;
            match (seen, truth.tissue.iter().any(|tissue| tissue.contains(tile.centre()))) {
                (true, true) => hits += 1,
                (false, true) => misses += 1,
                (true, false) => alarms += 1,
                (false, false) => {}
            }
        }
    }
    let dice = 2.0 * f64::from(hits) / f64::from(2 * hits + misses + alarms);
    assert!(dice > 0.95, "{hits} {misses} {alarms}");
}

#[test]
fn geojson_names_every_lesion() {
    let truth = SyntheticSlide::new(&SlideRecipe::demo(1)).unwrap().truth();
    let features = bianque_core::geojson::decode(&truth.to_geojson()).unwrap();
    assert_eq!(features.len(), 3);
    for (feature, (number, lesion)) in features.iter().zip((1..).zip(&truth.lesions)) {
        assert_eq!(feature.class.as_deref(), Some("Tumor"));
        assert_eq!(feature.name, Some(format!("lesion {number}")));
        assert!((feature.polygons[0].area() - lesion.area()).abs() < 1e-6 * lesion.area());
        assert!(feature.measurements.contains(&("Lesion number".into(), f64::from(number))));
    }
}

#[test]
fn ink_lies_where_the_truth_says() {
    let ink = vec![InkColour::Green, InkColour::Blue, InkColour::Red, InkColour::Black];
    let recipe = SlideRecipe { content: Content::Blank, lesions: 0, ink: ink.clone(), ..small(2) };
    let slide = SyntheticSlide::new(&recipe).unwrap();
    let truth = slide.truth();
    assert_eq!(truth.ink.iter().map(|(colour, _)| *colour).collect::<Vec<_>>(), ink);
    for (colour, outline) in &truth.ink {
        let points = &outline.outer;
        let (a, b) = (points[6], points[points.len() - 7]);
        let middle = (((a.x + b.x) / 2.0) as i64, ((a.y + b.y) / 2.0) as i64);
        let seen = mean(&slide.render(rect(middle.0 - 4, middle.1 - 4, 8, 8)));
        let [red, green, blue] = seen;
        let fits = match colour {
            InkColour::Green => green > red + 15.0,
            InkColour::Blue => blue > red + 15.0,
            InkColour::Red => red > green + 15.0,
            InkColour::Black => red + green + blue < 150.0,
        };
        // Where strokes cross, only darkness is certain.
        assert!(fits || red + green + blue < 200.0, "{colour:?} {seen:?}");
    }
}

#[test]
fn blank_black_and_tiny_slides_are_slides() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slide.svs");
    let blank = SlideRecipe { content: Content::Blank, ..SlideRecipe::healthy(1, 600, 500, 0.5) };
    assert!(write_svs(&blank, &path).unwrap().tissue.is_empty());
    assert!(mean(&render_region(&blank, rect(0, 0, 600, 500)).unwrap())[0] > 235.0);
    let black = SlideRecipe { content: Content::Black, ..blank };
    write_svs(&black, &path).unwrap();
    assert!(render_region(&black, rect(0, 0, 90, 90)).unwrap().pixels().iter().all(|v| *v == 0));
    for (width, height) in [(1, 1), (1, 300), (300, 1), (257, 3)] {
        write_svs(&SlideRecipe::healthy(1, width, height, 0.5), &path).unwrap();
    }
}

#[test]
fn what_cannot_be_made_is_refused() {
    let crowded = SlideRecipe { lesions: 50, ..small(1) };
    assert!(SyntheticSlide::new(&crowded).is_err());
    let blank = SlideRecipe { content: Content::Blank, ..small(1) };
    assert!(SyntheticSlide::new(&blank).is_err(), "lesions on a blank slide");
    let nowhere = std::path::Path::new("/nonexistent-folder/slide.svs");
    assert!(write_svs(&SlideRecipe::healthy(1, 64, 64, 0.5), nowhere).is_err());
}

#[test]
fn stains_differ_from_seed_to_seed() {
    let shot = |seed: u64| {
        let recipe = SlideRecipe { stain: Stain::by_seed(seed), ..small(5) };
        mean(&render_region(&recipe, rect(0, 0, 3200, 2600)).unwrap())
    };
    let (a, b) = (shot(1), shot(2));
    assert!((0..3).any(|channel| (a[channel] - b[channel]).abs() > 1.0), "{a:?} {b:?}");
}
