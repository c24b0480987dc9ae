//! Specimens, blocks and slides of a case.

use std::{fmt, str::FromStr};

use bianque_core::Digest;
use serde::Serialize;
use serde_json::json;

use super::Case;
use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    identity::{BlockId, CaseId, Label, SlideId, SpecimenId},
    people::{Action, Actor},
    store::{Audited, Unit},
};

/// Where a slide's file lies, below the site's folder of slides: at most 1000 bytes, relative,
/// without `.` and `..`, separated by `/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SlidePath(String);

impl SlidePath {
    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SlidePath {
    type Err = RecordError;

    fn from_str(text: &str) -> Result<Self> {
        let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
        let harmless = |c: char| !c.is_control() && c != '\\' && c != ':';
        if text.len() <= 1000 && text.split('/').all(plain) && text.chars().all(harmless) {
            return Ok(Self(text.to_owned()));
        }
        Err(RecordError::invalid(
            "slide path",
            "it must be relative to the folder of slides, at most 1000 bytes, without '..', \
             '\\', ':' and control characters",
        ))
    }
}

impl fmt::Display for SlidePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A slide to be registered.
#[derive(Clone, Debug)]
pub struct NewSlide {
    /// Its label in the laboratory.
    pub label: Label,
    /// Its stain.
    pub stain: Label,
    /// The digest of its file.
    pub digest: Digest,
    /// Where the file lies.
    pub path: SlidePath,
}

/// A slide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Slide {
    /// Its id.
    pub id: SlideId,
    /// The block that it was cut from.
    pub block: BlockId,
    /// Its label in the laboratory.
    pub label: Label,
    /// Its stain.
    pub stain: Label,
    /// The digest of its file.
    pub digest: Digest,
    /// Where the file lies.
    pub path: SlidePath,
}

/// A block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Block {
    /// Its id.
    pub id: BlockId,
    /// The specimen that it is a piece of.
    pub specimen: SpecimenId,
    /// Its label in the laboratory.
    pub label: Label,
}

/// A specimen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Specimen {
    /// Its id.
    pub id: SpecimenId,
    /// Its label in the laboratory.
    pub label: Label,
    /// The organ or place that it is from.
    pub organ: Label,
}

/// A case with all its material.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaseMaterial {
    /// The case.
    pub case: Case,
    /// Its specimens.
    pub specimens: Vec<Specimen>,
    /// Their blocks.
    pub blocks: Vec<Block>,
    /// Their slides.
    pub slides: Vec<Slide>,
}

impl Record {
    /// Registers a specimen of a case.
    ///
    /// # Errors
    /// When the actor may not, or there is no such case.
    pub fn add_specimen(
        &self,
        actor: &Actor,
        case: CaseId,
        label: &Label,
        organ: &Label,
    ) -> Result<SpecimenId> {
        self.deed(actor, Action::Register, Event::MaterialAdded, |unit| {
            unit.case(case)?;
            let id = SpecimenId::fresh(unit.now())?;
            unit.execute(
                "INSERT INTO specimen (id, laboratory_case, label, organ) VALUES (?1, ?2, ?3, ?4)",
                &[id.into(), case.into(), label.into(), organ.into()],
            )?;
            Ok(Audited::new(id, Object::new("case", case), json!({ "specimen": id })))
        })
    }

    /// Registers a block of a specimen.
    ///
    /// # Errors
    /// When the actor may not, or there is no such specimen.
    pub fn add_block(&self, actor: &Actor, specimen: SpecimenId, label: &Label) -> Result<BlockId> {
        self.deed(actor, Action::Register, Event::MaterialAdded, |unit| {
            let sql = "SELECT laboratory_case FROM specimen WHERE id = ?1";
            let row = unit.one(sql, &[specimen.into()])?;
            let row = row.ok_or_else(|| RecordError::not_found("specimen", specimen))?;
            let id = BlockId::fresh(unit.now())?;
            unit.execute(
                "INSERT INTO block (id, specimen, label) VALUES (?1, ?2, ?3)",
                &[id.into(), specimen.into(), label.into()],
            )?;
            Ok(Audited::new(id, Object::new("case", row.text(0)?), json!({ "block": id })))
        })
    }

    /// Registers a slide of a block.
    ///
    /// # Errors
    /// When the actor may not, or there is no such block.
    pub fn add_slide(&self, actor: &Actor, block: BlockId, new: &NewSlide) -> Result<SlideId> {
        self.deed(actor, Action::Register, Event::MaterialAdded, |unit| {
            let sql = "SELECT s.laboratory_case FROM block b JOIN specimen s ON s.id = b.specimen \
                       WHERE b.id = ?1";
            let row = unit.one(sql, &[block.into()])?;
            let row = row.ok_or_else(|| RecordError::not_found("block", block))?;
            let case: CaseId = row.parsed(0)?;
            let id = SlideId::fresh(unit.now())?;
            unit.insert_slide(id, block, case, new)?;
            let detail = json!({ "slide": id, "digest": new.digest });
            Ok(Audited::new(id, Object::new("case", case), detail))
        })
    }

    /// A case with all its material.
    ///
    /// # Errors
    /// When the actor may not see it, or there is no such case.
    pub fn case(&self, actor: &Actor, id: CaseId) -> Result<CaseMaterial> {
        self.deed(actor, Action::ReadCase, Event::CaseRead, |unit| {
            let case = unit.case(id)?;
            unit.require_case(actor, Action::ReadCase, &case)?;
            let material = CaseMaterial {
                specimens: unit.specimens(id)?,
                blocks: unit.blocks(id)?,
                slides: unit.slides(id)?,
                case,
            };
            Ok(Audited::new(material, Object::new("case", id), json!({})))
        })
    }
}

impl Unit<'_> {
    fn specimens(&mut self, case: CaseId) -> Result<Vec<Specimen>> {
        let sql = "SELECT id, label, organ FROM specimen WHERE laboratory_case = ?1 ORDER BY id";
        let rows = self.query(sql, &[case.into()])?;
        let specimen = |row: &crate::database::Row| {
            Ok(Specimen { id: row.parsed(0)?, label: row.parsed(1)?, organ: row.parsed(2)? })
        };
        rows.iter().map(specimen).collect()
    }

    fn blocks(&mut self, case: CaseId) -> Result<Vec<Block>> {
        let sql = "SELECT b.id, b.specimen, b.label FROM block b \
                   JOIN specimen s ON s.id = b.specimen WHERE s.laboratory_case = ?1 ORDER BY b.id";
        let rows = self.query(sql, &[case.into()])?;
        let block = |row: &crate::database::Row| {
            Ok(Block { id: row.parsed(0)?, specimen: row.parsed(1)?, label: row.parsed(2)? })
        };
        rows.iter().map(block).collect()
    }

    pub(crate) fn slides(&mut self, case: CaseId) -> Result<Vec<Slide>> {
        let sql = "SELECT id, block, label, stain, digest, path FROM slide \
                   WHERE laboratory_case = ?1 ORDER BY id";
        let rows = self.query(sql, &[case.into()])?;
        let slide = |row: &crate::database::Row| {
            Ok(Slide {
                id: row.parsed(0)?,
                block: row.parsed(1)?,
                label: row.parsed(2)?,
                stain: row.parsed(3)?,
                digest: row.parsed(4)?,
                path: row.parsed(5)?,
            })
        };
        rows.iter().map(slide).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slide_lies_below_its_folder() {
        for path in ["", "/etc/x", "../x", "a/../b", "a//b", "a\\b", "c:/x", "a\nb", "./a"] {
            assert!(path.parse::<SlidePath>().is_err(), "{path}");
        }
        assert!("x".repeat(1001).parse::<SlidePath>().is_err());
        assert!("2026/a 1.svs".parse::<SlidePath>().is_ok());
    }
}
