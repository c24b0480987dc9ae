//! The ground that cells lie in: connective tissue, muscle, fat, and glass beside them.

use super::{Painter, canvas::Canvas};
use crate::histology::{
    noise::{Random, hash, mix, rough_noise, smoothstep, value_noise},
    plane::{Bounds, Vec2, length, sub},
};

/// Pixels between the places at which the ground is worked out; between them it is interpolated.
const STEP: i64 = 4;
/// Mean distance of fat cells in microns.
const FAT_CELL: f32 = 58.0;

/// What kind of tissue lies at a place, and how it looks. All values are interpolated.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct Ground {
    /// Signed distance to the tissue's edge in microns, positive inside.
    pub(crate) inside: f32,
    /// Mean eosin.
    eosin: f32,
    /// How much eosin swings between fibres.
    contrast: f32,
    /// Mean haematoxylin.
    haematoxylin: f32,
    /// Share of gaps, about.
    gaps: f32,
    /// Clefts between bundles of muscle.
    clefts: f32,
    /// Place across the fibres in microns: fibres follow lines of equal phase.
    phase: f32,
    /// Place along the fibres, of no unit.
    slow: f32,
    /// Raggedness of the edge in microns.
    ragged: f32,
    /// Shares of tissues: mucosa, muscle, submucosa, tumour stroma, follicle, fat.
    pub(crate) mucosa: f32,
    pub(crate) muscle: f32,
    pub(crate) submucosa: f32,
    pub(crate) tumour: f32,
    pub(crate) follicle: f32,
    pub(crate) fat: f32,
}

impl Ground {
    fn blend(a: &Self, b: &Self, t: f32) -> Self {
        let m = |pick: fn(&Self) -> f32| mix(pick(a), pick(b), t);
        Self {
            inside: m(|g| g.inside),
            eosin: m(|g| g.eosin),
            contrast: m(|g| g.contrast),
            haematoxylin: m(|g| g.haematoxylin),
            gaps: m(|g| g.gaps),
            clefts: m(|g| g.clefts),
            phase: m(|g| g.phase),
            slow: m(|g| g.slow),
            ragged: m(|g| g.ragged),
            ..*a
        }
    }
}

impl Painter<'_> {
    /// The ground at a place; `None` well outside all tissue.
    pub(crate) fn ground_at(&self, place: Vec2) -> Option<Ground> {
        let seed = self.seed;
        let fragment = self.fragments.iter().find(|f| f.bounds.grown(14.0).contains(place))?;
        let [inside, depth] = fragment.inside_and_depth(place);
        if inside < -14.0 {
            return None;
        }
        let noise =
            |salt: u32, size: f32| value_noise(seed ^ salt, place[0] / size, place[1] / size);
        let layers = &fragment.layers;
        let wavy =
            depth + 70.0 * (rough_noise(fragment.seed, place[0] / 260.0, place[1] / 260.0) - 0.5);
        let below = |limit: f32| smoothstep(limit - 9.0, limit + 9.0, wavy);
        let (foot, submucosa_from) = (below(layers.mucosa), below(layers.muscularis_mucosae));
        let (muscle_from, fat_from) = (below(layers.submucosa), below(layers.muscle));
        let lesion = self.lesions.iter().map(|lesion| lesion.inside(place)).fold(-1e3, f32::max);
        let tumour = smoothstep(-16.0, 16.0, lesion);
        let follicle = self
            .follicles
            .iter()
            .map(|f| smoothstep(1.15, 0.75, length(sub(place, f.centre)) / f.radius))
            .fold(0.0, f32::max)
            * (1.0 - tumour);
        let healthy = 1.0 - tumour;
        let mucosa = healthy * (1.0 - foot);
        let muscle = healthy * (foot * (1.0 - submucosa_from) + muscle_from * (1.0 - fat_from));
        let submucosa = (1.0 - mucosa - muscle - tumour).max(0.0);
        let islands =
            smoothstep(0.60, 0.66, rough_noise(seed ^ 0xFA7, place[0] / 420.0, place[1] / 420.0));
        let fat = submucosa * islands.max(fat_from) * smoothstep(18.0, 45.0, inside);
        let layered = depth + 46.0 * noise(0x1, 170.0) + 15.0 * noise(0x2, 46.0);
        let whorled = 420.0 * rough_noise(seed ^ 0x3, place[0] / 330.0, place[1] / 330.0)
            + 18.0 * noise(0x4, 50.0)
            + 0.6 * place[0];
        let weigh = |values: [f32; 4]| {
            mucosa * values[0] + muscle * values[1] + submucosa * values[2] + tumour * values[3]
        };
        let patch = noise(0x5, 120.0);
        Some(Ground {
            inside,
            eosin: weigh([0.37, 0.60, 0.42, 0.40]) * mix(0.85, 1.15, patch),
            contrast: weigh([0.30, 0.24, 0.46, 0.42]),
            haematoxylin: weigh([0.18, 0.12, 0.06, 0.19]) + 0.10 * follicle,
            gaps: weigh([0.25, 0.08, 0.30, 0.25]) + 0.08 * (patch - 0.5),
            clefts: muscle * muscle_from,
            phase: if muscle + submucosa > 0.5 { layered } else { whorled },
            slow: 7.0 * noise(0x6, 75.0),
            ragged: smoothstep(20.0, 70.0, depth) * 9.0 + 1.0,
            mucosa,
            muscle,
            submucosa,
            tumour,
            follicle,
            fat,
        })
    }

    /// The direction of the fibres at a place.
    pub(crate) fn fibre_direction(&self, place: Vec2) -> Vec2 {
        let phase = |dx: f32, dy: f32| {
            self.ground_at([place[0] + dx, place[1] + dy]).map_or(0.0, |ground| ground.phase)
        };
        let across = [phase(3.0, 0.0) - phase(-3.0, 0.0), phase(0.0, 3.0) - phase(0.0, -3.0)];
        crate::histology::plane::unit_vector([-across[1], across[0]])
    }

    /// Paints the ground under everything else.
    pub(super) fn paint_ground(&self, canvas: &mut Canvas) {
        let rect = canvas.rect;
        let (first_x, first_y) = (rect.x.div_euclid(STEP), rect.y.div_euclid(STEP));
        let columns = ((rect.right() - 1).div_euclid(STEP) - first_x + 2) as usize;
        let rows = ((rect.bottom() - 1).div_euclid(STEP) - first_y + 2) as usize;
        let places: Vec<Option<Ground>> = (0..rows * columns)
            .map(|at| {
                let x = (first_x + (at % columns) as i64) * STEP;
                let y = (first_y + (at / columns) as i64) * STEP;
                self.ground_at([x as f32 * canvas.mpp, y as f32 * canvas.mpp])
            })
            .collect();
        let fat = self.fat_cells(canvas.bounds());
        for row in 0..rows - 1 {
            for column in 0..columns - 1 {
                let at = row * columns + column;
                let corners =
                    [places[at], places[at + 1], places[at + columns], places[at + columns + 1]];
                let Some(some) = corners.iter().flatten().next().copied() else { continue };
                let outside = Ground { inside: -20.0, ..some };
                let corners = corners.map(|corner| corner.unwrap_or(outside));
                let origin = [(first_x + column as i64) * STEP, (first_y + row as i64) * STEP];
                let middle = origin.map(|pixel| (pixel as f32 + 0.5 * STEP as f32) * canvas.mpp);
                let near = fat_near(&fat, middle, 0.75 * STEP as f32 * canvas.mpp);
                self.paint_patch(canvas, origin, &corners, &near);
            }
        }
    }

    /// Paints the `STEP` x `STEP` pixels between four worked-out places.
    fn paint_patch(
        &self,
        canvas: &mut Canvas,
        origin: [i64; 2],
        corners: &[Ground; 4],
        fat: &[FatCell],
    ) {
        let rect = canvas.rect;
        let rows = origin[1].max(rect.y)..(origin[1] + STEP).min(rect.bottom());
        for y in rows {
            let t = (y - origin[1]) as f32 / STEP as f32 + 0.5 / STEP as f32;
            let left = Ground::blend(&corners[0], &corners[2], t);
            let right = Ground::blend(&corners[1], &corners[3], t);
            let columns = origin[0].max(rect.x)..(origin[0] + STEP).min(rect.right());
            for x in columns {
                let s = (x - origin[0]) as f32 / STEP as f32 + 0.5 / STEP as f32;
                let ground = Ground::blend(&left, &right, s);
                let place = [canvas.micron(x), canvas.micron(y)];
                let at = (y - rect.y) as usize * rect.width as usize + (x - rect.x) as usize;
                canvas.amounts[at] = self.texture(place, &ground, fat);
            }
        }
    }

    fn texture(&self, place: Vec2, ground: &Ground, fat: &[FatCell]) -> [f32; 3] {
        let [x, y] = place;
        let coarse = self.grain.at(x / 6.5, y / 6.5);
        let cover = smoothstep(-0.6, 0.8, ground.inside + ground.ragged * (coarse - 0.55));
        if cover <= 0.0 {
            return [0.0; 3];
        }
        let fine = self.grain.at(x / 1.4, y / 1.4);
        let bundle = self.grain.at(ground.phase / 8.5, ground.slow);
        let fibre = self.grain.at(ground.phase / 2.6 + 91.0, ground.slow * 2.3);
        let fibril = self.grain.at(ground.phase / 1.25 + 33.0, ground.slow * 5.1);
        let value = 0.36 * bundle + 0.32 * fibre + 0.22 * fibril + 0.10 * fine - 0.5;
        let open = 0.56 * bundle + 0.37 * coarse + 0.07 * fine;
        let mut gap = smoothstep(ground.gaps + 0.06, ground.gaps - 0.04, open);
        if ground.clefts > 0.05 {
            let line = (self.grain.at(ground.phase / 42.0, ground.slow * 0.13) - 0.5).abs();
            let split = smoothstep(0.30, 0.55, coarse) * 0.9;
            gap = gap.max(ground.clefts * split * smoothstep(0.030, 0.008, line));
        }
        let mut eosin = (ground.eosin + 2.0 * ground.contrast * value).max(0.06);
        let mut haematoxylin = ground.haematoxylin * (0.75 + 0.5 * fine);
        if let Some(membrane) = membrane(fat, place) {
            gap = gap.max(1.0 - membrane);
            eosin = eosin.min(0.46);
        }
        let kept = cover * (1.0 - 0.96 * gap);
        eosin *= kept;
        haematoxylin *= kept;
        [haematoxylin, eosin, 0.0]
    }
}

/// A place of the fat cells' lattice, and whether a fat cell is there.
#[derive(Copy, Clone)]
struct FatCell {
    centre: Vec2,
    radius: f32,
    fat: bool,
}

impl Painter<'_> {
    /// The fat cells around a box; empty where there is no fat.
    fn fat_cells(&self, bounds: Bounds) -> Vec<FatCell> {
        let mut cells = Vec::new();
        self.lattice(bounds.grown(1.6 * FAT_CELL), FAT_CELL, 0xFA70, |random, centre| {
            let fat = self.ground_at(centre).is_some_and(|ground| ground.fat > 0.5);
            cells.push(FatCell { centre, radius: random.range(0.55, 0.78) * FAT_CELL, fat });
        });
        if cells.iter().all(|cell| !cell.fat) {
            cells.clear();
        }
        cells
    }
}

/// The cells that may be the nearest or second nearest to a place within `reach` of `centre`;
/// empty where none of them is fat.
fn fat_near(cells: &[FatCell], centre: Vec2, reach: f32) -> Vec<FatCell> {
    let mut nearest = [f32::INFINITY; 2];
    for cell in cells {
        let distance = length(sub(centre, cell.centre));
        if distance < nearest[0] {
            nearest = [distance, nearest[0]];
        } else {
            nearest[1] = nearest[1].min(distance);
        }
    }
    let limit = nearest[1] + 2.0 * reach;
    let near: Vec<FatCell> =
        cells.iter().copied().filter(|cell| length(sub(centre, cell.centre)) <= limit).collect();
    if near.iter().any(|cell| cell.fat) { near } else { Vec::new() }
}

/// Inside a fat cell: how much membrane is there (0 in the cell's middle, 1 at its edge).
fn membrane(cells: &[FatCell], place: Vec2) -> Option<f32> {
    let mut nearest = (f32::INFINITY, None);
    let mut second = f32::INFINITY;
    for cell in cells {
        let distance = length(sub(place, cell.centre));
        if distance < nearest.0 {
            second = nearest.0;
            nearest = (distance, Some(cell));
        } else if distance < second {
            second = distance;
        }
    }
    let cell = nearest.1.filter(|cell| cell.fat)?;
    let rim = (second - nearest.0).min(1.5 * (cell.radius - nearest.0));
    (rim > 0.0).then(|| smoothstep(4.6, 1.4, rim))
}

impl Painter<'_> {
    /// Calls `each` with a generator and a jittered place for every lattice cell around a box.
    pub(crate) fn lattice(
        &self,
        bounds: Bounds,
        spacing: f32,
        salt: u32,
        mut each: impl FnMut(&mut Random, Vec2),
    ) {
        let cell = |value: f32| (value / spacing).floor() as i32;
        for row in cell(bounds.min[1])..=cell(bounds.max[1]) {
            for column in cell(bounds.min[0])..=cell(bounds.max[0]) {
                let mut random = Random::new(self.seed ^ salt, column, row);
                let shift = if row % 2 == 0 { 0.25 } else { -0.25 };
                let place = [
                    (column as f32 + 0.5 + shift + random.range(-0.32, 0.32)) * spacing,
                    (row as f32 + 0.5 + random.range(-0.36, 0.36)) * spacing,
                ];
                each(&mut random, place);
            }
        }
    }

    /// A number in 0..1 that belongs to a place in whole microns.
    pub(crate) fn chance_at(&self, salt: u32, place: Vec2) -> f32 {
        crate::histology::noise::unit(hash(self.seed ^ salt, place[0] as i32, place[1] as i32))
    }
}
