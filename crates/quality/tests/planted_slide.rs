//! The planted slide shows the same artefact by every call, and the window the same pixels.
#![allow(clippy::unwrap_used)]

mod planted;

use bianque_core::{PixelRect, Point};
use bianque_slide::{OpenOptions, Slide, TileIndex, open};
use bianque_testkit::{
    SlideRecipe,
    artefacts::{Artefact, Exposure, Region, Stroke, Tear},
    write_svs,
};
use planted::{PlantedSlide, Window};

fn with_slide(test: impl Fn(&dyn Slide)) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slide.svs");
    write_svs(&SlideRecipe::healthy(3, 2048, 1536, 1.0), &path).unwrap();
    test(open(&path, &OpenOptions::default()).unwrap().as_ref());
}

#[test]
fn every_call_shows_the_artefact() {
    with_slide(|slide| {
        let across =
            Stroke::wavy(Point::new(300.0, 400.0), Point::new(1500.0, 800.0), 120.0, 0.1, 1);
        let tear: Vec<Box<dyn Artefact>> = vec![Box::new(Tear::new(across))];
        let place = tear[0].truth()[0].outer[8];
        let planted = PlantedSlide::new(slide, tear);
        let glass = |pixel: [u8; 3]| pixel.iter().all(|value| *value >= 242);
        // A little inside the outline: the stroke goes down to the right.
        let (x, y) = (place.x as i64 + 16, place.y as i64 - 32);
        let whole = planted.read_region(0, PixelRect::new(x, y, 8, 8)).unwrap();
        assert!(glass(whole.pixel(4, 4)));
        let quarter = planted.read_region(1, PixelRect::new(x / 4, y / 4, 2, 2)).unwrap();
        assert!(glass(quarter.pixel(0, 0)));
        let at = Point::new(x as f64, y as f64);
        assert!(glass(planted.read_scaled(at, 2.0, 4, 4).unwrap().pixel(2, 2)));
        assert!(glass(planted.read_at_mpp(at, 2.0, 4, 4).unwrap().pixel(2, 2)));
        assert!(planted.read_region(9, PixelRect::new(0, 0, 8, 8)).is_err());
    });
}

#[test]
fn far_from_it_nothing_changes() {
    with_slide(|slide| {
        let region = Region::ellipse(Point::new(200.0, 200.0), 50.0, 50.0);
        let dirt = bianque_testkit::artefacts::Dirt::scattered(&region, 5, 6.0, 1.0, 1);
        let planted = PlantedSlide::new(slide, vec![Box::new(dirt)]);
        let rect = PixelRect::new(900, 700, 64, 64);
        assert_eq!(planted.read_region(0, rect).unwrap(), slide.read_region(0, rect).unwrap());
        let bright = PlantedSlide::new(slide, vec![Box::new(Exposure { gain: 3.0 })]);
        assert_ne!(bright.read_region(0, rect).unwrap(), slide.read_region(0, rect).unwrap());
    });
}

#[test]
fn a_window_shows_its_part() {
    with_slide(|slide| {
        assert!(Window::new(slide, PixelRect::new(100, 0, 512, 512)).is_none(), "not on a tile");
        assert!(Window::new(slide, PixelRect::new(0, 0, 4096, 512)).is_none(), "outside");
        let coarse = slide.facts().levels.last().unwrap();
        let side = (256.0 * coarse.downsample) as i64;
        assert!(Window::new(slide, PixelRect::new(side, 0, 1, 1)).is_none());
        let window = Window::new(slide, PixelRect::new(0, 0, 1024, 768)).unwrap();
        let rect = PixelRect::new(500, 600, 40, 40);
        assert_eq!(window.read_region(0, rect).unwrap(), slide.read_region(0, rect).unwrap());
        assert_eq!((window.facts().levels[1].width, window.facts().levels[1].height), (256, 192));
        let tile = TileIndex { column: 1, row: 1 };
        let bytes = |slide: &dyn Slide| slide.raw_tile(0, tile).unwrap().unwrap().bytes.to_vec();
        assert_eq!(bytes(&window), bytes(slide));
    });
}
