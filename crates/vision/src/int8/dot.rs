//! The instructions that multiply bytes and add them up, and which of them a processor has.

#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m256i, __m512i, _mm256_add_epi32, _mm256_dpbusd_avx_epi32, _mm256_loadu_si256,
    _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_set1_epi16, _mm256_set1_epi32,
    _mm256_setzero_si256, _mm256_storeu_si256, _mm512_dpbusd_epi32, _mm512_loadu_si512,
    _mm512_set1_epi32, _mm512_setzero_si512, _mm512_storeu_si512,
};

use super::DEPTH;

/// A vector of sums of products of bytes, [`DEPTH`] products into each sum.
///
/// # Safety
/// Every method may be called only where the processor has the implementor's instructions: inside
/// [`Kernel::run`]. Pointers must be good for what the method reads or writes.
pub(super) trait Dot: Copy {
    /// Four bytes for each sum.
    type Bytes: Copy;
    /// Sums in a vector: columns of a product.
    const SUMS: usize;
    /// Vectors of columns that a kernel works on at once.
    const VECTORS: usize;

    unsafe fn zero() -> Self;
    /// [`DEPTH`] weights for each sum.
    unsafe fn weights(from: *const i8) -> Self::Bytes;
    /// The same [`DEPTH`] activations for all sums.
    unsafe fn activations(from: *const u8) -> Self::Bytes;
    /// Adds products to sums. Two neighbouring products must fit 16 bits together.
    unsafe fn plus_products(self, activations: Self::Bytes, weights: Self::Bytes) -> Self;
    /// Writes [`Dot::SUMS`] sums.
    unsafe fn store(self, to: *mut i32);
}

/// AVX2: products of bytes in pairs to 16 bits, those in pairs to 32.
#[cfg(target_arch = "x86_64")]
#[derive(Copy, Clone)]
pub(super) struct Avx2(__m256i);

/// AVX-VNNI: four products of bytes to 32 bits in one instruction.
#[cfg(target_arch = "x86_64")]
#[derive(Copy, Clone)]
pub(super) struct AvxVnni(__m256i);

/// The same for vectors of 512 bits.
#[cfg(target_arch = "x86_64")]
#[derive(Copy, Clone)]
pub(super) struct Avx512Vnni(__m512i);

/// Vectors of an instruction set: what differs is how products are added.
#[cfg(target_arch = "x86_64")]
macro_rules! x86_dot {
    ($name:ident, $vector:ty, $sums:literal, $vectors:literal, $zero:ident, $load:ident, $set1:ident,
     $store:ident, |$sum:ident, $activations:ident, $weights:ident| $add:expr) => {
        // SAFETY of each body: the trait's contract: the instructions exist, pointers are good.
        impl Dot for $name {
            type Bytes = $vector;
            const SUMS: usize = $sums;
            const VECTORS: usize = $vectors;

            #[inline(always)]
            unsafe fn zero() -> Self {
                // SAFETY: see above.
                Self(unsafe { $zero() })
            }
            #[inline(always)]
            unsafe fn weights(from: *const i8) -> $vector {
                // SAFETY: see above; unaligned loads.
                unsafe { $load(from.cast()) }
            }
            #[inline(always)]
            unsafe fn activations(from: *const u8) -> $vector {
                // SAFETY: see above: four bytes are read, aligned or not.
                unsafe { $set1(from.cast::<i32>().read_unaligned()) }
            }
            #[inline(always)]
            unsafe fn plus_products(self, $activations: $vector, $weights: $vector) -> Self {
                let $sum = self.0;
                // SAFETY: see above.
                Self(unsafe { $add })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut i32) {
                // SAFETY: see above; unaligned stores.
                unsafe { $store(to.cast(), self.0) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
x86_dot!(
    Avx2,
    __m256i,
    8,
    2,
    _mm256_setzero_si256,
    _mm256_loadu_si256,
    _mm256_set1_epi32,
    _mm256_storeu_si256,
    |sum, activations, weights| {
        let pairs = _mm256_maddubs_epi16(activations, weights);
        _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
    }
);

#[cfg(target_arch = "x86_64")]
x86_dot!(
    AvxVnni,
    __m256i,
    8,
    2,
    _mm256_setzero_si256,
    _mm256_loadu_si256,
    _mm256_set1_epi32,
    _mm256_storeu_si256,
    |sum, activations, weights| _mm256_dpbusd_avx_epi32(sum, activations, weights)
);

#[cfg(target_arch = "x86_64")]
x86_dot!(
    Avx512Vnni,
    __m512i,
    16,
    4,
    _mm512_setzero_si512,
    _mm512_loadu_si512,
    _mm512_set1_epi32,
    _mm512_storeu_si512,
    |sum, activations, weights| _mm512_dpbusd_epi32(sum, activations, weights)
);

/// Plain Rust, for every processor.
#[derive(Copy, Clone)]
pub(super) struct Plain([i32; 8]);

impl Dot for Plain {
    type Bytes = [i16; 8 * DEPTH];
    const SUMS: usize = 8;
    const VECTORS: usize = 1;

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0; 8])
    }
    #[inline(always)]
    unsafe fn weights(from: *const i8) -> Self::Bytes {
        // SAFETY: the trait's contract: good for so many bytes, which need no alignment.
        unsafe { from.cast::<[i8; 8 * DEPTH]>().read() }.map(i16::from)
    }
    #[inline(always)]
    unsafe fn activations(from: *const u8) -> Self::Bytes {
        // SAFETY: the trait's contract: good for four bytes, which need no alignment.
        let four = unsafe { from.cast::<[u8; DEPTH]>().read() };
        std::array::from_fn(|i| i16::from(four[i % DEPTH]))
    }
    #[inline(always)]
    unsafe fn plus_products(mut self, activations: Self::Bytes, weights: Self::Bytes) -> Self {
        let weights = weights.as_chunks::<DEPTH>().0;
        let activations = activations.as_chunks::<DEPTH>().0;
        for ((sum, weights), activations) in self.0.iter_mut().zip(weights).zip(activations) {
            for (weight, activation) in weights.iter().zip(activations) {
                *sum += i32::from(*weight) * i32::from(*activation);
            }
        }
        self
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut i32) {
        // SAFETY: the trait's contract: good for eight aligned sums.
        unsafe { to.cast::<[i32; 8]>().write(self.0) }
    }
}

/// Work to be compiled for each instruction set.
pub(super) trait Kernel {
    /// Does the work. Implementors mark it `#[inline(always)]`, and all that it calls.
    ///
    /// # Safety
    /// The processor must have the instructions of `D`; what the work points to must be good.
    unsafe fn run<D: Dot>(self);
}

/// An instruction set that this processor has: only [`Instructions::available`] makes one.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Instructions(Set);

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Plain,
}

impl Instructions {
    /// What this processor has, best first.
    pub(super) fn available() -> Vec<Self> {
        let mut sets = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vnni")
            {
                sets.push(Self(Set::Avx512Vnni));
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("avxvnni") {
                sets.push(Self(Set::AvxVnni));
            }
            if is_x86_feature_detected!("avx2") {
                sets.push(Self(Set::Avx2));
            }
        }
        sets.push(Self(Set::Plain));
        sets
    }

    /// The best that this processor has.
    pub(super) fn best() -> Self {
        Self::available().first().copied().unwrap_or(Self(Set::Plain))
    }

    /// Columns of a panel of weights.
    pub(super) fn columns(self) -> usize {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512Vnni => Avx512Vnni::SUMS * Avx512Vnni::VECTORS,
            #[cfg(target_arch = "x86_64")]
            Set::AvxVnni => AvxVnni::SUMS * AvxVnni::VECTORS,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => Avx2::SUMS * Avx2::VECTORS,
            Set::Plain => Plain::SUMS * Plain::VECTORS,
        }
    }

    /// Runs a kernel with these instructions.
    ///
    /// # Safety
    /// What the kernel points to must be good.
    pub(super) unsafe fn run(self, kernel: impl Kernel) {
        match self.0 {
            // SAFETY: `available` found the instructions; the caller answers for the pointers.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512Vnni => unsafe { run_avx512_vnni(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::AvxVnni => unsafe { run_avx_vnni(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { run_avx2(kernel) },
            // SAFETY: needs no special instructions.
            Set::Plain => unsafe { kernel.run::<Plain>() },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn run_avx512_vnni(kernel: impl Kernel) {
    // SAFETY: this function's features are those of the vector.
    unsafe { kernel.run::<Avx512Vnni>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn run_avx_vnni(kernel: impl Kernel) {
    // SAFETY: this function's features are those of the vector.
    unsafe { kernel.run::<AvxVnni>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn run_avx2(kernel: impl Kernel) {
    // SAFETY: this function's features are those of the vector.
    unsafe { kernel.run::<Avx2>() }
}
