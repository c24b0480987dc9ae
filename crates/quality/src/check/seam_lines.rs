//! Seams as findings: stripes where brightness steps, stitching where content does not go on.

use bianque_core::{Level0, PixelRect, Polygon};

use super::{
    fault::Fault, fields::Fields, run::rectangle, scene::Scene, seam_offset, seams::Seam,
    thresholds::Thresholds, verdict::Finding,
};

/// Width in um with which a line is drawn.
const DRAWN_UM: f64 = 24.0;
/// Most lines that are drawn.
const MOST_LINES: usize = 200;

/// The roughest lines that are asked whether their sides fit at an offset.
const MOST_TRIED: usize = 24;
/// From this roughness on a line needs no offset at which its sides fit: content may be missing.
const CERTAIN: f64 = 2.6;

pub(super) struct SeamLines {
    pub(super) findings: Vec<Finding>,
    pub(super) largest_step: f64,
    pub(super) largest_roughness: f64,
}

impl SeamLines {
    pub(super) fn of(scene: &Scene<'_>, fields: &Fields, thresholds: &Thresholds) -> Self {
        let (step, roughness) =
            (thresholds.limits(Fault::Stripes).mark, thresholds.limits(Fault::Stitching).mark);
        let all = fields.seams.lines();
        let most = |of: fn(&Seam) -> f64| all.iter().map(of).fold(0.0, f64::max);
        let mut rough: Vec<&Seam> = all.iter().filter(|seam| seam.roughness >= roughness).collect();
        rough.sort_by(|a, b| b.roughness.total_cmp(&a.roughness));
        rough.truncate(MOST_TRIED);
        let looked_at: Vec<(u32, u32)> = fields.seams.fields().collect();
        let offset: Vec<&Seam> = rough
            .into_iter()
            .filter(|seam| {
                // A step of light is rough as well.
                (seam.roughness >= CERTAIN && seam.step.abs() < step)
                    || seam_offset::offset(scene, fields.grid, &looked_at, seam).is_some()
            })
            .collect();
        // Content that does not go on has steps as well.
        let stripes: Vec<&Seam> = all
            .iter()
            .filter(|seam| seam.step.abs() >= step && !offset.iter().any(|own| own == seam))
            .collect();
        let largest_offset = offset.iter().map(|seam| seam.roughness).fold(1.0, f64::max);
        let mut findings = Vec::new();
        for (fault, seams, of) in [
            (Fault::Stripes, stripes, (|seam| seam.step.abs()) as fn(&Seam) -> f64),
            (Fault::Stitching, offset, |seam| seam.roughness),
        ] {
            let value = seams.iter().map(|seam| of(seam)).fold(0.0, f64::max);
            let note = match fault {
                Fault::Stripes => format!(
                    "brightness steps by up to {value:.1} grey levels along {} lines",
                    seams.len()
                ),
                _ => format!("content does not go on across {} lines", seams.len()),
            };
            if let Some(mut finding) =
                thresholds.judge(fault, value, note).filter(|_| !seams.is_empty())
            {
                finding.areas =
                    seams.iter().take(MOST_LINES).map(|seam| drawn(scene, seam)).collect();
                let worst = seams.iter().max_by(|a, b| of(a).total_cmp(&of(b)));
                finding.crop = worst.and_then(|seam| crop(scene, seam));
                findings.push(finding);
            }
        }
        Self {
            findings,
            largest_step: most(|seam| seam.step.abs()),
            largest_roughness: largest_offset,
        }
    }
}

/// A window on a line, in the middle of the longest stretch of tissue along it.
fn crop(scene: &Scene<'_>, seam: &Seam) -> Option<PixelRect<Level0>> {
    const SIDE_UM: f64 = 160.0;
    let mask = &scene.tissue_mask;
    let (across, along) = if seam.vertical {
        scene.overview.scale
    } else {
        (scene.overview.scale.1, scene.overview.scale.0)
    };
    let length = if seam.vertical { mask.height } else { mask.width };
    let width = if seam.vertical { mask.width } else { mask.height };
    let line = ((seam.place / across) as usize).min(width.checked_sub(1)?);
    let is_tissue = |at: usize| {
        let index = if seam.vertical { at * mask.width + line } else { line * mask.width + at };
        mask.data.get(index).is_some_and(|set| *set != 0)
    };
    let (mut best, mut start) = ((0, 0), None);
    for at in 0..=length {
        match (at < length && is_tissue(at), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                best = best.max((at - from, from));
                start = None;
            }
            _ => {}
        }
    }
    let middle = (best.1 as f64 + best.0 as f64 / 2.0) * along;
    let side = SIDE_UM / scene.level0_um();
    let (x, y) = if seam.vertical { (seam.place, middle) } else { (middle, seam.place) };
    let corner = |centre: f64| (centre - side / 2.0).round() as i64;
    (best.0 > 0).then(|| PixelRect::new(corner(x), corner(y), side as u32, side as u32))
}

/// A line as a thin rectangle over the whole slide.
fn drawn(scene: &Scene<'_>, seam: &Seam) -> Polygon<Level0> {
    let bounds = scene.overview.bounds;
    let width = (DRAWN_UM / scene.level0_um()).max(1.0);
    let from = (seam.place - width / 2.0).round() as i64;
    let width = width.round() as u32;
    rectangle(&if seam.vertical {
        PixelRect::new(from, 0, width, bounds.height)
    } else {
        PixelRect::new(0, from, bounds.width, width)
    })
}
