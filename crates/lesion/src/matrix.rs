//! Feature vectors and class probabilities, row by row.

use crate::error::{LesionError, Result};

/// Feature vectors of tiles: `rows` vectors of `dimension` finite values each.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureMatrix {
    dimension: usize,
    values: Vec<f32>,
}

impl FeatureMatrix {
    /// Vectors one after the other.
    ///
    /// # Errors
    /// When `dimension` is 0, the buffer is no multiple of it, or a value is not finite.
    pub fn new(dimension: usize, values: Vec<f32>) -> Result<Self> {
        if dimension == 0 || !values.len().is_multiple_of(dimension) {
            let what = format!("{} values are no vectors of {dimension}", values.len());
            return Err(LesionError::Data(what));
        }
        match values.iter().position(|value| !value.is_finite()) {
            Some(at) => Err(LesionError::NotFinite { row: at / dimension, column: at % dimension }),
            None => Ok(Self { dimension, values }),
        }
    }

    /// Values per vector.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Number of vectors.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.values.len() / self.dimension
    }

    /// One vector. Panics when it does not exist, as indexing does.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.dimension..][..self.dimension]
    }

    /// All values, vector by vector.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All values, vector by vector, without a copy.
    pub(crate) fn into_values(self) -> Vec<f32> {
        self.values
    }

    /// The chosen vectors, in the order of `rows`.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let values = rows.iter().flat_map(|row| self.row(*row)).copied().collect();
        Self { dimension: self.dimension, values }
    }

    /// These vectors and then the other's.
    ///
    /// # Errors
    /// When the dimensions differ.
    pub fn append(&mut self, other: &Self) -> Result<()> {
        if other.dimension != self.dimension {
            return Err(LesionError::Dimension {
                expected: self.dimension,
                actual: other.dimension,
            });
        }
        self.values.extend_from_slice(&other.values);
        Ok(())
    }
}

/// Probabilities of `classes` classes for each tile; every row sums to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Probabilities {
    classes: usize,
    values: Vec<f32>,
}

impl Probabilities {
    /// The softmax of `logits / temperature`, row by row.
    ///
    /// # Errors
    /// When the buffer is no multiple of `classes`, a value is not finite or the temperature is
    /// not positive.
    pub fn from_logits(classes: usize, mut logits: Vec<f32>, temperature: f64) -> Result<Self> {
        if classes == 0 || !logits.len().is_multiple_of(classes) {
            let what = format!("{} values are no rows of {classes} classes", logits.len());
            return Err(LesionError::Data(what));
        }
        if !(temperature.is_finite() && temperature > 0.0) {
            return Err(LesionError::Setting(format!(
                "temperature {temperature} is not a positive number"
            )));
        }
        if let Some(at) = logits.iter().position(|value| !value.is_finite()) {
            return Err(LesionError::NotFinite { row: at / classes, column: at % classes });
        }
        for row in logits.chunks_exact_mut(classes) {
            softmax(row, temperature as f32);
        }
        Ok(Self { classes, values: logits })
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number of tiles.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.values.len() / self.classes
    }

    /// One tile's probabilities. Panics when it does not exist, as indexing does.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.classes..][..self.classes]
    }

    /// Gives a tile other probabilities, which sum to 1.
    pub(crate) fn set_row(&mut self, row: usize, values: &[f32]) {
        self.values[row * self.classes..][..self.classes].copy_from_slice(values);
    }

    /// The most probable class of a tile; of equals the first.
    #[must_use]
    pub fn prediction(&self, row: usize) -> usize {
        largest(self.row(row))
    }
}

/// The index of the largest value; of equals the first.
pub(crate) fn largest(values: &[f32]) -> usize {
    let best = values.iter().enumerate().fold((0, f32::NEG_INFINITY), |best, (index, value)| {
        if *value > best.1 { (index, *value) } else { best }
    });
    best.0
}

/// Softmax in place, shifted by the largest value so that nothing overflows.
pub(crate) fn softmax(values: &mut [f32], temperature: f32) {
    let top = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for value in values.iter_mut() {
        *value = ((*value - top) / temperature).exp();
        sum += *value;
    }
    for value in values.iter_mut() {
        *value /= sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_refused_with_its_place() {
        let result = FeatureMatrix::new(2, vec![0.0, 1.0, 2.0, f32::NAN]);
        assert!(matches!(result, Err(LesionError::NotFinite { row: 1, column: 1 })));
        assert!(FeatureMatrix::new(2, vec![0.0; 3]).is_err());
        assert!(FeatureMatrix::new(0, vec![]).is_err());
        assert!(Probabilities::from_logits(2, vec![0.0, f32::INFINITY], 1.0).is_err());
        assert!(Probabilities::from_logits(2, vec![0.0; 2], 0.0).is_err());
    }

    #[test]
    fn huge_logits_do_not_overflow() {
        let p = Probabilities::from_logits(2, vec![3e38, -3e38, 0.0, 0.0], 0.5).unwrap();
        assert_eq!(p.row(0), [1.0, 0.0]);
        assert_eq!(p.row(1), [0.5, 0.5]);
        assert_eq!(p.prediction(1), 0);
    }
}
