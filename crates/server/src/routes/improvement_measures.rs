//! What was measured of a refitted head, on the wire.

use bianque_record::improvement::{Agreement, KindCount, LeftOut, Measured};
use schemars::JsonSchema;
use serde::Serialize;

/// What was measured of a refitted head.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MeasuresLine {
    /// The head that was in use, on the held-out decisions.
    before: AgreementLine,
    /// The refitted head, on the same.
    after: AgreementLine,
    /// Held-out decisions that only the refitted head agrees with.
    mended: u64,
    /// Held-out decisions that only the head in use agreed with.
    spoilt: u64,
    kinds: Vec<KindLine>,
    /// How strongly the weights were pulled to the task's own; found on the learned cases alone.
    pull: f64,
    learned_cases: u64,
    held_out_cases: u64,
    learned_tiles: u64,
    left_out: LeftOutLine,
    /// Slides of which features are kept, their tiles, and those that get another label.
    slides: u64,
    tiles: u64,
    changed_tiles: u64,
}

/// How a head agrees with decisions.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AgreementLine {
    agrees: u64,
    of: u64,
    /// The share that it agrees with, averaged over kinds of decisions.
    balanced: f64,
    /// The mean logarithmic loss, averaged over kinds.
    log_loss: f64,
}

/// Decisions of a kind: a label that was confirmed, or `refused`.
#[derive(Serialize, JsonSchema)]
pub(crate) struct KindLine {
    kind: String,
    learned: u64,
    held_out: u64,
}

/// Decisions that could not be used.
#[derive(Serialize, JsonSchema)]
pub(crate) struct LeftOutLine {
    /// No features of the slide are kept.
    no_features: u64,
    /// No tile lies in the outline by more than half.
    no_tile: u64,
    /// The head does not know the label.
    unknown_label: u64,
}

impl From<&Measured> for MeasuresLine {
    fn from(measured: &Measured) -> Self {
        Self {
            before: measured.before.into(),
            after: measured.after.into(),
            mended: measured.mended,
            spoilt: measured.spoilt,
            kinds: measured.kinds.iter().map(KindLine::from).collect(),
            pull: measured.pull,
            learned_cases: measured.learned_cases,
            held_out_cases: measured.held_out_cases,
            learned_tiles: measured.learned_tiles,
            left_out: measured.left_out.into(),
            slides: measured.slides,
            tiles: measured.tiles,
            changed_tiles: measured.changed_tiles,
        }
    }
}

impl From<Agreement> for AgreementLine {
    fn from(agreement: Agreement) -> Self {
        let Agreement { agrees, of, balanced, log_loss } = agreement;
        Self { agrees, of, balanced, log_loss }
    }
}

impl From<&KindCount> for KindLine {
    fn from(count: &KindCount) -> Self {
        Self { kind: count.kind.clone(), learned: count.learned, held_out: count.held_out }
    }
}

impl From<LeftOut> for LeftOutLine {
    fn from(left_out: LeftOut) -> Self {
        let LeftOut { no_features, no_tile, unknown_label } = left_out;
        Self { no_features, no_tile, unknown_label }
    }
}
