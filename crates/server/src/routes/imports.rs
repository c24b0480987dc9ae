//! `/api/v1/cases/{case}/slides/{slide}/geojson`: regions and points that a person drew elsewhere, in
//! QuPath say, come in as that person's own.

use std::time::Duration;

use axum::{
    Json,
    body::Bytes,
    extract::{self, Path},
};
use bianque_core::{
    Digest,
    geojson::{self, Feature},
};
use bianque_record::{
    identity::{CaseId, Label, RequestKey, SlideId},
    proposals::{LesionRegion, LesionShape, ProposalContent},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    State,
    bodies::parsed,
    findings::{ByHand, put_by_hand},
};
use crate::{access::Caller, answer::Refusal, events::Event};

/// The largest file.
pub(crate) const LARGEST: usize = 16 << 20;
/// Regions of one file: somebody has to answer for each.
const MOST_REGIONS: usize = 500;

/// What came of a file.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Imported {
    /// Regions that stand now, points among them; those of an earlier import of the same file count
    /// too.
    regions: usize,
}

/// Puts each region of a file and accepts it in the name of who sends it. Nothing is put unless
/// every region can be.
pub(crate) async fn geo_json(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path((case, slide)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Imported>, Refusal> {
    let (case, slide): (CaseId, SlideId) = (parsed(&case)?, parsed(&slide)?);
    let text = std::str::from_utf8(&body);
    let text = text.map_err(|_| Refusal::Request("the file is no UTF-8 text".to_owned()))?;
    let features = geojson::decode_with_points(text);
    let features = features.map_err(|error| Refusal::Request(error.to_string()))?;
    let shapes: Vec<_> = features.iter().flat_map(shapes_of).collect();
    if shapes.is_empty() || shapes.len() > MOST_REGIONS {
        let what = format!("the file has {} regions, not 1 to {MOST_REGIONS}", shapes.len());
        return Err(Refusal::Request(what));
    }
    let regions = shapes.into_iter().enumerate().map(|(index, (feature, shape))| {
        let region = LesionRegion { slide, label: state.label_of(index, feature)?, shape };
        let wrong = |what| Refusal::Request(format!("region {}: {what}", index + 1));
        region.check().map_err(wrong)?;
        Ok(region)
    });
    let regions = regions.collect::<Result<Vec<_>, Refusal>>()?;
    let count = regions.len();
    let actor = caller.actor;
    state
        .record(move |record| {
            record.slide_of_case(&actor, case, slide)?;
            for region in &regions {
                let key = key(&actor.user().to_string(), case, region)?;
                let by_hand =
                    ByHand { key: key.to_string(), viewed: Vec::new(), spent: Duration::ZERO };
                put_by_hand(record, &actor, case, region, &key, &by_hand)?;
            }
            Ok(())
        })
        .await?;
    state.events.tell(Event::Case { case });
    Ok(Json(Imported { regions: count }))
}

/// What a feature draws: one outline of all its parts, or each of its points.
fn shapes_of(feature: &Feature) -> Vec<(&Feature, LesionShape)> {
    if feature.points.is_empty() {
        return vec![(feature, LesionShape::Outline(feature.polygons.clone()))];
    }
    feature.points.iter().map(|at| (feature, LesionShape::Point(*at))).collect()
}

/// The same region of the same person is put once, however often its file is sent.
fn key(user: &str, case: CaseId, region: &LesionRegion) -> bianque_record::Result<RequestKey> {
    let content = serde_json::to_string(region).unwrap_or_default();
    let digest = Digest::of(format!("import {user} {case} {content}").as_bytes()).to_string();
    digest.rsplit(':').next().unwrap_or_default().get(..40).unwrap_or_default().parse()
}

impl State {
    /// The controlled label that a feature's class names, by its name or its words.
    fn label_of(&self, index: usize, feature: &Feature) -> Result<Label, Refusal> {
        let class = feature.class.as_deref().unwrap_or_default().trim();
        let named = self.labels.iter().find(|label| {
            [&label.name, &label.english, &label.chinese]
                .iter()
                .any(|word| word.eq_ignore_ascii_case(class))
        });
        let named = named.ok_or_else(|| {
            let known: Vec<&str> = self.labels.iter().map(|label| label.name.as_str()).collect();
            Refusal::Request(format!(
                "the class of region {} is none of the controlled list: {}",
                index + 1,
                known.join(", ")
            ))
        })?;
        parsed(&named.name)
    }
}
