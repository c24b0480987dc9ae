//! What a patient agrees to. Nothing is agreed to unless it is written here.

use serde::Serialize;
use serde_json::json;

use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    identity::{Moment, Pseudonym, UserId},
    names::named,
    people::{Action, Actor},
    store::{Audited, Unit},
};

/// What material, proposals and results are used for.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// The patient's own care, for which the material was sent: it needs no entry here.
    Care,
    /// The quality of the laboratory's work, within the laboratory: it needs none either.
    Quality,
    /// Research.
    Research,
    /// Improving models.
    Training,
    /// Leaving the hospital for others' models or evaluations.
    Exchange,
}
named!(Purpose, "purpose", {
    Care => "care",
    Quality => "quality",
    Research => "research",
    Training => "training",
    Exchange => "exchange",
});

impl Purpose {
    /// Whether what leaves for it may say by which number the laboratory knows the case: nobody
    /// outside of the hospital's own work needs a way back to the patient.
    #[must_use]
    pub fn tells_numbers(self) -> bool {
        matches!(self, Self::Care | Self::Quality)
    }
}

/// What was written down at some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Consent {
    /// For what.
    pub purpose: Purpose,
    /// Whether the patient agreed, or took it back.
    pub granted: bool,
    /// Until when it holds, if not for good.
    pub until: Option<Moment>,
    /// When it was written down.
    pub at: Moment,
    /// By whom.
    pub recorded_by: UserId,
}

impl Record {
    /// Writes down that a patient agrees to a purpose, or takes that back. The latest counts; none
    /// is ever deleted.
    ///
    /// # Errors
    /// When the actor may not, or nothing of this patient is registered.
    pub fn record_consent(
        &self,
        actor: &Actor,
        patient: &Pseudonym,
        purpose: Purpose,
        granted: bool,
        until: Option<Moment>,
    ) -> Result<()> {
        self.deed(actor, Action::RecordConsent, Event::ConsentRecorded, |unit| {
            let known = "SELECT pseudonym FROM patient WHERE pseudonym = ?1";
            if unit.one(known, &[patient.into()])?.is_none() {
                return Err(RecordError::not_found("patient", patient));
            }
            let now = unit.now();
            unit.execute(
                "INSERT INTO consent (ordinal, pseudonym, purpose, granted, until, at, \
                 recorded_by) SELECT coalesce(max(ordinal), 0) + 1, ?1, ?2, ?3, ?4, ?5, ?6 \
                 FROM consent",
                &[
                    patient.into(),
                    purpose.name().into(),
                    granted.into(),
                    until.into(),
                    now.into(),
                    actor.user().into(),
                ],
            )?;
            let detail = json!({
                "purpose": purpose, "granted": granted, "until": until.map(Moment::microseconds),
            });
            Ok(Audited::new((), Object::new("patient", patient), detail))
        })
    }

    /// All that was written down of a patient, the oldest first.
    ///
    /// # Errors
    /// When the actor may not.
    pub fn consents(&self, actor: &Actor, patient: &Pseudonym) -> Result<Vec<Consent>> {
        self.deed(actor, Action::RecordConsent, Event::CaseRead, |unit| {
            let sql = "SELECT purpose, granted, until, at, recorded_by FROM consent \
                       WHERE pseudonym = ?1 ORDER BY ordinal";
            let rows = unit.query(sql, &[patient.into()])?;
            let consents: Result<Vec<_>> = rows
                .iter()
                .map(|row| {
                    Ok(Consent {
                        purpose: row.parsed(0)?,
                        granted: row.integer(1)? == 1,
                        until: row.optional_integer(2)?.map(Moment::from_microseconds),
                        at: Moment::from_microseconds(row.integer(3)?),
                        recorded_by: row.parsed(4)?,
                    })
                })
                .collect();
            Ok(Audited::new(consents?, Object::new("patient", patient), json!({})))
        })
    }
}

impl Unit<'_> {
    /// Whether a patient's material may be used for a purpose now.
    pub(crate) fn consents(&mut self, patient: &Pseudonym, purpose: Purpose) -> Result<bool> {
        if matches!(purpose, Purpose::Care | Purpose::Quality) {
            return Ok(true);
        }
        let sql = "SELECT granted, until FROM consent WHERE pseudonym = ?1 AND purpose = ?2 \
                   ORDER BY ordinal DESC LIMIT 1";
        let Some(row) = self.one(sql, &[patient.into(), purpose.name().into()])? else {
            return Ok(false);
        };
        let holds = row.optional_integer(1)?.is_none_or(|until| until > self.now().microseconds());
        Ok(row.integer(0)? == 1 && holds)
    }
}
