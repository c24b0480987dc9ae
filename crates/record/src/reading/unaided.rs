//! Reading without machines: what a reader has found alone is fixed before machines speak, so that
//! reading with and without them can be compared.

use std::time::Duration;

use bianque_core::Digest;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    canonical::canonical,
    cases::Status,
    database::{Database, Row},
    identity::{CaseId, DecisionId, Moment, ProposalId, Reason, UserId},
    people::{Action, Actor},
    store::{Audited, Unit},
};

/// A region as its reader left it: the proposal and the reader's last decision about it. Neither is
/// ever changed.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnRegion {
    /// The region that the reader drew.
    pub proposal: ProposalId,
    /// What the reader decided about it last.
    pub decision: DecisionId,
}

/// A reading that was fixed before machines spoke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnaidedReading {
    /// The case.
    pub case: CaseId,
    /// Who read.
    pub reader: UserId,
    /// What the reader had drawn.
    pub regions: Vec<OwnRegion>,
    /// What the reader made of it in words.
    pub conclusion: Reason,
    /// How long it took since the reader's last decision, or since the case was opened.
    pub milliseconds: u64,
    /// When it was fixed.
    pub at: Moment,
}

impl UnaidedReading {
    fn digest(&self) -> Result<Digest> {
        let json = serde_json::to_value(self)
            .map_err(|error| RecordError::damaged("unaided reading", self.case, error))?;
        Ok(Digest::of(canonical(&json).as_bytes()))
    }
}

impl Record {
    /// Fixes what a reader has found without machines: the regions drawn so far and a conclusion.
    ///
    /// # Errors
    /// When the actor may not, was shown already what machines say, has fixed a reading before, or
    /// the case is signed.
    pub fn commit_reading(
        &self,
        actor: &Actor,
        case: CaseId,
        conclusion: &Reason,
        spent: Duration,
    ) -> Result<UnaidedReading> {
        self.deed(actor, Action::DecideDiagnosis, Event::ReadingCommitted, |unit| {
            let known = unit.case(case)?;
            unit.require_case(actor, Action::DecideDiagnosis, &known)?;
            if known.status == Status::Signed || known.is_emptied {
                let what = "the case is signed or emptied: there is nothing to read in it";
                return Err(RecordError::Conflict(what.into()));
            }
            let shown = "SELECT at FROM reveal WHERE laboratory_case = ?1 AND account = ?2";
            if unit.one(shown, &[case.into(), actor.user().into()])?.is_some() {
                let what = "this reader was shown what machines say: the reading is not unaided";
                return Err(RecordError::Conflict(what.into()));
            }
            if unit.unaided_reading(case, actor.user())?.is_some() {
                let what = "this reader has fixed a reading of this case already";
                return Err(RecordError::Conflict(what.into()));
            }
            let reading = UnaidedReading {
                case,
                reader: actor.user(),
                regions: unit.own_regions(case, actor.user())?,
                conclusion: conclusion.clone(),
                milliseconds: u64::try_from(spent.as_millis()).unwrap_or(u64::MAX),
                at: unit.now(),
            };
            let digest = reading.digest()?;
            unit.insert_reading(&reading, digest)?;
            let detail = json!({
                "id": format!("{case}/{}", reading.reader), "digest": digest,
                "regions": reading.regions.len(), "milliseconds": reading.milliseconds,
            });
            Ok(Audited::new(reading, Object::new("case", case), detail))
        })
    }

    /// Whether the actor has fixed a reading of a case.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn has_committed_reading(&self, actor: &Actor, case: CaseId) -> Result<bool> {
        self.reading(|unit| Ok(unit.unaided_reading(case, actor.user())?.is_some()))
    }
}

impl Unit<'_> {
    /// Whether anybody has fixed a reading of a case.
    pub(crate) fn has_unaided_reading(&mut self, case: CaseId) -> Result<bool> {
        let sql = "SELECT at FROM unaided_reading WHERE laboratory_case = ?1 LIMIT 1";
        Ok(self.one(sql, &[case.into()])?.is_some())
    }

    fn unaided_reading(&mut self, case: CaseId, reader: UserId) -> Result<Option<UnaidedReading>> {
        let sql = "SELECT laboratory_case, account, regions, conclusion, milliseconds, at \
                   FROM unaided_reading WHERE laboratory_case = ?1 AND account = ?2";
        self.one(sql, &[case.into(), reader.into()])?.as_ref().map(reading_of).transpose()
    }

    /// What a reader has put in a case, with the last decision about each.
    fn own_regions(&mut self, case: CaseId, reader: UserId) -> Result<Vec<OwnRegion>> {
        let sql = "SELECT p.id, (SELECT max(d.id) FROM decision d \
                       WHERE d.proposal = p.id AND d.reader = ?2) \
                   FROM proposal_state s JOIN proposal p ON p.id = s.proposal \
                   WHERE s.laboratory_case = ?1 AND p.proposed_by = ?2 \
                   AND p.field = 'diagnosis' ORDER BY p.id";
        let rows = self.query(sql, &[case.into(), reader.into()])?;
        let mut regions = Vec::new();
        for row in &rows {
            if let Some(decision) = row.optional_text(1)? {
                regions.push(OwnRegion { proposal: row.parsed(0)?, decision: decision.parse()? });
            }
        }
        Ok(regions)
    }

    fn insert_reading(&mut self, reading: &UnaidedReading, digest: Digest) -> Result<()> {
        let regions: Json = json!(reading.regions);
        self.execute(
            "INSERT INTO unaided_reading (laboratory_case, account, regions, conclusion, \
             milliseconds, at, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            &[
                reading.case.into(),
                reading.reader.into(),
                canonical(&regions).into(),
                (&reading.conclusion).into(),
                i64::try_from(reading.milliseconds).unwrap_or(i64::MAX).into(),
                reading.at.into(),
                digest.to_string().into(),
            ],
        )?;
        Ok(())
    }
}

fn reading_of(row: &Row) -> Result<UnaidedReading> {
    let case: CaseId = row.parsed(0)?;
    Ok(UnaidedReading {
        case,
        reader: row.parsed(1)?,
        regions: serde_json::from_str(row.text(2)?)
            .map_err(|error| RecordError::damaged("unaided reading", case, error))?,
        conclusion: row.parsed(3)?,
        milliseconds: u64::try_from(row.integer(4)?).unwrap_or(0),
        at: Moment::from_microseconds(row.integer(5)?),
    })
}

/// The digest of a fixed reading as it is stored now, by `case/reader`; `None` when it is gone.
pub(crate) fn reading_digest(database: &mut dyn Database, id: &str) -> Result<Option<String>> {
    let mut unit = Unit::new(database, Moment::from_microseconds(0));
    let (case, reader) = id.split_once('/').unwrap_or((id, ""));
    let found = unit.unaided_reading(case.parse()?, reader.parse()?)?;
    found.map(|reading| Ok(reading.digest()?.to_string())).transpose()
}
