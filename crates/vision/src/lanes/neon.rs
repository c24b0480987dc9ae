//! NEON, which has 32 registers of four floats.

#![allow(unsafe_code)]

use std::arch::aarch64::{
    float32x4_t, vaddq_f32, vbslq_f32, vcgtq_f32, vcltq_f32, vdupq_n_f32, vfmaq_f32, vld1q_f32,
    vst1q_f32,
};

use super::Lanes;

// SAFETY of each body: the trait's contract: the instructions exist, pointers are good.
impl Lanes for float32x4_t {
    const COUNT: usize = 4;
    const ACCUMULATORS: usize = 24;
    const PANEL: usize = 3;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: see above.
        unsafe { vdupq_n_f32(value) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: see above.
        unsafe { vld1q_f32(from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: see above.
        unsafe { vst1q_f32(to, self) }
    }
    #[inline(always)]
    unsafe fn prefetch(at: *const f32) {
        // SAFETY: a hint: the processor ignores it where nothing can be read.
        unsafe {
            std::arch::asm!(
                "prfm pldl1keep, [{at}]",
                at = in(reg) at,
                options(nostack, preserves_flags, readonly)
            );
        }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { vaddq_f32(self, other) }
    }
    #[inline(always)]
    unsafe fn plus_product(self, a: Self, b: Self) -> Self {
        // SAFETY: see above.
        unsafe { vfmaq_f32(self, a, b) }
    }
    #[inline(always)]
    unsafe fn clamp_0_6(self) -> Self {
        // Chosen by comparison, so that not a number becomes 0 as on x86; NEON's own minimum and
        // maximum would keep it.
        // SAFETY: see above.
        unsafe {
            let (zero, six) = (vdupq_n_f32(0.0), vdupq_n_f32(6.0));
            let above = vbslq_f32(vcgtq_f32(self, zero), self, zero);
            vbslq_f32(vcltq_f32(above, six), above, six)
        }
    }
}
