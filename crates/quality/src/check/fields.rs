//! The tissue, field by field, near full resolution: what focus, seams and exposure are measured
//! on.

use std::sync::Mutex;

use bianque_core::{Level0, PixelRect, Point, RgbImage};
use bianque_slide::SlideError;
use rayon::prelude::*;

use super::{
    focus::edge_width,
    nuclear_stain::{StainCounts, StainTables},
    scene::Scene,
    seam_profile::FieldProfile,
    seams::Seams,
};
use crate::plane::Plane;

/// Edge of a field in its own pixels.
pub(super) const FIELD: u32 = 256;
/// The resolution that a field is read at, if the slide has it: 0.55 reads 40x at half its size.
const FIELD_UM: f64 = 0.55;
/// A field with less tissue is not looked at.
const LEAST_TISSUE: f64 = 0.3;
/// Ink is no stain: where a field has more of it, stain is not measured.
const MOST_INK: f64 = 0.02;
/// More fields than this are looked at one by one only where a sample is suspicious.
const MOST_DENSE: usize = 6000;

/// How fields lie over the slide.
#[derive(Copy, Clone, Debug)]
pub(super) struct FieldGrid {
    /// Level-0 pixels per field pixel.
    pub(super) step: f64,
    /// Microns per field pixel.
    pub(super) um: f64,
    pub(super) columns: u32,
    pub(super) rows: u32,
}

impl FieldGrid {
    pub(super) fn over(scene: &Scene<'_>) -> Self {
        let um = scene.level0_um();
        let halvings = (FIELD_UM / um).log2().floor().clamp(0.0, 3.0);
        let step = 2.0_f64.powf(halvings);
        let side = f64::from(FIELD) * step;
        let bounds = scene.overview.bounds;
        let count = |length: u32| (f64::from(length) / side).ceil().max(1.0) as u32;
        Self { step, um: um * step, columns: count(bounds.width), rows: count(bounds.height) }
    }

    pub(super) fn rect(&self, column: u32, row: u32) -> PixelRect<Level0> {
        let side = (f64::from(FIELD) * self.step) as u32;
        PixelRect::new(i64::from(column * side), i64::from(row * side), side, side)
    }
}

/// What was measured on one field.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) column: u32,
    pub(super) row: u32,
    /// Width of its edges in um; `None` where it has too few.
    pub(super) edge_um: Option<f64>,
    /// Pixels that are coloured as tissue, and those of them whose red is burnt out.
    pub(super) stained: u32,
    pub(super) burnt: u32,
}

/// All fields that were looked at.
pub(super) struct Fields {
    pub(super) grid: FieldGrid,
    /// In raster order.
    pub(super) fields: Vec<Field>,
    pub(super) seams: Seams,
    /// Places that do not decode.
    pub(super) broken: Vec<PixelRect<Level0>>,
    /// Stains by pixel.
    pub(super) stain: StainCounts,
    /// How many fields hold tissue, looked at or not.
    pub(super) with_tissue: usize,
}

impl Fields {
    /// Looks at every field with tissue, or, where they are many, at a sample and around what is
    /// suspicious in it.
    pub(super) fn look(scene: &Scene<'_>, suspicious_um: f64) -> Result<Self, SlideError> {
        let grid = FieldGrid::over(scene);
        let places: Vec<(u32, u32)> = (0..grid.rows)
            .flat_map(|row| (0..grid.columns).map(move |column| (column, row)))
            .filter(|(c, r)| scene.tissue.tissue_fraction(grid.rect(*c, *r)) >= LEAST_TISSUE)
            .collect();
        let mut looker = Looker {
            scene,
            grid,
            seams: Mutex::new(Seams::new(grid)),
            broken: Mutex::new(Vec::new()),
            tables: StainTables::new(scene.tissue.glass.rgb),
            stain: Mutex::default(),
        };
        let every = places.len().div_ceil(MOST_DENSE).max(1) as u32;
        let sampled = |(c, r): &(u32, u32)| every == 1 || (c + r * 7) % every == 0;
        let (sample, rest): (Vec<_>, Vec<_>) = places.iter().partition(|place| sampled(place));
        let mut fields = looker.look_at(&sample)?;
        if every > 1 {
            let near = suspicious_places(&fields, suspicious_um, every);
            let further: Vec<_> = rest.into_iter().filter(|place| near.contains(place)).collect();
            fields.extend(looker.look_at(&further)?);
        }
        fields.sort_by_key(|field| (field.row, field.column));
        let mut broken = std::mem::take(looker.broken.get_mut().unwrap_or_else(|e| e.into_inner()));
        broken.sort_by_key(|rect| (rect.y, rect.x));
        let mut seams = looker.seams.into_inner().unwrap_or_else(|e| e.into_inner());
        seams.join();
        let stain = looker.stain.into_inner().unwrap_or_else(|e| e.into_inner());
        Ok(Self { grid, fields, seams, broken, stain, with_tissue: places.len() })
    }
}

fn suspicious_places(
    fields: &[Field],
    suspicious_um: f64,
    reach: u32,
) -> std::collections::BTreeSet<(u32, u32)> {
    fields
        .iter()
        .filter(|field| field.edge_um.is_some_and(|um| um > suspicious_um))
        .flat_map(|field| {
            let around = |at: u32| at.saturating_sub(reach)..=at + reach;
            around(field.row).flat_map(move |r| around(field.column).map(move |c| (c, r)))
        })
        .collect()
}

struct Looker<'a> {
    scene: &'a Scene<'a>,
    grid: FieldGrid,
    seams: Mutex<Seams>,
    broken: Mutex<Vec<PixelRect<Level0>>>,
    tables: StainTables,
    stain: Mutex<StainCounts>,
}

impl Looker<'_> {
    fn look_at(&self, places: &[(u32, u32)]) -> Result<Vec<Field>, SlideError> {
        places.par_iter().filter_map(|place| self.field(*place).transpose()).collect()
    }

    /// `None` where the field does not decode.
    fn field(&self, (column, row): (u32, u32)) -> Result<Option<Field>, SlideError> {
        let rect = self.grid.rect(column, row);
        let origin = Point::new(rect.x as f64, rect.y as f64);
        let image = match self.scene.slide.read_scaled(origin, self.grid.step, FIELD, FIELD) {
            Ok(image) => image,
            Err(SlideError::Tile { .. }) => {
                self.broken.lock().unwrap_or_else(|e| e.into_inner()).push(rect);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let luminance = luminance(&image);
        // Where the slide ends is no seam: only fields that lie on it whole have a profile.
        if rect.intersection(&self.scene.overview.bounds) == Some(rect) {
            let profile = FieldProfile::of(&luminance);
            self.seams.lock().unwrap_or_else(|e| e.into_inner()).add(column, row, profile);
        }
        if self.scene.tissue.ink_fraction(rect) < MOST_INK {
            let counts = StainCounts::of(&image, &self.tables);
            self.stain.lock().unwrap_or_else(|e| e.into_inner()).add(&counts);
        }
        let (stained, burnt) = burnt(&image);
        let edge_um = edge_width(&luminance).map(|pixels| f64::from(pixels) * self.grid.um);
        Ok(Some(Field { column, row, edge_um, stained, burnt }))
    }
}

/// A quarter red, half green, a quarter blue.
pub(super) fn luminance(image: &RgbImage) -> Plane<u8> {
    let weigh =
        |p: &[u8]| ((u16::from(p[0]) + 2 * u16::from(p[1]) + u16::from(p[2]) + 2) / 4) as u8;
    Plane {
        width: image.width() as usize,
        height: image.height() as usize,
        data: image.pixels().chunks_exact(RgbImage::CHANNELS).map(weigh).collect(),
    }
}

/// Pixels that eosin or haematoxylin colours, and those of them whose red channel is at its end:
/// eosin lets most red pass, so it burns out first.
fn burnt(image: &RgbImage) -> (u32, u32) {
    let (mut stained, mut burnt) = (0, 0);
    for pixel in image.pixels().chunks_exact(RgbImage::CHANNELS) {
        if pixel[1] < 225 {
            stained += 1;
            burnt += u32::from(pixel[0] >= 254);
        }
    }
    (stained, burnt)
}
