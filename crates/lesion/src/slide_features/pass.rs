//! One pass over a slide that feeds any number of encoders.
//!
//! Threads that read take units of neighbouring tiles from the top of the slide to its foot and
//! lay them into a bounded queue; threads that compute take them from there, one or more units at
//! a time, and hand them to every encoder that wants tiles cut so. A tile is read once however
//! many encoders want it, and an encoder on an accelerator never waits for a decoder as long as
//! the readers together are quick enough. Where a unit's vectors go is fixed by its place, so the
//! result does not depend on who is first.

use std::{
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use bianque_core::{Digest, RgbImage};
use bianque_slide::Slide;
use bianque_vision::Encoder;

use super::{
    ahead::ReadAhead,
    cut::{Cut, Cuts, Job, Unit, jobs, read},
    grid::{Cell, TissueMap},
    lane::Lane,
    output::UNIT,
    queue::{Queue, Reader, Writer},
    store::SlideFeatures,
    timing::{BusyClock, Timing},
};
use crate::{
    error::{LesionError, Result},
    head::Head,
    tiles::Progress,
};

/// Bytes of pixels that may wait in the queue.
const QUEUE_BYTES: usize = 256 << 20;
/// Most threads that read: beyond, the slide's file is the limit.
const MOST_READERS: usize = 16;

/// A slide, and what is to be made of it in one pass.
#[derive(Copy, Clone)]
pub struct PassRequest<'a> {
    /// The slide; it must state microns per pixel, or be opened with the user's.
    pub slide: &'a dyn Slide,
    /// The slide's digest, or what else names its content.
    pub identity: &'a str,
    /// Where tissue is.
    pub tissue: &'a dyn TissueMap,
    /// The encoders, each with what it is to see. Those that cut tiles alike share them.
    pub encoders: &'a [EncoderRequest<'a>],
}

/// What one encoder is to make of a slide.
#[derive(Copy, Clone)]
pub struct EncoderRequest<'a> {
    /// The encoder; its recipe says how tiles are cut.
    pub encoder: &'a dyn Encoder,
    /// Tile positions along a tile's edge: 1 tiles meet, 2 they overlap by half.
    pub steps: u32,
    /// Smallest share of tissue in a tile that is encoded.
    pub tissue_share: f64,
    /// Only these tiles, in raster order, instead of all with tissue.
    pub only: Option<&'a [Cell]>,
    /// Where the features are kept. A file with the same slide, encoder and settings is used as
    /// it is, and an interrupted run is continued.
    pub file: Option<&'a Path>,
    /// Heads on the parts of each tile.
    pub tokens: &'a [TokenRequest<'a>],
}

/// A head to be applied to the tokens of each tile.
#[derive(Copy, Clone)]
pub struct TokenRequest<'a> {
    /// The head.
    pub head: &'a Head,
    /// What names it.
    pub digest: Digest,
    /// Where the logits are kept.
    pub file: Option<&'a Path>,
}

/// A slide's features and how they came about.
#[derive(Clone, Debug)]
pub struct SlideExtraction {
    /// The features.
    pub features: SlideFeatures,
    /// For each head on tokens the logits of each tile's: `edge x edge x classes` values, row by
    /// row. Of the same form as the features, in a file as in memory.
    pub tokens: Vec<SlideFeatures>,
    /// Where the time went, of the whole pass; the tiles are this encoder's.
    pub timing: Timing,
    /// Tiles that an earlier run had finished.
    pub reused: usize,
    /// What a person should know: tiles left out with their place, a slide without any.
    pub warnings: Vec<String>,
}

/// Encodes the tissue tiles of a slide for every encoder in one pass; results come in the order
/// of the requests. Of what was read `ahead` no tile is read again.
///
/// A tile that does not decode is left out and named in the warnings.
///
/// # Errors
/// When the slide cannot be read at all, an encoder fails, a file cannot be written, a setting
/// is out of range, or `cancel` was set: then what was finished is kept.
pub fn encode_slide(
    request: &PassRequest<'_>,
    ahead: ReadAhead,
    progress: &(dyn Fn(Progress) + Sync),
    cancel: &AtomicBool,
) -> Result<Vec<SlideExtraction>> {
    let start = Instant::now();
    let Cuts { cuts, of_encoder } = Cuts::of(request)?;
    let lanes = request.encoders.iter().zip(&of_encoder);
    let lanes: Vec<Lane<'_>> = lanes
        .map(|(encoder, cut)| Lane::open(request, encoder, &cuts[*cut]))
        .collect::<Result<_>>()?;
    let wanted =
        |cut: usize, stretch: usize| cuts[cut].lanes.iter().any(|lane| lanes[*lane].wants(stretch));
    let jobs = jobs(&cuts, wanted);
    let total: usize = cuts.iter().map(|cut| cut.cells.len() * cut.lanes.len()).sum();
    let done: usize = lanes.iter().map(Lane::tiles_done).sum();
    progress(Progress { done, total });
    let resized = request.slide.resize_time();
    let pass = Pass {
        slide: request.slide,
        cuts: &cuts,
        lanes: &lanes,
        jobs: &jobs,
        next: AtomicUsize::new(0),
        ahead: Mutex::new(ahead),
        progress,
        cancel,
        done: AtomicUsize::new(done),
        total,
        read_nanos: AtomicU64::new(0),
        busy: BusyClock::start(),
        failure: Mutex::new(None),
    };
    let ran = pass.run()?;
    let resize_seconds = (request.slide.resize_time() - resized).as_secs_f64();
    let read_seconds = pass.read_nanos.load(Ordering::Relaxed) as f64 / 1e9;
    let compute_seconds = pass.busy.seconds();
    let timing = Timing {
        decode_seconds: (read_seconds - resize_seconds).max(0.0),
        resize_seconds,
        compute_seconds,
        waiting_seconds: (ran - compute_seconds).max(0.0),
        wall_seconds: 0.0,
        tiles: 0,
    };
    lanes.into_iter().map(|lane| lane.finish(timing, start)).collect()
}

/// A pass while it runs.
struct Pass<'a> {
    slide: &'a dyn Slide,
    cuts: &'a [Cut],
    lanes: &'a [Lane<'a>],
    jobs: &'a [Job],
    next: AtomicUsize,
    ahead: Mutex<ReadAhead>,
    progress: &'a (dyn Fn(Progress) + Sync),
    cancel: &'a AtomicBool,
    done: AtomicUsize,
    total: usize,
    read_nanos: AtomicU64,
    busy: BusyClock,
    failure: Mutex<Option<LesionError>>,
}

impl Pass<'_> {
    /// Reads and computes until all is done; gives the seconds that it took.
    fn run(&self) -> Result<f64> {
        if self.jobs.is_empty() {
            return Ok(0.0);
        }
        let start = Instant::now();
        let readers = readers().min(self.jobs.len());
        let feedings = self.lanes.iter().map(Lane::feeding);
        let calls = feedings.map(|feeding| feeding.calls).max().unwrap_or(1).max(1);
        let calls = calls.min(self.jobs.len());
        let queue = Queue::new(self.queue_length(calls), readers);
        std::thread::scope(|scope| {
            for _ in 0..readers {
                scope.spawn(|| {
                    let _writer = Writer(&queue);
                    self.read(&queue);
                });
            }
            for _ in 0..calls {
                scope.spawn(|| {
                    let _reader = Reader(&queue);
                    self.compute(&queue);
                });
            }
        });
        match self.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(error),
            None => Ok(start.elapsed().as_secs_f64()),
        }
    }

    /// Units that one call takes of a cut.
    fn units(&self, cut: usize) -> usize {
        let lanes = self.cuts[cut].lanes.iter();
        let tiles = lanes.map(|lane| self.lanes[*lane].feeding().tiles);
        tiles.max().unwrap_or(UNIT).div_ceil(UNIT).max(1)
    }

    /// Twice what all calls take at once, as far as memory goes.
    fn queue_length(&self, calls: usize) -> usize {
        let units = (0..self.cuts.len()).map(|cut| self.units(cut)).max().unwrap_or(1);
        let bytes = |cut: &Cut| (cut.grid.tile_px() as usize).pow(2) * 3 * UNIT;
        let bytes = self.cuts.iter().map(bytes).max().unwrap_or(1).max(1);
        (2 * calls * units).min(QUEUE_BYTES / bytes).max(1)
    }

    fn read(&self, queue: &Queue<Unit>) {
        while let Some(job) = self.jobs.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            if self.cancel.load(Ordering::Relaxed) {
                return self.fail(LesionError::Cancelled, queue);
            }
            let cut = &self.cuts[job.cut];
            let ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner).take(cut, job);
            match ahead.map_or_else(|| read(self.slide, cut, job.clone()), Ok) {
                Ok(unit) => {
                    self.read_nanos.fetch_add(unit.nanos, Ordering::Relaxed);
                    if !queue.push(unit) {
                        return;
                    }
                }
                Err(error) => return self.fail(error, queue),
            }
        }
    }

    fn compute(&self, queue: &Queue<Unit>) {
        loop {
            let units = queue.take(|unit| self.units(unit.job.cut), |a, b| a.job.cut == b.job.cut);
            if units.is_empty() {
                return;
            }
            if self.cancel.load(Ordering::Relaxed) {
                return self.fail(LesionError::Cancelled, queue);
            }
            if let Err(error) = self.feed(units) {
                return self.fail(error, queue);
            }
        }
    }

    /// Hands the units of one cut to every encoder that wants them.
    fn feed(&self, mut units: Vec<Unit>) -> Result<()> {
        let images: Vec<Vec<RgbImage>> =
            units.iter_mut().map(|unit| std::mem::take(&mut unit.images)).collect();
        let mut ends = Vec::with_capacity(units.len() + 1);
        ends.push(0);
        let images: Vec<RgbImage> = images
            .into_iter()
            .flat_map(|images| {
                ends.push(ends.last().copied().unwrap_or(0) + images.len());
                images
            })
            .collect();
        let Some(cut) = units.first().map(|unit| &self.cuts[unit.job.cut]) else { return Ok(()) };
        for lane in cut.lanes.iter().map(|lane| &self.lanes[*lane]) {
            let mut first = 0;
            for run in units.chunk_by(|a, b| lane.wants(a.job.stretch) == lane.wants(b.job.stretch))
            {
                let last = first + run.len();
                if run.first().is_some_and(|unit| lane.wants(unit.job.stretch)) {
                    lane.encode(run, &images[ends[first]..ends[last]], &self.busy)?;
                    self.advance(run.iter().map(|unit| unit.job.cells.len()).sum());
                }
                first = last;
            }
        }
        Ok(())
    }

    fn advance(&self, tiles: usize) {
        let done = self.done.fetch_add(tiles, Ordering::Relaxed) + tiles;
        (self.progress)(Progress { done, total: self.total });
    }

    /// Keeps the first thing that went wrong and ends the pass.
    fn fail(&self, error: LesionError, queue: &Queue<Unit>) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
        queue.close();
    }
}

/// Threads that read at the same time.
pub(super) fn readers() -> usize {
    rayon::current_num_threads().clamp(1, MOST_READERS)
}
