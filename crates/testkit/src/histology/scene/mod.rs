//! What lies where on the glass, decided once per slide; painting only looks it up.

mod fragment;
mod gland;
mod ink;
mod lesion;
mod occupancy;
mod vessel;

use rayon::prelude::*;

pub(crate) use fragment::Fragment;
pub(crate) use gland::{Gland, GlandKind};
pub(crate) use ink::Stroke;
pub(crate) use lesion::Lesion;
pub(crate) use occupancy::crossings;
pub(crate) use vessel::{Follicle, Vessel};

use super::{
    plane::{Bounds, Vec2},
    recipe::{Content, SlideRecipe},
};
use crate::error::{Result, TestkitError};

/// Everything on the glass.
pub(crate) struct Scene {
    pub(crate) fragments: Vec<Fragment>,
    pub(crate) lesions: Vec<Lesion>,
    pub(crate) glands: Index<Gland>,
    pub(crate) vessels: Index<Vessel>,
    pub(crate) follicles: Vec<Follicle>,
    pub(crate) strokes: Vec<Stroke>,
}

impl Scene {
    /// Lays out tissue and lesions.
    ///
    /// # Errors
    /// When the lesions do not fit.
    pub(crate) fn new(recipe: &SlideRecipe) -> Result<Self> {
        let seed = recipe.short_seed();
        let size: Vec2 =
            [recipe.width, recipe.height].map(|pixels| (f64::from(pixels) * recipe.mpp) as f32);
        let fragments = match recipe.content {
            Content::Colon => fragment::lay_out(size, seed),
            Content::Blank | Content::Black => Vec::new(),
        };
        let diameters = (recipe.lesion_diameters.0 as f32, recipe.lesion_diameters.1 as f32);
        let lesions = if fragments.is_empty() {
            Vec::new()
        } else {
            lesion::plant(&fragments, recipe.lesions, diameters, seed)
        };
        if lesions.len() != recipe.lesions as usize {
            return Err(TestkitError::Request(format!(
                "only {} of {} lesions fit: ask for fewer or smaller ones, or a larger slide",
                lesions.len(),
                recipe.lesions
            )));
        }
        let furnished: Vec<Furniture> =
            fragments.par_iter().map(|fragment| furnish(fragment, &lesions)).collect();
        let (mut glands, mut vessels, mut follicles) = (Vec::new(), Vec::new(), Vec::new());
        for furniture in furnished {
            glands.extend(furniture.glands);
            vessels.extend(furniture.vessels);
            follicles.extend(furniture.follicles);
        }
        Ok(Self {
            fragments,
            lesions,
            glands: Index::new(glands, size, Gland::bounds),
            vessels: Index::new(vessels, size, Vessel::bounds),
            follicles,
            strokes: ink::draw(size, &recipe.ink, seed),
        })
    }
}

struct Furniture {
    glands: Vec<Gland>,
    vessels: Vec<Vessel>,
    follicles: Vec<Follicle>,
}

fn furnish(fragment: &Fragment, lesions: &[Lesion]) -> Furniture {
    let mut occupancy = occupancy::Occupancy::new(fragment.bounds);
    let follicles = vessel::place_follicles(fragment, lesions, &mut occupancy);
    let vessels = vessel::place_vessels(fragment, lesions, &mut occupancy);
    let mut glands = Vec::new();
    for lesion in lesions.iter().filter(|lesion| lesion.bounds.touches(&fragment.bounds)) {
        glands.extend(gland::place_tumour_glands(lesion, fragment, &mut occupancy));
    }
    glands.extend(gland::place_crypts(fragment, lesions, &mut occupancy));
    Furniture { glands, vessels, follicles }
}

/// Objects findable by place.
pub(crate) struct Index<T> {
    objects: Vec<T>,
    columns: usize,
    rows: usize,
    cells: Vec<Vec<u32>>,
}

/// Side of an index cell in microns.
const INDEX_CELL: f32 = 256.0;

impl<T> Index<T> {
    fn new(objects: Vec<T>, size: Vec2, bounds: impl Fn(&T) -> Bounds) -> Self {
        let [columns, rows] = size.map(|length| (length / INDEX_CELL) as usize + 1);
        let mut index = Self { objects, columns, rows, cells: vec![Vec::new(); columns * rows] };
        for number in 0..index.objects.len() {
            for cell in index.cells_of(bounds(&index.objects[number])) {
                index.cells[cell].push(number as u32);
            }
        }
        index
    }

    fn cells_of(&self, bounds: Bounds) -> Vec<usize> {
        let at = |value: f32, count: usize| ((value / INDEX_CELL).max(0.0) as usize).min(count - 1);
        let rows = at(bounds.min[1], self.rows)..=at(bounds.max[1], self.rows);
        rows.flat_map(|row| {
            let columns = at(bounds.min[0], self.columns)..=at(bounds.max[0], self.columns);
            columns.map(move |column| row * self.columns + column)
        })
        .collect()
    }

    /// The objects that may reach into a box, in their order.
    pub(crate) fn near(&self, bounds: Bounds) -> Vec<&T> {
        let mut numbers: Vec<u32> =
            self.cells_of(bounds).into_iter().flat_map(|cell| &self.cells[cell]).copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().map(|number| &self.objects[number as usize]).collect()
    }
}
