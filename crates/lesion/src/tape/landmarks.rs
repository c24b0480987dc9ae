//! Attention of every tile to every tile by way of landmarks (Nyströmformer: Xiong et al. 2021).
//!
//! With queries Q, keys K, values V of one head, and the means q, k of as many stretches of tiles
//! as there are landmarks, the result is `softmax(Q k') pinv(softmax(q k')) softmax(q K') V`: no
//! matrix of tiles by tiles. Nothing but the result is kept on the tape; the backward pass makes
//! the rest again, head by head, so that memory is that of a few heads' `tiles x landmarks`.

use rayon::prelude::*;

use super::{
    Array, Factor, Node, Operation, Tape, array::product, backward::softmax_step, softmax,
};

/// Steps of the iteration towards the inverse (Razavi et al. 2014, third order).
const STEPS: usize = 6;

/// Extents of an attention by landmarks.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct LandmarkPlan {
    /// Heads that the columns are divided among.
    pub(crate) heads: usize,
    /// Landmarks; at most as many as tiles are taken.
    pub(crate) landmarks: usize,
}

/// Slopes by queries, keys and values.
pub(super) struct LandmarkSlopes {
    pub(super) query: Array,
    pub(super) key: Array,
    pub(super) value: Array,
}

impl Tape<'_> {
    /// Attention by landmarks; all three are `tiles x width`, the width a multiple of the heads.
    pub(crate) fn attend_by_landmarks(
        &mut self,
        (query, key, value): (Node, Node, Node),
        plan: LandmarkPlan,
    ) -> Node {
        let (q, k, v) = (self.value(query), self.value(key), self.value(value));
        let heads: Vec<Array> = (0..plan.heads)
            .into_par_iter()
            .map(|head| Head::new(q, k, v, plan, head).output())
            .collect();
        let out = side_by_side(&heads);
        let operation = Operation::Landmarks { query, key, value, plan };
        self.push(out, operation, &[query, key, value])
    }
}

pub(super) fn backward(
    (query, key, value): (&Array, &Array, &Array),
    slope: &Array,
    plan: LandmarkPlan,
) -> LandmarkSlopes {
    let heads: Vec<[Array; 3]> = (0..plan.heads)
        .into_par_iter()
        .map(|head| {
            let own = columns_of(slope, plan.heads, head);
            Head::new(query, key, value, plan, head).slopes(&own)
        })
        .collect();
    let joined = |which: usize| {
        let parts: Vec<Array> = heads.iter().map(|head| head[which].clone()).collect();
        side_by_side(&parts)
    };
    LandmarkSlopes { query: joined(0), key: joined(1), value: joined(2) }
}

/// Everything of one head that both passes need.
struct Head {
    query: Array,
    key: Array,
    value: Array,
    scale: f32,
    /// Means of stretches of queries and of keys.
    landmarks: (Array, Array),
    /// Tiles x landmarks, landmarks x landmarks, landmarks x tiles; rows sum to 1.
    to_landmarks: Array,
    between: Array,
    to_tiles: Array,
    inverse: Array,
    /// What the landmarks gather: landmarks x head width, before and after the inverse.
    gathered: Array,
    weighed: Array,
}

impl Head {
    fn new(query: &Array, key: &Array, value: &Array, plan: LandmarkPlan, head: usize) -> Self {
        let mut query = columns_of(query, plan.heads, head);
        let scale = 1.0 / (query.columns as f32).sqrt();
        query.values.iter_mut().for_each(|x| *x *= scale);
        let key = columns_of(key, plan.heads, head);
        let value = columns_of(value, plan.heads, head);
        let count = plan.landmarks.min(query.rows);
        let landmarks = (stretch_means(&query, count), stretch_means(&key, count));
        let attention = |from: &Array, to: &Array| {
            let mut scores = product(Factor(from, false), Factor(to, true));
            softmax(&mut scores);
            scores
        };
        let to_landmarks = attention(&query, &landmarks.1);
        let between = attention(&landmarks.0, &landmarks.1);
        let to_tiles = attention(&landmarks.0, &key);
        let inverse = inverse(&between);
        let gathered = product(Factor(&to_tiles, false), Factor(&value, false));
        let weighed = product(Factor(&inverse, false), Factor(&gathered, false));
        Self {
            query,
            key,
            value,
            scale,
            landmarks,
            to_landmarks,
            between,
            to_tiles,
            inverse,
            gathered,
            weighed,
        }
    }

    fn output(&self) -> Array {
        product(Factor(&self.to_landmarks, false), Factor(&self.weighed, false))
    }

    /// Slopes by query, key and value from the slope of the output.
    fn slopes(&self, slope: &Array) -> [Array; 3] {
        let count = self.landmarks.0.rows;
        let mut to_landmarks = product(Factor(slope, false), Factor(&self.weighed, true));
        let weighed = product(Factor(&self.to_landmarks, true), Factor(slope, false));
        let inverse = product(Factor(&weighed, false), Factor(&self.gathered, true));
        let gathered = product(Factor(&self.inverse, true), Factor(&weighed, false));
        let mut to_tiles = product(Factor(&gathered, false), Factor(&self.value, true));
        let value = product(Factor(&self.to_tiles, true), Factor(&gathered, false));
        let mut between = inverse_slope(&self.between, &inverse);
        softmax_step(&self.to_landmarks, &mut to_landmarks);
        softmax_step(&self.between, &mut between);
        softmax_step(&self.to_tiles, &mut to_tiles);
        let mut query = product(Factor(&to_landmarks, false), Factor(&self.landmarks.1, false));
        let mut key = product(Factor(&to_tiles, true), Factor(&self.landmarks.0, false));
        let mut query_means = product(Factor(&between, false), Factor(&self.landmarks.1, false));
        query_means.add(&product(Factor(&to_tiles, false), Factor(&self.key, false)));
        let mut key_means = product(Factor(&to_landmarks, true), Factor(&self.query, false));
        key_means.add(&product(Factor(&between, true), Factor(&self.landmarks.0, false)));
        add_spread(&mut query, &query_means, count);
        add_spread(&mut key, &key_means, count);
        query.values.iter_mut().for_each(|x| *x *= self.scale);
        [query, key, value]
    }
}

/// The columns of one of several heads.
fn columns_of(all: &Array, heads: usize, head: usize) -> Array {
    let each = all.columns / heads;
    let rows = (0..all.rows).flat_map(|row| &all.row(row)[head * each..][..each]);
    Array::new(all.rows, each, rows.copied().collect())
}

fn side_by_side(parts: &[Array]) -> Array {
    let (rows, each) = parts.first().map_or((0, 0), |part| (part.rows, part.columns));
    let mut out = Array::zeros(rows, each * parts.len());
    for row in 0..rows {
        let stretches = out.row_mut(row).chunks_mut(each.max(1));
        stretches.zip(parts).for_each(|(own, part)| own.copy_from_slice(part.row(row)));
    }
    out
}

/// The rows of a stretch; the lengths of any two stretches differ by one at most.
fn stretch(rows: usize, count: usize, index: usize) -> std::ops::Range<usize> {
    index * rows / count..(index + 1) * rows / count
}

fn stretch_means(input: &Array, count: usize) -> Array {
    let mut out = Array::zeros(count, input.columns);
    for index in 0..count {
        let own = stretch(input.rows, count, index);
        let share = 1.0 / own.len() as f32;
        let sums = out.row_mut(index);
        for row in own {
            sums.iter_mut().zip(input.row(row)).for_each(|(sum, x)| *sum += x * share);
        }
    }
    out
}

/// Adds to every row its share in the slope of its stretch's mean.
fn add_spread(slopes: &mut Array, means: &Array, count: usize) {
    let rows = slopes.rows;
    for index in 0..count {
        let own = stretch(rows, count, index);
        let share = 1.0 / own.len() as f32;
        for row in own {
            let values = slopes.row_mut(row).iter_mut().zip(means.row(index));
            values.for_each(|(slope, x)| *slope += x * share);
        }
    }
}

/// `a I - m`.
fn from_diagonal(a: f32, m: &Array) -> Array {
    let mut out = m.clone();
    out.values.iter_mut().for_each(|x| *x = -*x);
    (0..out.rows).for_each(|i| out.row_mut(i)[i] += a);
    out
}

fn times(left: &Array, right: &Array) -> Array {
    product(Factor(left, false), Factor(right, false))
}

fn scaled(mut array: Array, factor: f32) -> Array {
    array.values.iter_mut().for_each(|x| *x *= factor);
    array
}

/// The matrices of one step from `z`: `a z`, and the brackets of
/// `z (13 - a z (15 - a z (7 - a z))) / 4` from the inside out.
fn brackets(a: &Array, z: &Array) -> [Array; 4] {
    let w = times(a, z);
    let first = from_diagonal(7.0, &w);
    let second = from_diagonal(15.0, &times(&w, &first));
    let third = from_diagonal(13.0, &times(&w, &second));
    [w, first, second, third]
}

/// Where the largest sum of a column and of a row of a matrix without negative values lie, and the
/// sums: their product bounds the square of its norm.
fn largest_sums(a: &Array) -> ((usize, f32), (usize, f32)) {
    let largest = |sums: Vec<f32>| {
        let first = (0, f32::NEG_INFINITY);
        sums.into_iter()
            .enumerate()
            .fold(first, |best, own| if own.1 > best.1 { own } else { best })
    };
    let rows = (0..a.rows).map(|row| a.row(row).iter().sum()).collect();
    let mut columns = vec![0.0_f32; a.columns];
    for row in 0..a.rows {
        columns.iter_mut().zip(a.row(row)).for_each(|(sum, x)| *sum += x);
    }
    (largest(columns), largest(rows))
}

fn transposed(a: &Array) -> Array {
    let mut out = Array::zeros(a.columns, a.rows);
    for row in 0..a.rows {
        a.row(row).iter().enumerate().for_each(|(column, x)| out.row_mut(column)[row] = *x);
    }
    out
}

/// What the iteration begins with, and every later value but the last; then the last.
fn iterates(a: &Array) -> (Vec<Array>, Array) {
    let (column, row) = largest_sums(a);
    let mut z = scaled(transposed(a), 1.0 / (column.1 * row.1));
    let mut earlier = Vec::with_capacity(STEPS);
    for _ in 0..STEPS {
        let next = scaled(times(&z, &brackets(a, &z)[3]), 0.25);
        earlier.push(std::mem::replace(&mut z, next));
    }
    (earlier, z)
}

fn inverse(a: &Array) -> Array {
    iterates(a).1
}

/// The slope by `a` from the slope by its inverse as the iteration gives it.
fn inverse_slope(a: &Array, slope: &Array) -> Array {
    let mut out = Array::zeros(a.rows, a.columns);
    let mut slope = slope.clone();
    for z in iterates(a).0.iter().rev() {
        let [w, first, second, third] = brackets(a, z);
        let by_third = scaled(product(Factor(z, true), Factor(&slope, false)), 0.25);
        let by_second = scaled(product(Factor(&w, true), Factor(&by_third, false)), -1.0);
        let by_first = scaled(product(Factor(&w, true), Factor(&by_second, false)), -1.0);
        let mut by_w = product(Factor(&by_third, false), Factor(&second, true));
        by_w.add(&product(Factor(&by_second, false), Factor(&first, true)));
        by_w.add(&by_first);
        let by_w = scaled(by_w, -1.0);
        out.add(&product(Factor(&by_w, false), Factor(z, true)));
        slope = scaled(product(Factor(&slope, false), Factor(&third, true)), 0.25);
        slope.add(&product(Factor(a, true), Factor(&by_w, false)));
    }
    // The first value is the transpose divided by the product of the largest sums.
    let ((column, column_sum), (row, row_sum)) = largest_sums(a);
    let bound = column_sum * row_sum;
    let first = transposed(&slope);
    let along: f64 =
        first.values.iter().zip(&a.values).map(|(s, a)| f64::from(*s) * f64::from(*a)).sum();
    let by_bound = (-along / f64::from(bound).powi(2)) as f32;
    out.add(&scaled(first, 1.0 / bound));
    (0..a.rows).for_each(|i| out.row_mut(i)[column] += by_bound * row_sum);
    out.row_mut(row).iter_mut().for_each(|x| *x += by_bound * column_sum);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::mixed;

    fn random(rows: usize, columns: usize, seed: u64) -> Array {
        let value = |i: usize| (mixed(seed * 1000 + i as u64) % 2000) as f32 / 500.0 - 2.0;
        Array::new(rows, columns, (0..rows * columns).map(value).collect())
    }

    #[test]
    fn the_iteration_inverts() {
        let mut a = random(9, 9, 1);
        (0..9).for_each(|i| a.row_mut(i)[i] += 4.0);
        softmax(&mut a);
        let unit = times(&a, &inverse(&a));
        for row in 0..9 {
            for column in 0..9 {
                let want = if row == column { 1.0 } else { 0.0 };
                assert!((unit.row(row)[column] - want).abs() < 1e-3, "{unit:?}");
            }
        }
    }

    #[test]
    fn with_a_landmark_a_tile_it_is_plain_attention() {
        let (q, k, v) = (random(6, 4, 2), random(6, 4, 3), random(6, 4, 4));
        let plan = LandmarkPlan { heads: 1, landmarks: 64 };
        let out = Head::new(&q, &k, &v, plan, 0).output();
        let mut scores = scaled(product(Factor(&q, false), Factor(&k, true)), 0.5);
        softmax(&mut scores);
        let plain = times(&scores, &v);
        for (own, other) in out.values.iter().zip(&plain.values) {
            assert!((own - other).abs() < 0.05, "{own} {other}");
        }
    }

    #[test]
    fn stretches_cover_every_row_once() {
        for (rows, count) in [(10, 3), (7, 7), (1000, 256)] {
            let covered: Vec<usize> = (0..count).flat_map(|i| stretch(rows, count, i)).collect();
            assert_eq!(covered, (0..rows).collect::<Vec<_>>());
        }
    }
}
