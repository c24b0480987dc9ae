//! The profile of one field: how much each of its lines of pixels steps in brightness to the next, and
//! how rough it is beside the lines around it.

use super::{
    seam_border::Border,
    seam_steps::{Cut, StepSums, ratios, step_of},
};
use crate::plane::Plane;

/// Neighbours are taken by so many lines.
const CHUNK: usize = 32;
/// JPEG's blocks are a period in the profile: a line is held against those of its own phase.
const PERIOD: usize = 8;

/// One line of one field.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct Line {
    /// Step in grey levels at white.
    pub(super) step: f32,
    /// Step over this line and the next: a seam within a pixel is spread over two.
    pub(super) pair: f32,
    /// Roughness over that of the lines around.
    pub(super) roughness: f32,
    /// What this line and the next are rougher by, together, over 1.
    pub(super) pair_roughness: f32,
}

impl Line {
    /// With what a seam that lies within a pixel, and so on two lines, amounts to.
    pub(super) fn with_next(self, next: &Self) -> Self {
        Self {
            // Half the step is on each line, and each takes half of its own off the other's.
            pair: 2.0 * (self.step + next.step),
            pair_roughness: self.roughness + next.roughness - 1.0,
            ..self
        }
    }
}

/// The profile of one field: from each column and row to the next.
pub(super) struct FieldProfile {
    pub(super) columns: Vec<Line>,
    pub(super) rows: Vec<Line>,
    pub(super) border: Border,
}

impl FieldProfile {
    pub(super) fn of(luminance: &Plane<u8>) -> Self {
        let (width, height) = (luminance.width, luminance.height);
        let ratios: Vec<i16> = ratios(luminance.data.iter().copied()).collect();
        let (across, cut_across) = columns(luminance, &ratios);
        let (down, cut_down) = rows(luminance, &ratios);
        let (across, down) = (Usual::of(across, height), Usual::of(down, width));
        Self {
            border: Border::of(luminance, [across.ends(), down.ends()], [cut_across, cut_down]),
            columns: across.lines,
            rows: down.lines,
        }
    }
}

/// Step of a line, and the sizes of the differences across it.
type Sums = (f32, u32);

/// The lines between columns. The first and the last have no step: too few pixels lie beside them.
fn columns(luminance: &Plane<u8>, ratios: &[i16]) -> (Vec<Sums>, Cut) {
    let (width, height) = (luminance.width, luminance.height);
    let inner = width.saturating_sub(3);
    let row = |y: usize| {
        let row = &ratios[y * width..][..width];
        [0, 1, 2, 3].map(|from| &row[from.min(width)..][..inner])
    };
    let cut = Cut::of(inner * height, |at| row(at / inner).map(|pixels| pixels[at % inner]));
    let mut steps = StepSums::new(inner);
    let mut sizes = vec![0; width.saturating_sub(1)];
    for y in 0..height {
        steps.add(row(y), cut);
        let pixels = luminance.row(y);
        for ((size, here), next) in sizes.iter_mut().zip(pixels).zip(&pixels[1..]) {
            *size += u32::from(next.abs_diff(*here));
        }
    }
    let steps = std::iter::once(0.0).chain(steps.steps()).chain(std::iter::repeat(0.0));
    (steps.zip(sizes).collect(), cut)
}

/// The lines between rows.
fn rows(luminance: &Plane<u8>, ratios: &[i16]) -> (Vec<Sums>, Cut) {
    let (width, height) = (luminance.width, luminance.height);
    let inner = height.saturating_sub(3);
    let four = |y: usize| [y - 1, y, y + 1, y + 2].map(|y| &ratios[y * width..][..width]);
    let cut = Cut::of(inner * width, |at| four(at / width + 1).map(|row| row[at % width]));
    let step = |y: usize| if (1..=inner).contains(&y) { step_of(four(y), cut) } else { 0.0 };
    let sums = (0..height.saturating_sub(1))
        .map(|y| (step(y), difference(luminance.row(y), luminance.row(y + 1))));
    (sums.collect(), cut)
}

/// The sizes of the differences between two lines of pixels, together.
pub(super) fn difference(here: &[u8], next: &[u8]) -> u32 {
    here.iter().zip(next).map(|(here, next)| u32::from(next.abs_diff(*here))).sum()
}

/// A profile with what is usual in it.
struct Usual {
    lines: Vec<Line>,
    /// Usual roughness in grey levels of the first and the last lines.
    rough: [f32; 2],
    /// What lines at the last phase of JPEG's blocks have over the others.
    last_phase: f32,
}

impl Usual {
    /// Steps less the usual one, roughness over the usual one of the line's surroundings and phase.
    fn of(sums: Vec<Sums>, pixels: usize) -> Self {
        let mut lines: Vec<Line> = sums
            .into_iter()
            .map(|(step, size)| (step, size as f32 / pixels.max(1) as f32))
            .map(|(step, roughness)| Line { step, roughness, ..Line::default() })
            .collect();
        let mut rough = Vec::new();
        for chunk in lines.chunks_mut(CHUNK) {
            let step = median(chunk.iter().map(|line| line.step));
            let usual = median(chunk.iter().map(|line| line.roughness)).max(LEAST_ROUGHNESS);
            rough.push(usual);
            for line in chunk {
                line.step -= step;
                line.roughness /= usual;
            }
        }
        let mut last_phase = 1.0;
        for phase in 0..PERIOD {
            let of_phase = lines.iter().skip(phase).step_by(PERIOD);
            let usual = median(of_phase.map(|line| line.roughness)).max(1.0);
            lines.iter_mut().skip(phase).step_by(PERIOD).for_each(|l| l.roughness /= usual);
            last_phase = usual;
        }
        for at in 0..lines.len() {
            let next =
                lines.get(at + 1).copied().unwrap_or(Line { roughness: 1.0, ..Line::default() });
            lines[at] = lines[at].with_next(&next);
        }
        let ends = [rough.first(), rough.last()];
        Self { lines, rough: ends.map(|end| end.copied().unwrap_or(1.0)), last_phase }
    }

    /// Usual roughness of a line before the first and after the last.
    fn ends(&self) -> [f32; 2] {
        self.rough.map(|rough| rough * self.last_phase)
    }
}

/// Smoother surroundings say nothing of roughness, in grey levels.
pub(super) const LEAST_ROUGHNESS: f32 = 0.5;

pub(super) fn median(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.collect();
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}
