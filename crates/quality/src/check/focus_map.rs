//! Where the tissue is out of focus.

use std::collections::BTreeMap;

use super::{fields::Fields, scene::Scene};
use crate::plane::Mask;

/// Edges cannot be narrower than about two pixels; below this many pixels a width says nothing of
/// the optics.
const LEAST_PIXELS: f64 = 4.5;

/// The width from which a field is out of focus, in um, at the resolution that fields are read at.
pub(super) fn threshold_um(scene: &Scene<'_>, edge_um: f64) -> f64 {
    edge_um.max(LEAST_PIXELS * super::fields::FieldGrid::over(scene).um)
}

/// The fields that are out of focus.
pub(super) struct FocusMap {
    /// Tissue that is out of focus, in overview pixels.
    pub(super) mask: Mask,
    /// Share of the judged fields.
    pub(super) blurred_share: f64,
    /// Share of the fields with tissue that have edges enough to say.
    pub(super) judged_share: f64,
    /// Median width of edges.
    pub(super) median_um: Option<f64>,
}

impl FocusMap {
    pub(super) fn of(scene: &Scene<'_>, fields: &Fields, threshold_um: f64) -> Self {
        let widths: BTreeMap<(u32, u32), f64> = fields
            .fields
            .iter()
            .filter_map(|field| Some(((field.column, field.row), field.edge_um?)))
            .collect();
        let blurred: Vec<(u32, u32)> = widths
            .keys()
            .copied()
            .filter(|place| is_blurred(&widths, *place, threshold_um))
            .collect();
        let mut mask = scene.empty();
        for (column, row) in &blurred {
            paint(scene, &mut mask, fields.grid.rect(*column, *row));
        }
        let mut sorted: Vec<f64> = widths.values().copied().collect();
        sorted.sort_by(f64::total_cmp);
        Self {
            mask: mask.zip(&scene.tissue_mask, |a, b| a & b),
            blurred_share: blurred.len() as f64 / widths.len().max(1) as f64,
            judged_share: widths.len() as f64 / fields.fields.len().max(1) as f64,
            median_um: sorted.get(sorted.len() / 2).copied(),
        }
    }
}

/// A field beyond the threshold with most of its judged neighbours beyond it too: focus changes
/// over millimetres, a single soft field is a soft structure.
fn is_blurred(widths: &BTreeMap<(u32, u32), f64>, place: (u32, u32), threshold_um: f64) -> bool {
    if widths.get(&place).is_none_or(|um| *um < threshold_um) {
        return false;
    }
    let around = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dx, dy)));
    let neighbours: Vec<f64> = around
        .filter(|offset| *offset != (0, 0))
        .filter_map(|(dx, dy)| {
            let at = (place.0.checked_add_signed(dx)?, place.1.checked_add_signed(dy)?);
            widths.get(&at).copied()
        })
        .collect();
    let wide = neighbours.iter().filter(|um| **um >= 0.9 * threshold_um).count();
    neighbours.is_empty() || 3 * wide >= neighbours.len()
}

fn paint(scene: &Scene<'_>, mask: &mut Mask, rect: bianque_core::PixelRect<bianque_core::Level0>) {
    let scale = scene.overview.scale;
    let clamp = |value: f64, most: usize| (value.round().max(0.0) as usize).min(most);
    let (left, right) = (
        clamp(rect.x as f64 / scale.0, mask.width),
        clamp(rect.right() as f64 / scale.0, mask.width),
    );
    let (top, bottom) = (
        clamp(rect.y as f64 / scale.1, mask.height),
        clamp(rect.bottom() as f64 / scale.1, mask.height),
    );
    for y in top..bottom {
        mask.data[y * mask.width + left..y * mask.width + right].fill(1);
    }
}
