//! Lines on which the scan was put together: steps in brightness (stripes) and content that does
//! not go on (stitching).
//!
//! Every field gives, for each of its columns and rows, the step in brightness to the next one
//! (`seam_profile`) and the mean size of the difference (content that does not go on is rougher than
//! its neighbourhood). A scanner's seam runs through all fields on its line, an edge in the tissue
//! through one: what most of the fields say tells them apart.

use std::collections::BTreeMap;

use super::{
    fields::{FIELD, FieldGrid},
    seam_border::Border,
    seam_profile::{FieldProfile, Line, median},
};

const SIDE: usize = FIELD as usize;
/// A line is judged by at least so many fields.
const LEAST_FIELDS: usize = 3;
/// On pixels as large as a nucleus, in um, a line differs from the next as tissue does.
const COARSEST_UM: f64 = 4.0;

/// A line on which something is wrong.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(super) struct Seam {
    /// True for a line from top to bottom.
    pub(super) vertical: bool,
    /// Its place in level-0 pixels along x (or y).
    pub(super) place: f64,
    /// Grey levels at white by which brightness steps.
    pub(super) step: f64,
    /// Roughness across the line over that of its neighbours.
    pub(super) roughness: f64,
    /// Whether the pixels behind the line are a mean of both sides.
    pub(super) is_within_a_pixel: bool,
}

/// The lines of all fields.
pub(super) struct Seams {
    pub(super) grid: FieldGrid,
    columns: Vec<Vec<Line>>,
    rows: Vec<Vec<Line>>,
    borders: BTreeMap<(u32, u32), Border>,
}

impl Seams {
    pub(super) fn new(grid: FieldGrid) -> Self {
        let lines = |fields: u32| vec![Vec::new(); fields as usize * SIDE];
        Self {
            grid,
            columns: lines(grid.columns),
            rows: lines(grid.rows),
            borders: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, column: u32, row: u32, profile: FieldProfile) {
        // The first and the last line need the neighbour's pixels as well: see `join`.
        let add = |lines: &mut [Vec<Line>], first: u32, own: &[Line]| {
            let lines = lines.iter_mut().skip(first as usize * SIDE + 1);
            let inner = own.get(1..own.len().saturating_sub(1)).unwrap_or_default();
            lines.zip(inner).for_each(|(line, own)| line.push(*own));
        };
        add(&mut self.columns, column, &profile.columns);
        add(&mut self.rows, row, &profile.rows);
        self.borders.insert((column, row), profile.border);
    }

    /// The fields that were looked at, in raster order of columns.
    pub(super) fn fields(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.borders.keys().copied()
    }

    /// Once all fields are known: the lines at and between their borders.
    pub(super) fn join(&mut self) {
        let push = |lines: &mut [Vec<Line>], field: u32, found: [Line; 3]| {
            let first = (field as usize + 1) * SIDE - 2;
            lines.iter_mut().skip(first).zip(found).for_each(|(line, own)| line.push(own));
        };
        for ((column, row), border) in &self.borders {
            if let Some(next) = self.borders.get(&(column + 1, *row)) {
                push(&mut self.columns, *column, border.to_right(next));
            }
            if let Some(next) = self.borders.get(&(*column, row + 1)) {
                push(&mut self.rows, *row, border.to_below(next));
            }
        }
    }

    /// Every line that enough fields lie on, with what stands out from the tissue's own spread.
    pub(super) fn lines(&self) -> Vec<Seam> {
        if self.grid.um > COARSEST_UM {
            return Vec::new();
        }
        let of = |lines, vertical| Direction::of(lines).seams(vertical, self.grid.step);
        let mut found = of(&self.columns, true);
        found.extend(of(&self.rows, false));
        found
    }
}

/// All lines of one direction with what their fields say together.
struct Direction<'a> {
    lines: &'a [Vec<Line>],
    spread: Spread,
    steps: Vec<f32>,
    pairs: Vec<f32>,
    roughs: Vec<f32>,
    rough_pairs: Vec<f32>,
}

impl<'a> Direction<'a> {
    fn of(lines: &'a [Vec<Line>]) -> Self {
        let spread = Spread::of(lines);
        let step = |of: fn(&Line) -> f32, spread: f32| {
            lines.iter().map(|fields| usual(fields, of, spread)).collect()
        };
        let rough = |of: fn(&Line) -> f32| {
            lines.iter().map(|fields| lower_median(fields.iter().map(of))).collect()
        };
        Self {
            lines,
            steps: step(|line| line.step, spread.step),
            pairs: step(|line| line.pair, spread.pair),
            roughs: rough(|line| line.roughness),
            rough_pairs: rough(|line| line.pair_roughness),
            spread,
        }
    }

    fn seams(&self, vertical: bool, pixel: f64) -> Vec<Seam> {
        let judged = (0..self.lines.len()).filter(|at| self.lines[*at].len() >= LEAST_FIELDS);
        let seam = |at: usize| {
            let (roughness, is_within_a_pixel) = self.roughness(at);
            Seam {
                vertical,
                place: (at + 1) as f64 * pixel,
                step: f64::from(self.step(at)),
                roughness: f64::from(roughness),
                is_within_a_pixel,
            }
        };
        judged.map(seam).collect()
    }

    /// Deviations of single fields by which the mean over a line's fields must stand out. Few fields
    /// deviate together more often than a normal distribution says.
    fn noise(&self, at: usize) -> f32 {
        let fields = self.lines[at].len() as f32;
        NOISE / fields.sqrt() * (1.0 + FEW / fields)
    }

    /// By how much light steps across a line, or across it and the next; 0 where that is no more
    /// than tissue does.
    fn step(&self, at: usize) -> f32 {
        let (fields, noise) = (&self.lines[at], self.noise(at));
        let (single, pair) = (self.steps[at], self.pairs[at]);
        let is_single = single.abs() > self.spread.step * noise
            && is_everywhere(fields.iter().map(|line| line.step), single, 2.0 / 3.0)
            && is_alone(&self.steps, at, at);
        let is_pair = pair.abs() > 1.25 * self.spread.pair * noise
            && is_in_both(&self.steps, at)
            && is_everywhere(fields.iter().map(|line| line.pair), pair, 2.0 / 3.0)
            && is_alone(&self.steps, at, at + 1);
        match (is_single, is_pair) {
            (_, true) if pair.abs() > 1.3 * single.abs() => pair,
            (true, _) => single,
            _ => 0.0,
        }
    }

    /// How rough a line is, 1 where that is no more than tissue is, and whether it is so together
    /// with the next.
    fn roughness(&self, at: usize) -> (f32, bool) {
        let is_rough = |roughs: &[f32], of: fn(&Line) -> f32, spread: f32, until: usize| {
            let excess = roughs[at] - 1.0;
            excess > spread * self.noise(at)
                && is_everywhere(self.lines[at].iter().map(|line| of(line) - 1.0), excess, 0.8)
                && is_rough_alone(roughs, at, until)
        };
        let spread = &self.spread;
        let is_single = is_rough(&self.roughs, |line| line.roughness, spread.roughness, at);
        let of_pair = |line: &Line| line.pair_roughness;
        let is_pair = is_on_both(&self.roughs, at)
            && is_rough(&self.rough_pairs, of_pair, 1.25 * spread.pair_roughness, at + 1);
        match (is_single, is_pair) {
            (_, true) => (self.rough_pairs[at], true),
            (true, false) => (self.roughs[at], false),
            _ => (1.0, false),
        }
    }
}

/// The mean of a line's fields, single ones no further from the median than twice their spread.
fn usual(fields: &[Line], of: fn(&Line) -> f32, spread: f32) -> f32 {
    let middle = median(fields.iter().map(of));
    let near =
        fields.iter().map(|line| of(line).clamp(middle - 2.0 * spread, middle + 2.0 * spread));
    near.sum::<f32>() / fields.len().max(1) as f32
}

/// Whether this share of the fields on a line step alike, as across a scanner's seam.
fn is_everywhere(fields: impl ExactSizeIterator<Item = f32>, step: f32, share: f32) -> bool {
    let count = fields.len();
    let alike = fields.filter(|own| own * step.signum() > 0.3 * step.abs()).count();
    alike as f32 >= share * count as f32
}

/// Whether a line and the next share a step.
fn is_in_both(steps: &[f32], at: usize) -> bool {
    let Some(next) = steps.get(at + 1) else { return false };
    let (small, large) = (steps[at].abs().min(next.abs()), steps[at].abs().max(next.abs()));
    steps[at].signum() == next.signum() && small * 4.0 >= large
}

/// Whether the step is one line, or two where pixels were averaged, and no slope.
fn is_alone(steps: &[f32], from: usize, until: usize) -> bool {
    let own = steps[from..=until].iter().fold(0.0_f32, |most, step| most.max(step.abs()));
    let around = from.saturating_sub(6)..(until + 7).min(steps.len());
    let beside = around.filter(|n| n + 1 < from || *n > until + 1);
    beside.map(|n| steps[n].abs()).fold(0.0, f32::max) * 2.0 <= own
}

/// Whether a line and the next are rough, neither by much more than the other.
fn is_on_both(roughs: &[f32], at: usize) -> bool {
    let Some(next) = roughs.get(at + 1) else { return false };
    let (here, next) = (roughs[at] - 1.0, next - 1.0);
    here.min(next) * 3.0 >= here.max(next) && here.min(next) > 0.0
}

/// Whether a line is rough and not its whole neighbourhood, as where tissue ends.
fn is_rough_alone(roughs: &[f32], at: usize, until: usize) -> bool {
    let own = roughs[at] - 1.0;
    let around = at.saturating_sub(6)..(at + 7).min(roughs.len());
    let beside = around.filter(|n| n + 1 < at || *n > until + 1).map(|n| roughs[n] - 1.0);
    beside.fold(0.0, f32::max) * 2.0 <= own
}

/// Standard errors by which a line must stand out: there are thousands of lines.
const NOISE: f32 = 5.5;
/// So many fields need twice that.
const FEW: f32 = 4.0;

/// How far single fields lie from the usual on this slide, as standard deviations.
struct Spread {
    step: f32,
    pair: f32,
    roughness: f32,
    pair_roughness: f32,
}

impl Spread {
    fn of(lines: &[Vec<Line>]) -> Self {
        // The median absolute deviation of a normal distribution is 0.6745 deviations.
        let deviation = |of: fn(&Line) -> f32| median(lines.iter().flatten().map(of)) / 0.6745;
        Self {
            step: deviation(|line| line.step.abs()),
            pair: deviation(|line| line.pair.abs()),
            roughness: deviation(|line| (line.roughness - 1.0).abs()),
            pair_roughness: deviation(|line| (line.pair_roughness - 1.0).abs()),
        }
    }
}

/// The median; of an even count the smaller one of the middle two.
fn lower_median(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.collect();
    if values.is_empty() {
        return 0.0;
    }
    let middle = (values.len() - 1) / 2;
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plane::Plane;

    fn grid() -> FieldGrid {
        FieldGrid { step: 2.0, um: 0.5, columns: 1, rows: 4 }
    }

    fn seams(pixel: impl Fn(usize, usize) -> u8) -> Seams {
        let mut seams = Seams::new(grid());
        for row in 0..4 {
            let data = (0..SIDE * SIDE).map(|i| pixel(i % SIDE, i / SIDE + row * SIDE)).collect();
            let plane = Plane { width: SIDE, height: SIDE, data };
            seams.add(0, row as u32, FieldProfile::of(&plane));
        }
        seams.join();
        seams
    }

    fn texture(x: usize, y: usize) -> u8 {
        let wave = ((x as f64 / 7.0 + y as f64 / 3.0).sin()
            + (y as f64 / 5.0 - x as f64 / 11.0).cos())
            * 30.0;
        (150.0 + wave) as u8
    }

    #[test]
    fn even_tissue_has_no_seam() {
        let most = |of: fn(&Seam) -> f64| seams(texture).lines().iter().map(of).fold(0.0, f64::max);
        assert!(most(|seam| seam.step.abs()) < 1.5 && most(|seam| seam.roughness) < 1.5);
    }

    #[test]
    fn a_step_in_brightness_is_found_where_it_is() {
        let all = seams(|x, y| texture(x, y) + if x >= 100 { 6 } else { 0 }).lines();
        let found: Vec<_> = all.iter().filter(|seam| seam.step.abs() > 2.5).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].vertical && (found[0].step - 10.0).abs() < 2.5);
        assert_eq!(found[0].place, 200.0);
    }

    #[test]
    fn a_step_between_two_fields_is_found() {
        let all = seams(|x, y| texture(x, y) - if y >= SIDE { 6 } else { 0 }).lines();
        // One field is too little for a row; four times the field beside one another are not.
        assert!(all.iter().all(|seam| seam.step.abs() < 2.5), "{all:?}");
        let mut wide = Seams::new(FieldGrid { columns: 4, rows: 2, ..grid() });
        for (column, row) in (0..4).flat_map(|column| [(column, 0), (column, 1)]) {
            let value = |i: usize| {
                let y = i / SIDE + row * SIDE;
                texture(i % SIDE + column * SIDE, y) - if y >= SIDE { 6 } else { 0 }
            };
            let data = (0..SIDE * SIDE).map(value).collect();
            let plane = Plane { width: SIDE, height: SIDE, data };
            wide.add(column as u32, row as u32, FieldProfile::of(&plane));
        }
        wide.join();
        let found: Vec<_> = wide.lines().into_iter().filter(|s| s.step.abs() > 2.5).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].vertical, found[0].place), (false, 512.0));
    }

    #[test]
    fn a_step_within_a_pixel_counts_whole() {
        let half = |x: usize| match x {
            0..100 => 0,
            100 => 4,
            _ => 8,
        };
        let all = seams(|x, y| texture(x, y) + half(x)).lines();
        let most = all.iter().map(|seam| seam.step.abs()).fold(0.0, f64::max);
        assert!(most > 8.0, "{most}");
    }

    #[test]
    fn displaced_content_is_rough_along_the_line() {
        let all = seams(|x, y| texture(x, if x >= 100 { y + 9 } else { y })).lines();
        let found: Vec<_> = all.iter().filter(|seam| seam.roughness > 1.6).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].vertical, found[0].place), (true, 200.0));
    }
}
