//! Floats without any vector of a processor's named.

#![allow(unsafe_code)]

use super::Lanes;

/// Floats in an array, which the compiler puts into whatever vectors the target always has.
#[derive(Copy, Clone)]
pub(crate) struct Plain([f32; 8]);

/// Whether every processor of the target has fused multiply-add; calling a library function for
/// each product would be unusable where it has not.
pub(super) const FUSED: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

impl Lanes for Plain {
    const COUNT: usize = 8;
    const ACCUMULATORS: usize = 8;
    const PANEL: usize = 2;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 8])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the trait's contract: good for eight floats; arrays of floats align as floats.
        Self(unsafe { from.cast::<[f32; 8]>().read() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as in `load`.
        unsafe { to.cast::<[f32; 8]>().write(self.0) }
    }
    #[inline(always)]
    unsafe fn prefetch(_: *const f32) {}
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }
    #[inline(always)]
    unsafe fn plus_product(self, a: Self, b: Self) -> Self {
        Self(std::array::from_fn(|i| {
            if FUSED { a.0[i].mul_add(b.0[i], self.0[i]) } else { self.0[i] + a.0[i] * b.0[i] }
        }))
    }
    #[inline(always)]
    #[allow(clippy::manual_clamp, reason = "not a number becomes 0, as in the vector forms")]
    unsafe fn clamp_0_6(self) -> Self {
        Self(self.0.map(|value| value.max(0.0).min(6.0)))
    }
}
