//! Which parts of a slide a reader had on the screen, at which power, for how long.

use bianque_core::{Level0, Magnification, PixelRect};
use serde_json::json;

use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    identity::{CaseId, SlideId},
    people::{Action, Actor},
    store::{Audited, Unit},
};

/// A part of a slide that was on the screen.
#[derive(Clone, Debug, PartialEq)]
pub struct SlideView {
    /// Where, in level-0 pixels.
    pub region: PixelRect<Level0>,
    /// At which power.
    pub magnification: Magnification,
    /// For how long, in milliseconds.
    pub milliseconds: u64,
}

/// The most views that are kept at once.
const MOST: usize = 500;
/// The most views of one reader and slide that are given back, the newest.
const MOST_READ: i64 = 20_000;

impl Record {
    /// Keeps what a reader had on the screen; at most 500 views at once. The case's reading is in
    /// the audit already.
    ///
    /// # Errors
    /// When the actor may not read the case, or the slide is another case's.
    pub fn keep_views(
        &self,
        actor: &Actor,
        case: CaseId,
        slide: SlideId,
        views: &[SlideView],
    ) -> Result<()> {
        if views.len() > MOST {
            return Err(RecordError::invalid("views", format!("more than {MOST} at once")));
        }
        self.writing(|unit| {
            unit.require_slide(actor, case, slide)?;
            let sql = "SELECT coalesce(max(ordinal), 0) FROM slide_view";
            let last = unit.one(sql, &[])?.map_or(Ok(0), |row| row.integer(0))?;
            for (ordinal, view) in (last + 1..).zip(views) {
                unit.execute(
                    "INSERT INTO slide_view (ordinal, slide, account, x, y, width, height, \
                     magnification, milliseconds, at) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                    &[
                        ordinal.into(),
                        slide.into(),
                        actor.user().into(),
                        view.region.x.into(),
                        view.region.y.into(),
                        view.region.width.into(),
                        view.region.height.into(),
                        view.magnification.power().into(),
                        i64::try_from(view.milliseconds).unwrap_or(i64::MAX).into(),
                        unit.now().into(),
                    ],
                )?;
            }
            Ok(())
        })
    }

    /// What the actor had on the screen of a slide, the oldest first; the newest 20,000 views.
    ///
    /// # Errors
    /// When the actor may not read the case, or the slide is another case's.
    pub fn views(&self, actor: &Actor, case: CaseId, slide: SlideId) -> Result<Vec<SlideView>> {
        let about = Object::new("slide", slide);
        self.reading_deed(actor, Action::ReadCase, Event::ViewsRead, &about, |unit| {
            unit.require_slide(actor, case, slide)?;
            let sql = "SELECT x, y, width, height, magnification, milliseconds FROM slide_view \
                       WHERE slide = ?1 AND account = ?2 ORDER BY ordinal DESC LIMIT ?3";
            let rows = unit.query(sql, &[slide.into(), actor.user().into(), MOST_READ.into()])?;
            let views: Result<Vec<_>> = rows.iter().rev().map(view_of).collect();
            Ok(Audited::new(views?, about.clone(), json!({ "case": case })))
        })
    }
}

fn view_of(row: &crate::database::Row) -> Result<SlideView> {
    let length = |column| -> Result<u32> { Ok(u32::try_from(row.integer(column)?).unwrap_or(0)) };
    let power = row.optional_real(4)?.and_then(Magnification::new);
    Ok(SlideView {
        region: PixelRect::new(row.integer(0)?, row.integer(1)?, length(2)?, length(3)?),
        magnification: power
            .ok_or_else(|| RecordError::damaged("view", "?", "its power is none"))?,
        milliseconds: u64::try_from(row.integer(5)?).unwrap_or(0),
    })
}

impl Unit<'_> {
    /// Refuses who may not read the case, and a slide of another one.
    pub(crate) fn require_slide(
        &mut self,
        actor: &Actor,
        case: CaseId,
        slide: SlideId,
    ) -> Result<()> {
        self.require(actor, Action::ReadCase)?;
        let known = self.case(case)?;
        self.require_case(actor, Action::ReadCase, &known)?;
        let sql = "SELECT id FROM slide WHERE id = ?1 AND laboratory_case = ?2";
        match self.one(sql, &[slide.into(), case.into()])? {
            Some(_) => Ok(()),
            None => Err(RecordError::not_found("slide of this case", slide)),
        }
    }
}
