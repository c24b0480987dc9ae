//! A simulated department for tests: scanners and stainers with known spread and planted drifts.

use bianque_core::Digest;

use super::{day::Day, record::SlideRecord};
use crate::Verdict;

/// Beyond this width a single slide is sent back, as by `thresholds.toml`.
pub(super) const SENT_BACK_UM: f64 = 3.4;

/// A change of one scanner's measure from some day on.
#[derive(Copy, Clone)]
pub(super) struct Planted {
    pub(super) scanner: usize,
    pub(super) measure: &'static str,
    pub(super) from: i32,
    pub(super) a_day: f64,
}

#[derive(Clone)]
pub(super) struct Department {
    pub(super) seed: u64,
    pub(super) days: i32,
    pub(super) scanners: usize,
    pub(super) slides_a_day: usize,
    pub(super) planted: Vec<Planted>,
}

impl Default for Department {
    fn default() -> Self {
        Self { seed: 1, days: 60, scanners: 1, slides_a_day: 8, planted: Vec::new() }
    }
}

pub(super) fn first_day() -> Day {
    Day::new(2026, 1, 5).unwrap()
}

impl Department {
    pub(super) fn records(&self) -> Vec<SlideRecord> {
        let mut random = Random(self.seed.wrapping_mul(0x2545_F491_4F6C_DD1D));
        let mut records = Vec::new();
        for n in 0..self.days {
            for scanner in 0..self.scanners {
                let mood = [random.normal(), random.normal(), random.normal(), random.normal()];
                for slide in 0..self.slides_a_day {
                    let digest =
                        Digest::of(format!("{} {n} {scanner} {slide}", self.seed).as_bytes());
                    records.push(self.slide(digest, n, scanner, mood, &mut random));
                }
            }
        }
        records
    }

    fn slide(
        &self,
        digest: Digest,
        n: i32,
        scanner: usize,
        mood: [f64; 4],
        random: &mut Random,
    ) -> SlideRecord {
        let planted = |measure: &str| -> f64 {
            let ours = self.planted.iter().filter(|p| p.scanner == scanner && p.measure == measure);
            ours.map(|p| f64::from((n - p.from).max(0)) * p.a_day).sum()
        };
        let torn = if random.uniform() < 0.4 { 0.0 } else { -0.002 * random.uniform().ln() };
        let measures = [
            ("focus.edge_width_um", 1.6 + 0.03 * mood[0] + 0.15 * random.normal()),
            ("stain.density_od", 0.32 + 0.012 * mood[1] + 0.05 * random.normal()),
            ("light.glass_tint", 0.02 + 0.001 * mood[2] + 0.002 * random.normal()),
            ("seams.largest_step_grey", (0.1 * mood[3] + 0.4 * random.normal()).exp()),
            ("tear.share", torn),
            ("coding.jpeg_quality", 70.0),
        ];
        let measures = measures.map(|(name, value)| (name.to_owned(), value + planted(name)));
        let verdict = if measures[0].1 >= SENT_BACK_UM { Verdict::Rescan } else { Verdict::Pass };
        SlideRecord {
            digest,
            name: None,
            scanner: Some(format!("S{scanner}")),
            stainer: Some("north".into()),
            day: first_day().plus(n),
            version: "0.1.0".into(),
            verdict,
            measures: measures.into(),
        }
    }
}

/// `SplitMix64` (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    /// In (0, 1).
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Mean 0, deviation 1 (Box and Muller).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}
