//! Which slides make a case: put together, put in, taken out. A slide moves with all that machines
//! said of it, as long as nobody has decided anything about that.

use std::collections::BTreeSet;

use bianque_core::Digest;
use serde_json::{Value as Json, json};

use super::{Case, NewCase, NewSlide, SlidePath, Status};
use crate::{
    Record, RecordError, Result,
    audit::{Event, Object, Outcome},
    identity::{BlockId, CaseId, Label, SlideId, SpecimenId},
    people::{Action, Actor, Role},
    proposals::{Evidence, ProposalWithState},
    store::{Audited, Unit},
};

/// Where in a case a slide belongs. Specimens and blocks of the same label are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlidePlace {
    /// The specimen's label.
    pub specimen: Label,
    /// The organ or place that the specimen is from.
    pub organ: Label,
    /// The block's label.
    pub block: Label,
    /// The slide's label; no two slides of a case have the same.
    pub label: Label,
    /// The slide's stain.
    pub stain: Label,
}

/// A slide that is to be put into a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// One that is registered, in whatever case.
    Registered(SlideId),
    /// A file that is not registered yet.
    File {
        /// The digest of the file.
        digest: Digest,
        /// Where it lies.
        path: SlidePath,
    },
}

/// The most slides that are put into a case at once.
const MOST: usize = 200;

impl Record {
    /// Registers a case and puts slides into it: all of it, or nothing.
    ///
    /// # Errors
    /// When the actor may not, the number is taken, or a slide cannot be moved: somebody has decided
    /// about it, or its case is signed.
    pub fn put_together(
        &self,
        actor: &Actor,
        new: &NewCase,
        pieces: &[(Piece, SlidePlace)],
    ) -> Result<CaseId> {
        require_some(pieces)?;
        self.deed(actor, Action::Register, Event::CaseAdded, |unit| {
            let case = unit.insert_case(new)?;
            let slides = unit.place_all(actor, case, pieces)?;
            let detail = json!({
                "number": new.number, "reading": new.reading, "patient": new.patient,
                "requested_by": new.requested_by, "slides": slides,
            });
            Ok(Audited::new(case, Object::new("case", case), detail))
        })
    }

    /// Puts slides into a case: all of them, or none.
    ///
    /// # Errors
    /// As [`Record::put_together`], and when the case is signed.
    pub fn put_in(
        &self,
        actor: &Actor,
        case: CaseId,
        pieces: &[(Piece, SlidePlace)],
    ) -> Result<()> {
        require_some(pieces)?;
        self.deed(actor, Action::Register, Event::MaterialAdded, |unit| {
            let slides = unit.place_all(actor, case, pieces)?;
            Ok(Audited::new((), Object::new("case", case), json!({ "slides": slides })))
        })
    }

    /// Takes a slide out into a case of its own: the emptied one of that number and patient where
    /// there is one, else a new one. Organ and stain stay as they are known.
    ///
    /// # Errors
    /// When the actor may not, the slide cannot be moved, or another case has the number.
    pub fn take_out(
        &self,
        actor: &Actor,
        case: CaseId,
        slide: SlideId,
        alone: &NewCase,
    ) -> Result<CaseId> {
        self.deed(actor, Action::Register, Event::MaterialAdded, |unit| {
            let sql = "SELECT s.stain, p.organ FROM slide s JOIN block b ON b.id = s.block \
                       JOIN specimen p ON p.id = b.specimen \
                       WHERE s.id = ?1 AND s.laboratory_case = ?2";
            let row = unit.one(sql, &[slide.into(), case.into()])?;
            let row = row.ok_or_else(|| RecordError::not_found("slide of this case", slide))?;
            let place = SlidePlace {
                specimen: "A".parse()?,
                organ: row.parsed(1)?,
                block: "A1".parse()?,
                label: "A1-1".parse()?,
                stain: row.parsed(0)?,
            };
            let own = unit.own_case(case, alone)?;
            unit.place(actor, own, &Piece::Registered(slide), &place)?;
            let detail = json!({ "slides": [{ "slide": slide }], "from": case });
            Ok(Audited::new(own, Object::new("case", own), detail))
        })
    }
}

fn require_some(pieces: &[(Piece, SlidePlace)]) -> Result<()> {
    if (1..=MOST).contains(&pieces.len()) {
        return Ok(());
    }
    Err(RecordError::invalid("slides", format!("1 to {MOST} are put into a case at once")))
}

impl Unit<'_> {
    /// The case that a slide gets for itself.
    fn own_case(&mut self, from: CaseId, alone: &NewCase) -> Result<CaseId> {
        let sql = "SELECT id FROM laboratory_case WHERE number = ?1";
        let Some(row) = self.one(sql, &[(&alone.number).into()])? else {
            return self.insert_case(alone);
        };
        let earlier = self.case(row.parsed(0)?)?;
        if earlier.id == from {
            return Err(RecordError::Conflict("the slide is in a case of its own".into()));
        }
        if !earlier.is_emptied {
            let what = format!("the case number '{}' is taken", alone.number);
            return Err(RecordError::Conflict(what));
        }
        Ok(earlier.id)
    }

    fn place_all(
        &mut self,
        actor: &Actor,
        case: CaseId,
        pieces: &[(Piece, SlidePlace)],
    ) -> Result<Vec<Json>> {
        let place = |(piece, place): &(Piece, SlidePlace)| {
            let slide = self.place(actor, case, piece, place)?;
            Ok(match piece {
                Piece::Registered(_) => json!({ "slide": slide }),
                Piece::File { digest, .. } => json!({ "slide": slide, "digest": digest }),
            })
        };
        pieces.iter().map(place).collect()
    }

    fn place(
        &mut self,
        actor: &Actor,
        case: CaseId,
        piece: &Piece,
        place: &SlidePlace,
    ) -> Result<SlideId> {
        let target = self.case(case)?;
        require_open(&target)?;
        self.require_not_fixed(&target)?;
        let from = match piece {
            Piece::Registered(slide) => Some(self.case_of_slide(*slide)?),
            Piece::File { .. } => None,
        };
        if let (Piece::Registered(slide), Some(from)) = (piece, from)
            && from != case
        {
            self.require_movable(from, *slide)?;
        }
        let taken = "SELECT id FROM slide WHERE laboratory_case = ?1 AND label = ?2";
        let taken = self.one(taken, &[case.into(), (&place.label).into()])?;
        let taken: Option<SlideId> = taken.map(|row| row.parsed(0)).transpose()?;
        if taken.is_some_and(|taken| *piece != Piece::Registered(taken)) {
            let what = format!("case {} has a slide '{}' already", target.number, place.label);
            return Err(RecordError::Conflict(what));
        }
        let specimen = self.specimen_named(&target, place)?;
        let block = self.block_named(specimen, &place.block)?;
        let slide = match piece {
            Piece::Registered(slide) => {
                self.move_slide(*slide, block, case, place)?;
                *slide
            }
            Piece::File { digest, path } => {
                let slide = SlideId::fresh(self.now())?;
                let (label, stain) = (place.label.clone(), place.stain.clone());
                let new = NewSlide { label, stain, digest: *digest, path: path.clone() };
                self.insert_slide(slide, block, case, &new)?;
                slide
            }
        };
        let by = (actor.role() != Role::Program).then(|| actor.user());
        let sql = "UPDATE slide SET placed_by = ?2 WHERE id = ?1";
        self.execute(sql, &[slide.into(), by.into()])?;
        let sql = "UPDATE laboratory_case SET emptied = NULL WHERE id = ?1";
        self.execute(sql, &[case.into()])?;
        if let Some(from) = from.filter(|from| *from != case) {
            self.leave(actor, from, case, slide)?;
        }
        Ok(slide)
    }

    fn case_of_slide(&mut self, slide: SlideId) -> Result<CaseId> {
        let sql = "SELECT laboratory_case FROM slide WHERE id = ?1";
        let row = self.one(sql, &[slide.into()])?;
        row.ok_or_else(|| RecordError::not_found("slide", slide))?.parsed(0)
    }

    /// Refuses to move what somebody has decided about, and what others of its case rest on.
    fn require_movable(&mut self, from: CaseId, slide: SlideId) -> Result<()> {
        let source = self.case(from)?;
        require_open(&source)?;
        self.require_not_fixed(&source)?;
        let sql = "SELECT d.id FROM decision d JOIN proposal p ON p.id = d.proposal \
                   WHERE p.slide = ?1 LIMIT 1";
        if self.one(sql, &[slide.into()])?.is_some() {
            let what = format!(
                "somebody has decided about a slide of case {}: it stays where it is",
                source.number
            );
            return Err(RecordError::Conflict(what));
        }
        if self.proposals_of(from)?.iter().any(|proposal| ties(proposal, slide)) {
            let what = format!(
                "a proposal of case {} rests on this slide and on others: it stays where it is",
                source.number
            );
            return Err(RecordError::Conflict(what));
        }
        Ok(())
    }

    /// A reading that was fixed is of certain slides.
    fn require_not_fixed(&mut self, case: &Case) -> Result<()> {
        if !self.has_unaided_reading(case.id)? {
            return Ok(());
        }
        let what = format!("somebody has read case {} already: its slides stay", case.number);
        Err(RecordError::Conflict(what))
    }

    fn specimen_named(&mut self, case: &Case, place: &SlidePlace) -> Result<SpecimenId> {
        let sql = "SELECT p.id, p.organ, (SELECT count(*) FROM slide s \
                   JOIN block b ON b.id = s.block WHERE b.specimen = p.id) \
                   FROM specimen p WHERE p.laboratory_case = ?1 AND p.label = ?2 ORDER BY p.id";
        let found = self.one(sql, &[case.id.into(), (&place.specimen).into()])?;
        let Some(row) = found else {
            let id = SpecimenId::fresh(self.now())?;
            self.execute(
                "INSERT INTO specimen (id, laboratory_case, label, organ) VALUES (?1, ?2, ?3, ?4)",
                &[id.into(), case.id.into(), (&place.specimen).into(), (&place.organ).into()],
            )?;
            return Ok(id);
        };
        let id: SpecimenId = row.parsed(0)?;
        if row.text(1)? == place.organ.as_str() {
            return Ok(id);
        }
        if row.integer(2)? > 0 {
            return Err(RecordError::Conflict(format!(
                "specimen '{}' of case {} is of another organ, '{}'",
                place.specimen,
                case.number,
                row.text(1)?
            )));
        }
        let sql = "UPDATE specimen SET organ = ?2 WHERE id = ?1";
        self.execute(sql, &[id.into(), (&place.organ).into()])?;
        Ok(id)
    }

    fn block_named(&mut self, specimen: SpecimenId, label: &Label) -> Result<BlockId> {
        let sql = "SELECT id FROM block WHERE specimen = ?1 AND label = ?2 ORDER BY id";
        if let Some(row) = self.one(sql, &[specimen.into(), label.into()])? {
            return row.parsed(0);
        }
        let id = BlockId::fresh(self.now())?;
        let sql = "INSERT INTO block (id, specimen, label) VALUES (?1, ?2, ?3)";
        self.execute(sql, &[id.into(), specimen.into(), label.into()])?;
        Ok(id)
    }

    fn move_slide(
        &mut self,
        slide: SlideId,
        block: BlockId,
        case: CaseId,
        place: &SlidePlace,
    ) -> Result<()> {
        self.execute(
            "UPDATE slide SET block = ?2, laboratory_case = ?3, label = ?4, stain = ?5 \
             WHERE id = ?1",
            &[
                slide.into(),
                block.into(),
                case.into(),
                (&place.label).into(),
                (&place.stain).into(),
            ],
        )?;
        self.execute(
            "UPDATE proposal_state SET laboratory_case = ?2 \
             WHERE proposal IN (SELECT id FROM proposal WHERE slide = ?1)",
            &[slide.into(), case.into()],
        )?;
        Ok(())
    }

    /// What the case that a slide has left is now. Who was shown there what machines say has seen it
    /// here too.
    fn leave(&mut self, actor: &Actor, from: CaseId, to: CaseId, slide: SlideId) -> Result<()> {
        self.execute(
            "INSERT INTO reveal (laboratory_case, account, at) \
             SELECT ?2, account, ?3 FROM reveal WHERE laboratory_case = ?1 \
             ON CONFLICT (laboratory_case, account) DO NOTHING",
            &[from.into(), to.into(), self.now().into()],
        )?;
        self.execute(
            "UPDATE laboratory_case SET emptied = ?2 WHERE id = ?1 AND NOT EXISTS \
             (SELECT 1 FROM slide s WHERE s.laboratory_case = ?1)",
            &[from.into(), self.now().into()],
        )?;
        self.recount(from)?;
        self.recount(to)?;
        let detail: Json = json!({ "slide": slide, "to": to });
        let (who, object) = (actor.user().to_string(), Object::new("case", from));
        self.append_entry(&who, actor.role(), Event::SlideMoved, Outcome::Done, &object, &detail)
    }
}

fn require_open(case: &Case) -> Result<()> {
    if case.status == Status::Open {
        return Ok(());
    }
    let what = format!("case {} was signed: its slides stay as they are", case.number);
    Err(RecordError::Conflict(what))
}

/// Whether a proposal speaks of a slide and of another one too.
fn ties(proposal: &ProposalWithState, slide: SlideId) -> bool {
    let mut spoken: BTreeSet<SlideId> = proposal.proposal.slide.into_iter().collect();
    spoken.extend(proposal.proposal.evidence.iter().filter_map(|evidence| match evidence {
        Evidence::SlideRegion { slide, .. } => Some(*slide),
        Evidence::ReportLine { .. } | Evidence::Passage { .. } | Evidence::Features { .. } => None,
    }));
    spoken.contains(&slide) && (spoken.len() > 1 || proposal.proposal.slide.is_none())
}
