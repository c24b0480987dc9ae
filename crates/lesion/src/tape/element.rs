//! Functions of single values, written so that the compiler makes vectors of them.

/// `exp(x)` within a relative 2e-7, held at the ends of -87..88. The polynomial is that of the
/// Cephes library's `expf` (Moshier 1992).
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Adding this leaves the nearest integer in the low bits of the mantissa.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let power = shifted - ROUND;
    let r = x - power * LN2_HIGH - power * LN2_LOW;
    let mut p = 1.987_569_1e-4;
    for c in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
        p = p * r + c;
    }
    let p = p * r * r + r + 1.0;
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    p * f32::from_bits(exponent)
}

/// The hyperbolic tangent within 3e-7.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    1.0 - 2.0 / (exp(2.0 * x) + 1.0)
}

/// `1 / (1 + exp(-x))`.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// What a layer does with its sums. Derivatives are taken from the outputs.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Activation {
    None,
    Relu,
    Tanh,
    Sigmoid,
}

impl Activation {
    pub(crate) fn apply(self, values: &mut [f32]) {
        match self {
            Self::None => {}
            Self::Relu => values.iter_mut().for_each(|x| *x = x.max(0.0)),
            Self::Tanh => values.iter_mut().for_each(|x| *x = tanh(*x)),
            Self::Sigmoid => values.iter_mut().for_each(|x| *x = sigmoid(*x)),
        }
    }

    /// Multiplies a slope by the derivative, given the output.
    #[inline(always)]
    pub(crate) fn chain(self, slope: &mut f32, output: f32) {
        match self {
            Self::None => {}
            Self::Relu => *slope = if output > 0.0 { *slope } else { 0.0 },
            Self::Tanh => *slope *= 1.0 - output * output,
            Self::Sigmoid => *slope *= output * (1.0 - output),
        }
    }
}

/// Keeps each value with probability `1 - rate` and scales it so that its mean stays. The choice
/// hangs on the seed and the value's place alone, so the backward pass makes it again.
pub(crate) fn dropout(values: &mut [f32], first: usize, rate: f32, seed: u64) {
    // In 65,536ths: four choices come from one number.
    let threshold = (f64::from(rate) * 65_536.0).round() as u64;
    let scale = (65_536.0 / (65_536.0 - threshold as f64)) as f32;
    for (group, values) in values.chunks_mut(4).enumerate() {
        let mut bits = mixed(seed ^ ((first / 4 + group) as u64));
        for value in values {
            *value = if bits & 0xffff < threshold { 0.0 } else { *value * scale };
            bits >>= 16;
        }
    }
}

/// A well-mixed number of a counter (the finaliser of SplitMix64: Steele, Lea and Flood 2014).
pub(crate) fn mixed(counter: u64) -> u64 {
    let mut z = counter.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_near_the_exact_ones() {
        for step in -4000..4000 {
            let x = step as f32 / 97.0;
            let relative = (f64::from(exp(x)) / f64::from(x).exp() - 1.0).abs();
            assert!(relative < 4e-7, "exp({x}): {relative}");
            assert!((f64::from(tanh(x)) - f64::from(x).tanh()).abs() < 4e-7, "tanh({x})");
            let exact = 1.0 / (1.0 + (-f64::from(x)).exp());
            assert!((f64::from(sigmoid(x)) - exact).abs() < 4e-7, "sigmoid({x})");
        }
    }

    #[test]
    fn dropout_keeps_the_mean_and_can_be_made_again() {
        let mut values = vec![1.0; 40_000];
        dropout(&mut values, 0, 0.25, 9);
        let kept = values.iter().filter(|value| **value > 0.0).count();
        assert!((29_500..30_500).contains(&kept), "{kept}");
        let mut again = vec![1.0; 20_000];
        dropout(&mut again, 20_000, 0.25, 9);
        assert_eq!(again, values[20_000..]);
    }
}
