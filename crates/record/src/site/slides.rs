//! Slides by what their files hold: whether one is registered, and who may open it.

use bianque_core::Digest;
use serde_json::json;

use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    cases::{Slide, SlidePath},
    identity::{CaseId, SlideId},
    people::{Action, Actor},
    store::{Audited, Unit},
};

/// A slide and the case that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedSlide {
    /// The slide.
    pub slide: SlideId,
    /// Its case.
    pub case: CaseId,
    /// The digest of its file.
    pub digest: Digest,
    /// Where the file lay when it was registered.
    pub path: SlidePath,
    /// Whether a person has put it into its case, and no program.
    pub by_hand: bool,
}

impl Record {
    /// Slides that are registered with a file of this digest.
    ///
    /// # Errors
    /// When the actor may not register material.
    pub fn slides_of_digest(&self, actor: &Actor, digest: Digest) -> Result<Vec<PlacedSlide>> {
        self.reading(|unit| {
            unit.require(actor, Action::Register)?;
            unit.placed_slides(digest)
        })
    }

    /// Lets somebody open the pictures of a file: those of a case that the actor may read, or of no
    /// case yet, for whoever registers material.
    ///
    /// # Errors
    /// When the actor may not; that is in the audit.
    pub fn open_slide(&self, actor: &Actor, digest: Digest) -> Result<()> {
        self.deed(actor, Action::ReadCase, Event::SlideOpened, |unit| {
            let placed = unit.placed_slides(digest)?;
            if placed.is_empty() && !actor.role().may(Action::Register) {
                return Err(RecordError::not_found("registered slide", digest));
            }
            let mut refused = None;
            let mut object = Object::new("slide-file", digest.short());
            for slide in placed {
                let case = unit.case(slide.case)?;
                match unit.require_case(actor, Action::ReadCase, &case) {
                    Ok(()) => {
                        refused = None;
                        object = Object::new("case", slide.case);
                        break;
                    }
                    Err(error) => refused = Some(error),
                }
            }
            if let Some(error) = refused {
                return Err(error);
            }
            Ok(Audited::new((), object, json!({ "file": digest.short() })))
        })
    }

    /// Says in the audit that slides of the folder are listed, once in ten minutes by reader and
    /// kind of list; to be asked before the list is given.
    ///
    /// # Errors
    /// When the actor's role reads no case.
    pub fn note_listing(&self, actor: &Actor, list: &'static str) -> Result<()> {
        let about = Object::new("slides", list);
        self.reading_deed(actor, Action::ReadCase, Event::SlidesListed, &about, |_| {
            Ok(Audited::new((), about.clone(), json!({})))
        })
    }

    /// The slides of a case that the actor may read. It goes with the case's reading.
    ///
    /// # Errors
    /// When the actor may not read the case.
    pub fn slides_of_case(&self, actor: &Actor, case: CaseId) -> Result<Vec<Slide>> {
        let about = Object::new("case", case);
        self.reading_deed(actor, Action::ReadCase, Event::CaseRead, &about, |unit| {
            let known = unit.case(case)?;
            unit.require_case(actor, Action::ReadCase, &known)?;
            let slides = unit.slides(case)?;
            Ok(Audited::new(slides, about.clone(), json!({ "part": "slides" })))
        })
    }

    /// A slide of a case that the actor may read.
    ///
    /// # Errors
    /// When the actor may not read the case, or the slide is another case's.
    pub fn slide_of_case(
        &self,
        actor: &Actor,
        case: CaseId,
        slide: SlideId,
    ) -> Result<PlacedSlide> {
        let about = Object::new("slide", slide);
        self.reading_deed(actor, Action::ReadCase, Event::SlideOpened, &about, |unit| {
            unit.require_slide(actor, case, slide)?;
            let sql = "SELECT digest, path, placed_by FROM slide WHERE id = ?1";
            let row = unit.one(sql, &[slide.into()])?;
            let row = row.ok_or_else(|| RecordError::not_found("slide", slide))?;
            let by_hand = row.optional_text(2)?.is_some();
            let (digest, path) = (digest_of(row.text(0)?)?, row.parsed(1)?);
            let placed = PlacedSlide { slide, case, digest, path, by_hand };
            Ok(Audited::new(placed, about.clone(), json!({ "case": case })))
        })
    }
}

fn digest_of(text: &str) -> Result<Digest> {
    text.parse().map_err(|error| RecordError::damaged("digest", text, error))
}

impl Unit<'_> {
    pub(crate) fn placed_slides(&mut self, digest: Digest) -> Result<Vec<PlacedSlide>> {
        let sql =
            "SELECT id, laboratory_case, path, placed_by FROM slide WHERE digest = ?1 ORDER BY id";
        let rows = self.query(sql, &[digest.to_string().into()])?;
        rows.iter()
            .map(|row| {
                let (slide, case) = (row.parsed(0)?, row.parsed(1)?);
                let by_hand = row.optional_text(3)?.is_some();
                Ok(PlacedSlide { slide, case, digest, path: row.parsed(2)?, by_hand })
            })
            .collect()
    }
}
