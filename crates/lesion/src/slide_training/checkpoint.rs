//! The state of a training after a whole pass, kept so that it can be taken up again.

use std::{fs, path::Path};

use bianque_core::Digest;
use serde::{Deserialize, Serialize};

use super::{optimiser::AdamW, train::EpochRecord};
use crate::{
    error::{LesionError, Result},
    files::{at, read_bounded, write_whole},
    slide_head::{SlideHead, array_bytes, read_arrays},
    tape::{Array, Parameters},
};

const KEY: &str = "bianque_slide_training";
const MAX_CHECKPOINT: u64 = 1 << 33;
/// What the four sets of arrays in a checkpoint are called.
const SETS: [&str; 4] = ["now", "best", "first", "second"];

/// The state after a pass.
#[derive(Clone, Debug)]
pub(super) struct Checkpoint {
    pub(super) parameters: Parameters,
    pub(super) best: Parameters,
    pub(super) best_epoch: usize,
    pub(super) best_loss: f64,
    pub(super) history: Vec<EpochRecord>,
    pub(super) optimiser: AdamW,
}

#[derive(Serialize, Deserialize)]
struct Form {
    schema: u32,
    plan: Digest,
    best_epoch: usize,
    best_loss: f64,
    history: Vec<EpochRecord>,
    steps: u32,
}

impl Checkpoint {
    /// The state before the first pass.
    pub(super) fn first(head: &SlideHead) -> Self {
        Self {
            parameters: head.parameters.clone(),
            best: head.parameters.clone(),
            best_epoch: 0,
            best_loss: f64::INFINITY,
            history: Vec::new(),
            optimiser: AdamW::new(&head.parameters),
        }
    }

    /// Passes made.
    pub(super) fn epoch(&self) -> usize {
        self.history.len()
    }

    /// Takes note of a pass.
    pub(super) fn finish(&mut self, record: EpochRecord) {
        if record.validation_loss < self.best_loss {
            self.best_loss = record.validation_loss;
            self.best_epoch = record.epoch;
            self.best.clone_from(&self.parameters);
        }
        self.history.push(record);
    }

    pub(super) fn write(&self, path: &Path, plan: Digest) -> Result<()> {
        let named = |set: &str, arrays: Vec<&Array>| -> Vec<(String, Array)> {
            let names = self.parameters.entries.iter().map(|entry| format!("{set}/{}", entry.name));
            names.zip(arrays.into_iter().cloned()).collect()
        };
        let values = |p: &'_ Parameters| -> Vec<Array> {
            p.entries.iter().map(|entry| entry.value.clone()).collect()
        };
        let (now, best) = (values(&self.parameters), values(&self.best));
        let sets = [&now, &best, &self.optimiser.first, &self.optimiser.second];
        let arrays: Vec<(String, Array)> = SETS
            .into_iter()
            .zip(sets)
            .flat_map(|(set, arrays)| named(set, arrays.iter().collect()))
            .collect();
        let form = Form {
            schema: 1,
            plan,
            best_epoch: self.best_epoch,
            best_loss: self.best_loss,
            history: self.history.clone(),
            steps: self.optimiser.steps,
        };
        let bytes = array_bytes(&arrays, KEY, &form)
            .map_err(|what| LesionError::Head { path: path.to_owned(), what })?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(at(folder))?;
        }
        write_whole(path, &bytes)
    }

    /// The state that was kept; `None` where there is none.
    ///
    /// # Errors
    /// When the file is broken or of another training.
    pub(super) fn read(path: &Path, plan: Digest, head: &SlideHead) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let bytes = read_bounded(path, MAX_CHECKPOINT)?;
        let wrong = |what: String| LesionError::Head { path: path.to_owned(), what };
        let (form, mut arrays): (Form, _) = read_arrays(&bytes, KEY).map_err(|what| {
            wrong(format!("{what}; delete the file to begin this training anew"))
        })?;
        if form.schema != 1 || form.plan != plan {
            return Err(wrong(
                "it was kept by a training with other slides, labels, parts or settings; give \
                 another output folder, or delete this file to begin anew"
                    .into(),
            ));
        }
        let mut state = Self::first(head);
        let mut fill = |set: &str, name: &str, to: &mut Array| {
            let array = arrays.remove(&format!("{set}/{name}"));
            match array.filter(|own| (own.rows, own.columns) == (to.rows, to.columns)) {
                Some(array) => {
                    *to = array;
                    Ok(())
                }
                None => Err(wrong(format!("'{set}/{name}' is missing; delete the file"))),
            }
        };
        for (index, entry) in state.parameters.entries.iter_mut().enumerate() {
            fill(SETS[0], &entry.name, &mut entry.value)?;
            fill(SETS[1], &entry.name, &mut state.best.entries[index].value)?;
            fill(SETS[2], &entry.name, &mut state.optimiser.first[index])?;
            fill(SETS[3], &entry.name, &mut state.optimiser.second[index])?;
        }
        state.optimiser.steps = form.steps;
        (state.best_epoch, state.best_loss) = (form.best_epoch, form.best_loss);
        state.history = form.history;
        Ok(Some(state))
    }
}
