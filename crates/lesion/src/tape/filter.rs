//! Filters over tiles that lie in a rectangle, each column of features on its own.

use rayon::prelude::*;

use super::{Array, Node, Operation, Tape};

/// Where rows lie, and what a filter reaches.
///
/// Row `i` lies at `(i / width, i % width)`; what lies beyond the rows is zero. A sequence is a
/// rectangle one wide.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilterPlan {
    /// Rows side by side.
    pub(crate) width: usize,
    /// Odd height and width of the filter.
    pub(crate) reach: (usize, usize),
}

impl FilterPlan {
    fn taps(self) -> usize {
        self.reach.0 * self.reach.1
    }

    /// The row that a tap reads for an output row, if there is one. `turned` reads the other way.
    fn source(self, row: usize, tap: usize, rows: usize, turned: bool) -> Option<usize> {
        let offset = |place: usize, reach: usize| place as isize - (reach / 2) as isize;
        let (down, right) =
            (offset(tap / self.reach.1, self.reach.0), offset(tap % self.reach.1, self.reach.1));
        let sign = if turned { -1 } else { 1 };
        let y = (row / self.width).checked_add_signed(sign * down)?;
        let x = (row % self.width).checked_add_signed(sign * right)?;
        let source = y * self.width + x;
        (x < self.width && source < rows).then_some(source)
    }
}

impl Tape<'_> {
    /// Sums each column over its neighbours by weights. `weight` is `groups x taps`, taps in raster
    /// order; equally many neighbouring columns share a group's weights.
    pub(crate) fn filter(&mut self, input: Node, weight: Node, plan: FilterPlan) -> Node {
        let out = filtered(self.value(input), self.value(weight), plan, false);
        self.push(out, Operation::Filter { input, weight, plan }, &[input, weight])
    }
}

/// `turned` is the transposed filter: what the slope of the input is.
pub(super) fn filtered(input: &Array, weight: &Array, plan: FilterPlan, turned: bool) -> Array {
    let columns = input.columns;
    let weights = by_column(weight, columns);
    let mut out = Array::zeros(input.rows, columns);
    out.values.par_chunks_mut(columns.max(1)).enumerate().for_each(|(row, sums)| {
        for tap in 0..plan.taps() {
            if let Some(source) = plan.source(row, tap, input.rows, turned) {
                let values = input.row(source).iter().zip(weights.row(tap));
                sums.iter_mut().zip(values).for_each(|(sum, (x, weight))| *sum += x * weight);
            }
        }
    });
    out
}

/// The slope by the weights.
pub(super) fn weight_slope(input: &Array, slope: &Array, groups: usize, plan: FilterPlan) -> Array {
    let each = input.columns / groups;
    let taps: Vec<Vec<f32>> = (0..plan.taps())
        .into_par_iter()
        .map(|tap| {
            let mut sums = vec![0.0_f64; input.columns];
            for row in 0..input.rows {
                if let Some(source) = plan.source(row, tap, input.rows, false) {
                    let values = input.row(source).iter().zip(slope.row(row));
                    sums.iter_mut().zip(values).for_each(|(sum, (x, s))| *sum += f64::from(x * s));
                }
            }
            sums.chunks(each).map(|own| own.iter().sum::<f64>() as f32).collect()
        })
        .collect();
    let mut out = Array::zeros(groups, plan.taps());
    for (tap, by_group) in taps.iter().enumerate() {
        by_group.iter().enumerate().for_each(|(group, x)| out.row_mut(group)[tap] = *x);
    }
    out
}

/// Weights as `taps x columns`.
fn by_column(weight: &Array, columns: usize) -> Array {
    let each = columns / weight.rows;
    let mut out = Array::zeros(weight.columns, columns);
    for tap in 0..weight.columns {
        let row = out.row_mut(tap).iter_mut().enumerate();
        row.for_each(|(column, value)| *value = weight.row(column / each)[tap]);
    }
    out
}
