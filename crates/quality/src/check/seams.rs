//! Lines on which the scan was put together: steps in brightness (stripes) and content that does
//! not go on (stitching).
//!
//! Every field adds, for each of its columns and rows, the differences to the next one: their sum
//! (a step in brightness remains, tissue cancels out) and the sum of their sizes (content that does
//! not go on is rougher than its neighbourhood). Sums are whole numbers, so threads do not change
//! them.

use super::fields::{FIELD, FieldGrid};
use crate::plane::Plane;

const SIDE: usize = FIELD as usize;
/// A line is judged from this many pixels on.
const LEAST_PIXELS: u64 = 384;
/// Neighbours on each side that a line is held against.
const REACH: usize = 24;
/// JPEG's blocks are a period in the profile: a line is held against those of its own phase.
const PERIOD: usize = 8;

/// One line's sums.
#[derive(Copy, Clone, Debug, Default)]
struct Line {
    signed: i64,
    rough: u64,
    pixels: u64,
}

/// The profile of one field: differences from each column and row to the next.
pub(super) struct FieldProfile {
    columns: Vec<(i32, u32)>,
    rows: Vec<(i32, u32)>,
}

impl FieldProfile {
    pub(super) fn of(luminance: &Plane<u8>) -> Self {
        let mut columns = vec![(0, 0); SIDE - 1];
        let mut rows = vec![(0, 0); SIDE - 1];
        for y in 0..luminance.height.min(SIDE) {
            let row = luminance.row(y);
            for (sums, pair) in columns.iter_mut().zip(row.windows(2)) {
                let difference = i32::from(pair[1]) - i32::from(pair[0]);
                sums.0 += difference;
                sums.1 += difference.unsigned_abs();
            }
            if y + 1 < luminance.height.min(SIDE) {
                let below = luminance.row(y + 1);
                let (mut signed, mut rough) = (0, 0);
                for (here, there) in row.iter().zip(below) {
                    let difference = i32::from(*there) - i32::from(*here);
                    signed += difference;
                    rough += difference.unsigned_abs();
                }
                rows[y] = (signed, rough);
            }
        }
        Self { columns, rows }
    }
}

/// A line on which something is wrong.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(super) struct Seam {
    /// True for a line from top to bottom.
    pub(super) vertical: bool,
    /// Its place in level-0 pixels along x (or y).
    pub(super) place: f64,
    /// Grey levels by which brightness steps.
    pub(super) step: f64,
    /// Roughness across the line over that of its neighbours.
    pub(super) roughness: f64,
}

/// The sums of all fields.
pub(super) struct Seams {
    grid: FieldGrid,
    columns: Vec<Line>,
    rows: Vec<Line>,
}

impl Seams {
    pub(super) fn new(grid: FieldGrid) -> Self {
        let lines = |fields: u32| vec![Line::default(); fields as usize * SIDE];
        Self { grid, columns: lines(grid.columns), rows: lines(grid.rows) }
    }

    pub(super) fn add(&mut self, column: u32, row: u32, profile: &FieldProfile) {
        let add = |lines: &mut [Line], first: u32, sums: &[(i32, u32)]| {
            let lines = lines.iter_mut().skip(first as usize * SIDE);
            for (line, (signed, rough)) in lines.zip(sums) {
                line.signed += i64::from(*signed);
                line.rough += u64::from(*rough);
                line.pixels += SIDE as u64;
            }
        };
        add(&mut self.columns, column, &profile.columns);
        add(&mut self.rows, row, &profile.rows);
    }

    /// Lines whose step is at least `least_step` grey levels or whose roughness is at least
    /// `least_roughness` times that of their neighbours.
    pub(super) fn find(&self, least_step: f64, least_roughness: f64) -> Vec<Seam> {
        let mut found = Vec::new();
        for (lines, vertical) in [(&self.columns, true), (&self.rows, false)] {
            for at in 0..lines.len() {
                let Some((step, roughness)) = judge(lines, at) else { continue };
                if step.abs() >= least_step || roughness >= least_roughness {
                    let place = (at + 1) as f64 * self.grid.step;
                    found.push(Seam { vertical, place, step, roughness });
                }
            }
        }
        found
    }
}

/// A line's step beyond its neighbours' and its roughness relative to theirs.
fn judge(lines: &[Line], at: usize) -> Option<(f64, f64)> {
    let line = lines.get(at).filter(|line| line.pixels >= LEAST_PIXELS)?;
    let around = at.saturating_sub(REACH)..(at + REACH + 1).min(lines.len());
    let usual = |of: fn(&Line) -> f64, phase: bool| {
        let mut values: Vec<f64> = around
            .clone()
            .filter(|other| {
                let apart = other.abs_diff(at);
                // Next to a seam lies its own blur.
                apart > 1 && (!phase || apart % PERIOD == 0)
            })
            .filter_map(|other| lines.get(other).filter(|l| l.pixels >= LEAST_PIXELS).map(of))
            .collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    let step_of = |line: &Line| line.signed as f64 / line.pixels as f64;
    let roughness_of = |line: &Line| line.rough as f64 / line.pixels as f64;
    let step = step_of(line) - usual(step_of, false)?;
    let roughness = roughness_of(line);
    let base = usual(roughness_of, false)?.max(usual(roughness_of, true)?).max(0.5);
    Some((step, roughness / base))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> FieldGrid {
        FieldGrid { step: 2.0, um: 0.5, columns: 1, rows: 2 }
    }

    fn seams(pixel: impl Fn(usize, usize) -> u8) -> Seams {
        let mut seams = Seams::new(grid());
        for row in 0..2 {
            let data = (0..SIDE * SIDE).map(|i| pixel(i % SIDE, i / SIDE + row * SIDE)).collect();
            let plane = Plane { width: SIDE, height: SIDE, data };
            seams.add(0, row as u32, &FieldProfile::of(&plane));
        }
        seams
    }

    fn texture(x: usize, y: usize) -> u8 {
        let wave = ((x as f64 / 7.0).sin() + (y as f64 / 5.0 + x as f64 / 11.0).cos()) * 30.0;
        (150.0 + wave) as u8
    }

    #[test]
    fn even_tissue_has_no_seam() {
        assert_eq!(seams(texture).find(2.5, 1.6), []);
    }

    #[test]
    fn a_step_in_brightness_is_found_where_it_is() {
        let found = seams(|x, y| texture(x, y) + if x >= 100 { 6 } else { 0 }).find(2.5, 9.0);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].vertical && (found[0].step - 6.0).abs() < 1.5);
        assert_eq!(found[0].place, 200.0);
    }

    #[test]
    fn displaced_content_is_rough_along_the_line() {
        let found = seams(|x, y| texture(x, if x >= 100 { y + 9 } else { y })).find(99.0, 1.6);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].vertical, found[0].place), (true, 200.0));
    }
}
