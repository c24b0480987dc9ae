//! What a slide was examined by, so that it is not examined twice, and where the outputs lie.

use bianque_core::Digest;
use serde_json::{Value as Json, json};

use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    canonical::canonical,
    database::Row,
    identity::{CaseId, Label, Moment, SlideId},
    names::named,
    people::{Action, Actor},
    store::Audited,
};

/// How far an examination is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum ExaminationState {
    /// It was begun; a program that ended meanwhile begins again.
    Running,
    /// Its proposals are put.
    Done,
    /// It cannot be done.
    Failed,
}
named!(ExaminationState, "state of an examination", {
    Running => "running",
    Done => "done",
    Failed => "failed",
});

/// What one producer made of one slide.
#[derive(Clone, Debug, PartialEq)]
pub struct Examination {
    /// Which slide.
    pub slide: SlideId,
    /// What examined it: a short text that changes with weights, rules or version.
    pub producer: Label,
    /// How far it is.
    pub state: ExaminationState,
    /// Where outputs lie and what they are, or why it failed.
    pub outputs: Json,
    /// Since when it is so.
    pub at: Moment,
}

impl Record {
    /// Notes how far an examination is.
    ///
    /// # Errors
    /// When the actor may not put proposals, or the outputs are longer than 8000 bytes.
    pub fn note_examination(
        &self,
        actor: &Actor,
        slide: SlideId,
        producer: &Label,
        state: ExaminationState,
        outputs: &Json,
    ) -> Result<()> {
        let text = canonical(outputs);
        let digest = Digest::of(text.as_bytes());
        if text.len() > 8000 {
            return Err(RecordError::invalid("outputs", "they are longer than 8000 bytes"));
        }
        self.writing(|unit| {
            unit.require(actor, Action::Propose)?;
            unit.execute(
                "INSERT INTO examination (slide, producer, state, outputs, at) \
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (slide, producer) \
                 DO UPDATE SET state = ?3, outputs = ?4, at = ?5",
                &[
                    slide.into(),
                    producer.into(),
                    state.name().into(),
                    text.into(),
                    unit.now().into(),
                ],
            )?;
            if state != ExaminationState::Done {
                return Ok(());
            }
            let detail = json!({ "producer": producer, "outputs": digest });
            Audited::new((), Object::new("slide", slide), detail).append(
                unit,
                actor,
                Event::Examined,
            )
        })
    }

    /// The newest examination of each slide of a case. No reading of patient data by itself: it
    /// goes with the case's.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn examinations(&self, actor: &Actor, case: CaseId) -> Result<Vec<Examination>> {
        self.reading(|unit| {
            unit.require(actor, Action::ReadCase)?;
            let sql = "SELECT e.slide, e.producer, e.state, e.outputs, e.at FROM examination e \
                       JOIN slide s ON s.id = e.slide WHERE s.laboratory_case = ?1 \
                       ORDER BY e.slide, e.at";
            let rows = unit.query(sql, &[case.into()])?;
            let mut newest: Vec<Examination> = Vec::new();
            for row in &rows {
                let examination = examination_of(row)?;
                newest.retain(|earlier| earlier.slide != examination.slide);
                newest.push(examination);
            }
            Ok(newest)
        })
    }

    /// How far a producer is with a slide.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn examination(&self, slide: SlideId, producer: &Label) -> Result<Option<Examination>> {
        self.reading(|unit| {
            let sql = "SELECT slide, producer, state, outputs, at FROM examination \
                       WHERE slide = ?1 AND producer = ?2";
            let row = unit.one(sql, &[slide.into(), producer.into()])?;
            row.as_ref().map(examination_of).transpose()
        })
    }
}

fn examination_of(row: &Row) -> Result<Examination> {
    let outputs = serde_json::from_str(row.text(3)?).unwrap_or(json!({}));
    Ok(Examination {
        slide: row.parsed(0)?,
        producer: row.parsed(1)?,
        state: row.parsed(2)?,
        outputs,
        at: Moment::from_microseconds(row.integer(4)?),
    })
}
