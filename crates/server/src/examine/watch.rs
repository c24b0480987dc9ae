//! Looking at the folder again and again; one slide is examined at a time.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bianque_record::{
    Actor, RecordError,
    site::{ExaminationState, PlacedSlide},
};
use serde_json::json;

use super::{ExamineError, Examiner, keep::keep, lone::lone};
use crate::{
    case_list::CaseList,
    events::Event,
    library::{Entry, SlideKey},
    routes::State,
};

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often the end of the program is looked for.
const NAP: Duration = Duration::from_millis(100);
/// Progress is told no more often.
const TELL_EVERY: Duration = Duration::from_millis(500);

/// Watches a folder.
pub(crate) struct Watch {
    state: State,
    examiner: Option<Arc<dyn Examiner>>,
    stop: Arc<AtomicBool>,
    /// Which slides make one case.
    case_list: CaseList,
    /// Slides about which nothing is left to do: the record is not asked again.
    settled: HashSet<SlideKey>,
}

impl Watch {
    pub(crate) fn new(
        state: State,
        examiner: Option<Arc<dyn Examiner>>,
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self { state, examiner, stop, case_list: CaseList::default(), settled: HashSet::new() }
    }

    fn stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Runs until the program ends.
    pub(crate) fn run(mut self) {
        let mut looked: Option<Instant> = None;
        while !self.stopping() {
            if looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
                // A look that examined something is followed by the next at once.
                let began = Instant::now();
                // A fault in one look must not end all later ones.
                let looked_on = catch_unwind(AssertUnwindSafe(|| self.look(looked.is_some())));
                if looked_on.is_err() {
                    tracing::error!("a look at the folder failed by a fault of the program");
                }
                looked = Some(began);
            }
            std::thread::sleep(NAP);
        }
    }

    fn look(&mut self, again: bool) {
        // A folder on a share that went away comes back; what was known stays until then.
        if again && self.state.library.rescan().is_err() {
            return;
        }
        let mut waiting = Vec::new();
        let entries = self.state.library.entries();
        // First what belongs together: what is left is a case of its own.
        let folder = self.state.library.folder();
        if self.case_list.follow(&self.state.record, folder, &entries) {
            self.state.events.tell(Event::Worklist {});
        }
        self.state.set_case_list(self.case_list.standing());
        let mut all_registered = true;
        for entry in entries.into_iter().filter(|entry| !self.settled.contains(&entry.id)) {
            match self.registered(&entry) {
                Ok(placed) => {
                    waiting.extend(placed.into_iter().map(|slide| (slide, entry.clone())))
                }
                Err(error) => {
                    all_registered = false;
                    tracing::error!(slide = %entry.id, %error, "not registered");
                }
            }
        }
        self.state.unregistered.store(!all_registered, Ordering::Relaxed);
        // Slides are never examined by another head than the one that people have activated.
        if let Err(why) = self.state.follow_active_head() {
            let why = why.words();
            tracing::error!(%why, "no slide is examined: the active head cannot be used");
            return;
        }
        // Who came first waits longest.
        waiting.sort_by_key(|(_, entry)| entry.modified);
        let began = Instant::now();
        for (slide, entry) in waiting {
            // What came meanwhile is on the worklist before the rest is examined.
            if self.stopping() || began.elapsed() >= LOOK_EVERY {
                return;
            }
            match self.examined(&slide, &entry) {
                Ok(()) => drop(self.settled.insert(entry.id)),
                Err(error) => tracing::warn!(slide = %entry.id, %error, "not examined"),
            }
        }
    }

    /// The slides of the record that are this file; a case is made for one that is none yet.
    fn registered(&self, entry: &Entry) -> Result<Vec<PlacedSlide>, RecordError> {
        let (record, program) = (&self.state.record, Actor::console_program());
        let placed = record.slides_of_digest(&program, entry.digest)?;
        if !placed.is_empty() {
            return Ok(placed);
        }
        record.register_lone_slide(&program, &lone(entry, self.state.library.folder())?)?;
        self.state.events.tell(Event::Worklist {});
        record.slides_of_digest(&program, entry.digest)
    }

    fn examined(&self, slide: &PlacedSlide, entry: &Entry) -> Result<(), RecordError> {
        let Some(examiner) = &self.examiner else { return Ok(()) };
        let (record, program) = (&self.state.record, Actor::console_program());
        let producer = examiner.producer();
        let before = record.examination(slide.slide, &producer)?;
        // One that was running when the program ended begins again, and one that failed: the program
        // may have been started anew with what it lacked.
        if before.is_some_and(|before| before.state == ExaminationState::Done) {
            return Ok(());
        }
        let note = |state, outputs: &serde_json::Value| {
            record.note_examination(&program, slide.slide, &producer, state, outputs)
        };
        note(ExaminationState::Running, &json!({}))?;
        self.tell(slide, "running", None);
        let told = Mutex::new(Instant::now());
        let progress = |done, total| {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if told.elapsed() >= TELL_EVERY {
                *told = Instant::now();
                self.tell(slide, "running", Some((done, total)));
            }
        };
        // A slide that the program stumbles over is that slide's failure, not the end of the work.
        let examined =
            catch_unwind(AssertUnwindSafe(|| examiner.examine(&entry.path, &progress, &self.stop)));
        let stumbled = |_| Err(ExamineError::Failed("a fault of the program".to_owned()));
        match examined.unwrap_or_else(stumbled) {
            Ok(examined) => {
                let outputs = keep(&self.state, slide, &producer, &examined)?;
                let outputs = serde_json::to_value(outputs).unwrap_or_default();
                let (state, counted, said) = match &examined.nothing_sought {
                    None => (ExaminationState::Done, &self.state.counts.examined, "done"),
                    Some(_) => (ExaminationState::Failed, &self.state.counts.failed, "failed"),
                };
                note(state, &outputs)?;
                counted.fetch_add(1, Ordering::Relaxed);
                self.tell(slide, said, None);
            }
            Err(ExamineError::Stopped) => return Ok(()),
            Err(ExamineError::Failed(why)) => {
                let why: String = why.chars().take(500).collect();
                note(ExaminationState::Failed, &json!({ "error": why }))?;
                self.state.counts.failed.fetch_add(1, Ordering::Relaxed);
                self.tell(slide, "failed", None);
            }
        }
        self.state.events.tell(Event::Case { case: slide.case });
        self.state.events.tell(Event::Worklist {});
        Ok(())
    }

    fn tell(&self, slide: &PlacedSlide, state: &'static str, progress: Option<(u64, u64)>) {
        self.state.events.tell(Event::Examination {
            case: slide.case,
            slide: slide.slide,
            state,
            done: progress.map(|(done, _)| done),
            total: progress.map(|(_, total)| total),
        });
    }
}
