//! One task's result on one slide: judged, judged again where a second encoder looks, written.

use std::{collections::BTreeMap, path::Path, time::Instant};

use bianque_core::RgbImage;
use bianque_lesion::{SlideExtraction, Timing};

use super::{
    Prepared, RunPlan, SlideResult, SlideRun,
    analysis::{self, Evidence, judge},
    output,
    plan::{self, PlannedTask},
    second::{self, FirstStage},
};
use crate::{
    report::{AttentionDocument, PassDocument, ScopeDocument},
    terminal::Terminal,
};

/// Where and how a task's result on a slide is written.
pub(super) struct SlideReport<'a> {
    pub(super) request: &'a SlideRun<'a>,
    pub(super) plan: &'a RunPlan,
    pub(super) prepared: &'a Prepared,
    pub(super) planned: &'a PlannedTask,
    /// Whether the task was made for such a slide.
    pub(super) scope: ScopeDocument,
    pub(super) out: &'a Path,
    pub(super) start: Instant,
    /// What lies under every layer.
    pub(super) thumbnail: &'a RgbImage,
    pub(super) attention: Option<AttentionDocument>,
}

impl SlideReport<'_> {
    pub(super) fn write(
        &self,
        extraction: &SlideExtraction,
        second: Option<&plan::SecondStage>,
        split: &mut PassDocument,
        terminal: &Terminal,
    ) -> anyhow::Result<SlideResult> {
        let loaded = &self.planned.loaded;
        let first = analysis::probabilities(loaded, &extraction.features)?;
        let evidence = Evidence {
            planned: self.planned,
            lane: &self.plan.lanes[self.planned.lane],
            prepared: self.prepared,
            extraction,
            tokens: self.plan.tokens_of(self.planned, extraction),
        };
        let judge = |probabilities: &_, again: &[bool]| judge(&evidence, probabilities, again);
        let mut report = output::write(self, judge(&first, &[])?, None)?;
        if let Some(stage) = second {
            let start = FirstStage { extraction, probabilities: &first };
            let mut timing = Timing::default();
            second::refine(
                self.request,
                stage,
                self.prepared,
                &start,
                terminal,
                |refined, again, facts| {
                    let mut analysis = judge(refined, again)?;
                    timing = facts.timing;
                    analysis.seconds.push(("second_encoder", timing.wall_seconds));
                    analysis.second = Some(facts);
                    report = output::write(self, analysis, Some(stage))?;
                    Ok(())
                },
            )?;
            *split = std::mem::take(split).with_second(&timing);
        }
        let mut regions = BTreeMap::new();
        for region in &report.regions {
            *regions.entry(region.label.clone()).or_insert(0) += 1;
        }
        Ok(SlideResult {
            slide: self.request.slide.display().to_string(),
            task: Some(loaded.task.name.clone()),
            out: self.out.display().to_string(),
            text: output::summary(self.out, &report)?,
            regions,
            verdict: None,
            attention: Vec::new(),
            error: None,
        })
    }
}
