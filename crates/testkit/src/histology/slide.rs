//! A synthetic slide ready to be painted, and what is true of it.

use bianque_core::{
    Level0, PixelRect, Point, Polygon, RgbImage,
    geojson::{self, Feature},
};

use super::{
    paint::{self, Brushes},
    plane::Vec2,
    recipe::{InkColour, SlideRecipe},
    scene::Scene,
};
use crate::error::Result;

/// A slide of which any part can be painted, in any order and from many threads.
pub struct SyntheticSlide {
    recipe: SlideRecipe,
    scene: Scene,
    brushes: Brushes,
}

impl SyntheticSlide {
    /// Lays the slide out.
    ///
    /// # Errors
    /// When the recipe is impossible or its lesions do not fit.
    pub fn new(recipe: &SlideRecipe) -> Result<Self> {
        recipe.check()?;
        Ok(Self {
            scene: Scene::new(recipe)?,
            brushes: Brushes::new(recipe),
            recipe: recipe.clone(),
        })
    }

    /// What it is made from.
    #[must_use]
    pub fn recipe(&self) -> &SlideRecipe {
        &self.recipe
    }

    /// The pixels of a rectangle of level 0: the same whichever rectangle a pixel is painted in.
    #[must_use]
    pub fn render(&self, rect: PixelRect<Level0>) -> RgbImage {
        paint::paint(&self.recipe, &self.scene, &self.brushes, rect)
    }

    /// Where lesions and tissue lie.
    #[must_use]
    pub fn truth(&self) -> Truth {
        let mpp = self.recipe.mpp;
        let polygon = |outline: &[Vec2]| {
            Polygon::simple(
                outline
                    .iter()
                    .map(|p| Point::new(f64::from(p[0]) / mpp, f64::from(p[1]) / mpp))
                    .collect(),
            )
        };
        Truth {
            lesions: self.scene.lesions.iter().map(|lesion| polygon(&lesion.outline)).collect(),
            tissue: self.scene.fragments.iter().map(|f| polygon(&f.outline)).collect(),
            ink: self.scene.strokes.iter().map(|s| (s.colour, polygon(&s.outline()))).collect(),
            mpp,
        }
    }
}

/// Paints one rectangle of a recipe's slide; keep a [`SyntheticSlide`] for more than one.
///
/// # Errors
/// As [`SyntheticSlide::new`].
pub fn render_region(recipe: &SlideRecipe, rect: PixelRect<Level0>) -> Result<RgbImage> {
    Ok(SyntheticSlide::new(recipe)?.render(rect))
}

/// What is true of a synthetic slide, in level-0 pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// The lesions' outlines; they do not overlap.
    pub lesions: Vec<Polygon<Level0>>,
    /// The tissue's outlines, to within a few microns of fringe.
    pub tissue: Vec<Polygon<Level0>>,
    /// Pen strokes with their colours, without their round ends.
    pub ink: Vec<(InkColour, Polygon<Level0>)>,
    /// Microns per level-0 pixel.
    pub mpp: f64,
}

/// What a tile shows.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum TileClass {
    /// Less than a tenth tissue.
    Glass,
    /// At least half tissue and no lesion.
    Healthy,
    /// At least four fifths lesion.
    Lesion,
    /// Anything between: not to be trained on.
    Mixed,
}

impl Truth {
    /// The lesions as a `FeatureCollection`: class `Tumor`, name `lesion N`, number and area.
    #[must_use]
    pub fn to_geojson(&self) -> String {
        let features: Vec<Feature> = (1..)
            .zip(&self.lesions)
            .map(|(number, polygon)| Feature {
                polygons: vec![polygon.clone()],
                class: Some("Tumor".into()),
                color: Some([200, 0, 0]),
                name: Some(format!("lesion {number}")),
                measurements: vec![
                    ("Lesion number".into(), f64::from(number)),
                    ("Area mm^2".into(), polygon.area() * self.mpp * self.mpp / 1e6),
                ],
                ..Feature::default()
            })
            .collect();
        geojson::encode(&features)
    }

    /// The tissue as a `FeatureCollection`: class `Tissue`.
    #[must_use]
    pub fn tissue_to_geojson(&self) -> String {
        let feature = |polygon: &Polygon<Level0>| Feature {
            polygons: vec![polygon.clone()],
            class: Some("Tissue".into()),
            ..Feature::default()
        };
        geojson::encode(&self.tissue.iter().map(feature).collect::<Vec<_>>())
    }

    /// What a tile shows, by its shares of tissue and lesion at 16 x 16 places.
    #[must_use]
    pub fn class_of(&self, tile: PixelRect<Level0>) -> TileClass {
        let share = |polygons: &[Polygon<Level0>]| {
            let inside = (0..256).filter(|at| {
                let place = Point::new(
                    tile.x as f64 + (f64::from(at % 16) + 0.5) / 16.0 * f64::from(tile.width),
                    tile.y as f64 + (f64::from(at / 16) + 0.5) / 16.0 * f64::from(tile.height),
                );
                polygons.iter().any(|polygon| polygon.contains(place))
            });
            inside.count() as f64 / 256.0
        };
        let (tissue, lesion) = (share(&self.tissue), share(&self.lesions));
        match (tissue, lesion) {
            (tissue, _) if tissue < 0.1 => TileClass::Glass,
            (_, lesion) if lesion >= 0.8 => TileClass::Lesion,
            (tissue, lesion) if lesion == 0.0 && tissue >= 0.5 => TileClass::Healthy,
            _ => TileClass::Mixed,
        }
    }

    /// The planted lesions' areas on the glass in mm².
    #[must_use]
    pub fn lesion_areas(&self) -> Vec<f64> {
        self.lesions.iter().map(|lesion| lesion.area() * self.mpp * self.mpp / 1e6).collect()
    }
}
