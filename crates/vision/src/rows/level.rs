//! Which instructions this processor has, and the macro that compiles a loop for each.

/// Instruction sets for which loops are compiled, the best last.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// What the target has without asking.
    Portable,
    /// AVX2 with fused multiply-add.
    Avx2,
    /// AVX-512 (F, BW, DQ, VL).
    Avx512,
}

/// What this processor has.
pub(crate) fn detected() -> Level {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("fma")
        {
            return Level::Avx512;
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return Level::Avx2;
        }
    }
    Level::Portable
}

/// The level that loops run at: the detected one, or a lower one that a test asks for.
#[cfg(not(test))]
pub(crate) fn level() -> Level {
    detected()
}

#[cfg(test)]
pub(crate) fn level() -> Level {
    tests::CEILING.get().map_or(detected(), |ceiling| ceiling.min(detected()))
}

/// `a * b + c`, fused where the loop is compiled for a processor that fuses.
#[inline(always)]
pub(crate) fn fused<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED || cfg!(target_arch = "aarch64") { a.mul_add(b, c) } else { a * b + c }
}

/// Defines a function on rows, compiled per [`Level`] and dispatched at run time.
///
/// The name in angle brackets is a constant that says whether [`fused`] fuses.
macro_rules! vectorised {
    (
        $(#[$meta:meta])*
        $visibility:vis fn $name:ident<$fused:ident>($($argument:ident: $type:ty),* $(,)?)
        $body:block
    ) => {
        $(#[$meta])*
        #[allow(unsafe_code)]
        $visibility fn $name($($argument: $type),*) {
            #[inline(always)]
            fn generic<const $fused: bool>($($argument: $type),*) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            fn avx512($($argument: $type),*) {
                generic::<true>($($argument),*);
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($argument: $type),*) {
                generic::<true>($($argument),*);
            }

            match $crate::rows::level::level() {
                // SAFETY: this level is returned only after the processor reported its features.
                #[cfg(target_arch = "x86_64")]
                $crate::rows::level::Level::Avx512 => unsafe { avx512($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::rows::level::Level::Avx2 => unsafe { avx2($($argument),*) },
                _ => generic::<false>($($argument),*),
            }
        }
    };
}
pub(crate) use vectorised;

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    use super::Level;

    thread_local! {
        pub(super) static CEILING: Cell<Option<Level>> = const { Cell::new(None) };
    }

    /// Runs something once per level, the portable one first.
    pub(crate) fn at_each_level<T>(run: impl Fn() -> T) -> Vec<T> {
        let results = [Level::Portable, Level::Avx2, Level::Avx512].map(|ceiling| {
            CEILING.set(Some(ceiling));
            run()
        });
        CEILING.set(None);
        results.into()
    }

    /// Values in -1..1 that repeat only after a long while.
    pub(crate) fn numbers(count: usize, seed: u64) -> Vec<f32> {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    /// AVX2 and AVX-512 agree to the bit, the portable loop within a tolerance.
    pub(crate) fn assert_levels_agree(run: impl Fn() -> Vec<f32>, tolerance: f32) {
        let results = at_each_level(run);
        let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&results[1]), bits(&results[2]), "AVX2 and AVX-512");
        for (portable, wide) in results[0].iter().zip(&results[1]) {
            let close = (portable - wide).abs() <= tolerance * wide.abs().max(1.0);
            assert!(close || portable.is_nan() && wide.is_nan(), "{portable} and {wide}");
        }
    }
}
