//! Whether content goes on at another place: the proof of a wrong joint.
//!
//! Across a seam that was joined at an offset, the pixels of one side fit those of the other side
//! further up or down, along the whole line by the same length. No edge in the tissue does that.

use bianque_core::Point;

use super::{
    fields::{FIELD, FieldGrid},
    scene::Scene,
    seams::Seam,
};

/// Offsets up to so many field pixels are tried.
const FURTHEST: i32 = 40;
/// Smaller ones are slanted structure, in field pixels.
const LEAST: i32 = 2;
/// Fields along a line that are looked at.
const MOST_FIELDS: usize = 24;
/// How much worse the sides fit where they stand than where they fit best.
const BETTER: f64 = 1.2;

/// The offset in level-0 pixels at which the sides of a seam fit best, where that is not how they
/// stand.
pub(super) fn offset(
    scene: &Scene<'_>,
    grid: FieldGrid,
    fields: &[(u32, u32)],
    seam: &Seam,
) -> Option<f64> {
    let own = |place: f64| (place / (f64::from(FIELD) * grid.step)) as u32;
    // A line between two fields belongs to both; the earlier one is in the list as well.
    let line = own(seam.place - grid.step / 2.0);
    let on: Vec<u32> = fields
        .iter()
        .filter(|(column, row)| if seam.vertical { *column == line } else { *row == line })
        .map(|(column, row)| if seam.vertical { *row } else { *column })
        .collect();
    let step = on.len().div_ceil(MOST_FIELDS).max(1);
    let mut misfits = vec![[0.0; 2]; (2 * FURTHEST + 1) as usize];
    for field in on.into_iter().step_by(step) {
        for (pair, sums) in field_misfits(scene, grid, field, seam)?.into_iter().enumerate() {
            misfits.iter_mut().zip(sums).for_each(|(all, own)| all[pair] += own);
        }
    }
    let best = |pair: usize| {
        let of = |at: &usize| misfits[*at][pair];
        (0..misfits.len()).min_by(|a, b| of(a).total_cmp(&of(b)))
    };
    let (first, second) = (best(0)?, best(1)?);
    let shift = first as i32 - FURTHEST;
    let fits = |pair: usize, at: usize| {
        misfits[FURTHEST as usize][pair] >= BETTER * misfits[at][pair].max(1e-9)
    };
    let is_shift = shift.abs() >= LEAST && first.abs_diff(second) <= 1;
    (is_shift && fits(0, first) && fits(1, second)).then(|| f64::from(shift) * grid.step)
}

/// For each offset the mean difference between both sides, over what is usual in this field: of the
/// pixels two before and one behind the line, and of those one before and two behind.
fn field_misfits(
    scene: &Scene<'_>,
    grid: FieldGrid,
    field: u32,
    seam: &Seam,
) -> Option<[Vec<f64>; 2]> {
    // Pixels that are a mean of both sides fit neither.
    let (columns, pairs) =
        if seam.is_within_a_pixel { (5, [(0, 3), (1, 4)]) } else { (4, [(0, 2), (1, 3)]) };
    let across = seam.place - 2.0 * grid.step;
    let along = f64::from(field * FIELD) * grid.step;
    let (origin, width, height) = if seam.vertical {
        (Point::new(across, along), columns, FIELD)
    } else {
        (Point::new(along, across), FIELD, columns)
    };
    let image = scene.slide.read_scaled(origin, grid.step, width, height).ok()?;
    let luminance = super::fields::luminance(&image);
    let side = |at: usize| -> Vec<i32> {
        let value = |n: usize| {
            let place =
                if seam.vertical { n * width as usize + at } else { at * width as usize + n };
            i32::from(luminance.data[place])
        };
        (0..FIELD as usize).map(value).collect()
    };
    Some(pairs.map(|(before, behind)| misfits(&side(before), &side(behind))))
}

fn misfits(before: &[i32], behind: &[i32]) -> Vec<f64> {
    let at = |shift: i32| {
        let pairs = (0..before.len() as i32).filter_map(|n| {
            let other = usize::try_from(n + shift).ok()?;
            Some((before[n as usize] - behind.get(other)?).abs())
        });
        let (sum, count) = pairs.fold((0, 0), |(sum, count), d| (sum + d, count + 1));
        f64::from(sum) / f64::from(count.max(1))
    };
    let all: Vec<f64> = (-FURTHEST..=FURTHEST).map(at).collect();
    let usual = (all.iter().sum::<f64>() / all.len() as f64).max(1e-9);
    all.into_iter().map(|misfit| misfit / usual).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_fit_best_at_their_offset() {
        let wave = |n: i32| ((f64::from(n) / 7.0).sin() * 40.0 + f64::from(n * 37 % 11)) as i32;
        let before: Vec<i32> = (0..256).map(wave).collect();
        let behind: Vec<i32> = (0..256).map(|n| wave(n - 9)).collect();
        let misfits = misfits(&before, &behind);
        let best = (0..misfits.len()).min_by(|a, b| misfits[*a].total_cmp(&misfits[*b])).unwrap();
        assert_eq!(best as i32 - FURTHEST, 9);
        assert!(misfits[FURTHEST as usize] > 2.0 * misfits[best]);
    }
}
