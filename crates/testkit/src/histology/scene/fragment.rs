//! Pieces of tissue on the glass: outline, mucosal surface, depth below it.

use rayon::prelude::*;

use crate::histology::{
    noise::{Random, mix, value_noise},
    plane::{
        Bounds, Vec2, add, along, contains, distance_to_segment, heading, perpendicular, resample,
        scale, sub, unit_vector, wavy_circle,
    },
};

/// Spacing of the outline's points in microns.
const OUTLINE_STEP: f32 = 14.0;
/// Spacing of the distance grid in microns.
const FIELD_STEP: f32 = 16.0;

/// Depths below the mucosal surface, in microns, at which one layer of the wall ends.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Layers {
    pub(crate) mucosa: f32,
    pub(crate) muscularis_mucosae: f32,
    pub(crate) submucosa: f32,
    pub(crate) muscle: f32,
}

/// One piece of tissue.
pub(crate) struct Fragment {
    /// Its outline, closed.
    pub(crate) outline: Vec<Vec2>,
    /// The mucosal surface: a part of the outline, or all of it (then closed).
    pub(crate) surface: Vec<Vec2>,
    /// Whether the surface goes all around.
    pub(crate) surface_is_closed: bool,
    pub(crate) bounds: Bounds,
    pub(crate) layers: Layers,
    pub(crate) seed: u32,
    field: Field,
}

/// Distances to outline and surface on a grid.
struct Field {
    origin: Vec2,
    columns: usize,
    rows: usize,
    /// Signed distance to the outline (positive inside) and distance to the surface.
    places: Vec<[f32; 2]>,
}

impl Fragment {
    fn new(outline: &[Vec2], surface: &[Vec2], closed: bool, seed: u32) -> Self {
        let outline = resample(outline, true, OUTLINE_STEP);
        let surface = resample(surface, closed, OUTLINE_STEP);
        let bounds = Bounds::around(&outline);
        let mut random = Random::new(seed, 11, 5);
        let mucosa = random.range(470.0, 580.0);
        let muscularis_mucosae = mucosa + random.range(30.0, 48.0);
        let submucosa = muscularis_mucosae + random.range(480.0, 720.0);
        let layers = Layers {
            mucosa,
            muscularis_mucosae,
            submucosa,
            muscle: submucosa + random.range(650.0, 950.0),
        };
        let field = Field::new(&outline, &surface, closed, bounds);
        Self { outline, surface, surface_is_closed: closed, bounds, layers, seed, field }
    }

    /// A polyp cut across: mucosa all around.
    pub(super) fn polyp(centre: Vec2, radius: f32, stretch: (f32, f32), seed: u32) -> Self {
        let mut random = Random::new(seed, 1, 9);
        let harmonics: Vec<(f32, f32, f32)> = [2.0, 3.0, 4.0, 5.0, 7.0, 9.0]
            .map(|n| (n, random.range(0.12, 0.42) / n, random.angle()))
            .to_vec();
        let mut outline = wavy_circle(centre, radius, stretch, &harmonics, 360);
        outline.iter_mut().for_each(|point| *point = bumped(*point, seed, radius.min(900.0)));
        Self::new(&outline, &outline, true, seed)
    }

    /// A strip of the bowel's wall: mucosa along one long side, cut edges elsewhere.
    pub(super) fn wall(centre: Vec2, size: (f32, f32), turn: f32, seed: u32) -> Self {
        let mut random = Random::new(seed, 2, 7);
        let (length, thickness) = size;
        let bend = random.range(-0.16, 0.16) * thickness;
        let place = |u: f32, side: f32| {
            let s = 2.0 * u / length;
            let taper = (1.0 - s.abs().powi(14)).max(0.0).sqrt();
            let fold = 170.0 * (value_noise(seed ^ 3, u / 560.0, side) - 0.5)
                + 45.0 * (value_noise(seed ^ 4, u / 170.0, side) - 0.5);
            let v = side * (0.5 * thickness + fold) * taper + bend * (s * s - 0.5);
            let axis = heading(turn);
            let place = along(along(centre, axis, u), perpendicular(axis), v);
            bumped(place, seed, 1000.0)
        };
        let steps = (length / 25.0) as usize;
        let at = |step: usize| mix(-0.5, 0.5, step as f32 / steps as f32) * length;
        let top: Vec<Vec2> = (0..=steps).map(|step| place(at(step), -1.0)).collect();
        let bottom = (0..=steps).rev().map(|step| place(at(step), 1.0));
        let outline: Vec<Vec2> = top.iter().copied().chain(bottom).collect();
        // The last stretch at both ends is cut, not mucosa.
        let cut = steps / 40;
        Self::new(&outline, &top[cut..=steps - cut], false, seed)
    }

    /// Signed distance to the outline in microns, positive inside; far outside at least -100.
    pub(crate) fn inside(&self, place: Vec2) -> f32 {
        self.field.at(place)[0]
    }

    /// Signed distance to the outline and depth below the mucosal surface in microns.
    pub(crate) fn inside_and_depth(&self, place: Vec2) -> [f32; 2] {
        self.field.at(place)
    }

    /// The direction in which the depth grows.
    pub(crate) fn downwards(&self, place: Vec2) -> Vec2 {
        let depth = |dx, dy| self.field.at(add(place, [dx, dy]))[1];
        unit_vector([depth(12.0, 0.0) - depth(-12.0, 0.0), depth(0.0, 12.0) - depth(0.0, -12.0)])
    }
}

impl Field {
    fn new(outline: &[Vec2], surface: &[Vec2], closed: bool, bounds: Bounds) -> Self {
        let origin = bounds.grown(64.0).min.map(|value| (value / FIELD_STEP).floor() * FIELD_STEP);
        let size = sub(bounds.grown(64.0).max, origin);
        let columns = (size[0] / FIELD_STEP) as usize + 2;
        let rows = (size[1] / FIELD_STEP) as usize + 2;
        let row = |row: usize| -> Vec<[f32; 2]> {
            (0..columns)
                .map(|column| {
                    let place = add(origin, [column as f32 * FIELD_STEP, row as f32 * FIELD_STEP]);
                    let edge = distance_to_line(outline, true, place);
                    let sign = if contains(outline, place) { 1.0 } else { -1.0 };
                    let depth = if closed { edge } else { distance_to_line(surface, false, place) };
                    [sign * edge, depth]
                })
                .collect()
        };
        let places = (0..rows).into_par_iter().flat_map_iter(row).collect();
        Self { origin, columns, rows, places }
    }

    fn at(&self, place: Vec2) -> [f32; 2] {
        let x = (place[0] - self.origin[0]) / FIELD_STEP;
        let y = (place[1] - self.origin[1]) / FIELD_STEP;
        let (column, row) = (x.floor(), y.floor());
        if !(column >= 0.0 && row >= 0.0) {
            return [-100.0, 0.0];
        }
        let (left, top) = (column as usize, row as usize);
        if left + 1 >= self.columns || top + 1 >= self.rows {
            return [-100.0, 0.0];
        }
        let at = top * self.columns + left;
        let corners = [
            self.places[at],
            self.places[at + 1],
            self.places[at + self.columns],
            self.places[at + self.columns + 1],
        ];
        std::array::from_fn(|value| {
            mix(
                mix(corners[0][value], corners[1][value], x - column),
                mix(corners[2][value], corners[3][value], x - column),
                y - row,
            )
        })
    }
}

fn distance_to_line(line: &[Vec2], closed: bool, place: Vec2) -> f32 {
    let segments = line.windows(2).map(|pair| distance_to_segment(place, pair[0], pair[1]));
    let closing = match (closed, line) {
        (true, [first, .., last]) => distance_to_segment(place, *last, *first),
        _ => f32::INFINITY,
    };
    segments.fold(closing, f32::min)
}

/// A place pushed aside by slow noise, so that no piece looks drawn with a compass.
fn bumped(place: Vec2, seed: u32, size: f32) -> Vec2 {
    let push = |salt: u32, share: f32| {
        let at = scale(place, 1.0 / (share * size));
        share * size * 0.55 * (value_noise(seed ^ salt, at[0], at[1]) - 0.5)
    };
    add(place, [push(0x31, 0.45) + push(0x32, 0.12), push(0x33, 0.45) + push(0x34, 0.12)])
}

/// Lays pieces of tissue out over a slide of `size` microns: a strip of wall and polyps beside it,
/// again and again on a large slide; one polyp on a small one.
pub(super) fn lay_out(size: Vec2, seed: u32) -> Vec<Fragment> {
    let (columns, rows) = ((size[0] / 6500.0).ceil() as i32, (size[1] / 6500.0).ceil() as i32);
    let cell = [size[0] / columns as f32, size[1] / rows as f32];
    (0..rows)
        .flat_map(|row| (0..columns).map(move |column| (column, row)))
        .flat_map(|(column, row)| {
            let corner = [column as f32 * cell[0], row as f32 * cell[1]];
            lay_out_cell(corner, cell, Random::new(seed ^ 0xF4A6, column, row))
        })
        .collect()
}

fn lay_out_cell(corner: Vec2, cell: Vec2, mut random: Random) -> Vec<Fragment> {
    let upright = cell[1] > cell[0];
    let (long, short) = if upright { (cell[1], cell[0]) } else { (cell[0], cell[1]) };
    let place = |along: f32, across: f32| {
        add(corner, if upright { [across, along] } else { [along, across] })
    };
    let turn = if upright { std::f32::consts::FRAC_PI_2 } else { 0.0 };
    if short < 2000.0 {
        let radius = 0.36 * short;
        let stretch = ((long / short).min(1.5), turn);
        return vec![Fragment::polyp(
            place(0.5 * long, 0.5 * short),
            radius,
            stretch,
            random.bits(),
        )];
    }
    let wall_first = random.chance(0.5);
    let wall_at = if wall_first { 0.31 } else { 0.69 };
    let tilt = random.range(-0.05, 0.05);
    let thickness = (0.46 * short).min(2600.0);
    // The mucosa looks away from the polyps or towards them.
    let flip = if random.chance(0.3) { std::f32::consts::PI } else { 0.0 };
    let mut fragments = vec![Fragment::wall(
        place(0.5 * long, wall_at * short),
        (0.84 * long, thickness),
        turn + tilt + flip,
        random.bits(),
    )];
    let spare = if wall_first { 0.79 } else { 0.21 };
    for (at, share) in [(0.27, 0.155), (0.68, 0.135)] {
        let radius = random.range(0.9, 1.08) * share * short;
        let stretch = (random.range(1.2, 1.7), turn + random.range(-0.25, 0.25));
        let centre = place((at + random.range(-0.03, 0.03)) * long, spare * short);
        fragments.push(Fragment::polyp(centre, radius, stretch, random.bits()));
    }
    fragments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_lie_on_the_slide_apart_from_each_other() {
        for (seed, size) in [(1, [6000.0, 4500.0]), (2, [300.0, 200.0]), (3, [9000.0, 14_000.0])] {
            let fragments = lay_out(size, seed);
            let slide = Bounds { min: [0.0; 2], max: size };
            for (at, fragment) in fragments.iter().enumerate() {
                assert!(fragment.outline.iter().all(|point| slide.contains(*point)), "{size:?}");
                for other in &fragments[..at] {
                    let apart = other.outline.iter().all(|point| fragment.inside(*point) < -20.0);
                    assert!(apart, "{size:?}");
                }
            }
        }
    }

    #[test]
    fn depth_grows_from_the_surface() {
        let fragment = Fragment::wall([3000.0, 1500.0], (4000.0, 2000.0), 0.0, 5);
        let middle = fragment.surface[fragment.surface.len() / 2];
        for depth in [50.0, 400.0, 900.0] {
            let [inside, found] = fragment.inside_and_depth(add(middle, [0.0, depth]));
            assert!(inside > 0.0);
            assert!((found - depth).abs() < 0.12 * depth + 5.0, "{found} for {depth}");
        }
        assert_eq!(fragment.inside([-1e6, 1e6]), -100.0);
    }
}
