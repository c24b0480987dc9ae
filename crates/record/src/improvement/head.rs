//! Heads that were refitted to decisions. Their weights lie among the objects.

use bianque_core::Digest;
use serde::Serialize;
use serde_json::json;

use super::Measured;
use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    canonical::canonical,
    database::{Database, Row},
    identity::{DecisionId, HeadId, Label, Moment, UserId},
    people::{Action, Actor, Role},
    store::{Audited, Unit},
};

/// A refitted head to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct NewHead {
    /// The task whose head it may become.
    pub task: Label,
    /// The digest of its weights.
    pub weights: Digest,
    /// The digest of the task's own head, to whose weights it was pulled.
    pub pulled_to: Digest,
    /// The digest of the head that was in use, with which it was compared.
    pub compared_with: Digest,
    /// What was measured.
    pub measured: Measured,
    /// The decisions that it learned from.
    pub learned: Vec<DecisionId>,
    /// The decisions that it was measured on.
    pub held_out: Vec<DecisionId>,
}

/// A refitted head as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RefittedHead {
    /// Its id.
    pub id: HeadId,
    /// The task whose head it may become.
    pub task: Label,
    /// The digest of its weights.
    pub weights: Digest,
    /// The digest of the task's own head, to whose weights it was pulled.
    pub pulled_to: Digest,
    /// The digest of the head that was in use, with which it was compared.
    pub compared_with: Digest,
    /// What was measured.
    pub measured: Measured,
    /// The decisions that it learned from.
    pub learned: Vec<DecisionId>,
    /// The decisions that it was measured on.
    pub held_out: Vec<DecisionId>,
    /// Who asked for it.
    pub asked_by: UserId,
    /// In which role.
    pub role: Role,
    /// When.
    pub at: Moment,
}

impl NewHead {
    fn check(&self) -> Result<()> {
        let sound = |agreement: &super::Agreement| {
            agreement.balanced.is_finite() && agreement.log_loss.is_finite()
        };
        if !(sound(&self.measured.before) && sound(&self.measured.after)) {
            return Err(RecordError::invalid("measures", "they are no numbers"));
        }
        if self.learned.is_empty() || self.held_out.is_empty() {
            let why = "a head learns from some decisions and is measured on others";
            return Err(RecordError::invalid("decisions", why));
        }
        Ok(())
    }
}

impl RefittedHead {
    fn digest(&self) -> Result<Digest> {
        let json = serde_json::to_value(self)
            .map_err(|error| RecordError::damaged("refitted head", self.id, error))?;
        Ok(Digest::of(canonical(&json).as_bytes()))
    }
}

impl Record {
    /// Keeps a head that was refitted. It is in use only once somebody activates it.
    ///
    /// # Errors
    /// When the actor may not, a decision is not there, or a measure is no number.
    pub fn keep_head(&self, actor: &Actor, new: &NewHead) -> Result<HeadId> {
        new.check()?;
        self.deed(actor, Action::Improve, Event::HeadRefitted, |unit| {
            let mut head = RefittedHead {
                id: HeadId::fresh(unit.now())?,
                task: new.task.clone(),
                weights: new.weights,
                pulled_to: new.pulled_to,
                compared_with: new.compared_with,
                measured: new.measured.clone(),
                learned: new.learned.clone(),
                held_out: new.held_out.clone(),
                asked_by: actor.user(),
                role: actor.role(),
                at: unit.now(),
            };
            // As they come back: the digest is of what is stored.
            head.learned.sort_unstable();
            head.held_out.sort_unstable();
            let digest = unit.insert_head(&head)?;
            let detail = json!({
                "id": head.id, "digest": digest, "task": head.task, "weights": head.weights,
                "learned": head.learned.len(), "held_out": head.held_out.len(),
            });
            Ok(Audited::new(head.id, Object::new("head", head.id), detail))
        })
    }

    /// A task's refitted heads, the newest first; at most 50.
    ///
    /// # Errors
    /// When the actor may not.
    pub fn heads(&self, actor: &Actor, task: &Label) -> Result<Vec<RefittedHead>> {
        self.reading(|unit| {
            unit.require(actor, Action::ActivateHead)?;
            let sql = format!("{SELECT} WHERE task = ?1 ORDER BY id DESC LIMIT 50");
            let rows = unit.query(&sql, &[task.into()])?;
            rows.iter().map(|row| unit.head_of(row)).collect()
        })
    }

    /// A refitted head.
    ///
    /// # Errors
    /// When the actor may not, or there is none.
    pub fn head(&self, actor: &Actor, id: HeadId) -> Result<RefittedHead> {
        self.reading(|unit| {
            unit.require(actor, Action::ActivateHead)?;
            unit.head(id)
        })
    }
}

const SELECT: &str = "SELECT id, task, weights, pulled_to, compared_with, measured, asked_by, \
    role, at FROM refitted_head";

impl Unit<'_> {
    pub(super) fn head(&mut self, id: HeadId) -> Result<RefittedHead> {
        let row = self.one(&format!("{SELECT} WHERE id = ?1"), &[id.into()])?;
        self.head_of(&row.ok_or_else(|| RecordError::not_found("refitted head", id))?)
    }

    fn insert_head(&mut self, head: &RefittedHead) -> Result<Digest> {
        let measured = serde_json::to_value(&head.measured)
            .map_err(|error| RecordError::invalid("measures", error.to_string()))?;
        let digest = head.digest()?;
        self.execute(
            "INSERT INTO refitted_head (id, task, weights, pulled_to, compared_with, measured, \
             asked_by, role, at, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            &[
                head.id.into(),
                (&head.task).into(),
                head.weights.to_string().into(),
                head.pulled_to.to_string().into(),
                head.compared_with.to_string().into(),
                canonical(&measured).into(),
                head.asked_by.into(),
                head.role.name().into(),
                head.at.into(),
                digest.to_string().into(),
            ],
        )?;
        let learned = head.learned.iter().map(|decision| (*decision, false));
        let held_out = head.held_out.iter().map(|decision| (*decision, true));
        for (decision, held_out) in learned.chain(held_out) {
            self.decision(decision)?;
            self.execute(
                "INSERT INTO refitted_head_decision (head, decision, held_out) \
                 VALUES (?1, ?2, ?3)",
                &[head.id.into(), decision.into(), held_out.into()],
            )?;
        }
        Ok(digest)
    }

    fn head_of(&mut self, row: &Row) -> Result<RefittedHead> {
        let id: HeadId = row.parsed(0)?;
        let digest = |column| -> Result<Digest> {
            row.text(column)?
                .parse()
                .map_err(|error| RecordError::damaged("refitted head", id, error))
        };
        let measured = serde_json::from_str(row.text(5)?)
            .map_err(|error| RecordError::damaged("refitted head", id, error))?;
        let (mut learned, mut held_out) = (Vec::new(), Vec::new());
        let sql = "SELECT decision, held_out FROM refitted_head_decision WHERE head = ?1 \
                   ORDER BY decision";
        for row in self.query(sql, &[id.into()])? {
            let part = if row.integer(1)? == 1 { &mut held_out } else { &mut learned };
            part.push(row.parsed(0)?);
        }
        Ok(RefittedHead {
            id,
            task: row.parsed(1)?,
            weights: digest(2)?,
            pulled_to: digest(3)?,
            compared_with: digest(4)?,
            measured,
            learned,
            held_out,
            asked_by: row.parsed(6)?,
            role: row.parsed(7)?,
            at: Moment::from_microseconds(row.integer(8)?),
        })
    }
}

/// The digest of a refitted head as it is stored now; `None` when it is gone.
pub(crate) fn head_digest(database: &mut dyn Database, id: &str) -> Result<Option<String>> {
    let mut unit = Unit::new(database, Moment::from_microseconds(0));
    match unit.head(id.parse()?) {
        Ok(found) => Ok(Some(found.digest()?.to_string())),
        Err(RecordError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
