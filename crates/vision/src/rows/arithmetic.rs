//! Sums of rows, and the rotation of rotary positions.

use super::level::vectorised;

vectorised! {
    /// `row += other`, value by value, as far as both reach.
    pub(crate) fn add<FUSED>(row: &mut [f32], other: &[f32]) {
        for (value, other) in row.iter_mut().zip(other) {
            *value += other;
        }
    }
}

vectorised! {
    /// Rotates pairs `(row[i], row[i + half])`: `row * cosine + (-second half, first half) * sine`.
    /// `cosine` and `sine` are as long as the row, whose length is even.
    pub(crate) fn rotate<FUSED>(row: &mut [f32], cosine: &[f32], sine: &[f32]) {
        let half = row.len() / 2;
        let (first, second) = row.split_at_mut(half);
        let (cosine_first, cosine_second) = cosine.split_at(half.min(cosine.len()));
        let (sine_first, sine_second) = sine.split_at(half.min(sine.len()));
        let firsts = first.iter_mut().zip(cosine_first).zip(sine_first);
        let seconds = second.iter_mut().zip(cosine_second).zip(sine_second);
        for (((a, cosine_a), sine_a), ((b, cosine_b), sine_b)) in firsts.zip(seconds) {
            let (x, y) = (*a, *b);
            *a = x * cosine_a - y * sine_a;
            *b = y * cosine_b + x * sine_b;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::level::tests::{assert_levels_agree, numbers};
    use super::*;

    #[test]
    fn levels_agree() {
        for length in [0, 1, 15, 16, 17, 100] {
            let (a, b, c) = (numbers(length, 1), numbers(length, 2), numbers(length, 3));
            let run = |work: fn(&mut [f32], &[f32], &[f32])| {
                let mut out = c.clone();
                work(&mut out, &a, &b);
                out
            };
            assert_levels_agree(|| run(|out, a, _| add(out, a)), 0.0);
            assert_levels_agree(|| run(rotate), 1e-6);
        }
    }

    #[test]
    fn rotation_keeps_length_and_turns() {
        let mut row = [3.0, 1.0, 4.0, 2.0];
        rotate(&mut row, &[0.0, 1.0, 0.0, 1.0], &[1.0, 0.0, 1.0, 0.0]);
        assert_eq!(row, [-4.0, 1.0, 3.0, 2.0]);
    }
}
