//! Lines on which the scan was put together: steps in brightness (stripes) and content that does
//! not go on (stitching).
//!
//! Every field gives, for each of its columns and rows, the mean difference to the next one (a step
//! in brightness remains, tissue cancels out) and the mean size of that difference (content that
//! does not go on is rougher than its neighbourhood). A scanner's seam runs through all fields on
//! its line, an edge in the tissue through one: the median over the fields tells them apart.

use super::fields::{FIELD, FieldGrid};
use crate::plane::Plane;

const SIDE: usize = FIELD as usize;
/// A line is judged by at least so many fields.
const LEAST_FIELDS: usize = 4;
/// Differences are cut off here: a step between scan lines is small, a nucleus' edge is not.
const LARGEST: i32 = 24;
/// Neighbours are taken by so many lines.
const CHUNK: usize = 32;
/// JPEG's blocks are a period in the profile: a line is held against those of its own phase.
const PERIOD: usize = 8;

/// One line of one field: step in grey levels, roughness over that of the lines around.
type Line = (f32, f32);

/// The profile of one field: from each column and row to the next.
pub(super) struct FieldProfile {
    columns: Vec<Line>,
    rows: Vec<Line>,
}

impl FieldProfile {
    pub(super) fn of(luminance: &Plane<u8>) -> Self {
        let (width, height) = (luminance.width, luminance.height);
        let mut columns = vec![(0, 0); width.saturating_sub(1)];
        let mut rows = vec![(0, 0); height.saturating_sub(1)];
        for y in 0..height {
            let row = luminance.row(y);
            for (sums, pair) in columns.iter_mut().zip(row.windows(2)) {
                add(sums, pair[0], pair[1]);
            }
            if let Some(sums) = rows.get_mut(y) {
                row.iter().zip(luminance.row(y + 1)).for_each(|(a, b)| add(sums, *a, *b));
            }
        }
        Self { columns: relative(&columns, height), rows: relative(&rows, width) }
    }
}

fn add(sums: &mut (i32, i32), here: u8, next: u8) {
    let difference = i32::from(next) - i32::from(here);
    sums.0 += difference.clamp(-LARGEST, LARGEST);
    sums.1 += difference.abs();
}

/// Steps less the usual one, roughness over the usual one of the line's surroundings and phase.
fn relative(sums: &[(i32, i32)], pixels: usize) -> Vec<Line> {
    let pixels = pixels.max(1) as f32;
    let mut lines: Vec<Line> = sums.iter().map(|s| (s.0 as f32, s.1 as f32 / pixels)).collect();
    for chunk in lines.chunks_mut(CHUNK) {
        let step = median(chunk.iter().map(|line| line.0));
        let rough = median(chunk.iter().map(|line| line.1)).max(0.5);
        for line in chunk {
            *line = ((line.0 - step) / pixels, line.1 / rough);
        }
    }
    for phase in 0..PERIOD {
        let usual = median(lines.iter().skip(phase).step_by(PERIOD).map(|line| line.1)).max(1.0);
        lines.iter_mut().skip(phase).step_by(PERIOD).for_each(|line| line.1 /= usual);
    }
    lines
}

fn median(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.collect();
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
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

/// The lines of all fields.
pub(super) struct Seams {
    grid: FieldGrid,
    columns: Vec<Vec<Line>>,
    rows: Vec<Vec<Line>>,
}

impl Seams {
    pub(super) fn new(grid: FieldGrid) -> Self {
        let lines = |fields: u32| vec![Vec::new(); fields as usize * SIDE];
        Self { grid, columns: lines(grid.columns), rows: lines(grid.rows) }
    }

    pub(super) fn add(&mut self, column: u32, row: u32, profile: &FieldProfile) {
        let add = |lines: &mut [Vec<Line>], first: u32, own: &[Line]| {
            let lines = lines.iter_mut().skip(first as usize * SIDE);
            lines.zip(own).for_each(|(line, own)| line.push(*own));
        };
        add(&mut self.columns, column, &profile.columns);
        add(&mut self.rows, row, &profile.rows);
    }

    /// Every line that enough fields lie on and that stands out from the tissue's own spread.
    pub(super) fn lines(&self) -> Vec<Seam> {
        let mut found = Vec::new();
        for (lines, vertical) in [(&self.columns, true), (&self.rows, false)] {
            let spread = Spread::of(lines);
            let steps: Vec<f32> =
                lines.iter().map(|fields| median(fields.iter().map(|line| line.0))).collect();
            for (at, fields) in lines.iter().enumerate() {
                if fields.len() < LEAST_FIELDS {
                    continue;
                }
                let noise = NOISE / (fields.len() as f32).sqrt();
                let step = steps[at];
                let is_step = step.abs() > spread.step * noise
                    && is_everywhere(fields, step)
                    && is_alone(&steps, at);
                let roughness = lower_median(fields.iter().map(|line| line.1));
                let is_rough = roughness - 1.0 > spread.roughness * noise;
                found.push(Seam {
                    vertical,
                    place: (at + 1) as f64 * self.grid.step,
                    step: if is_step { f64::from(step) } else { 0.0 },
                    roughness: if is_rough { f64::from(roughness) } else { 1.0 },
                });
            }
        }
        found
    }
}

/// Whether nearly all fields on a line step alike, as across a scanner's seam.
fn is_everywhere(fields: &[Line], step: f32) -> bool {
    let alike = fields.iter().filter(|line| line.0 * step.signum() > 0.3 * step.abs()).count();
    alike * 5 >= fields.len() * 4
}

/// Whether the step is one line, or two where pixels were averaged, and no slope.
fn is_alone(steps: &[f32], at: usize) -> bool {
    let beside = (at.saturating_sub(6)..(at + 7).min(steps.len())).filter(|n| n.abs_diff(at) > 1);
    beside.map(|n| steps[n].abs()).fold(0.0, f32::max) * 2.0 <= steps[at].abs()
}

/// Standard errors of a median by which a line must stand out: there are thousands of lines.
const NOISE: f32 = 6.0;

/// How far single fields lie from the usual on this slide, as standard deviations.
struct Spread {
    step: f32,
    roughness: f32,
}

impl Spread {
    fn of(lines: &[Vec<Line>]) -> Self {
        // The median absolute deviation of a normal distribution is 0.6745 deviations.
        let deviation = |of: fn(&Line) -> f32| median(lines.iter().flatten().map(of)) / 0.6745;
        Self {
            step: deviation(|line| line.0.abs()),
            roughness: deviation(|line| (line.1 - 1.0).abs()),
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

    fn grid() -> FieldGrid {
        FieldGrid { step: 2.0, um: 0.5, columns: 1, rows: 4 }
    }

    fn seams(pixel: impl Fn(usize, usize) -> u8) -> Seams {
        let mut seams = Seams::new(grid());
        for row in 0..4 {
            let data = (0..SIDE * SIDE).map(|i| pixel(i % SIDE, i / SIDE + row * SIDE)).collect();
            let plane = Plane { width: SIDE, height: SIDE, data };
            seams.add(0, row as u32, &FieldProfile::of(&plane));
        }
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
        assert!(found[0].vertical && (found[0].step - 6.0).abs() < 1.5);
        assert_eq!(found[0].place, 200.0);
    }

    #[test]
    fn displaced_content_is_rough_along_the_line() {
        let all = seams(|x, y| texture(x, if x >= 100 { y + 9 } else { y })).lines();
        let found: Vec<_> = all.iter().filter(|seam| seam.roughness > 1.6).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].vertical, found[0].place), (true, 200.0));
    }
}
