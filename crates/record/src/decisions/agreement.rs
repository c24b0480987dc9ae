//! How readers agree: pair by pair of readers, never one number for all.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::{Kappa, Overlap, Verdict, cohens_kappa, overlap};
use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    database::Row,
    identity::{CaseId, ProposalId, UserId},
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
    /// How far the outlines that both confirmed cover the same, where both confirmed one.
    pub overlap: Option<Overlap>,
}

/// How two readers agree about one kind of proposal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairAgreement {
    /// The two readers, in the order of their ids.
    pub readers: (UserId, UserId),
    /// Agreement of their verdicts beyond chance.
    pub kappa: Option<Kappa>,
    /// Every reading of both.
    pub readings: Vec<ReadingPair>,
}

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
    let verdicts: Vec<_> = readings.iter().map(|pair| (pair.first, pair.second)).collect();
    PairAgreement { readers, kappa: cohens_kappa(&verdicts), readings }
}

fn pair_of(row: &Row, kind: &str) -> Result<ReadingPair> {
    let (first, second): (Verdict, Verdict) = (row.parsed(3)?, row.parsed(4)?);
    let region = |verdict: Verdict, corrected: usize| -> Result<Option<LesionRegion>> {
        let text = match verdict {
            Verdict::Accept => row.text(7)?,
            Verdict::Correct => row.text(corrected)?,
            Verdict::Refuse | Verdict::Defer => return Ok(None),
        };
        let read = || serde_json::from_value(serde_json::from_str::<Json>(text)?);
        read().map(Some).map_err(|error| RecordError::damaged("region", kind, error))
    };
    let mut common = None;
    if kind == LesionRegion::KIND
        && let (Some(own), Some(other)) = (region(first, 5)?, region(second, 6)?)
    {
        common = overlap(&own.outline, &other.outline);
    }
    Ok(ReadingPair { proposal: row.parsed(2)?, first, second, overlap: common })
}
