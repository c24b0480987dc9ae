//! `/api/v1/cases/{case}/exports/{format}`: what leaves, as fact when it is signed, else marked.

use std::collections::BTreeSet;

use axum::{
    Json,
    extract::{self, Path, Query},
    http::header,
    response::{IntoResponse, Response},
};
use bianque_core::geojson::{self, Feature};
use bianque_record::{
    cases::Purpose,
    identity::{CaseId, ProposalId, SlideId},
    proposals::{LesionRegion, LesionShape, ProposalContent, State as ProposalState},
    reading::ReadFinding,
    release::{CaseVersion, Released, Unconfirmed, WorkingCopy},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    State,
    bodies::{parsed, parsed_if, text},
    findings::is_by_hand,
    session::NOTICE,
    withheld::Shown,
};
use crate::{
    access::Caller,
    answer::Refusal,
    dicomweb::{annotations, confirmed::SignedSlide, structured_report},
    library::SlideKey,
};

/// What is to leave, and for what.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ExportFilter {
    /// `released` (unless given) or `unconfirmed`.
    status: Option<String>,
    /// `care` unless given; others need the patient's consent.
    purpose: Option<String>,
    /// The slide that a DICOM or GeoJSON file is of; needed where the case has several.
    slide: Option<String>,
}

/// In which form.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Format {
    GeoJson,
    Json,
    /// DICOM SR, TID 1500.
    Report,
    /// DICOM Microscopy Bulk Simple Annotations.
    Annotations,
}

impl Format {
    fn parse(text: &str) -> Result<Self, Refusal> {
        match text {
            "geojson" => Ok(Self::GeoJson),
            "json" => Ok(Self::Json),
            "sr.dcm" => Ok(Self::Report),
            "annotations.dcm" => Ok(Self::Annotations),
            _ => Err(Refusal::NotFound("format of export")),
        }
    }
}

/// Writes a case for other programs.
pub(crate) async fn write(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path((case, format)): Path<(String, String)>,
    Query(filter): Query<ExportFilter>,
) -> Result<Response, Refusal> {
    let id: CaseId = parsed(&case)?;
    let format = Format::parse(&format)?;
    let purpose = parsed_if::<Purpose>(filter.purpose.as_deref())?.unwrap_or(Purpose::Care);
    let actor = caller.actor;
    match filter.status.as_deref() {
        None | Some("released") => {
            let released = state
                .record(move |record| record.export_released(&actor, id, purpose))
                .await
                .map_err(unsigned)?;
            match format {
                Format::Json => Ok(Json(&released).into_response()),
                Format::GeoJson => {
                    let slides = released.content().slides.iter().map(|(slide, _)| *slide);
                    let slide = slide_of(&filter, slides)?;
                    Ok(geo_json(&released_features(&state, &released, slide)))
                }
                Format::Report | Format::Annotations => {
                    dicom(&state, released, format, filter.slide.as_deref()).await
                }
            }
        }
        Some("unconfirmed") if matches!(format, Format::Report | Format::Annotations) => {
            let what = "what is unconfirmed does not leave as a DICOM document";
            Err(Refusal::Conflict(what.to_owned()))
        }
        Some("unconfirmed") => {
            let (copy, findings) = state
                .record(move |record| {
                    let shown = Shown::to(record, &actor, id)?;
                    if !shown.standing.revealed {
                        return Ok(None);
                    }
                    let copy = record.export_unconfirmed(&actor, id, purpose)?;
                    let known: BTreeSet<ProposalId> =
                        shown.findings.iter().map(|f| f.proposal.proposal.id).collect();
                    Ok(Some((copy.only(|id| known.contains(&id)), shown.findings)))
                })
                .await?
                .ok_or_else(|| Refusal::Conflict("look at the case first, then reveal".into()))?;
            match format {
                Format::GeoJson => {
                    let slide = slide_of(&filter, copy_slides(&copy))?;
                    Ok(geo_json(&unconfirmed_features(&state, &copy, &findings, slide)))
                }
                Format::Json | Format::Report | Format::Annotations => {
                    Ok(Json(&copy).into_response())
                }
            }
        }
        Some(_) => Err(Refusal::Request("status is `released` or `unconfirmed`".to_owned())),
    }
}

/// What was signed of one slide as a DICOM file.
async fn dicom(
    state: &State,
    released: Released<CaseVersion>,
    format: Format,
    slide: Option<&str>,
) -> Result<Response, Refusal> {
    let slides = &released.content().slides;
    let wanted = parsed_if::<SlideId>(slide)?;
    let found = match (wanted, slides.as_slice()) {
        (Some(wanted), all) => all.iter().find(|(id, _)| *id == wanted),
        (None, [only]) => Some(only),
        (None, _) => return Err(Refusal::Request("name the slide".to_owned())),
    };
    let (slide, digest) = *found.ok_or(Refusal::NotFound("slide of this case"))?;
    let bytes = state
        .on_opened(SlideKey::of(&digest), move |opened| {
            let (series, mpp) = (opened.series()?, opened.slide().facts().mpp.clone());
            let mpp = mpp.map(|mpp| (mpp.x(), mpp.y()));
            let signed = SignedSlide::of(&released, slide, &series, mpp, is_by_hand);
            match format {
                Format::Annotations => annotations::file(&signed),
                _ => structured_report::file(&signed),
            }
        })
        .await?;
    Ok(([(header::CONTENT_TYPE, "application/dicom")], bytes).into_response())
}

/// Nothing signed is no missing case: there is something, but it is no fact.
fn unsigned(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::NotFound("signed version of case") => Refusal::Conflict(
            "nothing of this case is signed: what is unconfirmed does not leave as fact".to_owned(),
        ),
        other => other,
    }
}

fn geo_json(features: &[Feature]) -> Response {
    ([(header::CONTENT_TYPE, "application/geo+json")], geojson::encode(features)).into_response()
}

fn feature(state: &State, region: LesionRegion, state_of: Map<String, Value>) -> Feature {
    let label = state.labels.iter().find(|label| label.name == region.label.as_str());
    let (polygons, points) = match region.shape {
        LesionShape::Outline(parts) => (parts, Vec::new()),
        LesionShape::Point(at) => (Vec::new(), vec![at]),
    };
    Feature {
        class: Some(text(&region.label)),
        color: label.map(|label| label.color),
        name: None,
        measurements: Vec::new(),
        properties: state_of,
        polygons,
        points,
    }
}

/// The slide that a file is of: its coordinates are one slide's pixels.
fn slide_of(
    filter: &ExportFilter,
    slides: impl Iterator<Item = SlideId>,
) -> Result<Option<SlideId>, Refusal> {
    let wanted = parsed_if::<SlideId>(filter.slide.as_deref())?;
    let slides: BTreeSet<SlideId> = slides.collect();
    match (wanted, slides.len()) {
        (Some(wanted), _) if slides.contains(&wanted) => Ok(Some(wanted)),
        (Some(_), _) => Err(Refusal::NotFound("slide with findings in this case")),
        (None, 0 | 1) => Ok(slides.into_iter().next()),
        (None, _) => Err(Refusal::Request("the case has several slides: name one".to_owned())),
    }
}

fn copy_slides(copy: &Unconfirmed<WorkingCopy>) -> impl Iterator<Item = SlideId> {
    copy.content().proposals.iter().filter_map(|with_state| with_state.proposal.slide)
}

fn released_features(
    state: &State,
    released: &Released<CaseVersion>,
    slide: Option<SlideId>,
) -> Vec<Feature> {
    let version = released.content();
    let regions = version.findings.iter().filter(|finding| finding.kind == LesionRegion::KIND);
    regions
        .filter_map(|finding| {
            let region = serde_json::from_value::<LesionRegion>(finding.content.clone()).ok()?;
            let last = finding.confirmations.last();
            let confirmation = json!({
                "state": "released",
                "notice": NOTICE,
                "slide": region.slide,
                "case_version": version.version,
                "digest": released.digest(),
                "proposed_by": finding.producer,
                "encoder": finding.encoder,
                "corrected": finding.corrected,
                "confirmed_by": last.map(|confirmation| confirmation.reader),
                "confirmed_role": last.map(|confirmation| confirmation.role),
            });
            let properties = Map::from_iter([("confirmation".to_owned(), confirmation)]);
            (Some(region.slide) == slide).then(|| feature(state, region, properties))
        })
        .collect()
}

/// Regions as they stand now, corrected where somebody has; what was refused stays here.
fn unconfirmed_features(
    state: &State,
    copy: &Unconfirmed<WorkingCopy>,
    findings: &[ReadFinding],
    slide: Option<SlideId>,
) -> Vec<Feature> {
    let leaves: BTreeSet<ProposalId> =
        copy.content().proposals.iter().map(|with_state| with_state.proposal.id).collect();
    let kept = findings.iter().filter(|finding| {
        let proposal = &finding.proposal.proposal;
        proposal.kind == LesionRegion::KIND
            && leaves.contains(&proposal.id)
            && finding.proposal.state != ProposalState::Refused
    });
    kept.filter_map(|finding| {
        let proposal = &finding.proposal.proposal;
        let stands = finding.corrected.as_ref().unwrap_or(&proposal.content);
        let region = serde_json::from_value::<LesionRegion>(stands.clone()).ok()?;
        let mark = json!({
            "state": "unconfirmed",
            "notice": Unconfirmed::<WorkingCopy>::MARK,
            "finding": proposal.id,
            "slide": region.slide,
            "proposed_by": proposal.producer,
            "encoder": proposal.encoder(),
            "score": proposal.confidence,
            "reading": finding.proposal.state,
            "corrected": finding.corrected.is_some(),
        });
        let properties = Map::from_iter([("proposal".to_owned(), mark)]);
        (Some(region.slide) == slide).then(|| feature(state, region, properties))
    })
    .collect()
}
