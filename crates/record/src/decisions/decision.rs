//! A decision as it is given and as it is kept.

use std::time::Duration;

use bianque_core::{Digest, Level0, Magnification, PixelRect};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Change, difference};
use crate::{
    RecordError, Result,
    canonical::canonical,
    database::{Database, Row},
    identity::{DecisionId, Moment, ProposalId, Reason, RequestKey, SlideId, UserId},
    names::named,
    people::Role,
    proposals::{Content, Settled},
    store::Unit,
};

/// What a person looked at before deciding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Viewed {
    /// Which slide.
    pub slide: SlideId,
    /// Where, in level-0 pixels.
    pub region: PixelRect<Level0>,
    /// At which power.
    pub magnification: Magnification,
}

/// What a person decides.
#[derive(Clone, Debug)]
pub enum Judgement {
    /// It is so, as it was proposed.
    Accept,
    /// It is so, with this content in place of the old.
    Correct(Content),
    /// It is not so, because.
    Refuse(Reason),
    /// Not now, because.
    Defer(Reason),
}

/// What a decision says, without its content.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It is so.
    Accept,
    /// It is so, with changes.
    Correct,
    /// It is not so.
    Refuse,
    /// Not now.
    Defer,
}
named!(Verdict, "verdict", {
    Accept => "accept",
    Correct => "correct",
    Refuse => "refuse",
    Defer => "defer",
});

impl Verdict {
    /// How it settles the question; `None` when it puts it off.
    pub(super) fn settled(self) -> Option<Settled> {
        match self {
            Self::Accept => Some(Settled::Accept),
            Self::Correct => Some(Settled::Correct),
            Self::Refuse => Some(Settled::Refuse),
            Self::Defer => None,
        }
    }
}

/// In which way a decision came about.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Manner {
    /// By a reader on his own.
    Reading,
    /// By a third, after two read differently.
    Adjudication,
    /// In place of an earlier decision.
    Amendment,
}
named!(Manner, "manner", {
    Reading => "reading",
    Adjudication => "adjudication",
    Amendment => "amendment",
});

/// A decision to be recorded.
#[derive(Clone, Debug)]
pub struct NewDecision {
    /// What is decided.
    pub judgement: Judgement,
    /// Why, where the judgement itself does not say; needed for an amendment.
    pub reason: Option<Reason>,
    /// What was looked at; at most 1000 views.
    pub viewed: Vec<Viewed>,
    /// How long it took; more than a day counts as a day.
    pub spent: Duration,
    /// Whether the proposal was shown before the person looked.
    pub aided: bool,
    /// By what the client names this request: sent again, it gives the same decision and counts
    /// once.
    pub request: Option<RequestKey>,
}

/// A decision as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// Its id.
    pub id: DecisionId,
    /// What it is about.
    pub proposal: ProposalId,
    /// How it came about.
    pub manner: Manner,
    /// What it says.
    pub verdict: Verdict,
    /// Who decided.
    pub reader: UserId,
    /// In which role.
    pub role: Role,
    /// Why.
    pub reason: Option<Reason>,
    /// The content that a correction replaces.
    pub replaced: Option<Json>,
    /// The content that it puts in its place.
    pub content: Option<Json>,
    /// What differs between the two.
    pub difference: Option<Vec<Change>>,
    /// The decision that an amendment takes the place of.
    pub amends: Option<DecisionId>,
    /// What was looked at.
    pub viewed: Vec<Viewed>,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
    /// Whether the proposal was shown before the person looked.
    pub aided: bool,
    /// When.
    pub at: Moment,
}

impl NewDecision {
    pub(super) fn verdict(&self) -> Verdict {
        match self.judgement {
            Judgement::Accept => Verdict::Accept,
            Judgement::Correct(_) => Verdict::Correct,
            Judgement::Refuse(_) => Verdict::Refuse,
            Judgement::Defer(_) => Verdict::Defer,
        }
    }

    pub(super) fn why(&self) -> Option<&Reason> {
        match &self.judgement {
            Judgement::Refuse(reason) | Judgement::Defer(reason) => Some(reason),
            Judgement::Accept | Judgement::Correct(_) => self.reason.as_ref(),
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.viewed.len() > 1000 {
            return Err(RecordError::invalid("views", "more than 1000: keep the longest"));
        }
        Ok(())
    }

    pub(super) fn milliseconds(&self) -> u64 {
        u64::try_from(self.spent.as_millis()).unwrap_or(u64::MAX).min(86_400_000)
    }
}

impl Decision {
    /// The digest of all of it.
    pub(super) fn digest(&self) -> Result<Digest> {
        let json = serde_json::to_value(self)
            .map_err(|error| RecordError::damaged("decision", self.id, error))?;
        Ok(Digest::of(canonical(&json).as_bytes()))
    }

    /// The edit, when it is one: old content, new content, what differs.
    pub(super) fn with_edit(mut self, replaced: &Json, content: Option<&Content>) -> Self {
        if let Some(content) = content {
            self.difference = Some(difference(replaced, &content.body));
            self.replaced = Some(replaced.clone());
            self.content = Some(content.body.clone());
        }
        self
    }
}

const SELECT: &str = "SELECT id, proposal, manner, verdict, reader, role, reason, replaced, \
    content, difference, amends, viewed, milliseconds, aided, at FROM decision";

fn decision_of(row: &Row) -> Result<Decision> {
    let id: DecisionId = row.parsed(0)?;
    fn json<T: serde::de::DeserializeOwned>(row: &Row, column: usize) -> Result<Option<T>> {
        row.optional_text(column)?
            .map(serde_json::from_str)
            .transpose()
            .map_err(|error| RecordError::damaged("decision", row.text(0).unwrap_or("?"), error))
    }
    Ok(Decision {
        id,
        proposal: row.parsed(1)?,
        manner: row.parsed(2)?,
        verdict: row.parsed(3)?,
        reader: row.parsed(4)?,
        role: row.parsed(5)?,
        reason: row.optional_text(6)?.map(str::parse).transpose()?,
        replaced: json(row, 7)?,
        content: json(row, 8)?,
        difference: json(row, 9)?,
        amends: row.optional_text(10)?.map(str::parse).transpose()?,
        viewed: json(row, 11)?.unwrap_or_default(),
        milliseconds: u64::try_from(row.integer(12)?).unwrap_or(0),
        aided: row.integer(13)? == 1,
        at: Moment::from_microseconds(row.integer(14)?),
    })
}

impl Unit<'_> {
    pub(crate) fn decisions_about(&mut self, proposal: ProposalId) -> Result<Vec<Decision>> {
        let sql = format!("{SELECT} WHERE proposal = ?1 ORDER BY at, id");
        self.query(&sql, &[proposal.into()])?.iter().map(decision_of).collect()
    }

    pub(crate) fn decision(&mut self, id: DecisionId) -> Result<Decision> {
        let row = self.one(&format!("{SELECT} WHERE id = ?1"), &[id.into()])?;
        decision_of(&row.ok_or_else(|| RecordError::not_found("decision", id))?)
    }

    pub(super) fn insert_decision(&mut self, decision: &Decision) -> Result<Digest> {
        let text = |value: serde_json::Result<Json>| {
            value
                .map(|json| canonical(&json))
                .map_err(|error| RecordError::damaged("decision", decision.id, error))
        };
        let difference = decision.difference.as_ref().map(serde_json::to_value);
        let digest = decision.digest()?;
        self.execute(
            "INSERT INTO decision (id, proposal, manner, verdict, reader, role, reason, replaced, \
             content, difference, amends, viewed, milliseconds, aided, at, digest) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
            &[
                decision.id.into(),
                decision.proposal.into(),
                decision.manner.name().into(),
                decision.verdict.name().into(),
                decision.reader.into(),
                decision.role.name().into(),
                decision.reason.as_ref().map(Reason::as_str).into(),
                decision.replaced.as_ref().map(canonical).into(),
                decision.content.as_ref().map(canonical).into(),
                difference.map(text).transpose()?.into(),
                decision.amends.into(),
                text(serde_json::to_value(&decision.viewed))?.into(),
                i64::try_from(decision.milliseconds).unwrap_or(i64::MAX).into(),
                decision.aided.into(),
                decision.at.into(),
                digest.to_string().into(),
            ],
        )?;
        Ok(digest)
    }
}

/// The digest of a decision as it is stored now; `None` when it is gone.
pub(crate) fn decision_digest(database: &mut dyn Database, id: &str) -> Result<Option<String>> {
    let mut unit = Unit::new(database, Moment::from_microseconds(0));
    match unit.decision(id.parse()?) {
        Ok(found) => Ok(Some(found.digest()?.to_string())),
        Err(RecordError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
