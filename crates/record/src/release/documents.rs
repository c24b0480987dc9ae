//! What DICOM documents of a slide's file are made of: what was signed, and what was stored.

use bianque_core::Digest;
use serde_json::json;

use super::{CaseVersion, Released};
use crate::{
    Record, Result,
    audit::{Event, Object},
    identity::{CaseId, Pseudonym, SlideId},
    people::{Action, Actor},
    proposals::StoredInstance,
    site::PlacedSlide,
    store::{Audited, Unit},
};

/// A file as a slide of a case that the actor may read.
#[derive(Clone, Debug)]
pub struct KnownFile {
    /// The file's digest.
    pub digest: Digest,
    /// The slide.
    pub slide: SlideId,
    /// Its case.
    pub case: CaseId,
    /// Whose material it is.
    pub patient: Pseudonym,
    /// The newest signed version that the slide is part of, if the actor may see it.
    pub signed: Option<Released<CaseVersion>>,
    /// What was stored about the slide.
    pub stored: Vec<StoredInstance>,
}

impl Record {
    /// What is known of files as far as the actor may read it, for a list of them. The list itself
    /// is in the audit by [`Record::note_listing`].
    ///
    /// # Errors
    /// When the actor's role reads no case.
    pub fn known_files(&self, actor: &Actor, digests: &[Digest]) -> Result<Vec<KnownFile>> {
        self.reading(|unit| {
            unit.require(actor, Action::ReadCase)?;
            let mut known = Vec::new();
            for digest in digests {
                known.extend(unit.known_file(actor, *digest)?);
            }
            Ok(known)
        })
    }

    /// The same of one file, to be read as documents.
    ///
    /// # Errors
    /// As [`Record::known_files`].
    pub fn read_documents(&self, actor: &Actor, digest: Digest) -> Result<Vec<KnownFile>> {
        let about = Object::new("slide-file", digest.short());
        self.reading_deed(actor, Action::ReadCase, Event::DocumentsRead, &about, |unit| {
            let known = unit.known_file(actor, digest)?;
            let signed = known.iter().filter_map(|file| file.signed.as_ref());
            let signed: Vec<Digest> = signed.map(Released::digest).collect();
            let stored: usize = known.iter().map(|file| file.stored.len()).sum();
            let object = known.first().map_or_else(
                || Object::new("slide-file", digest.short()),
                |file| Object::new("case", file.case),
            );
            let detail = json!({ "file": digest.short(), "signed": signed, "stored": stored });
            Ok(Audited::new(known, object, detail))
        })
    }
}

impl Unit<'_> {
    fn known_file(&mut self, actor: &Actor, digest: Digest) -> Result<Vec<KnownFile>> {
        let mut known = Vec::new();
        for PlacedSlide { slide, case, .. } in self.placed_slides(digest)? {
            let found = self.case(case)?;
            if self.require_case(actor, Action::ReadCase, &found).is_err() {
                continue;
            }
            let may = actor.role().may(Action::ReadReleased);
            let version = if may { self.case_version(case, None)? } else { None };
            let of_it = |version: &CaseVersion| version.slides.iter().any(|(id, _)| *id == slide);
            let signed = version
                .filter(|(version, _)| of_it(version))
                .map(|(version, digest)| Released::checked(version, digest));
            let stored = self.stored_instances(slide)?;
            known.push(KnownFile { digest, slide, case, patient: found.patient, signed, stored });
        }
        Ok(known)
    }
}
