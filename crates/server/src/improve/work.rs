//! The one refitting that runs at a time, and keeping the examiner's head the one that people
//! activated.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use bianque_record::{
    Actor,
    identity::HeadId,
    improvement::{Lesson, NewHead, RefittedHead},
};

use super::{HeadFile, ImproveError, Improver};
use crate::{answer::Refusal, events::Event, routes::State};

/// The largest head that is read.
const LARGEST_HEAD: u64 = 1 << 30;

/// What improves the head, and whether it is at it.
pub(crate) struct Improvement {
    improver: Option<Arc<dyn Improver>>,
    job: Mutex<Job>,
    stop: AtomicBool,
}

/// The last refitting.
#[derive(Clone, Debug, Default)]
pub(crate) struct Job {
    pub(crate) running: bool,
    /// Why the last one came to nothing.
    pub(crate) failed: Option<String>,
}

impl Improvement {
    pub(crate) fn new(improver: Option<Arc<dyn Improver>>) -> Self {
        Self { improver, job: Mutex::default(), stop: AtomicBool::new(false) }
    }

    /// What improves the head, if anything does.
    pub(crate) fn improver(&self) -> Option<&Arc<dyn Improver>> {
        self.improver.as_ref()
    }

    pub(crate) fn job(&self) -> Job {
        self.job.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends what runs: the program is stopping.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    fn set(&self, job: Job) {
        *self.job.lock().unwrap_or_else(PoisonError::into_inner) = job;
    }

    /// Takes the one place; false where somebody has it.
    fn take(&self) -> bool {
        let mut job = self.job.lock().unwrap_or_else(PoisonError::into_inner);
        if job.running {
            return false;
        }
        *job = Job { running: true, failed: None };
        true
    }
}

/// Gives the place back, whatever happens.
struct Place {
    state: State,
    failed: Option<String>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let failed = self.failed.take();
        self.state.improvement.set(Job { running: false, failed });
        self.state.events.tell(Event::Improvement {});
    }
}

impl State {
    /// Begins to refit the head in the background. One refitting runs at a time.
    pub(crate) fn begin_refitting(
        &self,
        actor: Actor,
        lessons: Vec<Lesson>,
    ) -> Result<(), Refusal> {
        let improver = Arc::clone(self.improver()?);
        if let Some(why) = improver.obstacle() {
            return Err(Refusal::Conflict(why));
        }
        if !self.improvement.take() {
            return Err(Refusal::Conflict("the head is being refitted already: wait".to_owned()));
        }
        let state = self.clone();
        let place = Place { state: self.clone(), failed: Some("it broke off".to_owned()) };
        self.events.tell(Event::Improvement {});
        tokio::task::spawn_blocking(move || {
            // Taken whole: it is given back at the end of this work, and not before.
            let mut place: Place = place;
            let start = Instant::now();
            let done = state.refit(&actor, improver.as_ref(), &lessons);
            match &done {
                Ok(head) => tracing::info!(%head, seconds = start.elapsed().as_secs(), "refitted"),
                Err(why) => tracing::warn!(%why, "not refitted"),
            }
            place.failed = done.err();
        });
        Ok(())
    }

    /// What improves the head, or why nothing does.
    pub(crate) fn improver(&self) -> Result<&Arc<dyn Improver>, Refusal> {
        let none = "no task examines slides here, so there is no head to improve";
        self.improvement.improver().ok_or_else(|| Refusal::Conflict(none.to_owned()))
    }

    fn refit(
        &self,
        actor: &Actor,
        improver: &dyn Improver,
        lessons: &[Lesson],
    ) -> Result<HeadId, String> {
        let refitted = improver.refit(lessons, &self.improvement.stop);
        let refitted = refitted.map_err(|error| error.to_string())?;
        let words = |error| Refusal::from(error).words();
        let weights = self.objects.put(&mut refitted.head.weights.as_slice()).map_err(words)?;
        let new = NewHead {
            task: improver.task(),
            weights,
            pulled_to: refitted.head.pulled_to,
            compared_with: refitted.compared_with,
            measured: refitted.measured,
            learned: refitted.learned,
            held_out: refitted.held_out,
        };
        self.record.keep_head(actor, &new).map_err(words)
    }

    /// A refitted head's file, checked against its digest and by what would use it.
    pub(crate) fn head_file(&self, head: &RefittedHead) -> Result<HeadFile, Refusal> {
        let weights = self.objects.get(head.weights, LARGEST_HEAD)?;
        let file = HeadFile { weights, pulled_to: head.pulled_to };
        self.improver()?.check_head(&file).map_err(conflict)?;
        Ok(file)
    }

    /// Has slides examined by the head that people have activated, whichever program they told.
    pub(crate) fn follow_active_head(&self) -> Result<(), Refusal> {
        let Some(improver) = self.improvement.improver() else { return Ok(()) };
        let active = self.record.active_head(&improver.task())?;
        let wanted = active.as_ref().map_or_else(|| improver.own_head(), |head| head.weights);
        if improver.head_in_use() == wanted {
            return Ok(());
        }
        let file = active.as_ref().map(|head| self.head_file(head)).transpose()?;
        improver.use_head(file.as_ref()).map_err(conflict)?;
        tracing::info!(head = %wanted, "slides are examined by this head from now on");
        Ok(())
    }
}

fn conflict(error: ImproveError) -> Refusal {
    Refusal::Conflict(error.to_string())
}
