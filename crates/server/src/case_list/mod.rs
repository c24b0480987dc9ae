//! `cases.csv` in the folder of slides: which slides make one case. A person's word wins: a slide
//! that somebody has put into a case, or taken out of one, is left where it is.

mod listed;
mod rows;

use std::{
    collections::HashMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    time::SystemTime,
};

use bianque_record::{
    Actor, Record, RecordError,
    cases::{NewCase, Piece, Reading, SlidePlace},
};

pub(crate) use self::listed::Problem;
use self::listed::{Listed, ListedCase, ListedSlide};
use crate::library::Entry;

/// The name of the list.
const NAME: &str = "cases.csv";
/// The largest list that is read.
const LARGEST: u64 = 16 << 20;

/// How the list stands, for people.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// Whether there is a list.
    pub(crate) present: bool,
    /// Cases that could be read from it.
    pub(crate) cases: usize,
    /// Slides of them whose files are not there yet.
    pub(crate) waiting: usize,
    /// What of it was not taken.
    pub(crate) problems: Vec<Problem>,
}

/// What tells that the list has changed.
type Stamp = (u64, Option<SystemTime>);

/// The list, and what of it is still to be done.
#[derive(Default)]
pub(crate) struct CaseList {
    read: Option<Stamp>,
    /// A list that has changed since the last look: it may still be written.
    fresh: Option<Stamp>,
    looked_before: bool,
    cases: usize,
    pending: Vec<ListedCase>,
    problems: Vec<Problem>,
}

impl CaseList {
    /// Reads the list again where it has changed, and does what of it can be done. Gives whether any
    /// case has changed.
    pub(crate) fn follow(&mut self, record: &Record, folder: &Path, entries: &[Entry]) -> bool {
        self.reread(folder);
        self.looked_before = true;
        let files: HashMap<PathBuf, &Entry> = entries
            .iter()
            .filter_map(|entry| Some((entry.path.strip_prefix(folder).ok()?.to_owned(), entry)))
            .collect();
        let mut changed = false;
        for mut case in std::mem::take(&mut self.pending) {
            match attach(record, &case, &files) {
                Ok(done) => {
                    changed |= done;
                    case.slides.retain(|slide| !files.contains_key(Path::new(slide.file.as_str())));
                    if !case.slides.is_empty() {
                        self.pending.push(case);
                    }
                }
                Err(RecordError::Conflict(what) | RecordError::Invalid { why: what, .. }) => {
                    let line = case.slides.first().map_or(1, |slide| slide.line);
                    tracing::warn!(line, why = %what, "a case of cases.csv was not made");
                    self.problems.push(Problem { line, what });
                }
                // Whatever is wrong with the record now may be better at the next look.
                Err(error) => {
                    tracing::warn!(%error, "a case of cases.csv waits");
                    self.pending.push(case);
                }
            }
        }
        changed
    }

    pub(crate) fn standing(&self) -> Standing {
        Standing {
            present: self.read.is_some(),
            cases: self.cases,
            waiting: self.pending.iter().map(|case| case.slides.len()).sum(),
            problems: self.problems.clone(),
        }
    }

    fn reread(&mut self, folder: &Path) {
        let file = folder.join(NAME);
        let stamp = fs::metadata(&file).ok().filter(fs::Metadata::is_file);
        let stamp = stamp.map(|facts| (facts.len(), facts.modified().ok()));
        if stamp == self.read {
            return;
        }
        if stamp.is_some() && self.looked_before && self.fresh != stamp {
            self.fresh = stamp;
            return;
        }
        let listed = match stamp {
            Some(_) => read(&file),
            None => Listed::default(),
        };
        for Problem { line, what } in &listed.problems {
            tracing::warn!(line, %what, "a row of cases.csv was not taken");
        }
        (self.read, self.fresh) = (stamp, None);
        self.cases = listed.cases.len();
        (self.pending, self.problems) = (listed.cases, listed.problems);
    }
}

fn read(file: &Path) -> Listed {
    let refused = |what: &str| Listed {
        cases: Vec::new(),
        problems: vec![Problem { line: 1, what: what.to_owned() }],
    };
    let mut bytes = Vec::new();
    let opened = fs::File::open(file);
    let read = opened.and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    if read.is_err() {
        return refused("the list cannot be read: look at its permissions");
    }
    if bytes.len() as u64 > LARGEST {
        return refused("the list is larger than 16 MiB: nothing was taken");
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Listed::read(text),
        Err(_) => refused("the list is not UTF-8: save it as 'CSV UTF-8'"),
    }
}

/// Puts those of a case's slides that are there into it. Gives whether that changed anything.
fn attach(
    record: &Record,
    case: &ListedCase,
    files: &HashMap<PathBuf, &Entry>,
) -> Result<bool, RecordError> {
    let program = Actor::console_program();
    let there: Vec<(&ListedSlide, &Entry)> = case
        .slides
        .iter()
        .filter_map(|slide| Some((slide, *files.get(Path::new(slide.file.as_str()))?)))
        .collect();
    if there.is_empty() {
        return Ok(false);
    }
    let target = record.case_numbered(&program, &case.number)?;
    if target.as_ref().is_some_and(|target| target.patient != case.patient) {
        let what = format!("case {} is registered under another pseudonym", case.number);
        return Err(RecordError::Conflict(what));
    }
    let mut pieces: Vec<(Piece, SlidePlace)> = Vec::new();
    for (slide, entry) in there {
        let placed = record.slides_of_digest(&program, entry.digest)?.into_iter().next();
        let piece = match placed {
            Some(placed) if placed.by_hand => continue,
            Some(placed) if target.as_ref().is_some_and(|to| to.id == placed.case) => continue,
            Some(placed) => Piece::Registered(placed.slide),
            None => Piece::File { digest: entry.digest, path: slide.file.clone() },
        };
        pieces.push((piece, slide.place.clone()));
    }
    if pieces.is_empty() {
        return Ok(false);
    }
    match target {
        Some(target) => record.put_in(&program, target.id, &pieces)?,
        None => {
            let new = NewCase {
                number: case.number.clone(),
                patient: case.patient.clone(),
                urgency: case.urgency,
                reading: Reading::Single,
                requested_by: None,
            };
            record.put_together(&program, &new, &pieces)?;
        }
    }
    Ok(true)
}
