//! Paints what the scene says, pixel rectangle by pixel rectangle.

mod canvas;
mod cells;
mod crypt;
mod ground;
mod light;
mod tumour;
mod vessel;

use bianque_core::{Level0, PixelRect, RgbImage};

use super::{
    noise::{Grain, value_noise},
    plane::Vec2,
    recipe::{Content, SlideRecipe, Stain},
    scene::{Follicle, Fragment, GlandKind, Lesion, Scene, Stroke},
};
use canvas::Canvas;
use light::Transmission;

/// What every rectangle of a slide is painted with.
pub(crate) struct Brushes {
    grain: Grain,
    transmission: Transmission,
}

impl Brushes {
    pub(crate) fn new(recipe: &SlideRecipe) -> Self {
        Self { grain: Grain::new(recipe.short_seed()), transmission: Transmission::new() }
    }
}

/// Paints one rectangle: what lies near it, looked up once.
pub(crate) struct Painter<'a> {
    seed: u32,
    mpp: f32,
    stain: &'a Stain,
    grain: &'a Grain,
    transmission: &'a Transmission,
    fragments: Vec<&'a Fragment>,
    lesions: Vec<&'a Lesion>,
    follicles: Vec<&'a Follicle>,
    strokes: Vec<&'a Stroke>,
}

/// Paints a rectangle of level 0. What lies outside the slide is painted on.
pub(crate) fn paint(
    recipe: &SlideRecipe,
    scene: &Scene,
    brushes: &Brushes,
    rect: PixelRect<Level0>,
) -> RgbImage {
    if recipe.content == Content::Black || rect.area() == 0 {
        return RgbImage::filled(rect.width, rect.height, [0; 3]);
    }
    // One pixel more on every side for the blur.
    let wide = PixelRect::new(rect.x - 1, rect.y - 1, rect.width + 2, rect.height + 2);
    let mut canvas = Canvas::new(wide, recipe.mpp as f32);
    let near = canvas.bounds().grown(120.0);
    let painter = Painter {
        seed: recipe.short_seed(),
        mpp: recipe.mpp as f32,
        stain: &recipe.stain,
        grain: &brushes.grain,
        transmission: &brushes.transmission,
        fragments: scene.fragments.iter().filter(|f| f.bounds.grown(14.0).touches(&near)).collect(),
        lesions: scene.lesions.iter().filter(|l| l.bounds.grown(14.0).touches(&near)).collect(),
        follicles: scene
            .follicles
            .iter()
            .filter(|f| near.grown(1.2 * f.radius).contains(f.centre))
            .collect(),
        strokes: scene.strokes.iter().filter(|stroke| stroke.bounds.touches(&near)).collect(),
    };
    if !painter.fragments.is_empty() {
        painter.paint_tissue(&mut canvas, scene);
    }
    painter.paint_dust(&mut canvas);
    painter.expose(rect, &light::blur(&canvas))
}

impl Painter<'_> {
    fn paint_tissue(&self, canvas: &mut Canvas, scene: &Scene) {
        let bounds = canvas.bounds();
        self.paint_ground(canvas);
        self.paint_scattered_cells(canvas);
        for vessel in scene.vessels.near(bounds) {
            self.paint_vessel(canvas, vessel);
        }
        for gland in scene.glands.near(bounds) {
            match gland.kind {
                GlandKind::Crypt => self.paint_crypt(canvas, gland),
                GlandKind::Tumour => self.paint_tumour_gland(canvas, gland),
            }
        }
        for fragment in &self.fragments {
            self.paint_surface(canvas, fragment);
        }
    }

    /// Slow noise in 0..1 that differs from region to region.
    fn slow_noise(&self, salt: u32, place: Vec2, size: f32) -> f32 {
        value_noise(self.seed ^ salt, place[0] / size, place[1] / size)
    }
}
