//! Vectors of 32-bit floats, in the widest form that the processor has.
//!
//! Kernels are written once over [`Lanes`] and compiled for AVX-512, for AVX2 with FMA and for
//! plain Rust. Every kernel adds into an accumulator in the same order with fused multiply-add, so
//! all processors that have it give the same bytes; only x86 from before 2013 rounds differently.

#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m256, __m512, _MM_HINT_T0, _mm_prefetch, _mm256_add_ps, _mm256_fmadd_ps, _mm256_loadu_ps,
    _mm256_max_ps, _mm256_min_ps, _mm256_set1_ps, _mm256_storeu_ps, _mm512_add_ps, _mm512_fmadd_ps,
    _mm512_loadu_ps, _mm512_max_ps, _mm512_min_ps, _mm512_set1_ps, _mm512_storeu_ps,
};

/// Channels of every activation are padded to a multiple of this, the longest vector.
pub(crate) const PADDING: usize = 16;

/// Columns that a product works on together.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Panel {
    /// The first.
    pub(crate) column: usize,
    /// Vectors of them.
    pub(crate) vectors: usize,
}

/// A number of channels with its padding.
pub(crate) fn padded(channels: usize) -> usize {
    channels.next_multiple_of(PADDING)
}

/// Some floats that are worked on at once.
///
/// # Safety
/// Every method may be called only where the processor has the implementor's instructions: inside
/// [`Kernel::run`]. Pointers must be good for [`Lanes::COUNT`] floats.
pub(crate) trait Lanes: Copy {
    /// Floats in a vector.
    const COUNT: usize;
    /// Vectors of accumulators that the registers hold beside what a product needs.
    const ACCUMULATORS: usize;
    /// Vectors of output channels that a product works on at once: with few registers, fewer
    /// channels of more pixels are faster (measured: 9.7 ms a tile with two, 13.6 with three, on
    /// AVX2).
    const PANEL: usize;

    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// Fetches the cache line of what is wanted soon; the pointer may be any, nothing is read.
    unsafe fn prefetch(at: *const f32);
    unsafe fn add(self, other: Self) -> Self;
    /// `self + a * b`, rounded once.
    unsafe fn plus_product(self, a: Self, b: Self) -> Self;
    /// ReLU6: `min(max(self, 0), 6)`.
    unsafe fn clamp_0_6(self) -> Self;
}

#[cfg(target_arch = "x86_64")]
macro_rules! x86_lanes {
    ($vector:ty, $count:literal, $accumulators:literal, $panel:literal, $set1:ident, $load:ident, $store:ident,
     $add:ident, $fma:ident, $min:ident, $max:ident) => {
        // SAFETY of each body: the trait's contract: the instructions exist, pointers are good.
        impl Lanes for $vector {
            const COUNT: usize = $count;
            const ACCUMULATORS: usize = $accumulators;
            const PANEL: usize = $panel;

            #[inline(always)]
            unsafe fn splat(value: f32) -> Self {
                // SAFETY: see above.
                unsafe { $set1(value) }
            }
            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: see above.
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: see above.
                unsafe { $store(to, self) }
            }
            #[inline(always)]
            unsafe fn prefetch(at: *const f32) {
                // SAFETY: see above.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
            }
            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                // SAFETY: see above.
                unsafe { $add(self, other) }
            }
            #[inline(always)]
            unsafe fn plus_product(self, a: Self, b: Self) -> Self {
                // SAFETY: see above.
                unsafe { $fma(a, b, self) }
            }
            #[inline(always)]
            unsafe fn clamp_0_6(self) -> Self {
                // SAFETY: see above.
                unsafe { $min($max(self, $set1(0.0)), $set1(6.0)) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
x86_lanes!(
    __m512,
    16,
    24,
    3,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_add_ps,
    _mm512_fmadd_ps,
    _mm512_min_ps,
    _mm512_max_ps
);

#[cfg(target_arch = "x86_64")]
x86_lanes!(
    __m256,
    8,
    12,
    2,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_add_ps,
    _mm256_fmadd_ps,
    _mm256_min_ps,
    _mm256_max_ps
);

/// Floats in an array, which the compiler puts into whatever vectors the target always has.
#[derive(Copy, Clone)]
pub(crate) struct Plain([f32; 8]);

/// Whether every processor of the target has fused multiply-add; calling a library function for
/// each product would be unusable where it has not.
const FUSED: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

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

/// Work to be compiled for each instruction set.
pub(crate) trait Kernel {
    /// Does the work. Implementors mark it `#[inline(always)]`, and all that it calls.
    ///
    /// # Safety
    /// The processor must have the instructions of `V`; what the work points to must be good.
    unsafe fn run<V: Lanes>(self);
}

/// An instruction set that this processor has: only [`Instructions::available`] makes one.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instructions(Set);

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Plain,
}

impl Instructions {
    /// What this processor has, best first.
    pub(crate) fn available() -> Vec<Self> {
        let mut sets = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("fma") {
                sets.push(Self(Set::Avx512));
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                sets.push(Self(Set::Avx2));
            }
        }
        sets.push(Self(Set::Plain));
        sets
    }

    /// The best that this processor has.
    pub(crate) fn best() -> Self {
        Self::available().first().copied().unwrap_or(Self(Set::Plain))
    }

    /// Floats in a vector.
    pub(crate) fn lanes(self) -> usize {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => <__m512 as Lanes>::COUNT,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => <__m256 as Lanes>::COUNT,
            Set::Plain => Plain::COUNT,
        }
    }

    /// Splits padded columns into panels of at most [`Lanes::PANEL`] vectors, as even as can be.
    pub(crate) fn panels(self, columns: usize) -> Vec<Panel> {
        let most = match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => <__m512 as Lanes>::PANEL,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => <__m256 as Lanes>::PANEL,
            Set::Plain => Plain::PANEL,
        };
        panels(columns, self.lanes(), most)
    }

    /// Whether two sets give the same bytes.
    #[cfg(test)]
    pub(crate) fn fused(self) -> bool {
        self.0 != Set::Plain || FUSED
    }

    /// Runs a kernel with these instructions.
    ///
    /// # Safety
    /// What the kernel points to must be good.
    pub(crate) unsafe fn run(self, kernel: impl Kernel) {
        match self.0 {
            // SAFETY: `available` found the instructions; the caller answers for the pointers.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { run_avx512(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { run_avx2(kernel) },
            // SAFETY: needs no special instructions.
            Set::Plain => unsafe { kernel.run::<Plain>() },
        }
    }
}

fn panels(columns: usize, lanes: usize, most: usize) -> Vec<Panel> {
    debug_assert!(columns.is_multiple_of(PADDING) && PADDING.is_multiple_of(lanes));
    let vectors = columns / lanes;
    let count = vectors.div_ceil(most);
    let mut panels = Vec::with_capacity(count);
    let mut done = 0;
    for left in (1..=count).rev() {
        let vectors = (vectors - done).div_ceil(left);
        panels.push(Panel { column: done * lanes, vectors });
        done += vectors;
    }
    panels
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn run_avx512(kernel: impl Kernel) {
    // SAFETY: this function's features are those of the vector.
    unsafe { kernel.run::<__m512>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn run_avx2(kernel: impl Kernel) {
    // SAFETY: this function's features are those of the vector.
    unsafe { kernel.run::<__m256>() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_cover_all_columns_once() {
        for (lanes, most) in [(8, 2), (16, 3)] {
            for columns in (16..=1280).step_by(16) {
                let mut next = 0;
                for panel in panels(columns, lanes, most) {
                    assert_eq!(panel.column, next);
                    assert!((1..=most).contains(&panel.vectors));
                    next += panel.vectors * lanes;
                }
                assert_eq!(next, columns);
            }
        }
    }
}
