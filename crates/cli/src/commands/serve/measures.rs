//! How a refitted head does beside the one in use, on decisions that it did not learn from.

use std::collections::{BTreeMap, BTreeSet};

use bianque_lesion::{
    Head, LesionError, RegionJudgement, SlideFeatures, StatedAgreement, Statement, Task,
    judge_region, stated_agreement,
};
use bianque_record::improvement::{Agreement, KindCount, LeftOut, Measured};
use bianque_server::improve::ImproveError;

use super::{improver::refused, lessons::Usable};

/// What another head would change on the slides whose features are kept.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    slides: u64,
    tiles: u64,
    changed: u64,
}

impl Changes {
    pub(super) fn add(
        &mut self,
        features: &SlideFeatures,
        before: &Head,
        after: &Head,
    ) -> Result<(), LesionError> {
        let vectors = features.matrix()?;
        let (before, after) = (before.logits(&vectors)?, after.logits(&vectors)?);
        let classes = before.len() / vectors.rows().max(1);
        let pairs = before.chunks_exact(classes.max(1)).zip(after.chunks_exact(classes.max(1)));
        self.slides += 1;
        self.tiles += vectors.rows() as u64;
        self.changed += pairs.filter(|(before, after)| top(before) != top(after)).count() as u64;
        Ok(())
    }
}

fn top(logits: &[f32]) -> Option<usize> {
    let all = logits.iter().enumerate();
    all.max_by(|a, b| a.1.total_cmp(b.1)).map(|(class, _)| class)
}

/// Measures the head in use and the refitted one on the held-out decisions.
pub(super) fn measured(
    task: &Task,
    [before, after]: [&Head; 2],
    pull: f64,
    learned: &[&Usable],
    held_out: &[&Usable],
    left_out: LeftOut,
    changes: Changes,
) -> Result<Measured, ImproveError> {
    let judged = |head| judge_all(head, task.temperature, held_out).map_err(refused);
    let (before, after) = (judged(before)?, judged(after)?);
    let only = |one: &[Judged], other: &[Judged]| {
        let pairs = one.iter().zip(other);
        pairs.filter(|(one, other)| one.1.agrees && !other.1.agrees).count() as u64
    };
    let sum = |judged: &[Judged]| {
        let none = || ImproveError::Refused("no decision was held out".to_owned());
        stated_agreement(judged).map(agreement).ok_or_else(none)
    };
    let cases = |part: &[&Usable]| {
        part.iter().map(|lesson| lesson.case).collect::<BTreeSet<_>>().len() as u64
    };
    Ok(Measured {
        before: sum(&before)?,
        after: sum(&after)?,
        mended: only(&after, &before),
        spoilt: only(&before, &after),
        kinds: kinds(task, learned, held_out),
        pull,
        learned_cases: cases(learned),
        held_out_cases: cases(held_out),
        learned_tiles: learned.iter().map(|lesson| lesson.region.tiles.rows() as u64).sum(),
        left_out,
        slides: changes.slides,
        tiles: changes.tiles,
        changed_tiles: changes.changed,
    })
}

type Judged = (Statement, RegionJudgement);

fn judge_all(
    head: &Head,
    temperature: f64,
    lessons: &[&Usable],
) -> Result<Vec<Judged>, LesionError> {
    let judge = |lesson: &&Usable| {
        Ok((lesson.region.statement, judge_region(head, temperature, &lesson.region)?))
    };
    lessons.iter().map(judge).collect()
}

fn agreement(found: StatedAgreement) -> Agreement {
    let StatedAgreement { agrees, of, balanced, log_loss } = found;
    Agreement { agrees: agrees as u64, of: of as u64, balanced, log_loss }
}

fn kinds(task: &Task, learned: &[&Usable], held_out: &[&Usable]) -> Vec<KindCount> {
    let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let name = |lesson: &Usable| match lesson.region.statement {
        Statement::Is(class) => task.labels.get(class).map(|label| label.name.clone()),
        Statement::IsNot(_) => Some("refused".to_owned()),
    };
    for lesson in learned {
        counts.entry(name(lesson).unwrap_or_default()).or_default().0 += 1;
    }
    for lesson in held_out {
        counts.entry(name(lesson).unwrap_or_default()).or_default().1 += 1;
    }
    let count = |(kind, (learned, held_out))| KindCount { kind, learned, held_out };
    counts.into_iter().map(count).collect()
}
