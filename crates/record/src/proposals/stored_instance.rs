//! DICOM instances that other programs stored: kept as they came, their content put as proposals.

use bianque_core::Digest;
use serde_json::json;

use super::NewProposal;
use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    database::Row,
    identity::{CaseId, InstanceUid, SlideId},
    people::{Action, Actor},
    store::{Audited, Unit},
};

/// An instance to be kept.
#[derive(Clone, Debug)]
pub struct NewInstance {
    /// Its identifier.
    pub uid: InstanceUid,
    /// The series that it belongs to.
    pub series: InstanceUid,
    /// Its class.
    pub class: InstanceUid,
    /// The case of the slide.
    pub case: CaseId,
    /// The slide that it is about.
    pub slide: SlideId,
    /// Its bytes, among the objects.
    pub object: Digest,
}

/// An instance as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredInstance {
    /// Its identifier.
    pub uid: InstanceUid,
    /// The series that it belongs to.
    pub series: InstanceUid,
    /// Its class.
    pub class: InstanceUid,
    /// Its bytes, among the objects.
    pub object: Digest,
}

impl Record {
    /// Keeps an instance and puts all that it says as proposals, in one transaction: all of it or
    /// nothing. The same instance again counts once.
    ///
    /// # Errors
    /// As [`Record::propose`]; [`RecordError::Conflict`] when another content has this identifier.
    pub fn store_instance(
        &self,
        actor: &Actor,
        new: &NewInstance,
        proposals: &[NewProposal],
    ) -> Result<()> {
        proposals.iter().try_for_each(NewProposal::check)?;
        if proposals.iter().any(|proposal| proposal.case != new.case) {
            return Err(RecordError::invalid("instance", "it is about several cases"));
        }
        self.deed(actor, Action::Propose, Event::InstanceStored, |unit| {
            let case = unit.case(new.case)?;
            unit.require_case(actor, Action::Propose, &case)?;
            let object = Object::new("case", new.case);
            match unit.stored_instance(&new.uid)? {
                Some(kept) if kept.object == new.object => {
                    let again = json!({ "id": new.uid, "digest": new.object, "again": true });
                    return Ok(Audited::new((), object, again));
                }
                Some(_) => {
                    return Err(RecordError::Conflict(
                        "another content was stored as this instance: give it a UID of its own"
                            .into(),
                    ));
                }
                None => {}
            }
            unit.insert_instance(actor, new)?;
            for proposal in proposals {
                unit.put_proposal(actor, proposal)?.append(unit, actor, Event::ProposalAdded)?;
            }
            let detail =
                json!({ "id": new.uid, "digest": new.object, "proposals": proposals.len() });
            Ok(Audited::new((), object, detail))
        })
    }
}

const COLUMNS: &str = "SELECT uid, series, class, object FROM stored_instance";

fn instance_of(row: &Row) -> Result<StoredInstance> {
    let object = row.text(3)?;
    let damaged = |error| RecordError::damaged("stored instance", object, error);
    Ok(StoredInstance {
        uid: row.parsed(0)?,
        series: row.parsed(1)?,
        class: row.parsed(2)?,
        object: object.parse().map_err(damaged)?,
    })
}

impl Unit<'_> {
    fn insert_instance(&mut self, actor: &Actor, new: &NewInstance) -> Result<()> {
        self.execute(
            "INSERT INTO stored_instance (uid, series, class, slide, object, stored_by, at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            &[
                (&new.uid).into(),
                (&new.series).into(),
                (&new.class).into(),
                new.slide.into(),
                new.object.to_string().into(),
                actor.user().into(),
                self.now().into(),
            ],
        )?;
        Ok(())
    }

    fn stored_instance(&mut self, uid: &InstanceUid) -> Result<Option<StoredInstance>> {
        let row = self.one(&format!("{COLUMNS} WHERE uid = ?1"), &[uid.into()])?;
        row.as_ref().map(instance_of).transpose()
    }

    /// What was stored about a slide, in the order of the identifiers.
    pub(crate) fn stored_instances(&mut self, slide: SlideId) -> Result<Vec<StoredInstance>> {
        let sql = format!("{COLUMNS} WHERE slide = ?1 ORDER BY uid");
        self.query(&sql, &[slide.into()])?.iter().map(instance_of).collect()
    }
}
