//! `/api/v1/cases/{case}/comparison`: two readers' differences, shown as differences.

use axum::{
    Json,
    extract::{self, Path},
};
use bianque_record::{
    decisions::{Decision, PairAgreement, ReadingPair},
    identity::CaseId,
    proposals::{LesionRegion, ProposalContent, State as ProposalState},
    reading::ReadFinding,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    State,
    bodies::{parsed, text},
    decisions::DecisionLine,
    findings::FindingDocument,
    withheld::Standing,
};
use crate::{access::Caller, answer::Refusal};

/// How the readers of a case agree.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ComparisonDocument {
    pairs: Vec<PairLine>,
    disputed: Vec<Disputed>,
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
    overlap: Option<OverlapLine>,
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

fn reading(pair: &ReadingPair) -> ReadingLine {
    ReadingLine {
        finding: text(pair.proposal),
        first: text(pair.first),
        second: text(pair.second),
        overlap: pair.overlap.map(|o| OverlapLine { iou: o.iou, dice: o.dice }),
    }
}

fn pair(agreement: &PairAgreement) -> PairLine {
    PairLine {
        readers: [text(agreement.readers.0), text(agreement.readers.1)],
        kappa: agreement.kappa.map(|kappa| KappaLine {
            pairs: kappa.pairs,
            observed: kappa.observed,
            expected: kappa.expected,
            kappa: kappa.kappa,
        }),
        readings: agreement.readings.iter().map(reading).collect(),
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
    let (revealed, agreements, disputed) = state
        .record(move |record| {
            let agreements = record.agreement(&actor, LesionRegion::KIND, Some(id))?;
            let revealed = Standing::of(record, &actor, id)?.revealed;
            let mut disputed = Vec::new();
            for finding in record.findings(&actor, id)? {
                if finding.proposal.state == ProposalState::Disputed {
                    let decisions = record.decisions(&actor, finding.proposal.proposal.id)?;
                    disputed.push((finding, decisions));
                }
            }
            Ok((revealed, agreements, disputed))
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
    let pairs = if revealed { agreements.iter().map(pair).collect() } else { Vec::new() };
    Ok(Json(ComparisonDocument { pairs, disputed }))
}
