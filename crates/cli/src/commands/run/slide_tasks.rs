//! What tasks of whole slides say of a slide: `slide-TASK.json`.

use std::{borrow::Cow, collections::BTreeMap, fmt::Write, sync::Arc};

use anyhow::Context;
use bianque_core::Digest;
use bianque_lesion::{
    Abstains, Card, RESEARCH_USE, SlideExtraction, SlideFeatures, SlideJudgement, SlidePurpose,
    SlideTask, TaskStatement, Unlikeness,
};
use bianque_vision::{Encoder, Purpose};
use serde::Serialize;

use super::{
    Prepared, SlideResult, SlideRun,
    loaded::{check_encoder_of_slides, refuse_unknown_signer},
    output::file_name,
    plan::Shelf,
    scope,
};
use crate::{
    commands::write_file,
    interrupt,
    models::{Models, TaskPlace},
    report::{AttentionDocument, PackageDocument, ProducerDocument, ScopeDocument},
    task_package::TaskPackage,
};

/// A task of whole slides, loaded once for all of them.
pub(super) struct PlannedSlideTask {
    pub(super) task: SlideTask,
    card: Option<(Card, Digest)>,
    package: TaskPackage,
    purpose: Purpose,
    /// Whose features it takes; of several encoders, in the order of their values.
    pub(super) lanes: Vec<usize>,
}

/// What a task says of a slide.
#[derive(Serialize)]
pub(crate) struct Verdict {
    schema: &'static str,
    notice: &'static str,
    purpose: Purpose,
    /// Nobody has confirmed it.
    state: &'static str,
    slide: String,
    digest: Digest,
    task: String,
    version: String,
    title: String,
    organ: String,
    package: PackageDocument,
    scope: ScopeDocument,
    encoder: ProducerDocument,
    /// Tiles that it looked at, and heads whose mean this is.
    tiles: usize,
    heads: usize,
    /// `null` where there was nothing to look at.
    says: Option<Says>,
    /// Present of a classification whose task knows when to abstain, or of a slide that is unlike
    /// those that it was made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    abstention: Option<AbstentionDocument>,
    /// How far the slide is from those that the task was made of, where the task knows them.
    #[serde(skip_serializing_if = "Option::is_none")]
    unlikeness: Option<Unlikeness>,
    /// Present when a picture of attention was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    attention: Option<AttentionDocument>,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Says {
    /// Calibrated probabilities by class, from harmless to grave where the task has them so.
    Classes(Vec<ClassProbability>),
    /// A value, in the unit of the labels that it was trained on.
    Value(f64),
    /// The logarithm of the relative hazard: more means sooner.
    Risk(f64),
}

/// Whether one class may be said.
#[derive(Serialize)]
struct AbstentionDocument {
    /// Whether the task names no class.
    abstains: bool,
    /// Why it names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Abstains>,
    /// The classes that are not excluded; all of them where the slide is unlike the training slides.
    possible: Vec<String>,
    /// What the rule promises; absent where the task has no rule.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    rule: Option<PromiseDocument>,
}

/// How often the true class may be excluded.
#[derive(Serialize)]
struct PromiseDocument {
    /// Share of slides of a class of which one head excludes the true class; heads that agree come
    /// to it together.
    alpha: f64,
    /// Largest share of slides of a class of which the vote of the heads may exclude the true class.
    most: f64,
    /// Slides that this was calibrated on.
    calibrated_on: usize,
}

#[derive(Serialize)]
struct ClassProbability {
    class: String,
    probability: f64,
}

impl PlannedSlideTask {
    /// Loads a task; gives what the shelf has as its encoders too.
    pub(super) fn load(
        models: &Models,
        place: &TaskPlace,
        shelf: &mut Shelf,
        purpose: Purpose,
    ) -> anyhow::Result<(Self, Vec<Arc<dyn Encoder>>)> {
        let package = TaskPackage::of(place, models)?;
        let mut task = SlideTask::load(&place.folder)
            .context("--slide-task takes a task of whole slides, made by `bianque train slide`")?;
        let card = Card::load(&place.folder, &task)?;
        refuse_unknown_signer(&task, &package.standing, purpose)?;
        let mut encoders = Vec::new();
        for wanted in task.encoders() {
            let folder = models.encoder_of(&wanted.encoder);
            let folder = folder.with_context(|| format!("the task {} cannot run", task.name))?;
            let encoder = shelf.encoder(&folder)?;
            check_encoder_of_slides(&task, &wanted, encoder.as_ref())?;
            encoders.push(encoder);
        }
        let recipes: Vec<_> = encoders.iter().map(|encoder| encoder.recipe()).collect();
        task.name_recipes(&recipes);
        Ok((Self { task, card, package, purpose, lanes: Vec::new() }, encoders))
    }

    /// Whether the task was made for such a slide; refused where that is asked for.
    pub(super) fn scope(
        &self,
        request: &SlideRun<'_>,
        prepared: &Prepared,
    ) -> anyhow::Result<ScopeDocument> {
        let stated =
            scope::Stated { task: &self.task, card: self.card.as_ref(), purpose: self.purpose };
        scope::judge(request, &stated, prepared.slide.facts(), &prepared.mpp)
    }

    fn abstention(&self, judged: &SlideJudgement) -> Option<AbstentionDocument> {
        let possible = judged.possible.as_ref()?;
        let SlidePurpose::Classification { classes } = self.task.purpose() else { return None };
        let rule = self.task.limits.abstention.as_ref();
        Some(AbstentionDocument {
            abstains: judged.abstains.is_some(),
            why: judged.abstains,
            possible: possible.iter().filter_map(|class| classes.get(*class)).cloned().collect(),
            rule: rule.map(|rule| PromiseDocument {
                alpha: rule.alpha,
                most: rule.most_excluded(self.task.heads.len()),
                calibrated_on: rule.slides,
            }),
        })
    }

    /// Judges a slide by the features of its lane and writes what it says.
    pub(super) fn judge(
        &self,
        request: &SlideRun<'_>,
        prepared: &Prepared,
        found: &[SlideExtraction],
        (scope, attention): (ScopeDocument, Option<AttentionDocument>),
    ) -> anyhow::Result<SlideResult> {
        let features: Vec<_> = self.lanes.iter().map(|lane| &found[*lane].features).collect();
        let features = match features.as_slice() {
            [one] => Cow::Borrowed(*one),
            several => Cow::Owned(SlideFeatures::side_by_side(several)?),
        };
        let tiles = features.cells().len();
        let said = match tiles {
            0 => None,
            _ => Some(self.task.judge(&features, &*interrupt::flag()?)?),
        };
        let says = said.as_ref().and_then(|judged| says(self.task.purpose(), &judged.said));
        let abstention = said.as_ref().and_then(|judged| self.abstention(judged));
        let task = &self.task;
        let verdict = Verdict {
            schema: "bianque.slide-verdict/1",
            notice: RESEARCH_USE,
            purpose: self.purpose,
            state: "unconfirmed",
            slide: file_name(request.slide),
            digest: prepared.digest,
            task: task.name.clone(),
            version: task.version.clone(),
            title: task.title.clone(),
            organ: task.organ.clone(),
            package: PackageDocument {
                digest: self.package.digest.map(|digest| digest.to_string()),
                signature: self.package.standing.clone(),
            },
            scope,
            encoder: (&features.facts.encoder).into(),
            tiles,
            heads: task.heads.len(),
            says,
            abstention,
            unlikeness: said.and_then(|judged| judged.unlikeness),
            attention,
        };
        let path = request.out.join(format!("slide-{}.json", task.name));
        write_file(&path, &serde_json::to_vec_pretty(&verdict)?)?;
        Ok(SlideResult {
            slide: request.slide.display().to_string(),
            task: Some(task.name().to_owned()),
            out: request.out.display().to_string(),
            regions: BTreeMap::new(),
            attention: Vec::new(),
            error: None,
            text: text(&verdict, &path)?,
            verdict: Some(verdict),
        })
    }
}

fn says(purpose: &SlidePurpose, said: &[f64]) -> Option<Says> {
    match purpose {
        SlidePurpose::Classification { classes } => {
            let pairs = classes.iter().zip(said);
            let pairs = pairs.map(|(class, probability)| ClassProbability {
                class: class.clone(),
                probability: *probability,
            });
            Some(Says::Classes(pairs.collect()))
        }
        SlidePurpose::Regression { .. } => said.first().copied().map(Says::Value),
        SlidePurpose::Survival => said.first().copied().map(Says::Risk),
    }
}

/// The class that is named and what that promises, or why none is.
fn names(abstention: &AbstentionDocument) -> String {
    match (abstention.why, abstention.possible.as_slice(), &abstention.rule) {
        (Some(why @ Abstains::SeveralPossible), several, _) => {
            format!("no class: {why}, {}", several.join(" and "))
        }
        (Some(why), _, _) => format!("no class: {why}"),
        (None, [class], Some(rule)) => {
            let (about, most) = (rule.alpha * 100.0, rule.most * 100.0);
            let share = match most > about {
                true => format!("about {about:.0} % or fewer, at most {most:.0} %,"),
                false => format!("at most {most:.0} %"),
            };
            format!(
                "{class}: the other classes are excluded (each wrongly in {share} of slides like \
                 the {} that this was calibrated on)",
                rule.calibrated_on
            )
        }
        (None, possible, _) => possible.join(" and "),
    }
}

fn text(verdict: &Verdict, path: &std::path::Path) -> Result<String, std::fmt::Error> {
    let mut text = format!("{}\n", verdict.slide);
    writeln!(text, "  task       {} {}, a proposal, unconfirmed", verdict.task, verdict.version)?;
    writeln!(text, "  encoder    {}", verdict.encoder.line())?;
    match &verdict.says {
        None => writeln!(text, "  says       nothing: no tile has tissue")?,
        Some(Says::Classes(classes)) => {
            for ClassProbability { class, probability } in classes {
                writeln!(text, "  says       {class} {probability:.3}")?;
            }
        }
        Some(Says::Value(value)) => writeln!(text, "  says       {value:.4}")?,
        Some(Says::Risk(risk)) => {
            writeln!(text, "  says       risk {risk:.4} (more means sooner)")?
        }
    }
    if let Some(abstention) = &verdict.abstention {
        writeln!(text, "  names      {}", names(abstention))?;
    }
    if let Some(unlike) = verdict.unlikeness.filter(|unlike| unlike.beyond) {
        writeln!(
            text,
            "  note: UNLIKE THE TRAINING SLIDES (distance {:.1}, limit {:.1}): what it says was never \
             tried on such slides",
            unlike.distance, unlike.limit
        )?;
    }
    writeln!(text, "  by         {} tiles, mean of {} heads", verdict.tiles, verdict.heads)?;
    if !verdict.scope.fits {
        writeln!(text, "  note: outside of the card: {}", scope::line(&verdict.scope.outside))?;
    }
    writeln!(text, "             {}", path.display())?;
    if let Some(attention) = &verdict.attention {
        writeln!(text, "  attention  {}", path.with_file_name(&attention.file).display())?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(why: Option<Abstains>, possible: &[&str], most: f64) -> AbstentionDocument {
        AbstentionDocument {
            abstains: why.is_some(),
            why,
            possible: possible.iter().map(ToString::to_string).collect(),
            rule: Some(PromiseDocument { alpha: 0.1, most, calibrated_on: 40 }),
        }
    }

    #[test]
    fn what_is_named_says_its_promise_and_what_is_not_says_why() {
        let unlike = document(Some(Abstains::UnlikeTrainingSlides), &["high", "low"], 0.2);
        assert_eq!(names(&unlike), "no class: the slide is unlike the training slides");
        let json = serde_json::to_value(&unlike).unwrap();
        assert_eq!(
            (&json["abstains"], &json["why"]),
            (&true.into(), &"unlike_training_slides".into())
        );
        assert_eq!((&json["most"], &json["calibrated_on"]), (&0.2.into(), &40.into()));
        let several = document(Some(Abstains::SeveralPossible), &["high", "low"], 0.2);
        assert_eq!(names(&several), "no class: more than one is possible, high and low");
        let vote = names(&document(None, &["high"], 0.2));
        assert!(
            vote.contains("about 10 % or fewer, at most 20 %, of slides like the 40"),
            "{vote}"
        );
        let alone = names(&document(None, &["high"], 0.1));
        assert!(alone.contains("wrongly in at most 10 % of slides"), "{alone}");
        let without = AbstentionDocument { rule: None, ..unlike };
        assert!(serde_json::to_value(&without).unwrap().get("alpha").is_none());
    }
}
