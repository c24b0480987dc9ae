//! `POST /dicomweb/studies` (STOW-RS, PS3.18 section 10.5): annotations become proposals, whoever
//! sends them.

use axum::{
    Json,
    body::Bytes,
    extract::{self},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bianque_core::Digest;
use bianque_record::{
    cases::Purpose,
    identity::{Label, RequestKey},
    proposals::{Content, LesionRegion, NewProposal},
};
use serde_json::{Value, json};

use super::{State, bodies::parsed};
use crate::{
    access::Caller,
    answer::Refusal,
    dicomweb::{
        multipart,
        read::ReadSet,
        stored::{self, StoredAnnotations},
    },
    events::Event,
};

/// The largest body.
pub(crate) const LARGEST: usize = 64 << 20;
/// "Cannot understand" (PS3.4 annex B.2.3); what is wrong stands beside it in words.
const NOT_UNDERSTOOD: u32 = 0xC000;

/// What became of a file: its class, its instance, and why it was not taken, if it was not.
struct Stored {
    class: String,
    instance: String,
    why: Option<String>,
}

/// Takes annotations.
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
    let mut all = Vec::new();
    for part in parts {
        all.push(store_one(&state, &caller, part).await?);
    }
    let failed = all.iter().filter(|stored| stored.why.is_some()).count();
    let status = match failed {
        0 => StatusCode::OK,
        some if some < all.len() => StatusCode::ACCEPTED,
        _ => StatusCode::CONFLICT,
    };
    let kind = [(header::CONTENT_TYPE, "application/dicom+json")];
    Ok((status, kind, Json(answer(&all))).into_response())
}

async fn store_one(state: &State, caller: &Caller, part: &[u8]) -> Result<Stored, Refusal> {
    let (class, instance, read) = match ReadSet::of_file(part) {
        Ok(set) => {
            let (class, instance) = stored::identity(&set);
            (class, instance, stored::annotations(&set))
        }
        Err(why) => (String::new(), String::new(), Err(why)),
    };
    let why = match read {
        Err(why) => Some(why.to_owned()),
        Ok(annotations) => match propose(state, caller, annotations).await {
            Ok(()) => None,
            // Who may not learns it from the whole answer.
            Err(refusal @ (Refusal::Forbidden(_) | Refusal::Unavailable(_))) => {
                return Err(refusal);
            }
            Err(refusal) => Some(refusal.words()),
        },
    };
    Ok(Stored { class, instance, why })
}

async fn propose(
    state: &State,
    caller: &Caller,
    annotations: StoredAnnotations,
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
    let mut proposals = Vec::new();
    for (number, polygon) in annotations.polygons.into_iter().enumerate() {
        let label = polygon.names.iter().find_map(|name| state.controlled(name).ok());
        let label: Label = label.ok_or_else(|| {
            Refusal::Request("a group's label is none of the controlled list".to_owned())
        })?;
        let region = LesionRegion { slide: slide.slide, label, outline: vec![polygon.outline] };
        let proposal = NewProposal {
            case: slide.case,
            slide: Some(slide.slide),
            content: Content::of(&region)?,
            evidence: Vec::new(),
            producer: polygon.producer,
            confidence: None,
            purpose: Purpose::Care,
            consent_tags: Vec::new(),
        };
        proposals.push((request_key(&annotations.instance, number)?, proposal));
    }
    state
        .record(move |record| {
            for (key, proposal) in &proposals {
                record.propose_once(&actor, proposal, Some(key))?;
            }
            Ok(())
        })
        .await?;
    state.events.tell(Event::Case { case: slide.case });
    Ok(())
}

/// The same instance stored again counts once.
fn request_key(instance: &str, number: usize) -> Result<RequestKey, Refusal> {
    let digest = Digest::of(format!("stored {instance} {number}").as_bytes()).to_string();
    let digits = digest.rsplit(':').next().and_then(|digits| digits.get(..40));
    parsed(digits.unwrap_or_default())
}

/// The answer's data set: what was stored, what was not (PS3.18 section 10.5.3).
fn answer(all: &[Stored]) -> Value {
    let reference = |stored: &Stored| {
        let mut item = json!({
            "00081150": { "vr": "UI", "Value": [stored.class] },
            "00081155": { "vr": "UI", "Value": [stored.instance] },
        });
        if let Some(why) = &stored.why {
            item["00081197"] = json!({ "vr": "US", "Value": [NOT_UNDERSTOOD] });
            // Error Comment, of at most 64 characters.
            let words: String = why.chars().take(64).collect();
            item["00000902"] = json!({ "vr": "LO", "Value": [words] });
        }
        item
    };
    let sequence = |failed: bool| {
        let of_kind = all.iter().filter(|stored| stored.why.is_some() == failed);
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
