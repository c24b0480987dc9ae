//! Which head a task uses: the last activation's, or the task's own where there was none.

use bianque_core::Digest;
use serde::Serialize;
use serde_json::json;

use super::RefittedHead;
use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    canonical::canonical,
    database::{Database, Row},
    identity::{HeadId, Label, Moment, Reason, UserId},
    people::{Action, Actor, Role},
    store::{Audited, Unit},
};

/// That a head came into use.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Activation {
    /// Its number.
    pub ordinal: i64,
    /// Whose head.
    pub task: Label,
    /// Which refitted head; `None` for the task's own.
    pub head: Option<HeadId>,
    /// Why, where it had to be said.
    pub reason: Option<Reason>,
    /// Who put it into use.
    pub activated_by: UserId,
    /// In which role.
    pub role: Role,
    /// When.
    pub at: Moment,
}

impl Activation {
    fn digest(&self) -> Result<Digest> {
        let json = serde_json::to_value(self)
            .map_err(|error| RecordError::damaged("activation", self.ordinal, error))?;
        Ok(Digest::of(canonical(&json).as_bytes()))
    }
}

impl Record {
    /// Puts a refitted head into use, or, with `None`, the task's own again. A reason is needed to
    /// go back to the task's own head, for a head that is worse on the held-out decisions, and for
    /// one that was compared with another head than the one in use.
    ///
    /// # Errors
    /// When the actor may not, the head is another task's or in use already, or a reason is
    /// missing.
    pub fn activate_head(
        &self,
        actor: &Actor,
        task: &Label,
        head: Option<HeadId>,
        reason: Option<&Reason>,
    ) -> Result<()> {
        self.deed(actor, Action::ActivateHead, Event::HeadActivated, |unit| {
            let current = unit.activation(task)?.and_then(|activation| activation.head);
            if current == head {
                return Err(RecordError::Conflict("this head is in use already".to_owned()));
            }
            if let Some(why) = unit.reason_needed(task, current, head)?
                && reason.is_none()
            {
                return Err(RecordError::Conflict(format!("{why}: say why all the same")));
            }
            let row = unit.one("SELECT coalesce(max(ordinal), 0) + 1 FROM head_activation", &[])?;
            let activation = Activation {
                ordinal: row.map_or(Ok(1), |row| row.integer(0))?,
                task: task.clone(),
                head,
                reason: reason.cloned(),
                activated_by: actor.user(),
                role: actor.role(),
                at: unit.now(),
            };
            let digest = unit.insert_activation(&activation)?;
            let detail = json!({
                "id": activation.ordinal.to_string(), "digest": digest, "head": head,
                "before": current, "reason": activation.reason,
            });
            Ok(Audited::new((), Object::new("task", task), detail))
        })
    }

    /// The refitted head that a task uses, if it does not use its own.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn active_head(&self, task: &Label) -> Result<Option<RefittedHead>> {
        self.reading(|unit| {
            let head = unit.activation(task)?.and_then(|activation| activation.head);
            head.map(|id| unit.head(id)).transpose()
        })
    }

    /// Which heads a task has used, the newest first; at most 50.
    ///
    /// # Errors
    /// When the actor may not.
    pub fn activations(&self, actor: &Actor, task: &Label) -> Result<Vec<Activation>> {
        self.reading(|unit| {
            unit.require(actor, Action::ActivateHead)?;
            let sql = format!("{SELECT} WHERE task = ?1 ORDER BY ordinal DESC LIMIT 50");
            unit.query(&sql, &[task.into()])?.iter().map(activation_of).collect()
        })
    }
}

const SELECT: &str =
    "SELECT ordinal, task, head, reason, activated_by, role, at FROM head_activation";

fn activation_of(row: &Row) -> Result<Activation> {
    Ok(Activation {
        ordinal: row.integer(0)?,
        task: row.parsed(1)?,
        head: row.optional_text(2)?.map(str::parse).transpose()?,
        reason: row.optional_text(3)?.map(str::parse).transpose()?,
        activated_by: row.parsed(4)?,
        role: row.parsed(5)?,
        at: Moment::from_microseconds(row.integer(6)?),
    })
}

impl Unit<'_> {
    fn activation(&mut self, task: &Label) -> Result<Option<Activation>> {
        let sql = format!("{SELECT} WHERE task = ?1 ORDER BY ordinal DESC LIMIT 1");
        self.one(&sql, &[task.into()])?.as_ref().map(activation_of).transpose()
    }

    /// What speaks against a change of heads, if anything does.
    fn reason_needed(
        &mut self,
        task: &Label,
        current: Option<HeadId>,
        head: Option<HeadId>,
    ) -> Result<Option<&'static str>> {
        let Some(id) = head else {
            return Ok(Some("this takes what was learned from decisions out of use"));
        };
        let wanted = self.head(id)?;
        if wanted.task != *task {
            return Err(RecordError::Conflict(format!(
                "the head was refitted for the task {}, not for {task}",
                wanted.task
            )));
        }
        let in_use = current.map(|id| self.head(id)).transpose()?;
        let in_use = in_use.map_or(wanted.pulled_to, |head| head.weights);
        Ok(if wanted.measured.is_worse() {
            Some("the head is worse on the held-out decisions than the one that it was to replace")
        } else if wanted.compared_with != in_use {
            Some("the head was compared with another one than the one in use")
        } else {
            None
        })
    }

    fn insert_activation(&mut self, activation: &Activation) -> Result<Digest> {
        self.execute(
            "INSERT INTO head_activation (ordinal, task, head, reason, activated_by, role, at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            &[
                activation.ordinal.into(),
                (&activation.task).into(),
                activation.head.into(),
                activation.reason.as_ref().map(Reason::as_str).into(),
                activation.activated_by.into(),
                activation.role.name().into(),
                activation.at.into(),
            ],
        )?;
        activation.digest()
    }
}

/// The digest of an activation as it is stored now; `None` when it is gone.
pub(crate) fn activation_digest(database: &mut dyn Database, id: &str) -> Result<Option<String>> {
    let ordinal: i64 = id.parse().unwrap_or(0);
    let rows = database.query(&format!("{SELECT} WHERE ordinal = ?1"), &[ordinal.into()])?;
    let digest = |row: &Row| Ok(activation_of(row)?.digest()?.to_string());
    rows.first().map(digest).transpose()
}
