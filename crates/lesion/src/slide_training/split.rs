//! How slides are held out.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::cohort::Cohort;
use crate::{
    error::{LesionError, Result},
    splits::{Parts, check_patients, list_parts, patient_folds},
};

/// Folds of a single hold-out: one measures, one chooses, three are trained on.
const HOLDOUT_FOLDS: usize = 5;

/// How slides are held out. Patients stay whole in every way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum SlideSplit {
    /// One fifth of the patients measures, one fifth chooses.
    Holdout,
    /// Every fold measures once; the one after it chooses.
    CrossValidation {
        /// Number of folds.
        folds: usize,
    },
    /// As cross-validation; which of several settings is taken is decided within the other folds
    /// by a cross-validation of their own.
    Nested {
        /// Number of folds.
        folds: usize,
        /// Folds of the inner cross-validation.
        inner: usize,
    },
    /// Every hospital measures once.
    Sites,
    /// As a file `slide,part` says.
    List {
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Display for SlideSplit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holdout => write!(f, "one fifth of the patients"),
            Self::CrossValidation { folds } => {
                write!(f, "{folds} folds of patients, each held out once")
            }
            Self::Nested { folds, inner } => write!(
                f,
                "{folds} folds of patients, each held out once; settings were chosen by {inner} folds \
                 within the others"
            ),
            Self::Sites => write!(f, "each site once"),
            Self::List { path } => write!(f, "the part 'test' of {}", path.display()),
        }
    }
}

impl SlideSplit {
    /// The parts, with a name each.
    pub(super) fn parts(
        &self,
        cohort: &Cohort,
        seed: u64,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<(String, Parts)>> {
        let strata = cohort.strata();
        let all = match self {
            Self::Holdout => {
                let folds = patient_folds(&cohort.patient_of, &strata, HOLDOUT_FOLDS, seed)?;
                vec![("holdout".into(), Parts::from_folds(&folds, HOLDOUT_FOLDS, 0)?)]
            }
            Self::CrossValidation { folds: count } | Self::Nested { folds: count, .. } => {
                if *count < 3 {
                    let what = "cross-validation needs at least three folds: one measures, one \
                                chooses, the others are trained on";
                    return Err(LesionError::Setting(what.into()));
                }
                let folds = patient_folds(&cohort.patient_of, &strata, *count, seed)?;
                (0..*count)
                    .map(|fold| {
                        let parts = Parts::from_folds(&folds, *count, fold)?;
                        Ok((format!("fold-{}", fold + 1), parts))
                    })
                    .collect::<Result<_>>()?
            }
            Self::Sites => sites(cohort, &strata, seed)?,
            Self::List { path } => {
                let (parts, missing) = list_parts(path, &cohort.slides())?;
                if !missing.is_empty() {
                    let count = missing.len();
                    warnings.push(format!("{count} slides are in no part of the list: left out"));
                }
                vec![("list".into(), parts)]
            }
        };
        for (name, parts) in &all {
            check_patients(parts, &cohort.patient_of, &cohort.patients)?;
            if parts.test.is_empty() {
                let what = format!("{name}: no slide is held out to measure on; name a test part");
                return Err(LesionError::Data(what));
            }
        }
        Ok(all)
    }
}

/// Each site held out once; of the others' patients one fifth chooses.
fn sites(cohort: &Cohort, strata: &[usize], seed: u64) -> Result<Vec<(String, Parts)>> {
    let mut of_site: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (slide, row) in cohort.rows.iter().enumerate() {
        let site = row.site.as_deref().ok_or_else(|| {
            LesionError::Data(format!(
                "slide '{}' has no site: holding out sites needs the column 'site'",
                row.slide
            ))
        })?;
        of_site.entry(site).or_default().push(slide);
    }
    if of_site.len() < 2 {
        let what = "there is one site only: hold out patients instead (--split cv)";
        return Err(LesionError::Data(what.into()));
    }
    let mut all = Vec::new();
    for (site, test) in &of_site {
        let tested: Vec<usize> = test.iter().map(|slide| cohort.patient_of[*slide]).collect();
        // A patient seen at two sites is measured at this one and trained on at none.
        let rest: Vec<usize> = (0..cohort.rows.len())
            .filter(|slide| !tested.contains(&cohort.patient_of[*slide]))
            .collect();
        let patients: Vec<usize> = rest.iter().map(|slide| cohort.patient_of[*slide]).collect();
        let own: Vec<usize> = rest.iter().map(|slide| strata[*slide]).collect();
        let folds = patient_folds(&patients, &own, HOLDOUT_FOLDS, seed)?;
        let part = |chosen: bool| {
            let own = rest.iter().zip(&folds).filter(move |(_, fold)| (**fold == 0) == chosen);
            own.map(|(slide, _)| *slide).collect::<Vec<_>>()
        };
        let parts = Parts { train: part(false), validation: part(true), test: test.clone() };
        all.push((format!("site-{site}"), parts));
    }
    Ok(all)
}
