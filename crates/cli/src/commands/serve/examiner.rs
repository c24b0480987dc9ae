//! What the server's slides are examined by: the check, and one task.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use bianque_core::{Digest, Producer};
use bianque_quality::{Fault, Thresholds};
use bianque_record::{identity::Label, proposals::SlideVerdict};
use bianque_server::{
    ControlledLabel, Gravity,
    examine::{ExamineError, Examined, Examiner, FoundLesion, FoundQuality, Heatmap},
};
use serde_json::json;

use super::task_in_use::TaskInUse;
use crate::{
    commands::run::{Examination, SiteSlides, examine},
    picture,
};

/// The check and one task, loaded once.
pub(super) struct TaskExaminer {
    task: Arc<TaskInUse>,
    site: SiteSlides,
    /// Where features are kept.
    features: PathBuf,
    labels: Vec<ControlledLabel>,
    producer: Label,
    /// What judges slides before anything else looks at them.
    check: Producer,
}

impl TaskExaminer {
    pub(super) fn new(
        task: Arc<TaskInUse>,
        features: PathBuf,
        site: SiteSlides,
    ) -> anyhow::Result<Self> {
        let own = task.own();
        let labels = own.labels.iter().map(|label| ControlledLabel {
            name: label.name.clone(),
            english: label.title.clone(),
            chinese: label.title_zh.clone().unwrap_or_else(|| label.title.clone()),
            color: label.color,
            lesion: label.lesion,
            // A task's labels do not state how grave they are.
            gravity: Gravity::of(&label.name, label.lesion),
        });
        let labels = labels.collect();
        // The task's own head, whichever is in use: slides that were examined are not examined anew
        // because a refitted head came into use. What it finds carries its own digest.
        let text = format!(
            "{} {} {} {}",
            env!("CARGO_PKG_VERSION"),
            own.name,
            own.head_digest,
            own.encoder.digest
        );
        let producer = format!("{} {}", own.name, Digest::of(text.as_bytes()).short());
        let check = check_producer(&site.check.thresholds);
        Ok(Self { producer: producer.parse()?, site, features, labels, task, check })
    }

    pub(super) fn labels(&self) -> Vec<ControlledLabel> {
        self.labels.clone()
    }
}

impl Examiner for TaskExaminer {
    fn producer(&self) -> Label {
        self.producer.clone()
    }

    fn examine(
        &self,
        slide: &Path,
        progress: &(dyn Fn(u64, u64) + Sync),
        stop: &AtomicBool,
    ) -> Result<Examined, ExamineError> {
        // A path may name a patient: what is told never has it.
        let failed = |error: &dyn std::fmt::Display| {
            let path = slide.display().to_string();
            let name = slide.file_name().map(|name| name.to_string_lossy().into_owned());
            let text = format!("{error:#}").replace(&path, "the slide");
            ExamineError::Failed(name.map_or(text.clone(), |name| text.replace(&name, "the slide")))
        };
        let digest = bianque_slide::content_digest(slide).map_err(|error| failed(&error))?;
        let out = self.features.join(digest.short());
        let now = self.task.now();
        let found = examine(slide, &out, &now.plan, &self.site, progress, stop)
            .map_err(|error| failed(&error))?
            .ok_or(ExamineError::Stopped)?;
        examined(&found, &self.check).map_err(|error| failed(&error))
    }
}

/// The check by its version and the limits that it held slides to, which a site may change: the
/// digest is of both as JSON, its keys in order.
fn check_producer(thresholds: &Thresholds) -> Producer {
    let version = env!("CARGO_PKG_VERSION");
    let limits: BTreeMap<&str, [f64; 2]> = Fault::ALL
        .iter()
        .map(|fault| (fault.name(), thresholds.limits(*fault)))
        .map(|(fault, limits)| (fault, [limits.mark, limits.fail]))
        .collect();
    let edge_um = thresholds.edge_um;
    let rules = json!({ "edge_um": edge_um, "limits": limits, "version": version });
    Producer {
        name: "bianque quality".to_owned(),
        version: version.to_owned(),
        digest: Some(Digest::of(rules.to_string().as_bytes())),
        licence: Some("Apache-2.0".to_owned()),
    }
}

fn examined(found: &Examination, check_by: &Producer) -> anyhow::Result<Examined> {
    let check = &found.check;
    let reasons = check.findings.iter().zip(&found.places);
    let reasons = reasons.take(100).map(|(finding, place)| {
        let fault: Label = finding.fault.name().parse()?;
        Ok((fault, *place))
    });
    let lesions = found.regions.iter().map(|region| {
        Ok(FoundLesion {
            label: region.label.parse()?,
            outline: region.outline.clone(),
            score: region.score,
            evidence: region.evidence.clone(),
        })
    });
    Ok(Examined {
        quality: FoundQuality {
            verdict: check.verdict.name().parse::<SlideVerdict>()?,
            reasons: reasons.collect::<anyhow::Result<_>>()?,
            by: check_by.clone(),
            crop: found.crop.as_ref().map(picture::jpeg_bytes).transpose()?,
        },
        lesions: lesions.collect::<anyhow::Result<_>>()?,
        lesions_by: found.producer.clone(),
        features_by: Some(found.encoder.clone()),
        nothing_sought: found.nothing_sought.clone(),
        heatmap: found.map.as_ref().map(|map| Heatmap {
            width: map.width,
            height: map.height,
            downsample: map.downsample,
            values: map.values.clone(),
            label: "lesion".to_owned(),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_thresholds_are_another_producer() {
        let of = |text: Option<&str>| check_producer(&Thresholds::with_overrides(text).unwrap());
        let shipped = of(None);
        assert!(shipped.digest.is_some());
        assert_eq!(shipped, of(None));
        assert_ne!(shipped, of(Some("[fold]\nfail = 0.9\n")));
        assert_ne!(shipped, of(Some("[out-of-focus]\nedge_um = 9.0\n")));
    }
}
