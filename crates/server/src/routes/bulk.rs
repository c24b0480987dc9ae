//! `/api/v1/cases/{case}/slides/{slide}/annotations`: points by the million, in binary.
//!
//! The form, little endian: the bytes `BNA1`; the number of points (`u32`); of each point x and y
//! (`f32`, level-0 pixels); of each point its class (`u8`).

use axum::{
    Json,
    body::Bytes,
    extract::{self, Path, Query},
    http::header,
    response::{IntoResponse, Response},
};
use bianque_core::{Level0, PixelRect, Producer};
use bianque_record::{
    Record,
    cases::Purpose,
    identity::{CaseId, Label, ProposalId, RequestKey, SlideId},
    proposals::{BulkPoints, Content, NewProposal, ProposalContent},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    State,
    bodies::{Rectangle, parsed, text},
    findings::is_by_hand,
    withheld::Standing,
};
use crate::{access::Caller, answer::Refusal, events::Event};

const MAGIC: &[u8] = b"BNA1";
/// Bytes before the first point.
const HEAD: usize = 8;
/// Bytes of a point: two coordinates and a class.
const POINT: usize = 9;
/// The longest body: the most points that a set may have.
pub(crate) const LARGEST: usize = HEAD + POINT * BulkPoints::MOST as usize;

/// Sets of points of a slide.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Sets {
    sets: Vec<SetLine>,
}

/// A set of points: a finding like any other.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SetLine {
    id: String,
    kind: &'static str,
    label: String,
    classes: Vec<String>,
    count: u64,
    bounds: Rectangle,
    state: String,
}

/// What a body of points is.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct NewSet {
    /// Names the request: sent again, it counts once.
    key: String,
    label: String,
    /// Names of the classes, in order, separated by commas.
    classes: String,
    /// What found the points, and its version.
    producer: String,
    version: String,
}

/// Every set that the reader may see.
pub(crate) async fn list(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path((case, slide)): Path<(String, String)>,
) -> Result<Json<Sets>, Refusal> {
    let (case, slide): (CaseId, SlideId) = (parsed(&case)?, parsed(&slide)?);
    let sets = state.record(move |record| sets(record, &caller, case)).await?;
    let sets = sets.into_iter().filter(|(_, points, _)| points.slide == slide);
    let line = |(id, points, state): (ProposalId, BulkPoints, String)| SetLine {
        id: text(id),
        kind: "points",
        label: text(&points.label),
        classes: points.classes.iter().map(text).collect(),
        count: points.count,
        bounds: points.bounds.into(),
        state,
    };
    Ok(Json(Sets { sets: sets.map(line).collect() }))
}

type Found = (ProposalId, BulkPoints, String);

/// What the reader may see of a case's sets: nothing until it is revealed.
fn sets(record: &Record, caller: &Caller, case: CaseId) -> bianque_record::Result<Vec<Found>> {
    let actor = caller.actor;
    if !Standing::of(record, &actor, case)?.revealed {
        record.slides_of_case(&actor, case)?;
        return Ok(Vec::new());
    }
    let findings = record.findings(&actor, case)?;
    let kept = findings.iter().filter(|f| f.proposal.proposal.kind == BulkPoints::KIND);
    kept.map(|finding| {
        let proposal = &finding.proposal.proposal;
        Ok((proposal.id, proposal.content()?, text(finding.proposal.state)))
    })
    .collect()
}

/// A set's points.
pub(crate) async fn points(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path((case, slide, set)): Path<(String, String, String)>,
) -> Result<Response, Refusal> {
    let (case, slide): (CaseId, SlideId) = (parsed(&case)?, parsed(&slide)?);
    let id: ProposalId = parsed(&set)?;
    let place = state.clone();
    let bytes = state
        .record(move |record| {
            let sets = sets(record, &caller, case)?;
            let found =
                sets.iter().find(|(known, points, _)| *known == id && points.slide == slide);
            let longest = LARGEST as u64;
            found.map(|(_, points, _)| place.objects.get(points.object, longest)).transpose()
        })
        .await?;
    let bytes = bytes.ok_or(Refusal::NotFound("set of points"))?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CACHE_CONTROL, "private, max-age=300"),
    ];
    Ok((headers, bytes).into_response())
}

/// Puts a set of points: a proposal, whoever sends it.
pub(crate) async fn put(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path((case, slide)): Path<(String, String)>,
    Query(new): Query<NewSet>,
    body: Bytes,
) -> Result<Json<serde_json::Value>, Refusal> {
    let (case, slide): (CaseId, SlideId) = (parsed(&case)?, parsed(&slide)?);
    let (key, label): (RequestKey, Label) = (parsed(&new.key)?, parsed(&new.label)?);
    if is_by_hand(&new.producer) {
        return Err(Refusal::Request("the producer's name says that a person drew it".to_owned()));
    }
    let classes: Vec<Label> = new.classes.split(',').map(parsed).collect::<Result<_, _>>()?;
    let producer =
        Producer { name: new.producer, version: new.version, digest: None, licence: None };
    let (count, bounds) = check(&body, classes.len())?;
    let (actor, place) = (caller.actor, state.clone());
    let id = state
        .record(move |record| {
            record.slide_of_case(&actor, case, slide)?;
            let object = place.objects.put(&mut body.as_ref())?;
            let points = BulkPoints { slide, label, classes, object, count, bounds };
            let proposal = NewProposal {
                case,
                slide: Some(slide),
                content: Content::of(&points)?,
                evidence: Vec::new(),
                producer,
                confidence: None,
                purpose: Purpose::Care,
                consent_tags: Vec::new(),
            };
            record.propose_once(&actor, &proposal, Some(&key))
        })
        .await?;
    state.events.tell(Event::Case { case });
    Ok(Json(serde_json::json!({ "id": id })))
}

/// How many points there are and where; refuses what is not of the form.
fn check(body: &[u8], classes: usize) -> Result<(u64, PixelRect<Level0>), Refusal> {
    let wrong = |what: &str| Refusal::Request(format!("the points: {what}"));
    let head = body.get(..HEAD).filter(|head| head.starts_with(MAGIC));
    let head = head.ok_or_else(|| wrong("they do not begin with BNA1 and a number"))?;
    let count = head.get(4..).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes);
    let length = HEAD as u64 + POINT as u64 * u64::from(count);
    if body.len() as u64 != length {
        return Err(wrong("their number and the body's length differ"));
    }
    let split = HEAD + 8 * count as usize;
    let (places, kinds) = (&body[HEAD..split], &body[split..]);
    if kinds.iter().any(|kind| usize::from(*kind) >= classes) {
        return Err(wrong("a class is not in the list"));
    }
    let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
    for point in places.as_chunks::<4>().0.as_chunks::<2>().0 {
        for (axis, bytes) in point.iter().enumerate() {
            let value = f32::from_le_bytes(*bytes);
            if !value.is_finite() || value.abs() > 1e7 {
                return Err(wrong("a coordinate is no number, or far outside any slide"));
            }
            low[axis] = low[axis].min(value);
            high[axis] = high[axis].max(value);
        }
    }
    if count == 0 {
        return Err(wrong("there are none"));
    }
    let side = |axis: usize| (high[axis].ceil() - low[axis].floor()).max(1.0) as u32;
    let corner = |axis: usize| low[axis].floor() as i64;
    Ok((u64::from(count), PixelRect::new(corner(0), corner(1), side(0), side(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(count: u32, points: &[(f32, f32, u8)]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(count.to_le_bytes());
        for (x, y, _) in points {
            bytes.extend(x.to_le_bytes());
            bytes.extend(y.to_le_bytes());
        }
        bytes.extend(points.iter().map(|point| point.2));
        bytes
    }

    #[test]
    fn only_what_is_of_the_form_is_taken() {
        let (count, bounds) = check(&body(2, &[(1.5, 2.0, 0), (9.0, -4.5, 1)]), 2).unwrap();
        assert_eq!((count, bounds), (2, PixelRect::new(1, -5, 8, 7)));
        for wrong in [
            Vec::new(),
            b"BNA1".to_vec(),
            body(0, &[]),
            body(3, &[(0.0, 0.0, 0)]),
            body(u32::MAX, &[(0.0, 0.0, 0)]),
            body(1, &[(f32::NAN, 0.0, 0)]),
            body(1, &[(1e9, 0.0, 0)]),
            body(1, &[(0.0, 0.0, 2)]),
        ] {
            assert!(check(&wrong, 2).is_err());
        }
    }
}
