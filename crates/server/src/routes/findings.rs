//! `/api/v1/cases/{case}/findings`: what machines and people say of a case.

use std::{cmp::Ordering, collections::HashMap, time::Duration};

use axum::{
    Json,
    extract::{self, Path},
};
use bianque_core::{Mpp, Polygon, Producer};
use bianque_record::{
    Actor, Record,
    cases::Purpose,
    decisions::{Judgement, NewDecision, Viewed},
    identity::{CaseId, Label, ProposalId, RequestKey, SlideId},
    proposals::{
        Content, Evidence, LesionRegion, LesionShape, NewProposal, ProposalContent, QualityVerdict,
    },
    reading::ReadFinding,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    State,
    bodies::{Body, Outline, Rectangle, View, outline_of, parsed, point_of, shape, text},
    withheld::{Shown, Standing},
};
use crate::{
    ControlledLabel, Gravity, access::Caller, answer::Refusal, events::Event, library::SlideKey,
};

/// What draws by hand, as a producer.
const BY_HAND: &str = "drawn by a person";

/// The findings of a case.
#[derive(Serialize, JsonSchema)]
pub(crate) struct FindingsDocument {
    /// Whether what machines say of lesions, and what the other of two readers drew, is left out until
    /// the reader asks.
    hidden: bool,
    findings: Vec<FindingDocument>,
}

/// A finding as it stands now.
#[derive(Serialize, JsonSchema)]
pub(crate) struct FindingDocument {
    pub(crate) id: String,
    kind: String,
    field: String,
    slide: Option<String>,
    pub(crate) headline: String,
    label: Option<String>,
    outline: Option<Outline>,
    /// In the place of an outline: `[x, y]` in level-0 pixels.
    point: Option<[f64; 2]>,
    /// As it was proposed, where a person has changed it.
    proposed: Option<Region>,
    quality: Option<Quality>,
    score: Option<f64>,
    pub(crate) state: String,
    standing: Option<String>,
    producer: ProducerLine,
    /// The encoder whose features it judged.
    encoder: Option<ProducerLine>,
    by_person: bool,
    proposed_by: String,
    late: bool,
    at: String,
    evidence: Vec<EvidenceLine>,
    /// On the glass; a point has none.
    area_mm2: Option<f64>,
    /// What the reader said.
    mine: Option<Mine>,
}

/// A region's label, and its outline or point.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Region {
    label: String,
    outline: Option<Outline>,
    point: Option<[f64; 2]>,
}

/// A verdict on a slide.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Quality {
    pub(crate) verdict: String,
    pub(crate) reasons: Vec<QualityReasonLine>,
}

/// A fault and its place.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct QualityReasonLine {
    pub(crate) fault: String,
    pub(crate) region: Option<Rectangle>,
}

/// What produced something.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ProducerLine {
    name: String,
    version: String,
    digest: Option<String>,
    licence: Option<String>,
}

impl From<&Producer> for ProducerLine {
    fn from(producer: &Producer) -> Self {
        Self {
            name: producer.name.clone(),
            version: producer.version.clone(),
            digest: producer.digest.map(text),
            licence: producer.licence.clone(),
        }
    }
}

#[derive(Serialize, JsonSchema)]
struct EvidenceLine {
    slide: String,
    region: Rectangle,
}

#[derive(Serialize, JsonSchema)]
struct Mine {
    decision: String,
    verdict: String,
}

/// Whether a person drew it.
pub(crate) fn is_by_person(producer: &Producer) -> bool {
    is_by_hand(&producer.name)
}

/// The same by the producer's name.
pub(crate) fn is_by_hand(name: &str) -> bool {
    name.trim().eq_ignore_ascii_case(BY_HAND)
}

/// Scales of a case's slides, where a file states one.
pub(crate) type Scales = HashMap<SlideId, Mpp>;

impl FindingDocument {
    pub(crate) fn of(finding: &ReadFinding, scales: &Scales) -> Self {
        let (with_state, proposal) = (&finding.proposal, &finding.proposal.proposal);
        let content = finding.corrected.as_ref().unwrap_or(&proposal.content);
        let is_region = proposal.kind == LesionRegion::KIND;
        let region = |json| serde_json::from_value::<LesionRegion>(json).ok();
        let stands = is_region.then(|| region(content.clone())).flatten();
        let proposed = finding.corrected.as_ref().filter(|_| is_region);
        let proposed = proposed.and_then(|_| region(proposal.content.clone()));
        let is_quality = proposal.kind == QualityVerdict::KIND;
        let quality = is_quality.then(|| serde_json::from_value(content.clone()).ok()).flatten();
        Self {
            id: text(proposal.id),
            kind: proposal.kind.clone(),
            field: text(proposal.field),
            slide: proposal.slide.map(text),
            headline: match (&stands, &quality) {
                (Some(region), _) => region.headline(),
                (_, Some(verdict)) => QualityVerdict::headline(verdict),
                _ => proposal.headline.clone(),
            },
            label: stands.as_ref().map(|region| text(&region.label)),
            area_mm2: stands
                .as_ref()
                .and_then(|region| area_mm2(&region.shape, scales.get(&region.slide)?)),
            outline: stands.as_ref().and_then(|region| outline_of(&region.shape)),
            point: stands.as_ref().and_then(|region| point_of(&region.shape)),
            proposed: proposed.map(|region| Region {
                label: text(&region.label),
                outline: outline_of(&region.shape),
                point: point_of(&region.shape),
            }),
            quality: quality.map(quality_line),
            score: proposal.confidence.map(|confidence| confidence.value()),
            state: text(with_state.state),
            standing: with_state.standing.map(text),
            producer: (&proposal.producer).into(),
            encoder: proposal.encoder().map(ProducerLine::from),
            by_person: is_by_person(&proposal.producer),
            proposed_by: text(proposal.proposed_by),
            late: proposal.late,
            at: text(proposal.at),
            evidence: proposal.evidence.iter().filter_map(evidence_line).collect(),
            mine: finding.own.as_ref().map(|decision| Mine {
                decision: text(decision.id),
                verdict: text(decision.verdict),
            }),
        }
    }
}

impl FindingDocument {
    /// That it is there, and nothing of what it says.
    pub(crate) fn kept_back(self) -> Self {
        Self {
            headline: String::new(),
            label: None,
            outline: None,
            point: None,
            proposed: None,
            quality: None,
            score: None,
            evidence: Vec::new(),
            area_mm2: None,
            ..self
        }
    }
}

fn quality_line(verdict: QualityVerdict) -> Quality {
    let reason = |reason: bianque_record::proposals::QualityReason| QualityReasonLine {
        fault: text(&reason.fault),
        region: reason.region.map(Rectangle::from),
    };
    Quality {
        verdict: text(verdict.verdict),
        reasons: verdict.reasons.into_iter().map(reason).collect(),
    }
}

fn evidence_line(evidence: &Evidence) -> Option<EvidenceLine> {
    match evidence {
        Evidence::SlideRegion { slide, region } => {
            Some(EvidenceLine { slide: text(slide), region: (*region).into() })
        }
        Evidence::ReportLine { .. } | Evidence::Passage { .. } | Evidence::Features { .. } => None,
    }
}

/// The area on the glass; a point has none.
pub(crate) fn area_mm2(shape: &LesionShape, mpp: &Mpp) -> Option<f64> {
    let pixels: f64 = shape.outline()?.iter().map(Polygon::area).sum();
    Some(pixels * mpp.x() * mpp.y() / 1e6)
}

impl State {
    /// Scales of the slides of a case, as far as their files state them.
    pub(crate) async fn scales(&self, caller: &Caller, case: CaseId) -> Result<Scales, Refusal> {
        let actor = caller.actor;
        let slides = self.record(move |record| record.slides_of_case(&actor, case)).await?;
        let mut scales = Scales::new();
        for slide in slides {
            let key = SlideKey::of(&slide.digest);
            // A slide that is gone has no scale; its findings stay.
            if let Ok(Some(mpp)) = self.on_slide(key, |open| Ok(open.facts().mpp.clone())).await {
                scales.insert(slide.id, mpp);
            }
        }
        Ok(scales)
    }
}

/// Whether the slide is fit comes first, then by the gravity of the label that stands, then the
/// surest. What a person drew has no score and is sure.
fn graver_first(labels: &[ControlledLabel], a: &FindingDocument, b: &FindingDocument) -> Ordering {
    let gravity = |finding: &FindingDocument| {
        let named = labels.iter().find(|label| Some(&label.name) == finding.label.as_ref());
        named.map_or(Gravity::NoLesion, |label| label.gravity)
    };
    let is_region = |finding: &FindingDocument| finding.kind != QualityVerdict::KIND;
    let score = |finding: &FindingDocument| finding.score.unwrap_or(1.0);
    is_region(a)
        .cmp(&is_region(b))
        .then_with(|| gravity(b).cmp(&gravity(a)))
        .then_with(|| score(b).total_cmp(&score(a)))
}

/// Everything that is said of a case, what is graver first.
pub(crate) async fn list(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(case): Path<String>,
) -> Result<Json<FindingsDocument>, Refusal> {
    let id: CaseId = parsed(&case)?;
    let actor = caller.actor;
    let Shown { findings, hidden, .. } =
        state.record(move |record| Shown::to(record, &actor, id)).await?;
    let scales = state.scales(&caller, id).await?;
    let documents = findings.iter().map(|finding| FindingDocument::of(finding, &scales));
    let mut findings: Vec<FindingDocument> = documents.collect();
    findings.sort_by(|a, b| graver_first(&state.labels, a, b));
    Ok(Json(FindingsDocument { hidden, findings }))
}

/// A region that a person drew: an outline, or a point.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct DrawnRegion {
    key: String,
    slide: String,
    label: String,
    outline: Option<Outline>,
    /// `[x, y]` in level-0 pixels.
    point: Option<[f64; 2]>,
    #[serde(default)]
    viewed: Vec<View>,
    #[serde(default)]
    milliseconds: u64,
}

/// Puts a region that a person drew, and accepts it in that person's name.
pub(crate) async fn draw(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(case): Path<String>,
    Body(drawn): Body<DrawnRegion>,
) -> Result<Json<FindingDocument>, Refusal> {
    let (case, slide): (CaseId, SlideId) = (parsed(&case)?, parsed(&drawn.slide)?);
    let label = state.controlled(&drawn.label)?;
    let shape = shape(drawn.outline.as_ref(), drawn.point)?
        .ok_or_else(|| Refusal::Request("a drawn region needs an outline or a point".to_owned()))?;
    let region = LesionRegion { slide, label, shape };
    let by_hand = ByHand {
        key: drawn.key,
        viewed: drawn.viewed.iter().map(View::viewed).collect::<Result<Vec<_>, _>>()?,
        spent: Duration::from_millis(drawn.milliseconds),
    };
    let first: RequestKey = parsed(&by_hand.key)?;
    let actor = caller.actor;
    let id = state
        .record(move |record| put_by_hand(record, &actor, case, &region, &first, &by_hand))
        .await?;
    state.events.tell(Event::Case { case });
    Ok(Json(state.finding(&caller, id).await?))
}

/// How a person came to a region.
pub(crate) struct ByHand {
    pub(crate) key: String,
    pub(crate) viewed: Vec<Viewed>,
    pub(crate) spent: Duration,
}

/// Puts a person's region and accepts it in that person's name; with the same key again, nothing
/// happens twice.
pub(crate) fn put_by_hand(
    record: &Record,
    actor: &Actor,
    case: CaseId,
    region: &LesionRegion,
    key: &RequestKey,
    by_hand: &ByHand,
) -> bianque_record::Result<ProposalId> {
    let proposal = NewProposal {
        case,
        slide: Some(region.slide),
        content: Content::of(region)?,
        evidence: Vec::new(),
        producer: drawn_by_a_person(),
        confidence: None,
        purpose: Purpose::Care,
        consent_tags: Vec::new(),
    };
    let decision = NewDecision {
        judgement: Judgement::Accept,
        reason: None,
        viewed: by_hand.viewed.clone(),
        spent: by_hand.spent,
        aided: Standing::of(record, actor, case)?.revealed,
        // The drawing and its acceptance are two deeds of one request.
        request: Some(second_key(&by_hand.key).parse()?),
    };
    let id = record.propose_once(actor, &proposal, Some(key))?;
    record.decide(actor, id, &decision)?;
    Ok(id)
}

/// The key of the second deed of a request, from that of the first.
fn second_key(key: &str) -> String {
    let digest = bianque_core::Digest::of(format!("second {key}").as_bytes()).to_string();
    digest.rsplit(':').next().unwrap_or_default().get(..40).unwrap_or_default().to_owned()
}

fn drawn_by_a_person() -> Producer {
    Producer {
        name: BY_HAND.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        digest: None,
        licence: None,
    }
}

impl State {
    /// A label of the controlled list.
    pub(crate) fn controlled(&self, name: &str) -> Result<Label, Refusal> {
        if self.labels.iter().any(|label| label.name == name) {
            return parsed(name);
        }
        Err(Refusal::Request("the label is none of the controlled list".to_owned()))
    }

    /// A finding as it stands now.
    pub(crate) async fn finding(
        &self,
        caller: &Caller,
        id: ProposalId,
    ) -> Result<FindingDocument, Refusal> {
        let actor = caller.actor;
        let finding = self.record(move |record| record.finding(&actor, id)).await?;
        let scales = self.scales(caller, finding.proposal.proposal.case).await?;
        Ok(FindingDocument::of(&finding, &scales))
    }
}
