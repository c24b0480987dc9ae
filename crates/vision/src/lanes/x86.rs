//! AVX2 with FMA, and AVX-512.

#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256, __m512, _MM_HINT_T0, _mm_prefetch, _mm256_add_ps, _mm256_fmadd_ps, _mm256_loadu_ps,
    _mm256_max_ps, _mm256_min_ps, _mm256_set1_ps, _mm256_storeu_ps, _mm512_add_ps, _mm512_fmadd_ps,
    _mm512_loadu_ps, _mm512_max_ps, _mm512_min_ps, _mm512_set1_ps, _mm512_storeu_ps,
};

use super::Lanes;

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
