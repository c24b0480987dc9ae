//! Activations: GELU by a rational error function, SiLU gates.

use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, LOG2_E};

use super::level::{fused, vectorised};

/// `exp(x)` within a relative 4e-7 for x in -87..88, held at those ends; NaN for NaN.
///
/// Reduction by powers of two with ln 2 in two parts; the polynomial for `(exp(r) - 1 - r) / r^2`
/// on `|r| <= ln(2) / 2` was fitted for smallest greatest error (3e-9 before rounding).
#[inline(always)]
pub(super) fn exp<const FUSED: bool>(x: f32) -> f32 {
    // Adding this leaves the nearest integer in the low bits of the mantissa.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // Comparisons that are false for NaN, so that a NaN stays one.
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let shifted = fused::<FUSED>(x, LOG2_E, ROUND);
    let power = shifted - ROUND;
    let r = fused::<FUSED>(-power, LN2_LOW, fused::<FUSED>(-power, LN2_HIGH, x));
    let mut p = 0.001_381_461_3;
    for coefficient in [0.008_368_71, 0.041_668_39, 0.166_665_21, 0.499_999_94] {
        p = fused::<FUSED>(p, r, coefficient);
    }
    let p = fused::<FUSED>(p * r, r, r) + 1.0;
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    p * f32::from_bits(exponent)
}

/// The error function within 4e-7: an odd rational function on -3.9..3.9, fitted for smallest
/// greatest error (1.5e-8 before rounding); beyond, erf differs from 1 by less than rounding.
#[inline(always)]
fn erf<const FUSED: bool>(x: f32) -> f32 {
    let x = if x < -3.9 { -3.9 } else { x };
    let x = if x > 3.9 { 3.9 } else { x };
    let u = x * x;
    let mut p = 2.050_384_4e-6;
    for c in [2.874_550_7e-4, 0.003_836_819_7, 0.052_966_744, 0.191_939_83, FRAC_2_SQRT_PI] {
        p = fused::<FUSED>(p, u, c);
    }
    let mut q = 3.823_06e-5;
    for c in [0.001_181_719, 0.015_109_092, 0.114_757_694, 0.503_434, 1.0] {
        q = fused::<FUSED>(q, u, c);
    }
    let y = x * p / q;
    let y = if y < -1.0 { -1.0 } else { y };
    if y > 1.0 { 1.0 } else { y }
}

vectorised! {
    /// `x = x / 2 * (1 + erf(x / sqrt 2))`.
    pub(crate) fn gelu<FUSED>(row: &mut [f32]) {
        for value in row {
            let half = 0.5 * *value;
            *value = fused::<FUSED>(half, erf::<FUSED>(*value * FRAC_1_SQRT_2), half);
        }
    }
}

vectorised! {
    /// `gate = gate / (1 + exp(-gate)) * other`, value by value.
    pub(crate) fn silu_gate<FUSED>(gate: &mut [f32], other: &[f32]) {
        for (gate, other) in gate.iter_mut().zip(other) {
            *gate = *gate / (1.0 + exp::<FUSED>(-*gate)) * other;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::level::tests::{assert_levels_agree, numbers};
    use super::*;

    fn wide(length: usize) -> Vec<f32> {
        numbers(length, 5).iter().map(|v| v * v * v * 20.0).collect()
    }

    /// erf by its Taylor series in 64 bits, good to 1e-9 for |x| < 4.
    fn exact_erf(x: f64) -> f64 {
        if x.abs() > 4.0 {
            return x.signum();
        }
        let (mut sum, mut term) = (0.0, x);
        for n in 0..120 {
            sum += term / f64::from(2 * n + 1);
            term *= -x * x / f64::from(n + 1);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    }

    #[test]
    fn levels_agree() {
        for length in [0, 1, 16, 33, 1000] {
            let values = wide(length);
            let others = numbers(length, 6);
            let on = |work: fn(&mut [f32], &[f32])| {
                let mut out = values.clone();
                work(&mut out, &others);
                out
            };
            assert_levels_agree(|| on(|row, _| gelu(row)), 1e-6);
            assert_levels_agree(|| on(silu_gate), 1e-6);
        }
    }

    #[test]
    fn close_to_the_definitions() {
        let values: Vec<f32> = (-9000..9000).map(|i| i as f32 / 1000.0).collect();
        let mut gelus = values.clone();
        gelu(&mut gelus);
        let mut gates = values.clone();
        silu_gate(&mut gates, &vec![1.0; values.len()]);
        for (i, x) in values.iter().map(|x| f64::from(*x)).enumerate() {
            let gelu = x / 2.0 * (1.0 + exact_erf(x / 2.0_f64.sqrt()));
            assert!((f64::from(gelus[i]) - gelu).abs() < 1.5e-6, "GELU of {x}");
            let silu = x / (1.0 + (-x).exp());
            assert!((f64::from(gates[i]) - silu).abs() < 1e-6, "SiLU of {x}");
        }
        for x in values.iter().map(|x| x * 9.0) {
            let expected = f64::from(x).exp();
            let relative = (f64::from(exp::<false>(x)) - expected).abs() / expected;
            assert!(relative < 4e-7, "exp({x}) is off by {relative}");
        }
    }

    #[test]
    fn extremes_and_nan() {
        let mut row = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1e30, 1e30];
        gelu(&mut row);
        assert!(row[0].is_nan() && row[1] == f32::INFINITY && row[4] == 1e30);
        assert!(exp::<true>(f32::NAN).is_nan());
        assert!(exp::<true>(-1e9) < 2e-38);
    }
}
