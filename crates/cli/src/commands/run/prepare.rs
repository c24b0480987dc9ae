//! What has to be known of a slide before its tiles are encoded; of the next slide while this one
//! is computed.

use std::{path::PathBuf, sync::mpsc, time::Instant};

use bianque_core::{Digest, Level0, Mpp, PixelRect};
use bianque_lesion::{
    Cell, EncoderRequest, PassRequest, ReadAhead, TissueMap, TokenRequest, read_ahead,
};
use bianque_quality::{Check, Tissue, check_slide};
use bianque_slide::{OpenOptions, Slide, SlideError};

use super::{RunPlan, SlideRun};
use crate::interrupt;

/// A slide with more microns per pixel than this times the model's has lost what the model sees.
const COARSEST: f64 = 3.0;
/// A tile of which this share is flawed is left out.
const MOST_FLAWED: f64 = 0.3;

/// A slide that was opened and checked.
pub(crate) struct Prepared {
    pub(super) slide: Box<dyn Slide>,
    pub(super) mpp: Mpp,
    pub(super) digest: Digest,
    pub(super) tissue: Tissue,
    pub(super) check: Check,
    pub(super) seconds: Vec<(&'static str, f64)>,
}

impl Prepared {
    /// Opens and checks a slide.
    pub(super) fn new(request: &SlideRun<'_>) -> anyhow::Result<Self> {
        let start = Instant::now();
        let options = OpenOptions { mpp: request.mpp, ..OpenOptions::default() };
        let slide = bianque_slide::open(request.slide, &options)?;
        let mpp = slide.facts().mpp.clone().ok_or(SlideError::NoMpp)?;
        let digest = bianque_slide::content_digest(request.slide)?;
        let opened = Instant::now();
        let mut check = check_slide(slide.as_ref(), request.check);
        let Some(tissue) = check.tissue.take() else {
            let why = check.findings.first().map_or("unreadable", |finding| finding.note.as_str());
            anyhow::bail!("the slide cannot be judged: {why}");
        };
        let seconds = vec![
            ("open_and_digest", opened.duration_since(start).as_secs_f64()),
            ("check", opened.elapsed().as_secs_f64()),
        ];
        Ok(Self { slide, mpp, digest, tissue, check, seconds })
    }

    /// Whether the slide has too little detail for an encoder.
    pub(super) fn is_too_coarse(&self, encoder_mpp: f64) -> bool {
        self.mpp.mean() > COARSEST * encoder_mpp
    }

    /// Tissue without the places on which something is wrong.
    pub(super) fn good_tissue(&self) -> GoodTissue<'_> {
        GoodTissue { tissue: &self.tissue, check: &self.check }
    }
}

/// Tissue without the places on which something is wrong.
pub(super) struct GoodTissue<'a> {
    tissue: &'a Tissue,
    check: &'a Check,
}

impl TissueMap for GoodTissue<'_> {
    fn tissue_fraction(&self, rect: PixelRect<Level0>) -> f64 {
        if self.check.flawed_fraction(rect) >= MOST_FLAWED {
            return 0.0;
        }
        self.tissue.tissue_fraction(rect)
    }

    fn ink_fraction(&self, rect: PixelRect<Level0>) -> f64 {
        self.tissue.ink_fraction(rect)
    }
}

/// Where what a pass makes is kept: per lane the features, and the logits of tokens of each task
/// whose outlines follow them.
pub(super) struct PassFiles {
    pub(super) features: Vec<PathBuf>,
    pub(super) tokens: Vec<Vec<(usize, PathBuf)>>,
}

impl PassFiles {
    pub(super) fn of(request: &SlideRun<'_>, plan: &RunPlan) -> Self {
        let file = |name: &str| request.out.join(name);
        let tokens = |lane: usize| {
            let tasks = plan.tasks.iter().enumerate();
            let tasks = tasks.filter(move |(_, task)| task.lane == lane && task.by_tokens);
            tasks.map(|(index, task)| {
                let name = &task.loaded.task.name;
                (index, file(&format!("tokens-{name}.safetensors")))
            })
        };
        Self {
            features: plan.lanes.iter().map(|lane| file(&lane.file)).collect(),
            tokens: (0..plan.lanes.len()).map(|lane| tokens(lane).collect()).collect(),
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &PathBuf> {
        self.features.iter().chain(self.tokens.iter().flatten().map(|(_, file)| file))
    }

    /// The heads on tokens of each lane.
    pub(super) fn token_requests<'a>(&'a self, plan: &'a RunPlan) -> Vec<Vec<TokenRequest<'a>>> {
        let request = |(task, file): &'a (usize, PathBuf)| {
            let task = &plan.tasks[*task].loaded.task;
            TokenRequest { head: &task.head, digest: task.head_digest, file: Some(file) }
        };
        self.tokens.iter().map(|lane| lane.iter().map(request).collect()).collect()
    }
}

/// What each lane asks of the pass. A slide that is too coarse for a lane gives it no tiles.
pub(super) fn encoder_requests<'a>(
    prepared: &Prepared,
    plan: &'a RunPlan,
    files: &'a PassFiles,
    tokens: &'a [Vec<TokenRequest<'a>>],
) -> Vec<EncoderRequest<'a>> {
    const NONE: &[Cell] = &[];
    let lanes = plan.lanes.iter().zip(&files.features).zip(tokens);
    lanes
        .map(|((lane, file), tokens)| EncoderRequest {
            encoder: lane.encoder.as_ref(),
            steps: lane.steps,
            tissue_share: lane.tissue_share,
            only: prepared.is_too_coarse(lane.encoder.recipe().input.mpp).then_some(NONE),
            file: Some(file),
            tokens,
        })
        .collect()
}

/// A slide on its way from the thread that prepares to the one that computes.
type Delivery = anyhow::Result<(Prepared, ReadAhead)>;

/// Calls `next` for every slide in turn, each prepared while the one before it was computed: one
/// slide is ahead, never more.
pub(super) fn with_each_prepared(
    requests: &[SlideRun<'_>],
    plan: &RunPlan,
    mut next: impl FnMut(&SlideRun<'_>, Delivery) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (send, receive) = mpsc::sync_channel::<Delivery>(0);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for (index, request) in requests.iter().enumerate() {
                let prepared = prepare(request, plan, index > 0);
                // Nobody listens any more once the run was stopped.
                if send.send(prepared).is_err() || interrupt::requested() {
                    return;
                }
            }
        });
        for request in requests {
            let Ok(prepared) = receive.recv() else { break };
            next(request, prepared)?;
        }
        drop(receive);
        Ok(())
    })
}

fn prepare(request: &SlideRun<'_>, plan: &RunPlan, ahead: bool) -> Delivery {
    let prepared = Prepared::new(request)?;
    if !ahead || request.fresh {
        return Ok((prepared, ReadAhead::default()));
    }
    let files = PassFiles::of(request, plan);
    let tokens = files.token_requests(plan);
    let identity = prepared.digest.to_string();
    let tiles = read_ahead(
        &PassRequest {
            slide: prepared.slide.as_ref(),
            identity: &identity,
            tissue: &prepared.good_tissue(),
            encoders: &encoder_requests(&prepared, plan, &files, &tokens),
        },
        interrupt::flag()?.as_ref(),
    );
    // What cannot be read now is met again, and said, by the pass itself.
    Ok((prepared, tiles.unwrap_or_default()))
}
