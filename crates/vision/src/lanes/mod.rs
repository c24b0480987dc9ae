//! Vectors of 32-bit floats, in the widest form that the processor has.
//!
//! Kernels are written once over [`Lanes`] and compiled for AVX-512, for AVX2 with FMA, for NEON and
//! for plain Rust. Every kernel adds into an accumulator in the same order with fused multiply-add,
//! so all processors that have it give the same bytes; only x86 from before 2013 rounds differently.

#![allow(unsafe_code)]

#[cfg(target_arch = "aarch64")]
mod neon;
mod plain;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "aarch64")]
use std::arch::aarch64::float32x4_t;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};

use plain::Plain;

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
    #[cfg(target_arch = "aarch64")]
    Neon,
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
        // Every processor of this architecture that runs an operating system has it.
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") {
            sets.push(Self(Set::Neon));
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
            #[cfg(target_arch = "aarch64")]
            Set::Neon => <float32x4_t as Lanes>::COUNT,
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
            #[cfg(target_arch = "aarch64")]
            Set::Neon => <float32x4_t as Lanes>::PANEL,
            Set::Plain => Plain::PANEL,
        };
        panels(columns, self.lanes(), most)
    }

    /// Whether two sets give the same bytes.
    #[cfg(test)]
    pub(crate) fn fused(self) -> bool {
        self.0 != Set::Plain || plain::FUSED
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
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            Set::Neon => unsafe { run_neon(kernel) },
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

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
unsafe fn run_neon(kernel: impl Kernel) {
    // SAFETY: this function's features are those of the vector.
    unsafe { kernel.run::<float32x4_t>() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_cover_all_columns_once() {
        for (lanes, most) in [(4, 3), (8, 2), (16, 3)] {
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
