//! `POST /dicomweb/studies` (STOW-RS, PS3.18 section 10.5): annotations become proposals, whoever
//! sends them.

use axum::{
    Json,
    body::Bytes,
    extract::{self},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bianque_record::{
    cases::Purpose,
    identity::{InstanceUid, Label},
    proposals::{Content, LesionRegion, NewInstance, NewProposal},
    site::PlacedSlide,
};
use serde_json::{Value, json};

use super::{State, bodies::parsed, dicomweb};
use crate::{
    access::Caller,
    answer::Refusal,
    dicomweb::{
        multipart,
        read::ReadSet,
        stored::{self, StoredAnnotations, Wrong},
    },
    events::Event,
};

/// The largest body.
pub(crate) const LARGEST: usize = 64 << 20;
/// What the body is.
pub(crate) const FORM: &str = "Parts of application/dicom, each a Microscopy Bulk Simple \
                               Annotations file; the header names type and boundary.";

/// Why a file was not taken, as PS3.18 table 10.5.1-1 and PS3.4 table B.2-1 number it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Code {
    ProcessingFailure = 0x0110,
    Duplicate = 0x0111,
    ClassNotSupported = 0x0122,
    NotAuthorised = 0x0124,
    OutOfResources = 0xA700,
    NotUnderstood = 0xC000,
}

/// What became of a file: its class, its instance, and why it was not taken, if it was not.
struct Stored {
    class: String,
    instance: String,
    /// The series' address below `studies`.
    place: String,
    failed: Option<Failed>,
}

struct Failed {
    code: Code,
    words: String,
    /// What the whole answer is where nothing was taken for this reason.
    refusal: Option<Refusal>,
}

impl From<Wrong> for Failed {
    fn from(wrong: Wrong) -> Self {
        let (code, words) = match wrong {
            Wrong::Class(why) => (Code::ClassNotSupported, why),
            Wrong::Content(why) => (Code::NotUnderstood, why),
        };
        Self { code, words: words.to_owned(), refusal: None }
    }
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        let words = refusal.words();
        let (code, whole) = match &refusal {
            Refusal::Forbidden(_) => (Code::NotAuthorised, true),
            Refusal::Unavailable(_) => (Code::OutOfResources, true),
            Refusal::Conflict(_) => (Code::Duplicate, false),
            Refusal::Fault(_) => (Code::ProcessingFailure, false),
            _ => (Code::NotUnderstood, false),
        };
        Self { code, words, refusal: whole.then_some(refusal) }
    }
}

/// Takes annotations. Each file is taken whole or not at all.
pub(crate) async fn store(
    extract::State(state): extract::State<State>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary = kind.and_then(multipart::boundary).ok_or_else(|| {
        Refusal::Request("send multipart/related of application/dicom".to_owned())
    })?;
    let parts = multipart::parts(&body, &boundary);
    let parts = parts.map_err(|why| Refusal::Request(format!("the body: {why}")))?;
    if parts.is_empty() {
        return Err(Refusal::Request("the body has no part".to_owned()));
    }
    let mut all = Vec::new();
    for part in parts {
        all.push(store_one(&state, &caller, part).await);
    }
    let failed = all.iter().filter(|stored| stored.failed.is_some()).count();
    if failed == all.len() {
        // Nothing was taken: who may not, or is to come again, learns it from the whole answer.
        let refusals = all.iter_mut().filter_map(|stored| stored.failed.as_mut()?.refusal.take());
        if let Some(refusal) = refusals.last() {
            return Err(refusal);
        }
    }
    let status = match failed {
        0 => StatusCode::OK,
        some if some < all.len() => StatusCode::ACCEPTED,
        _ => StatusCode::CONFLICT,
    };
    let kind = [(header::CONTENT_TYPE, "application/dicom+json")];
    let answer = answer(&all, &dicomweb::base(&state, &headers));
    Ok((status, kind, Json(answer)).into_response())
}

async fn store_one(state: &State, caller: &Caller, part: &[u8]) -> Stored {
    let (class, instance, read) = match ReadSet::of_file(part) {
        Ok(set) => {
            let (class, instance) = stored::identity(&set);
            (class, instance, stored::annotations(&set))
        }
        Err(why) => (String::new(), String::new(), Err(Wrong::Content(why))),
    };
    let mut place = String::new();
    let failed = match read {
        Err(wrong) => Some(wrong.into()),
        Ok(annotations) => {
            place = format!("{}/series/{}", annotations.study, annotations.series);
            propose(state, caller, annotations, part).await.err().map(Failed::from)
        }
    };
    Stored { class, instance, place, failed }
}

async fn propose(
    state: &State,
    caller: &Caller,
    annotations: StoredAnnotations,
    part: &[u8],
) -> Result<(), Refusal> {
    let key = state.library.of_study(&annotations.study)?;
    let digest = state.library.entry(key)?.digest;
    let series = state.on_opened(key, |opened| opened.series()).await?;
    let full = series.instances.first().map(|instance| instance.uid.as_str());
    if full != Some(annotations.image.as_str()) {
        let what = "coordinates must be of the study's image in full size";
        return Err(Refusal::Request(what.to_owned()));
    }
    let actor = caller.actor;
    let placed = state.record(move |record| record.slides_of_digest(&actor, digest)).await?;
    let slide = placed.into_iter().next().ok_or(Refusal::NotFound("case of this slide"))?;
    let (uid, series) = (parsed(&annotations.instance)?, parsed(&annotations.series)?);
    let proposals = proposals(state, annotations, &slide)?;
    let (place, bytes) = (state.clone(), part.to_vec());
    state
        .record(move |record| {
            let object = place.objects.put(&mut bytes.as_slice())?;
            let (case, slide) = (slide.case, slide.slide);
            let class: InstanceUid = stored::ANNOTATIONS.parse()?;
            let new = NewInstance { uid, series, class, case, slide, object };
            record.store_instance(&actor, &new, &proposals)
        })
        .await?;
    state.events.tell(Event::Case { case: slide.case });
    Ok(())
}

/// Each polygon or point as a proposal.
fn proposals(
    state: &State,
    annotations: StoredAnnotations,
    slide: &PlacedSlide,
) -> Result<Vec<NewProposal>, Refusal> {
    let shapes = annotations.shapes.into_iter();
    shapes
        .map(|stored| {
            let label = stored.names.iter().find_map(|name| state.controlled(name).ok());
            let label: Label = label.ok_or_else(|| {
                Refusal::Request("a group's label is none of the controlled list".to_owned())
            })?;
            let region = LesionRegion { slide: slide.slide, label, shape: stored.shape };
            Ok(NewProposal {
                case: slide.case,
                slide: Some(slide.slide),
                content: Content::of(&region)?,
                evidence: Vec::new(),
                producer: stored.producer,
                confidence: None,
                purpose: Purpose::Care,
                consent_tags: Vec::new(),
            })
        })
        .collect()
}

/// The answer's data set: what was stored, what was not (PS3.18 section 10.5.3).
fn answer(all: &[Stored], base: &str) -> Value {
    let reference = |stored: &Stored| {
        let mut item = json!({
            "00081150": { "vr": "UI", "Value": [stored.class] },
            "00081155": { "vr": "UI", "Value": [stored.instance] },
        });
        match &stored.failed {
            Some(failed) => {
                item["00081197"] = json!({ "vr": "US", "Value": [failed.code as u32] });
                // Error Comment, of at most 64 characters.
                let words: String = failed.words.chars().take(64).collect();
                item["00000902"] = json!({ "vr": "LO", "Value": [words] });
            }
            None => {
                let address =
                    format!("{base}/studies/{}/instances/{}", stored.place, stored.instance);
                item["00081190"] = json!({ "vr": "UR", "Value": [address] });
            }
        }
        item
    };
    let sequence = |failed: bool| {
        let of_kind = all.iter().filter(|stored| stored.failed.is_some() == failed);
        of_kind.map(reference).collect::<Vec<_>>()
    };
    let mut set = json!({});
    for (tag, items) in [("00081198", sequence(true)), ("00081199", sequence(false))] {
        if !items.is_empty() {
            set[tag] = json!({ "vr": "SQ", "Value": items });
        }
    }
    set
}
