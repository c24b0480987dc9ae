//! `/api/v1/cases/{case}/comparison`: two readers' differences, shown as differences.

use std::collections::BTreeSet;

use axum::{
    Json,
    extract::{self, Path},
};
use bianque_record::{
    decisions::{Decision, Manner, PairAgreement, PointDistance, ReadingPair},
    identity::{CaseId, ProposalId},
    proposals::{LesionRegion, ProposalContent, State as ProposalState},
    reading::ReadFinding,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    State,
    bodies::{parsed, text},
    decisions::DecisionLine,
    findings::{FindingDocument, Scales},
    withheld::Standing,
};
use crate::{access::Caller, answer::Refusal};

/// How the readers of a case agree.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ComparisonDocument {
    pairs: Vec<PairLine>,
    disputed: Vec<Disputed>,
    /// What two read and a third settled, or a later decision amended.
    settled: Vec<Settled>,
}

/// Two readers.
#[derive(Serialize, JsonSchema)]
struct PairLine {
    readers: [String; 2],
    kappa: Option<KappaLine>,
    readings: Vec<ReadingLine>,
}

/// Agreement beyond chance.
#[derive(Serialize, JsonSchema)]
struct KappaLine {
    pairs: u64,
    observed: f64,
    expected: f64,
    kappa: Option<f64>,
}

#[derive(Serialize, JsonSchema)]
struct ReadingLine {
    finding: String,
    first: String,
    second: String,
    /// What it is to the first: its label after any correction, or `refused`.
    first_label: String,
    second_label: String,
    /// Whether both say the same; two corrections do only with the same label in the same place.
    agree: bool,
    /// Of two outlines; points do not overlap.
    overlap: Option<OverlapLine>,
    /// How far two points are apart on the glass, where the slide's scale is known.
    distance_um: Option<f64>,
}

#[derive(Serialize, JsonSchema)]
struct OverlapLine {
    iou: f64,
    dice: f64,
}

/// What two read differently, with both decisions.
#[derive(Serialize, JsonSchema)]
struct Disputed {
    #[serde(flatten)]
    finding: FindingDocument,
    decisions: Vec<DecisionLine>,
}

/// What became of a finding after two had read it.
#[derive(Serialize, JsonSchema)]
struct Settled {
    finding: String,
    headline: String,
    state: String,
    /// Adjudications and amendments, the oldest first.
    decisions: Vec<DecisionLine>,
}

impl Settled {
    /// Nothing where the two readings are all there is.
    fn of((finding, decisions): &(ReadFinding, Vec<Decision>)) -> Option<Self> {
        let later = decisions.iter().filter(|one| one.manner != Manner::Reading);
        let decisions: Vec<_> = later.map(DecisionLine::from).collect();
        let proposal = &finding.proposal;
        (!decisions.is_empty()).then(|| Self {
            finding: text(proposal.proposal.id),
            headline: proposal.proposal.headline.clone(),
            state: text(proposal.state),
            decisions,
        })
    }
}

fn distance_um(apart: PointDistance, scales: &Scales) -> Option<f64> {
    let mpp = scales.get(&apart.slide)?;
    Some((apart.x * mpp.x()).hypot(apart.y * mpp.y()))
}

fn reading(pair: &ReadingPair, scales: &Scales) -> ReadingLine {
    ReadingLine {
        finding: text(pair.proposal),
        first: text(pair.first),
        second: text(pair.second),
        first_label: pair.first_label.clone(),
        second_label: pair.second_label.clone(),
        agree: pair.agree,
        overlap: pair.overlap.map(|o| OverlapLine { iou: o.iou, dice: o.dice }),
        distance_um: pair.distance.and_then(|apart| distance_um(apart, scales)),
    }
}

fn pair(agreement: &PairAgreement, scales: &Scales) -> PairLine {
    PairLine {
        readers: [text(agreement.readers.0), text(agreement.readers.1)],
        kappa: agreement.kappa.map(|kappa| KappaLine {
            pairs: kappa.pairs,
            observed: kappa.observed,
            expected: kappa.expected,
            kappa: kappa.kappa,
        }),
        readings: agreement.readings.iter().map(|pair| reading(pair, scales)).collect(),
    }
}

/// How the readers of a case agree, and what they dispute.
pub(crate) async fn show(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(case): Path<String>,
) -> Result<Json<ComparisonDocument>, Refusal> {
    let id: CaseId = parsed(&case)?;
    let actor = caller.actor;
    let (revealed, agreements, disputed, settled) = state
        .record(move |record| {
            let agreements = record.agreement(&actor, LesionRegion::KIND, Some(id))?;
            let revealed = Standing::of(record, &actor, id)?.revealed;
            let read_twice: BTreeSet<ProposalId> =
                agreements.iter().flat_map(|pair| &pair.readings).map(|one| one.proposal).collect();
            let (mut disputed, mut settled) = (Vec::new(), Vec::new());
            for finding in record.findings(&actor, id)? {
                let proposal = finding.proposal.proposal.id;
                if finding.proposal.state == ProposalState::Disputed {
                    disputed.push((finding, record.decisions(&actor, proposal)?));
                } else if read_twice.contains(&proposal) {
                    settled.push((finding, record.decisions(&actor, proposal)?));
                }
            }
            Ok((revealed, agreements, disputed, settled))
        })
        .await?;
    let scales = state.scales(&caller, id).await?;
    // Who has not looked yet learns that there is something to settle, and not what or where.
    let line = |(finding, decisions): &(ReadFinding, Vec<Decision>)| {
        let whole = FindingDocument::of(finding, &scales);
        match revealed {
            true => Disputed {
                finding: whole,
                decisions: decisions.iter().map(DecisionLine::from).collect(),
            },
            false => Disputed { finding: whole.kept_back(), decisions: Vec::new() },
        }
    };
    let disputed = disputed.iter().map(line).collect();
    let (pairs, settled) = match revealed {
        true => (
            agreements.iter().map(|agreement| pair(agreement, &scales)).collect(),
            settled.iter().filter_map(Settled::of).collect(),
        ),
        false => (Vec::new(), Vec::new()),
    };
    Ok(Json(ComparisonDocument { pairs, disputed, settled }))
}
