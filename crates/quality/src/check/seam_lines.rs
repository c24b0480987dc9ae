//! Seams as findings: stripes where brightness steps, stitching where content does not go on.

use bianque_core::{Level0, PixelRect, Polygon};

use super::{
    fault::Fault, fields::Fields, run::rectangle, scene::Scene, seams::Seam,
    thresholds::Thresholds, verdict::Finding,
};

/// Width in um with which a line is drawn.
const DRAWN_UM: f64 = 24.0;
/// Most lines that are drawn.
const MOST_LINES: usize = 200;

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
        let (stripes, rest): (Vec<&Seam>, Vec<&Seam>) =
            all.iter().partition(|seam| seam.step.abs() >= step);
        let offset: Vec<&Seam> =
            rest.into_iter().filter(|seam| seam.roughness >= roughness).collect();
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
                finding.crop = scene.crop(&finding.areas);
                findings.push(finding);
            }
        }
        Self {
            findings,
            largest_step: most(|seam| seam.step.abs()),
            largest_roughness: most(|seam| seam.roughness),
        }
    }
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
