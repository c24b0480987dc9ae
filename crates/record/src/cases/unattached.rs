//! Slides that came alone and were not put together with others.

use serde::Serialize;
use serde_json::json;

use super::{
    Case, Slide,
    case::{COLUMNS, case_of},
};
use crate::{
    Record, Result,
    audit::{Event, Object},
    identity::{CaseId, CaseNumber},
    people::{Action, Actor},
    store::{Audited, Unit},
};

/// Cases of one slide about which nobody has decided anything, so that it may be put elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnattachedPage {
    /// The cases, the oldest first, each with its slide.
    pub items: Vec<(Case, Slide)>,
    /// Behind which case the next page begins, if there is one.
    pub next: Option<CaseId>,
}

impl Record {
    /// Cases of one slide that may be put together, the oldest first; at most 100 at once.
    ///
    /// # Errors
    /// When the actor may not register material.
    pub fn unattached(
        &self,
        actor: &Actor,
        after: Option<CaseId>,
        limit: u32,
    ) -> Result<UnattachedPage> {
        self.deed(actor, Action::Register, Event::WorklistRead, |unit| {
            let limit = limit.clamp(1, 100);
            let page = unit.unattached_page(after, limit)?;
            let seen: Vec<CaseId> = page.items.iter().map(|(case, _)| case.id).collect();
            let object = Object::new("worklist", "unattached");
            Ok(Audited::new(page, object, json!({ "cases": seen })))
        })
    }
}

impl Record {
    /// The case of a number, if there is one. For whoever registers material.
    ///
    /// # Errors
    /// When the actor may not.
    pub fn case_numbered(&self, actor: &Actor, number: &CaseNumber) -> Result<Option<Case>> {
        self.reading(|unit| {
            unit.require(actor, Action::Register)?;
            let sql = format!("SELECT {COLUMNS} FROM laboratory_case c WHERE c.number = ?1");
            unit.one(&sql, &[number.into()])?.as_ref().map(case_of).transpose()
        })
    }
}

impl Unit<'_> {
    fn unattached_page(&mut self, after: Option<CaseId>, limit: u32) -> Result<UnattachedPage> {
        let sql = format!(
            "SELECT {COLUMNS} FROM laboratory_case c \
             WHERE c.status = 'open' AND c.emptied IS NULL AND c.id > ?1 \
             AND (SELECT count(*) FROM slide s WHERE s.laboratory_case = c.id) = 1 \
             AND NOT EXISTS (SELECT 1 FROM proposal_state p JOIN decision d \
                 ON d.proposal = p.proposal WHERE p.laboratory_case = c.id) \
             ORDER BY c.id LIMIT ?2"
        );
        let after = after.map_or(String::new(), |id| id.to_string());
        let rows = self.query(&sql, &[after.into(), (limit + 1).into()])?;
        let mut items = Vec::new();
        for row in rows.iter().take(limit as usize) {
            let case = case_of(row)?;
            if let Some(slide) = self.slides(case.id)?.into_iter().next() {
                items.push((case, slide));
            }
        }
        let more = rows.len() > limit as usize;
        let next = items.last().filter(|_| more).map(|(case, _)| case.id);
        Ok(UnattachedPage { items, next })
    }
}
