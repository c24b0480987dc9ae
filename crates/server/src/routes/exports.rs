//! `/api/v1/cases/{case}/exports/{format}`: what leaves, as fact when it is signed, else marked.

use axum::{
    Json,
    extract::{self, Path, Query},
    http::header,
    response::{IntoResponse, Response},
};
use bianque_core::geojson::{self, Feature};
use bianque_record::{
    cases::Purpose,
    identity::CaseId,
    proposals::{LesionRegion, ProposalContent},
    release::{CaseVersion, Released, Unconfirmed, WorkingCopy},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    State,
    bodies::{parsed, parsed_if, text},
    session::NOTICE,
};
use crate::{access::Caller, answer::Refusal};

/// What is to leave, and for what.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ExportFilter {
    /// `released` (unless given) or `unconfirmed`.
    status: Option<String>,
    /// `care` unless given; others need the patient's consent.
    purpose: Option<String>,
}

/// In which form.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Format {
    GeoJson,
    Json,
}

impl Format {
    fn parse(text: &str) -> Result<Self, Refusal> {
        match text {
            "geojson" => Ok(Self::GeoJson),
            "json" => Ok(Self::Json),
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
            Ok(match format {
                Format::Json => Json(&released).into_response(),
                Format::GeoJson => geo_json(&released_features(&state, &released)),
            })
        }
        Some("unconfirmed") => {
            let copy = state
                .record(move |record| record.export_unconfirmed(&actor, id, purpose))
                .await?;
            Ok(match format {
                Format::Json => Json(&copy).into_response(),
                Format::GeoJson => geo_json(&unconfirmed_features(&state, &copy)),
            })
        }
        Some(_) => Err(Refusal::Request("status is `released` or `unconfirmed`".to_owned())),
    }
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
    Feature {
        class: Some(text(&region.label)),
        color: label.map(|label| label.color),
        name: None,
        measurements: Vec::new(),
        properties: state_of,
        polygons: region.outline,
    }
}

fn released_features(state: &State, released: &Released<CaseVersion>) -> Vec<Feature> {
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
                "proposed_by": finding.producer.name,
                "corrected": finding.corrected,
                "confirmed_by": last.map(|confirmation| confirmation.reader),
                "confirmed_role": last.map(|confirmation| confirmation.role),
            });
            let properties = Map::from_iter([("confirmation".to_owned(), confirmation)]);
            Some(feature(state, region, properties))
        })
        .collect()
}

fn unconfirmed_features(state: &State, copy: &Unconfirmed<WorkingCopy>) -> Vec<Feature> {
    let all = copy.content().proposals.iter().map(|with_state| &with_state.proposal);
    all.filter(|proposal| proposal.kind == LesionRegion::KIND)
        .filter_map(|proposal| {
            let region = proposal.content::<LesionRegion>().ok()?;
            let mark = json!({
                "state": "unconfirmed",
                "notice": Unconfirmed::<WorkingCopy>::MARK,
                "slide": region.slide,
                "producer": proposal.producer.name,
                "score": proposal.confidence,
            });
            let properties = Map::from_iter([("proposal".to_owned(), mark)]);
            Some(feature(state, region, properties))
        })
        .collect()
}

