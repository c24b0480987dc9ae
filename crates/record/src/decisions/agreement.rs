//! How readers agree: pair by pair of readers, never one number for all.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::{Kappa, Overlap, Verdict, cohens_kappa, decide::say_the_same, overlap};
use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    canonical::canonical,
    database::Row,
    identity::{CaseId, ProposalId, SlideId, UserId},
    people::{Action, Actor},
    proposals::{LesionRegion, ProposalContent},
    store::Audited,
};

/// What two readers decided about one proposal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReadingPair {
    /// Which proposal.
    pub proposal: ProposalId,
    /// What the first of the pair said.
    pub first: Verdict,
    /// What the second said.
    pub second: Verdict,
    /// What it is to the first of the pair: its label after any correction, or [`REFUSED`].
    pub first_label: String,
    /// What it is to the second.
    pub second_label: String,
    /// Whether both say the same, as where it settles the proposal: outlines count.
    pub agree: bool,
    /// How far the outlines that both confirmed cover the same, where both confirmed one.
    pub overlap: Option<Overlap>,
    /// How far apart the points are that both confirmed: points do not overlap.
    pub distance: Option<PointDistance>,
}

/// How far two points of a slide are apart, in level-0 pixels along each side.
#[derive(Copy, Clone, Debug, PartialEq, Serialize)]
pub struct PointDistance {
    /// The slide.
    pub slide: SlideId,
    /// Along its width.
    pub x: f64,
    /// Along its height.
    pub y: f64,
}

/// How two readers agree about one kind of proposal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairAgreement {
    /// The two readers, in the order of their ids.
    pub readers: (UserId, UserId),
    /// Agreement beyond chance on what a thing is: by label, whatever its outline.
    pub kappa: Option<Kappa>,
    /// Every reading of both.
    pub readings: Vec<ReadingPair>,
}

/// What a refused proposal is to its reader, in place of a label.
pub const REFUSED: &str = "refused";
/// The most pairs of readings that are compared at once.
const MOST_PAIRS: i64 = 50_000;

impl Record {
    /// How readers agree about proposals of a kind that two have read, in one case or in all.
    ///
    /// # Errors
    /// When the actor may not.
    pub fn agreement(
        &self,
        actor: &Actor,
        kind: &str,
        case: Option<CaseId>,
    ) -> Result<Vec<PairAgreement>> {
        self.deed(actor, Action::Adjudicate, Event::DecisionsRead, |unit| {
            let mut values = vec![kind.into(), MOST_PAIRS.into()];
            let mut sql = "SELECT a.reader, b.reader, a.proposal, a.verdict, b.verdict, \
                a.content, b.content, p.content \
                FROM decision a \
                JOIN decision b ON b.proposal = a.proposal AND b.reader > a.reader \
                JOIN proposal p ON p.id = a.proposal \
                JOIN proposal_state s ON s.proposal = a.proposal \
                WHERE p.kind = ?1 AND a.manner = 'reading' AND b.manner = 'reading' \
                AND a.verdict <> 'defer' AND b.verdict <> 'defer'"
                .to_owned();
            if let Some(case) = case {
                values.push(case.into());
                sql.push_str(" AND s.laboratory_case = ?3");
            }
            sql.push_str(" ORDER BY a.proposal, a.id LIMIT ?2");
            let mut pairs: BTreeMap<(UserId, UserId), Vec<ReadingPair>> = BTreeMap::new();
            for row in unit.query(&sql, &values)? {
                let readers = (row.parsed(0)?, row.parsed(1)?);
                pairs.entry(readers).or_default().push(pair_of(&row, kind)?);
            }
            let agreements = pairs.into_iter().map(agreement_of).collect();
            let object = Object::new("readers", case.map_or("all".into(), |id| id.to_string()));
            Ok(Audited::new(agreements, object, json!({ "kind": kind })))
        })
    }
}

fn agreement_of((readers, readings): ((UserId, UserId), Vec<ReadingPair>)) -> PairAgreement {
    let labels: Vec<_> = readings
        .iter()
        .map(|pair| (pair.first_label.as_str(), pair.second_label.as_str()))
        .collect();
    PairAgreement { readers, kappa: cohens_kappa(&labels), readings }
}

/// What one reader made of a proposal.
struct Reading {
    verdict: Verdict,
    /// What a correction puts in the place of what was proposed.
    corrected: Option<Json>,
    /// What the reader stands for; nothing where it was refused.
    stands: Option<Json>,
}

impl Reading {
    fn of(row: &Row, verdict: Verdict, column: usize) -> Result<Self> {
        let json = |text: &str| {
            serde_json::from_str::<Json>(text).map_err(|error| {
                RecordError::damaged("decision", row.text(2).unwrap_or("?"), error)
            })
        };
        let corrected = row.optional_text(column)?.map(json).transpose()?;
        let stands = match verdict {
            Verdict::Accept => Some(json(row.text(7)?)?),
            Verdict::Correct => corrected.clone(),
            Verdict::Refuse | Verdict::Defer => None,
        };
        Ok(Self { verdict, corrected, stands })
    }

    fn region(&self, kind: &str) -> Result<Option<LesionRegion>> {
        let stands = self.stands.as_ref().filter(|_| kind == LesionRegion::KIND);
        let read = |json: &Json| serde_json::from_value(json.clone());
        stands.map(read).transpose().map_err(|error| RecordError::damaged("region", kind, error))
    }

    /// The label of a region; of another kind all that it says.
    fn label(&self, region: Option<&LesionRegion>) -> String {
        match (region, &self.stands) {
            (Some(region), _) => region.label.to_string(),
            (None, Some(content)) => canonical(content),
            (None, None) => REFUSED.to_owned(),
        }
    }
}

fn pair_of(row: &Row, kind: &str) -> Result<ReadingPair> {
    let (first, second) =
        (Reading::of(row, row.parsed(3)?, 5)?, Reading::of(row, row.parsed(4)?, 6)?);
    let (own, other) = (first.region(kind)?, second.region(kind)?);
    let both = own.as_ref().zip(other.as_ref());
    Ok(ReadingPair {
        proposal: row.parsed(2)?,
        first: first.verdict,
        second: second.verdict,
        first_label: first.label(own.as_ref()),
        second_label: second.label(other.as_ref()),
        agree: say_the_same(
            (first.verdict, first.corrected.as_ref()),
            (second.verdict, second.corrected.as_ref()),
        ),
        overlap: both.and_then(|(a, b)| overlap(a.shape.outline()?, b.shape.outline()?)),
        distance: both.and_then(|(a, b)| distance(a, b)),
    })
}

/// How far the points of two regions of one slide are apart.
fn distance(first: &LesionRegion, second: &LesionRegion) -> Option<PointDistance> {
    let (a, b) = (first.shape.point()?, second.shape.point()?);
    let apart = PointDistance { slide: first.slide, x: (a.x - b.x).abs(), y: (a.y - b.y).abs() };
    (first.slide == second.slide).then_some(apart)
}
