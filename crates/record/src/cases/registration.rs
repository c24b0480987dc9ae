//! A slide that comes alone: its case, specimen, block and itself in one deed.

use serde_json::json;

use super::{NewCase, NewSlide};
use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    identity::{BlockId, CaseId, Label, SlideId, SpecimenId},
    people::{Action, Actor},
    store::Audited,
};

/// What a slide that comes alone is registered as.
#[derive(Clone, Debug)]
pub struct LoneSlide {
    /// Its case.
    pub case: NewCase,
    /// The specimen's label.
    pub specimen: Label,
    /// The organ.
    pub organ: Label,
    /// The block's label.
    pub block: Label,
    /// The slide itself.
    pub slide: NewSlide,
}

impl Record {
    /// Registers a slide with a case of its own: all of it, or nothing.
    ///
    /// # Errors
    /// When the actor may not, or the case's number is taken.
    pub fn register_lone_slide(&self, actor: &Actor, new: &LoneSlide) -> Result<(CaseId, SlideId)> {
        self.deed(actor, Action::Register, Event::CaseAdded, |unit| {
            let case = unit.insert_case(&new.case)?;
            let now = unit.now();
            let (specimen, block) = (SpecimenId::fresh(now)?, BlockId::fresh(now)?);
            let slide = SlideId::fresh(now)?;
            unit.execute(
                "INSERT INTO specimen (id, laboratory_case, label, organ) VALUES (?1, ?2, ?3, ?4)",
                &[specimen.into(), case.into(), (&new.specimen).into(), (&new.organ).into()],
            )?;
            unit.execute(
                "INSERT INTO block (id, specimen, label) VALUES (?1, ?2, ?3)",
                &[block.into(), specimen.into(), (&new.block).into()],
            )?;
            unit.insert_slide(slide, block, case, &new.slide)?;
            let mut detail = new.case.detail();
            detail["slide"] = json!(slide);
            detail["digest"] = json!(new.slide.digest);
            Ok(Audited::new((case, slide), Object::new("case", case), detail))
        })
    }
}

impl crate::store::Unit<'_> {
    /// A case's row, and its patient's when the pseudonym is new.
    pub(super) fn insert_case(&mut self, new: &NewCase) -> Result<CaseId> {
        let taken = "SELECT id FROM laboratory_case WHERE number = ?1";
        if self.one(taken, &[(&new.number).into()])?.is_some() {
            let what = format!("the case number '{}' is taken", new.number);
            return Err(RecordError::Conflict(what));
        }
        self.require_clinician(new.requested_by)?;
        let now = self.now();
        let id = CaseId::fresh(now)?;
        self.execute(
            "INSERT INTO patient (pseudonym, created) VALUES (?1, ?2) \
             ON CONFLICT (pseudonym) DO NOTHING",
            &[(&new.patient).into(), now.into()],
        )?;
        self.execute(
            "INSERT INTO laboratory_case (id, number, pseudonym, status, reading, \
             quality_rank, urgency_rank, requested_by, created, undecided) \
             VALUES (?1, ?2, ?3, 'open', ?4, 1, ?5, ?6, ?7, 0)",
            &[
                id.into(),
                (&new.number).into(),
                (&new.patient).into(),
                new.reading.name().into(),
                new.urgency.rank().into(),
                new.requested_by.into(),
                now.into(),
            ],
        )?;
        Ok(id)
    }

    /// A slide's row.
    pub(super) fn insert_slide(
        &mut self,
        id: SlideId,
        block: BlockId,
        case: CaseId,
        new: &NewSlide,
    ) -> Result<()> {
        self.execute(
            "INSERT INTO slide (id, block, laboratory_case, label, stain, digest, path) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            &[
                id.into(),
                block.into(),
                case.into(),
                (&new.label).into(),
                (&new.stain).into(),
                new.digest.to_string().into(),
                new.path.as_str().into(),
            ],
        )?;
        Ok(())
    }
}
