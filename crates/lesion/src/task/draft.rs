//! The card that a training writes: what it knows itself and what a person told it, nothing more.
//! Nobody has validated such a task, so no scanner is paired with it; a site is external where it was
//! held out as a whole.

use std::path::Path;

use super::{
    CARD_FILE, Card, CoveredCancer, Measure, MppRange, SiteMetrics, TaskStatement,
    TrainingMaterial, Unit, card::SCHEMA,
};
use crate::{
    error::{LesionError, Result},
    evaluation::{ClassificationMetrics, SlideEvaluation, SlideMeasure, wilson},
    files::write_whole,
};

/// The finest resolution that is stated where the slides are not known: what scanners call 40x, and
/// some room. A finer slide than the encoder's tiles is made coarser before it is looked at.
const FINEST: f64 = 0.2;
/// How much coarser than the tiles, or than the training's slides, a slide may be.
const ROOM: f64 = 1.1;
/// The longest text of a field that is cut instead of refused.
const LONGEST: usize = 2000;

/// What a person says of a training, for its card.
#[derive(Clone, Debug, Default)]
pub struct CardWords {
    /// The stain, such as `H&E`.
    pub stain: String,
    /// The rows of the coverage table that the task speaks to.
    pub cancers: Vec<String>,
    /// The hospital, laboratory or public source of what was measured on.
    pub site: String,
    /// Licence of the training material, as an SPDX expression.
    pub training_licence: String,
    /// Who said what is what.
    pub labelled_by: Option<String>,
}

impl Card {
    /// A card for a task that was just trained, without figures.
    #[must_use]
    pub fn of_training(
        task: &dyn TaskStatement,
        words: &CardWords,
        trained_on: &str,
        mpp: MppRange,
    ) -> Self {
        let organ = task.organ();
        Self {
            schema: SCHEMA.into(),
            organ: organ.to_owned(),
            cancers: words.cancers.iter().map(|site| covered(site)).collect(),
            stain: words.stain.clone(),
            mpp,
            scanners: Vec::new(),
            intended_use: task.intended_use().to_owned(),
            not_for: vec![
                "Diagnosis, or any other use in the care of a patient".into(),
                format!("Organs other than {organ}, stains other than {}", words.stain),
            ],
            licence: task.licence().to_owned(),
            training: TrainingMaterial {
                source: short(trained_on),
                licence: words.training_licence.clone(),
                sites: None,
                patients: None,
                slides: None,
                tiles: None,
                labelled_by: words.labelled_by.clone(),
            },
            metrics: Vec::new(),
            limits: vec![
                "Measured where it was made, if at all; another hospital will do worse".into(),
            ],
        }
    }

    /// Takes up what a training warns of.
    pub fn warn(&mut self, warnings: &[String]) {
        let texts = warnings.iter().map(|text| short(text)).filter(|text| !text.trim().is_empty());
        self.limits.extend(texts);
    }

    /// Writes the card into a task's folder. Equal cards give equal bytes.
    ///
    /// # Errors
    /// When the card contradicts itself or cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let path = folder.join(CARD_FILE);
        let wrong = |what: String| LesionError::Task { path: path.clone(), what };
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|e| wrong(e.to_string()))?;
        bytes.push(b'\n');
        // What cannot be read again would only be found by whoever installs it.
        Self::from_bytes(&bytes).map_err(wrong)?;
        write_whole(&path, &bytes)
    }
}

impl MppRange {
    /// Of a head on tiles of a resolution, where the slides are not known.
    #[must_use]
    pub fn around_tiles(mpp: f64) -> Self {
        Self { lowest: FINEST.min(mpp), highest: ROOM * mpp }
    }

    /// Of a head that was trained on slides of these resolutions; absent where there are none.
    #[must_use]
    pub fn around_slides(slides: impl Iterator<Item = f64>) -> Option<Self> {
        let (lowest, highest) =
            slides.fold((f64::INFINITY, 0.0_f64), |(low, high), mpp| (low.min(mpp), high.max(mpp)));
        // Two digits behind the first two that count: nobody means more.
        let round = |mpp: f64| (mpp * 1000.0).round() / 1000.0;
        let range = Self { lowest: round(lowest / ROOM), highest: round(highest * ROOM) };
        range.lowest.is_finite().then_some(range)
    }
}

impl SiteMetrics {
    /// What a head of tiles was measured by: accuracy and each class's recall.
    #[must_use]
    pub fn of_tiles(words: &CardWords, held_out: &str, metrics: &ClassificationMetrics) -> Self {
        let count = metrics.examples as u64;
        let right = metrics.confusion.iter().enumerate().map(|(class, row)| row[class]).sum();
        let mut values = vec![share("accuracy".into(), right, count)];
        for ((class, name), row) in metrics.classes.iter().enumerate().zip(&metrics.confusion) {
            let all: u64 = row.iter().sum();
            if all > 0 {
                values.push(share(format!("recall {name}"), row[class], all));
            }
        }
        Self {
            site: words.site.clone(),
            external: false,
            held_out: held_out.to_owned(),
            unit: Unit::Tile,
            count,
            patients: None,
            scanner: None,
            interval:
                "Wilson, 95 %, tiles taken as independent; several may be of one patient, so \
                       the true intervals are wider"
                    .into(),
            values,
        }
    }

    /// What heads of slides were measured by: all slides together, then each site where the slides
    /// are of several. Without a measure that has an interval there is no row. A site is external
    /// where `sites_apart` says that the head that judged it had seen none of its slides.
    #[must_use]
    pub fn of_slides(
        words: &CardWords,
        held_out: &str,
        evaluation: &SlideEvaluation,
        sites_apart: bool,
    ) -> Vec<Self> {
        let row = |site: &str, external, count: usize, patients: usize, measures: &_| {
            let values = with_intervals(measures, count as u64);
            (!values.is_empty()).then(|| Self {
                site: short(site),
                external,
                held_out: held_out.to_owned(),
                unit: Unit::Slide,
                count: count as u64,
                patients: Some(patients as u64),
                scanner: None,
                interval: "bootstrap over patients, 95 %".into(),
                values,
            })
        };
        let SlideEvaluation { slides, patients, measures, groups, .. } = evaluation;
        let all = row(&words.site, false, *slides, *patients, measures);
        let sites = groups.iter().filter(|group| group.group == "site");
        let sites = sites.filter_map(|site| {
            row(&site.name, sites_apart, site.slides, site.patients, &site.measures)
        });
        all.into_iter().chain(sites).collect()
    }
}

/// The measures that have an interval.
fn with_intervals(measures: &[SlideMeasure], count: u64) -> Vec<Measure> {
    let measured = measures.iter().filter_map(|measure| {
        let estimate = measure.estimate?;
        let (low, high) = estimate.low.zip(estimate.high)?;
        let value = estimate.value;
        // Resampled intervals need not hold the value itself.
        let (low, high) = (low.min(value), high.max(value));
        Some(Measure { name: measure.name.clone(), value, low, high, count })
    });
    measured.collect()
}

fn covered(text: &str) -> CoveredCancer {
    let (site, only) = match text.split_once(':') {
        Some((site, only)) => (site, Some(only.trim().to_owned())),
        None => (text, None),
    };
    CoveredCancer { site: site.trim().to_owned(), only }
}

fn share(name: String, of: u64, all: u64) -> Measure {
    let (low, high) = wilson(of as usize, all as usize);
    let value = of as f64 / all as f64;
    let digits = |value: f64| (value * 1e4).round() / 1e4;
    let (value, low, high) = (digits(value), digits(low), digits(high));
    Measure { name, value, low: low.min(value), high: high.max(value), count: all }
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST / 4).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evaluation::SlideEvaluationSettings,
        matrix::Probabilities,
        slide_head::{SlidePurpose, SlideTarget},
        slide_training::{PredictedSlide, Predictions},
        task::tests::task,
    };

    fn words() -> CardWords {
        CardWords {
            stain: "H&E".into(),
            cancers: vec!["colorectum: colon".into(), "stomach".into()],
            site: "here".into(),
            training_licence: "CC0-1.0".into(),
            labelled_by: None,
        }
    }

    fn measured() -> ClassificationMetrics {
        let logits = vec![2.0, 0.0, 0.0, 2.0, 2.0, 0.0, 0.0, 2.0];
        let probabilities = Probabilities::from_logits(2, logits, 1.0).unwrap();
        let classes = ["healthy".into(), "carcinoma".into()];
        ClassificationMetrics::measure(&probabilities, &[0, 1, 1, 1], &classes).unwrap()
    }

    #[test]
    fn a_trainings_card_is_read_again_and_fits_its_task() {
        let folder = tempfile::tempdir().unwrap();
        let task = task();
        let mut card =
            Card::of_training(&task, &words(), "two points", MppRange::around_tiles(1.0));
        card.metrics.push(SiteMetrics::of_tiles(&words(), "a fifth", &measured()));
        card.warn(&["few tiles".into(), " ".into()]);
        card.save(folder.path()).unwrap();
        let (read, _) = Card::load(folder.path(), &task).unwrap().unwrap();
        assert_eq!(read, card);
        assert_eq!(read.evidence().name(), "tile");
        assert_eq!(read.cancers[0].only.as_deref(), Some("colon"));
        assert_eq!((read.metrics[0].values[0].value, read.metrics[0].values.len()), (0.75, 3));
        assert_eq!(read.limits.len(), 2);
    }

    fn by_sites(slides: usize) -> SlideEvaluation {
        let slide = |index: usize| PredictedSlide {
            slide: format!("s{index}"),
            patient: format!("p{index}"),
            site: Some(["north", "south"][index % 2].into()),
            scanner: None,
            fold: None,
            truth: SlideTarget::Class(index / 2 % 2),
            said: [vec![0.7, 0.3], vec![0.2, 0.8]][(index / 2 + index / 7) % 2].clone(),
        };
        let classes = vec!["no".to_owned(), "yes".to_owned()];
        let purpose = SlidePurpose::Classification { classes };
        let slides = (0..slides).map(slide).collect();
        let predictions = Predictions { purpose, slides, encoder: None };
        let settings = SlideEvaluationSettings { rounds: 50, ..SlideEvaluationSettings::default() };
        SlideEvaluation::measure(&predictions, &settings).unwrap()
    }

    #[test]
    fn sites_that_were_held_out_are_external_rows_of_their_own() {
        let evaluation = by_sites(60);
        let rows = |apart| SiteMetrics::of_slides(&words(), "each site", &evaluation, apart);
        let apart = rows(true);
        let named: Vec<_> =
            apart.iter().map(|row| (row.site.as_str(), row.external, row.count)).collect();
        assert_eq!((named[0], named.len()), (("here", false, 60), 3));
        assert!(named.contains(&("north", true, 30)) && named.contains(&("south", true, 30)));
        assert!(rows(false).iter().all(|row| !row.external));

        let folder = tempfile::tempdir().unwrap();
        let (task, range) = (task(), MppRange::around_tiles(1.0));
        let mut card = Card::of_training(&task, &words(), "two points", range);
        card.metrics = apart;
        card.save(folder.path()).unwrap();
        let (read, _) = Card::load(folder.path(), &task).unwrap().unwrap();
        assert_eq!(read.evidence().name(), "multi-site");
        card.metrics = rows(false);
        assert_eq!(card.evidence().name(), "slide");
    }

    #[test]
    fn a_card_that_could_not_be_read_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let words = CardWords { stain: String::new(), ..words() };
        let card = Card::of_training(&task(), &words, "x", MppRange::around_tiles(1.0));
        let error = card.save(folder.path()).unwrap_err().to_string();
        assert!(error.contains("stain"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn resolutions_have_room_and_are_absent_without_slides() {
        let range = MppRange::around_slides([0.25, 0.5].into_iter()).unwrap();
        assert_eq!((range.lowest, range.highest), (0.227, 0.55));
        assert!(MppRange::around_slides(std::iter::empty()).is_none());
    }
}
