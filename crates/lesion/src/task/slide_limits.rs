//! What a task of whole slides knows of its own limits: when it must not name one class, and which
//! slides are unlike those that it was made of. A file beside its heads.

use std::path::Path;

use bianque_core::Digest;
use serde::{Deserialize, Serialize};

use super::{AbstentionRule, is_slide_task, slide::SlideTask};
use crate::{
    error::{LesionError, Result},
    evaluation::{ConformalThresholds, Familiarity},
    files::{read_bounded, write_whole},
    matrix::FeatureMatrix,
    slide_head::{SlidePurpose, array_bytes, read_arrays},
    slide_training::{Predictions, RunReference},
    tape::Array,
};

/// The name of the file in a task's folder.
pub(super) const LIMITS_FILE: &str = "limits.safetensors";
const KEY: &str = "bianque_slide_limits";
const MAX_FILE: u64 = 1 << 28;
/// Seed of the folds by which training slides are measured as if they were new.
const SEED: u64 = 1;

/// What a task knows of its own limits; what could not be learned of the run is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SlideLimits {
    /// When one class may be said; of a classification.
    pub abstention: Option<AbstentionRule>,
    /// What the training slides are like.
    pub familiarity: Option<Familiarity>,
}

/// A slide's distance from the training slides.
#[derive(Copy, Clone, Debug, PartialEq, Serialize)]
pub struct Unlikeness {
    /// The distance of its mean features.
    pub distance: f64,
    /// The distance within which all but one in twenty of the training slides lie.
    pub limit: f64,
    /// Whether it lies beyond: what is said of it was never tried on such slides.
    pub beyond: bool,
    /// Training slides that this is measured from.
    pub training_slides: usize,
}

#[derive(Serialize, Deserialize)]
struct Form {
    schema: u32,
    abstention: Option<AbstentionForm>,
    familiarity: Option<FamiliarityForm>,
}

#[derive(Serialize, Deserialize)]
struct AbstentionForm {
    alpha: f64,
    slides: usize,
    /// By class, the lowest probability that does not exclude it.
    lowest: Vec<f64>,
}

#[derive(Serialize, Deserialize)]
struct FamiliarityForm {
    limit: f64,
    slides: usize,
    rest: f32,
}

impl SlideLimits {
    /// Of a task, or of a finished run as the task has them that is made of it.
    ///
    /// # Errors
    /// When the folder holds neither, or one that is broken.
    pub fn of(folder: &Path) -> Result<Self> {
        if matches!(is_slide_task(folder), Ok(true)) {
            return Ok(SlideTask::load(folder)?.limits);
        }
        Ok(Self::of_run(folder)?.0)
    }

    /// Whether a slide lies beyond, by its mean features; `None` where that is not known.
    #[must_use]
    pub fn unlikeness(&self, mean_features: &[f32]) -> Option<Unlikeness> {
        let known = self.familiarity.as_ref()?;
        let distance = known.distance(mean_features);
        Some(Unlikeness {
            distance,
            limit: known.limit,
            beyond: distance > known.limit,
            training_slides: known.slides,
        })
    }

    /// Learns them of a finished run; gives beside them why something could not be learned.
    pub(super) fn of_run(run: &Path) -> Result<(Self, Vec<String>)> {
        let mut why = Vec::new();
        let predictions = Predictions::read(&run.join("predictions.csv"))?;
        let abstention = AbstentionRule::learn(&predictions);
        if let (None, SlidePurpose::Classification { .. }) = (&abstention, &predictions.purpose) {
            why.push("it never abstains: too few slides to learn when it should".into());
        }
        let familiarity = match RunReference::read(run)? {
            None => Err("the run kept no training slides".to_owned()),
            Some(known) => match Familiarity::learn(&known.vectors, &known.patient_of, SEED) {
                Ok(found) => Ok(found),
                Err(LesionError::Data(what)) => Err(what),
                Err(other) => return Err(other),
            },
        };
        let familiarity = familiarity
            .map_err(|what| why.push(format!("it cannot tell an unlike slide: {what}")))
            .ok();
        Ok((Self { abstention, familiarity }, why))
    }

    /// Writes the file and gives its digest; nothing where nothing is known.
    pub(super) fn save(&self, folder: &Path) -> Result<Option<Digest>> {
        if *self == Self::default() {
            return Ok(None);
        }
        let path = folder.join(LIMITS_FILE);
        let wrong = |what: String| LesionError::Head { path: path.clone(), what };
        let bytes = self.to_bytes().map_err(wrong)?;
        write_whole(&path, &bytes)?;
        Ok(Some(Digest::of(&bytes)))
    }

    /// Reads the file that a task names.
    pub(super) fn load(folder: &Path, digest: Digest) -> Result<Self> {
        let path = folder.join(LIMITS_FILE);
        let wrong = |what: String| LesionError::Head { path: path.clone(), what };
        let bytes = read_bounded(&path, MAX_FILE)?;
        let own = Digest::of(&bytes);
        if own != digest {
            return Err(wrong(format!("its digest is {own}, the task names {digest}")));
        }
        Self::from_bytes(&bytes).map_err(wrong)
    }

    /// What contradicts a task's answers and features, if anything does.
    pub(super) fn fault(&self, purpose: &SlidePurpose, dimension: usize) -> Option<String> {
        let classes = match purpose {
            SlidePurpose::Classification { classes } => classes.len(),
            SlidePurpose::Regression { .. } | SlidePurpose::Survival => 0,
        };
        if let Some(rule) = &self.abstention
            && rule.thresholds.lowest().len() != classes
        {
            let own = rule.thresholds.lowest().len();
            return Some(format!("its limits are of {own} classes, its heads tell {classes}"));
        }
        let known = self.familiarity.as_ref()?.mean.len();
        (known != dimension)
            .then(|| format!("its limits are of {known} features, its heads take {dimension}"))
    }

    fn to_bytes(&self) -> std::result::Result<Vec<u8>, String> {
        let mut arrays = Vec::new();
        if let Some(known) = &self.familiarity {
            let row = |values: &[f32]| Array::new(1, values.len(), values.to_vec());
            let directions = &known.directions;
            let (rows, columns) = (directions.rows(), directions.dimension());
            arrays = vec![
                ("directions".to_owned(), Array::new(rows, columns, directions.values().to_vec())),
                ("inverse_deviation".to_owned(), row(&known.inverse_deviation)),
                ("mean".to_owned(), row(&known.mean)),
                ("variances".to_owned(), row(&known.variances)),
            ];
        }
        let form = Form {
            schema: 1,
            abstention: self.abstention.as_ref().map(|rule| AbstentionForm {
                alpha: rule.alpha,
                slides: rule.slides,
                lowest: rule.thresholds.lowest().to_vec(),
            }),
            familiarity: self.familiarity.as_ref().map(|known| FamiliarityForm {
                limit: known.limit,
                slides: known.slides,
                rest: known.rest,
            }),
        };
        array_bytes(&arrays, KEY, &form)
    }

    fn from_bytes(bytes: &[u8]) -> std::result::Result<Self, String> {
        let (form, mut arrays): (Form, _) = read_arrays(bytes, KEY)?;
        if form.schema != 1 {
            return Err(format!("schema {} is not known; 1 is", form.schema));
        }
        let mut array =
            |name: &str| arrays.remove(name).ok_or_else(|| format!("it has no '{name}'"));
        let abstention = form.abstention.map(AbstentionForm::rule).transpose()?;
        let familiarity = match form.familiarity {
            None => None,
            Some(own) => Some(own.known(
                array("mean")?,
                array("inverse_deviation")?,
                array("directions")?,
                array("variances")?,
            )?),
        };
        Ok(Self { abstention, familiarity })
    }
}

impl AbstentionForm {
    fn rule(self) -> std::result::Result<AbstentionRule, String> {
        let probable = |p: &f64| (0.0..=1.0).contains(p);
        if !(self.alpha > 0.0 && self.alpha < 0.5 && self.lowest.iter().all(probable)) {
            return Err("its thresholds of abstention are no probabilities".into());
        }
        let thresholds = ConformalThresholds::of(self.lowest);
        Ok(AbstentionRule { alpha: self.alpha, slides: self.slides, thresholds })
    }
}

impl FamiliarityForm {
    fn known(
        self,
        mean: Array,
        inverse_deviation: Array,
        directions: Array,
        variances: Array,
    ) -> std::result::Result<Familiarity, String> {
        let dimension = mean.values.len();
        let same = inverse_deviation.values.len() == dimension
            && (directions.columns == dimension || directions.rows == 0)
            && variances.values.len() == directions.rows;
        let positive = |x: f32| x.is_finite() && x > 0.0;
        let sound = positive(self.rest) && variances.values.iter().copied().all(positive);
        if !same || !sound || self.limit.is_nan() || self.limit < 0.0 || dimension == 0 {
            return Err("what it says of the training slides contradicts itself".into());
        }
        let directions = FeatureMatrix::new(dimension, directions.values);
        Ok(Familiarity {
            mean: mean.values,
            inverse_deviation: inverse_deviation.values,
            directions: directions.map_err(|error| error.to_string())?,
            variances: variances.values,
            rest: self.rest,
            limit: self.limit,
            slides: self.slides,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits() -> SlideLimits {
        let value = |i: usize| (i * 37 % 101) as f32 / 50.0;
        let vectors = FeatureMatrix::new(6, (0..120).map(value).collect()).unwrap();
        let patients: Vec<usize> = (0..20).collect();
        let thresholds = ConformalThresholds::of(vec![0.2, 0.05, 0.0]);
        SlideLimits {
            abstention: Some(AbstentionRule { alpha: 0.1, slides: 20, thresholds }),
            familiarity: Some(Familiarity::learn(&vectors, &patients, 1).unwrap()),
        }
    }

    fn purpose(classes: usize) -> SlidePurpose {
        SlidePurpose::Classification { classes: (0..classes).map(|c| c.to_string()).collect() }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let digest = limits().save(folder.path()).unwrap().unwrap();
        assert_eq!(SlideLimits::load(folder.path(), digest).unwrap(), limits());
        assert_eq!(limits().fault(&purpose(3), 6), None);
        assert!(limits().fault(&purpose(2), 6).unwrap().contains("3 classes"));
        assert!(limits().fault(&purpose(3), 7).unwrap().contains("6 features"));
        let other = SlideLimits::load(folder.path(), Digest::of(b"other")).unwrap_err();
        assert!(other.to_string().contains("the task names"), "{other}");
        assert_eq!(SlideLimits::default().save(folder.path()).unwrap(), None);
    }

    #[test]
    fn every_truncation_is_an_error() {
        let bytes = limits().to_bytes().unwrap();
        for length in 0..bytes.len() {
            assert!(SlideLimits::from_bytes(&bytes[..length]).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn changed_bytes_never_panic(at in 0_usize..4000, value in 0_u8..=255) {
            let mut bytes = limits().to_bytes().unwrap();
            let at = at % bytes.len();
            bytes[at] = value;
            if let Ok(read) = SlideLimits::from_bytes(&bytes)
                && let Some(known) = read.familiarity
            {
                let _ = known.distance(&vec![1.0; known.mean.len()]);
            }
        }
    }
}
