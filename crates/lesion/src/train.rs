//! From features and labels to a calibrated head with its measures.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    error::{LesionError, Result},
    evaluation::{ClassificationMetrics, at_the_end, fit_temperature},
    head::{
        Examples, Head, LogisticSettings, MlpSettings, NeighbourSettings, PrototypeSettings,
        find_prototypes, keep_neighbours, train_logistic, train_mlp,
    },
    matrix::{FeatureMatrix, Probabilities},
    splits::Parts,
};

/// Which head, and how it is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum HeadSettings {
    /// Multinomial logistic regression; of several strengths of `l2` the validation part chooses.
    Linear {
        /// Strengths to try.
        l2: Vec<f64>,
        /// Whether every class counts the same.
        balance: bool,
        /// Most steps.
        iterations: usize,
    },
    /// One hidden layer; the validation part says when to stop.
    Mlp(MlpSettings),
    /// The votes of the nearest examples; nothing is trained but the temperature.
    Neighbours(NeighbourSettings),
    /// The nearest prototype of each class.
    Prototypes(PrototypeSettings),
}

impl Default for HeadSettings {
    fn default() -> Self {
        Self::Linear { l2: vec![1e-4, 1e-3, 1e-2, 1e-1], balance: true, iterations: 500 }
    }
}

/// What a head is trained on.
#[derive(Copy, Clone, Debug)]
pub struct TrainingData<'a> {
    /// One vector a tile.
    pub features: &'a FeatureMatrix,
    /// Stain-varied copies: trained on beside the tiles themselves, never measured on.
    pub varied: &'a [FeatureMatrix],
    /// The class of each tile.
    pub labels: &'a [usize],
    /// Class names.
    pub classes: &'a [String],
}

/// What came out of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingReport {
    /// How the head was trained.
    pub settings: HeadSettings,
    /// The strength of `l2` that the validation part chose.
    pub chosen_l2: Option<f64>,
    /// Steps of L-BFGS, or passes over the examples.
    pub iterations: usize,
    /// Tiles to train on, varied copies not counted.
    pub train_examples: usize,
    /// Varied copies of each.
    pub varied_copies: usize,
    /// What logits are divided by.
    pub temperature: f64,
    /// On the part that chose, stopped and calibrated: flatters the head.
    pub validation: ClassificationMetrics,
    /// On the part that nothing was chosen by.
    pub test: Option<ClassificationMetrics>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// A calibrated head with its measures.
#[derive(Clone, Debug)]
pub struct TrainedHead {
    /// The head.
    pub head: Head,
    /// What logits are divided by.
    pub temperature: f64,
    /// What came out.
    pub report: TrainingReport,
}

/// Trains, chooses, calibrates and measures a head. The same data and settings give the same head.
///
/// # Errors
/// When a class has no example to train on, the parts do not fit the data, or a setting is out of
/// range.
pub fn train_head(
    data: &TrainingData<'_>,
    parts: &Parts,
    settings: &HeadSettings,
) -> Result<TrainedHead> {
    check(data, parts)?;
    let train = training_examples(data, &parts.train)?;
    let validation = Held::new(data, &parts.validation);
    let mut warnings = missing_classes(data, &validation.labels, "validation");
    let candidate = match settings {
        HeadSettings::Linear { l2, balance, iterations } => {
            linear(&train, &validation, l2, *balance, *iterations, &mut warnings)?
        }
        HeadSettings::Mlp(settings) => {
            let held_out = Examples {
                features: validation.features.clone(),
                labels: validation.labels.clone(),
                classes: data.classes.len(),
            };
            let (head, passes) = train_mlp(&train, &held_out, settings)?;
            let (temperature, _) = validation.calibrate(&head)?;
            Candidate { head, temperature, l2: None, iterations: passes }
        }
        HeadSettings::Neighbours(settings) => {
            validation.candidate(keep_neighbours(&train, settings)?)?
        }
        HeadSettings::Prototypes(settings) => {
            validation.candidate(find_prototypes(&train, settings)?)?
        }
    };
    let Candidate { head, temperature, l2, iterations } = candidate;
    if at_the_end(temperature) {
        warnings.push(format!(
            "the temperature {temperature:.2} lies at the end of its range: the validation part is \
             too small or too easy to calibrate by"
        ));
    }
    let test = (!parts.test.is_empty()).then(|| Held::new(data, &parts.test));
    if let Some(test) = &test {
        warnings.extend(missing_classes(data, &test.labels, "test"));
    }
    let measure = |held: &Held| held.measure(&head, temperature, data.classes);
    let report = TrainingReport {
        settings: settings.clone(),
        chosen_l2: l2,
        iterations,
        train_examples: parts.train.len(),
        varied_copies: data.varied.len(),
        temperature,
        validation: measure(&validation)?,
        test: test.as_ref().map(measure).transpose()?,
        warnings,
    };
    Ok(TrainedHead { head, temperature, report })
}

/// Measures a way of training by holding out each fold once; the measures are on all tiles, each
/// judged by a head that has not seen its fold.
///
/// # Errors
/// As [`train_head`]; and with fewer than three folds, since one chooses and one measures.
pub fn cross_validate(
    data: &TrainingData<'_>,
    folds: &[usize],
    count: usize,
    settings: &HeadSettings,
) -> Result<(ClassificationMetrics, Vec<ClassificationMetrics>)> {
    if count < 3 || folds.len() != data.labels.len() {
        let what = "cross-validation needs at least three folds, and one a tile".into();
        return Err(LesionError::Setting(what));
    }
    let classes = data.classes.len();
    let mut logits = vec![0.0; data.labels.len() * classes];
    let mut each = Vec::new();
    for fold in 0..count {
        let parts = Parts::from_folds(folds, count, fold)?;
        let trained = train_head(data, &parts, settings)?;
        each.extend(trained.report.test);
        let own = trained.head.logits(&data.features.select(&parts.test))?;
        for (row, values) in parts.test.iter().zip(own.chunks_exact(classes)) {
            let to = &mut logits[row * classes..][..classes];
            to.iter_mut().zip(values).for_each(|(to, v)| *to = v / trained.temperature as f32);
        }
    }
    let probabilities = Probabilities::from_logits(classes, logits, 1.0)?;
    let all = ClassificationMetrics::measure(&probabilities, data.labels, data.classes)?;
    Ok((all, each))
}

fn check(data: &TrainingData<'_>, parts: &Parts) -> Result<()> {
    let rows = data.features.rows();
    let fits = data.labels.len() == rows
        && data.varied.iter().all(|varied| varied.rows() == rows)
        && data.labels.iter().all(|label| *label < data.classes.len());
    let mut used = vec![false; rows];
    let all = parts.train.iter().chain(&parts.validation).chain(&parts.test);
    for index in all {
        match used.get_mut(*index) {
            Some(used) if !*used => *used = true,
            _ => {
                let what = format!("tile {index} does not exist or stands in two parts");
                return Err(LesionError::Data(what));
            }
        }
    }
    if fits && !parts.validation.is_empty() {
        Ok(())
    } else {
        let what = "labels, features and classes do not fit, or the validation part is empty";
        Err(LesionError::Data(what.into()))
    }
}

/// The tiles to train on, and their varied copies.
fn training_examples(data: &TrainingData<'_>, rows: &[usize]) -> Result<Examples> {
    let missing =
        (0..data.classes.len()).find(|class| !rows.iter().any(|row| data.labels[*row] == *class));
    if let Some(class) = missing {
        let name = &data.classes[class];
        return Err(LesionError::Data(format!("class '{name}' has no tile to train on")));
    }
    let mut features = data.features.select(rows);
    let own: Vec<usize> = rows.iter().map(|row| data.labels[*row]).collect();
    let mut labels = own.clone();
    for varied in data.varied {
        features.append(&varied.select(rows))?;
        labels.extend(&own);
    }
    Examples::new(features, labels, data.classes.len())
}

fn missing_classes(data: &TrainingData<'_>, labels: &[usize], part: &str) -> Vec<String> {
    let missing = (0..data.classes.len()).filter(|class| !labels.contains(class));
    missing
        .map(|class| format!("the {part} part has no tile of class '{}'", data.classes[class]))
        .collect()
}

struct Candidate {
    head: Head,
    temperature: f64,
    l2: Option<f64>,
    iterations: usize,
}

/// Trains with every strength of `l2` and keeps the one of the lowest calibrated loss on the
/// validation part.
fn linear(
    train: &Examples,
    validation: &Held,
    strengths: &[f64],
    balance: bool,
    iterations: usize,
    warnings: &mut Vec<String>,
) -> Result<Candidate> {
    let trained: Vec<(f64, Candidate, bool)> = strengths
        .par_iter()
        .map(|l2| {
            let settings = LogisticSettings { l2: *l2, balance, iterations };
            let (head, (iterations, converged)) = train_logistic(train, &settings)?;
            let (temperature, loss) = validation.calibrate(&head)?;
            Ok((loss, Candidate { head, temperature, l2: Some(*l2), iterations }, converged))
        })
        .collect::<Result<_>>()?;
    let best = trained.into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
    let (_, candidate, converged) =
        best.ok_or_else(|| LesionError::Setting("no strength of l2 was given".into()))?;
    if !converged {
        let steps = candidate.iterations;
        warnings.push(format!("the minimum was not reached in {steps} steps; allow more"));
    }
    Ok(candidate)
}

/// A part that is not trained on.
struct Held {
    features: FeatureMatrix,
    labels: Vec<usize>,
}

impl Held {
    fn new(data: &TrainingData<'_>, rows: &[usize]) -> Self {
        let labels = rows.iter().map(|row| data.labels[*row]).collect();
        Self { features: data.features.select(rows), labels }
    }

    /// A head that is made at once, with its temperature.
    fn candidate(&self, head: Head) -> Result<Candidate> {
        let (temperature, _) = self.calibrate(&head)?;
        Ok(Candidate { head, temperature, l2: None, iterations: 1 })
    }

    /// The best temperature and the mean log loss with it.
    fn calibrate(&self, head: &Head) -> Result<(f64, f64)> {
        let logits = head.logits(&self.features)?;
        let temperature = fit_temperature(&logits, &self.labels, head.classes())?;
        let probabilities = Probabilities::from_logits(head.classes(), logits, temperature)?;
        let loss = |(row, label): (usize, &usize)| {
            -f64::from(probabilities.row(row)[*label].max(f32::MIN_POSITIVE)).ln()
        };
        let sum: f64 = self.labels.iter().enumerate().map(loss).sum();
        Ok((temperature, sum / self.labels.len() as f64))
    }

    fn measure(
        &self,
        head: &Head,
        temperature: f64,
        classes: &[String],
    ) -> Result<ClassificationMetrics> {
        let probabilities = head.probabilities(&self.features, temperature)?;
        ClassificationMetrics::measure(&probabilities, &self.labels, classes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::splits::random_folds;

    /// Three classes on a line with noise, and a feature that means nothing.
    fn data() -> (FeatureMatrix, Vec<usize>, Vec<String>) {
        let labels: Vec<usize> = (0..240).map(|i| i % 3).collect();
        let values = labels.iter().enumerate().flat_map(|(i, label)| {
            let noise = (i as f32 * 12.9898).sin() * 0.55;
            [*label as f32 + noise, (i as f32 * 7.1).cos()]
        });
        let names = ["healthy", "adenoma", "carcinoma"].map(String::from).to_vec();
        (FeatureMatrix::new(2, values.collect()).unwrap(), labels, names)
    }

    fn mlp() -> HeadSettings {
        let quick = MlpSettings { hidden: 8, learning_rate: 2e-2, ..MlpSettings::default() };
        HeadSettings::Mlp(MlpSettings { batch: 16, ..quick })
    }

    #[test]
    fn both_heads_learn_and_are_measured_on_what_they_never_saw() {
        let (features, labels, classes) = data();
        let data =
            TrainingData { features: &features, varied: &[], labels: &labels, classes: &classes };
        let folds = random_folds(&labels, 4, 1).unwrap();
        let parts = Parts::from_folds(&folds, 4, 0).unwrap();
        let neighbours = HeadSettings::Neighbours(NeighbourSettings::default());
        for settings in [HeadSettings::default(), mlp(), neighbours] {
            let trained = train_head(&data, &parts, &settings).unwrap();
            let test = trained.report.test.clone().unwrap();
            assert_eq!((test.examples, trained.report.train_examples), (60, 120));
            assert!(test.balanced_accuracy > 0.7, "{settings:?} {test:?}");
            assert!(test.pair("healthy", "carcinoma").unwrap() > 0.97);
            assert_eq!(train_head(&data, &parts, &settings).unwrap().head, trained.head);
        }
        let (all, each) = cross_validate(&data, &folds, 4, &HeadSettings::default()).unwrap();
        assert_eq!((all.examples, each.len()), (240, 4));
        assert!(all.balanced_accuracy > 0.7);
    }

    #[test]
    fn varied_copies_are_trained_on() {
        let (features, labels, classes) = data();
        let shifted: Vec<f32> = features.values().iter().map(|v| v + 0.4).collect();
        let varied = [FeatureMatrix::new(2, shifted).unwrap()];
        let plain =
            TrainingData { features: &features, varied: &[], labels: &labels, classes: &classes };
        let with = TrainingData { varied: &varied, ..plain };
        let parts = Parts::from_folds(&random_folds(&labels, 3, 1).unwrap(), 3, 0).unwrap();
        let settings = HeadSettings::default();
        let (a, b) = (
            train_head(&plain, &parts, &settings).unwrap(),
            train_head(&with, &parts, &settings).unwrap(),
        );
        assert_ne!(a.head, b.head);
        assert_eq!(b.report.varied_copies, 1);
        assert_eq!(a.report.train_examples, b.report.train_examples);
    }

    #[test]
    fn data_that_do_not_suffice_are_refused_by_name() {
        let (features, labels, classes) = data();
        let data =
            TrainingData { features: &features, varied: &[], labels: &labels, classes: &classes };
        let settings = HeadSettings::default();
        let rows = |class| (0..240).filter(move |i| i % 3 != class);
        let parts = |train: Vec<usize>, validation| Parts { train, validation, test: vec![] };
        let error = train_head(&data, &parts(rows(2).skip(9).collect(), vec![0, 1]), &settings);
        assert!(error.unwrap_err().to_string().contains("'carcinoma'"));
        assert!(train_head(&data, &parts((0..200).collect(), vec![]), &settings).is_err());
        assert!(train_head(&data, &parts((0..200).collect(), vec![7]), &settings).is_err());
        assert!(train_head(&data, &parts((0..200).collect(), vec![999]), &settings).is_err());
        let one_class = parts((0..200).collect(), vec![201, 204]);
        let warnings = train_head(&data, &one_class, &settings).unwrap().report.warnings;
        assert!(warnings[0].contains("'adenoma'") && warnings[1].contains("'carcinoma'"));
        let nothing = HeadSettings::Linear { l2: vec![], balance: true, iterations: 9 };
        assert!(train_head(&data, &one_class, &nothing).is_err());
    }
}
