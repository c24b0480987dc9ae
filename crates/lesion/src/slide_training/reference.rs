//! What a run keeps of the slides that it was about: the mean of each one's features, so that
//! later slides can be compared with them.

use std::{path::Path, sync::atomic::AtomicBool};

use serde::{Deserialize, Serialize};

use super::{bags::FileBags, cohort::Cohort, train::mean_features};
use crate::{
    error::{LesionError, Result},
    files::{read_bounded, write_whole},
    matrix::FeatureMatrix,
    slide_head::{array_bytes, read_arrays},
    tape::Array,
};

const FILE: &str = "reference.safetensors";
const KEY: &str = "bianque_reference";
const MAX_FILE: u64 = 1 << 32;

/// The slides that a run was about.
#[derive(Clone, Debug, PartialEq)]
pub struct RunReference {
    /// Mean features, a row a slide.
    pub vectors: FeatureMatrix,
    /// Whose each is.
    pub patient_of: Vec<usize>,
}

#[derive(Serialize, Deserialize)]
struct Form {
    schema: u32,
    patient_of: Vec<usize>,
}

impl RunReference {
    /// Measures a cohort and keeps it in a run's folder, where it is not kept already.
    pub(super) fn keep(
        folder: &Path,
        cohort: &Cohort,
        bags: &FileBags,
        stop: &AtomicBool,
    ) -> Result<()> {
        let path = folder.join(FILE);
        if path.is_file() {
            return Ok(());
        }
        let vectors = mean_features(bags, stop)?;
        let (rows, columns) = (vectors.rows(), vectors.dimension());
        let array = Array::new(rows, columns, vectors.into_values());
        let form = Form { schema: 1, patient_of: cohort.patient_of.clone() };
        let bytes = array_bytes(&[("means".into(), array)], KEY, &form)
            .map_err(|what| LesionError::FeatureFile { path: path.clone(), what })?;
        write_whole(&path, &bytes)
    }

    /// Reads what a run kept; `None` of a run that kept nothing.
    ///
    /// # Errors
    /// When the file is broken.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(FILE);
        if !path.is_file() {
            return Ok(None);
        }
        let wrong = |what: String| LesionError::FeatureFile { path: path.clone(), what };
        let bytes = read_bounded(&path, MAX_FILE)?;
        let (form, mut arrays): (Form, _) = read_arrays(&bytes, KEY).map_err(wrong)?;
        let means = arrays.remove("means").ok_or_else(|| wrong("it has no 'means'".into()))?;
        if form.schema != 1 || form.patient_of.len() != means.rows {
            return Err(wrong(format!(
                "schema {}, {} slides and {} patients",
                form.schema,
                means.rows,
                form.patient_of.len()
            )));
        }
        let vectors = FeatureMatrix::new(means.columns, means.values)?;
        Ok(Some(Self { vectors, patient_of: form.patient_of }))
    }
}
