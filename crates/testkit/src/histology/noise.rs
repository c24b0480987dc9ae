//! Deterministic randomness by position: hashes, smooth noise, and a small generator for objects.

/// A well mixed 32-bit hash of a lattice place (integer finaliser of the "lowbias" family).
pub(crate) fn hash(seed: u32, x: i32, y: i32) -> u32 {
    let mut value = seed
        .wrapping_add((x as u32).wrapping_mul(0x9E37_79B1))
        .wrapping_add((y as u32).wrapping_mul(0x85EB_CA77).rotate_left(13));
    value ^= value >> 16;
    value = value.wrapping_mul(0x7FEB_352D);
    value ^= value >> 15;
    value = value.wrapping_mul(0x846C_A68B);
    value ^ (value >> 16)
}

/// A hash as a number in 0..1.
pub(crate) fn unit(hash: u32) -> f32 {
    (hash >> 8) as f32 / (1 << 24) as f32
}

/// Smooth value noise in 0..1 with lattice spacing 1.
pub(crate) fn value_noise(seed: u32, x: f32, y: f32) -> f32 {
    let (ix, iy) = (floor(x), floor(y));
    let (fx, fy) = (fade(x - ix as f32), fade(y - iy as f32));
    let at = |dx, dy| unit(hash(seed, ix.wrapping_add(dx), iy.wrapping_add(dy)));
    mix(mix(at(0, 0), at(1, 0), fx), mix(at(0, 1), at(1, 1), fx), fy)
}

/// Two octaves of [`value_noise`], in 0..1.
pub(crate) fn rough_noise(seed: u32, x: f32, y: f32) -> f32 {
    value_noise(seed, x, y) * 0.67 + value_noise(seed ^ 0x51ED, x * 2.17 + 5.3, y * 2.17) * 0.33
}

/// Without a call into the mathematics library, which costs more than the rest of the noise.
#[inline]
fn floor(value: f32) -> i32 {
    let cut = value as i32;
    cut - i32::from(value < cut as f32)
}

#[inline]
fn fade(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

/// From `a` to `b` by `t`.
#[inline]
pub(crate) fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// 0 below `low`, 1 above `high`, smooth between.
#[inline]
pub(crate) fn smoothstep(low: f32, high: f32, value: f32) -> f32 {
    fade(((value - low) / (high - low)).clamp(0.0, 1.0))
}

/// Noise from a periodic table: coarser than [`value_noise`] in quality, several times as fast.
pub(crate) struct Grain {
    table: Vec<f32>,
}

const GRAIN_SIDE: usize = 512;

impl Grain {
    pub(crate) fn new(seed: u32) -> Self {
        let side = GRAIN_SIDE as i32;
        let table = (0..side * side).map(|at| unit(hash(seed, at % side, at / side))).collect();
        Self { table }
    }

    /// Noise in 0..1 with lattice spacing 1, linear between lattice places.
    #[inline]
    pub(crate) fn at(&self, x: f32, y: f32) -> f32 {
        let (left, top) = (floor(x), floor(y));
        let (fx, fy) = (x - left as f32, y - top as f32);
        let mask = GRAIN_SIDE - 1;
        let (ix, iy) = (left as usize & mask, top as usize & mask);
        let (jx, jy) = ((ix + 1) & mask, ((iy + 1) & mask) * GRAIN_SIDE);
        let iy = iy * GRAIN_SIDE;
        mix(
            mix(self.table[iy + ix], self.table[iy + jx], fx),
            mix(self.table[jy + ix], self.table[jy + jx], fx),
            fy,
        )
    }
}

/// A generator for one object: cheap to start, the same for the same seeds (SplitMix64).
#[derive(Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u32, x: i32, y: i32) -> Self {
        Self(u64::from(hash(seed, x, y)) << 32 | u64::from(hash(seed ^ 0xA511_E9B3, y, x)))
    }

    pub(crate) fn bits(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (value ^ (value >> 31)) as u32
    }

    /// In 0..1.
    pub(crate) fn unit(&mut self) -> f32 {
        unit(self.bits())
    }

    pub(crate) fn range(&mut self, low: f32, high: f32) -> f32 {
        mix(low, high, self.unit())
    }

    pub(crate) fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// A direction, as radians.
    pub(crate) fn angle(&mut self) -> f32 {
        self.range(0.0, std::f32::consts::TAU)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_fills_its_range_evenly() {
        let grain = Grain::new(7);
        let mut random = Random::new(1, 2, 3);
        let sums = (0..10_000).fold([0.0_f32; 3], |sums, i| {
            let (x, y) = ((i % 100) as f32 * 3.7 - 150.0, (i / 100) as f32 * 2.9 - 90.0);
            let values = [value_noise(5, x, y), grain.at(x, y), random.unit()];
            assert!(values.iter().all(|value| (0.0..=1.0).contains(value)));
            std::array::from_fn(|at| sums[at] + values[at])
        });
        assert!(sums.iter().all(|sum| (sum / 10_000.0 - 0.5).abs() < 0.03), "{sums:?}");
    }
}
