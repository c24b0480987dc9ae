//! What fits and what does not, of a whole weight file.

use std::collections::BTreeMap;

/// Every tensor of a recipe and of a file, by what became of it.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Survey {
    /// Tensors that were found, have the right shape and hold only numbers.
    pub fitting: usize,
    /// Tensors that the recipe needs and the file lacks, with their shape.
    pub missing: BTreeMap<String, Vec<usize>>,
    /// Tensors with another shape: the file's, and the recipe's.
    pub misshapen: BTreeMap<String, [Vec<usize>; 2]>,
    /// Tensors that cannot be used, and why: NaN, a wrong checksum, integers.
    pub damaged: BTreeMap<String, String>,
    /// Tensors of the network's part of the file that the recipe has no place for.
    pub left_over: Vec<String>,
    /// Tensors that only training needs.
    pub training_only: Vec<String>,
    /// Tensors of other parts of the file, counted by how their names begin.
    pub elsewhere: BTreeMap<String, usize>,
    /// What is wrong with the file as a whole.
    pub problems: Vec<String>,
}

impl Survey {
    /// Whether the file is the recipe's network.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.fitting > 0
            && self.missing.is_empty()
            && self.misshapen.is_empty()
            && self.damaged.is_empty()
            && self.left_over.is_empty()
            && self.problems.is_empty()
    }

    pub(super) fn fit(&mut self) {
        self.fitting += 1;
    }

    pub(super) fn missing(&mut self, name: &str, shape: &[usize]) -> Vec<f32> {
        self.missing.insert(name.to_owned(), shape.to_vec());
        zeros(shape)
    }

    pub(super) fn misshapen(&mut self, name: &str, has: &[usize], needs: &[usize]) -> Vec<f32> {
        self.misshapen.insert(name.to_owned(), [has.to_vec(), needs.to_vec()]);
        zeros(needs)
    }

    pub(super) fn damaged(&mut self, name: &str, what: String, shape: &[usize]) -> Vec<f32> {
        self.damaged.insert(name.to_owned(), what);
        zeros(shape)
    }

    pub(super) fn ignored(&mut self, name: &str) {
        self.training_only.push(name.to_owned());
    }

    pub(super) fn left(&mut self, name: String, prefix: &str) {
        if name.starts_with(prefix) {
            self.left_over.push(name);
            return;
        }
        let begin = name.split('.').next().unwrap_or(&name).to_owned();
        *self.elsewhere.entry(begin).or_default() += 1;
    }

    /// Notes what is wrong with the file as a whole.
    pub(super) fn problem(&mut self, what: String) {
        self.problems.push(what);
    }
}

fn zeros(shape: &[usize]) -> Vec<f32> {
    vec![0.0; shape.iter().product()]
}
