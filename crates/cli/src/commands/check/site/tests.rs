use bianque_core::Digest;
use bianque_quality::{Check, CheckSettings, Verdict, site::DriftLevel};

use super::*;

/// Uniform in 0..1 by position; the same on every machine.
fn noise(seed: u64) -> f64 {
    let mut z = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Mean 0, deviation about 1.
fn bell(seed: u64) -> f64 {
    (0..12).map(|n| noise(seed * 16 + n)).sum::<f64>() - 6.0
}

/// Sixty days of three scanners and two stainers: the focus of one scanner drifts from day 34, the
/// stain of one bench pales from day 40, one scanner's JPEG quality is changed on day 50, a fourth
/// scanner is new.
fn department() -> Vec<SlideRecord> {
    const SCANNERS: [&str; 4] =
        ["Aperio GT450 SS45021", "Aperio GT450 SS45077", "Hamamatsu S360 7003", "KFBIO KF-PRO 12"];
    let first: Day = "2026-01-05".parse().unwrap();
    let mut records = Vec::new();
    for day in 0..60_i32 {
        for (at, scanner) in SCANNERS.iter().enumerate() {
            let new = at == 3 && day < 52;
            let slides = if first.plus(day).since(first) % 7 >= 5 { 3 } else { 14 + 4 * at as i32 };
            for slide in 0..if new { 0 } else { slides } {
                let seed = (day as u64 * 4 + at as u64) * 64 + slide as u64;
                let of_day = (day as u64 * 4 + at as u64) + 1_000_000;
                let bench = slide % 2;
                let late = |from: i32| f64::from((day - from).max(0));
                let focus = if at == 1 { 0.03 * late(34) } else { 0.0 };
                let pale = if bench == 1 { -0.0035 * late(40) } else { 0.0 };
                let quality = if at == 2 && day >= 50 { 60.0 } else { 70.0 };
                let tear = if noise(seed * 8 + 5) < 0.6 { 0.0 } else { 0.01 * noise(seed * 8 + 6) };
                let verdict = match noise(seed * 8 + 7) {
                    n if n < 0.012 + 0.002 * focus * late(34) => Verdict::Rescan,
                    n if n < 0.020 => Verdict::Recut,
                    n if n < 0.024 => Verdict::Restain,
                    n if n < 0.025 => Verdict::Unreadable,
                    n if n < 0.14 => Verdict::PassMarked,
                    _ => Verdict::Pass,
                };
                let density = 0.31 + pale + 0.008 * bell(of_day * 2) + 0.05 * bell(seed * 4);
                let measures = [
                    (
                        "focus.edge_width_um",
                        1.6 + focus + 0.03 * bell(of_day * 2 + 1) + 0.15 * bell(seed * 4 + 1),
                    ),
                    ("focus.blurred_share", 0.004 * noise(seed * 8)),
                    ("stain.density_od", density),
                    ("stain.haematoxylin_od", 0.55 * density),
                    ("stain.eosin_od", 0.45 * density + 0.01 * bell(seed * 4 + 2)),
                    ("stain.imbalance_ratio", 1.3 + 0.2 * noise(seed * 8 + 1)),
                    ("light.glass_tint", 0.02 + 0.004 * noise(seed * 8 + 2)),
                    ("light.burnt_share", 0.001 * noise(seed * 8 + 3)),
                    ("seams.largest_step_grey", 0.6 + 0.8 * noise(seed * 8 + 4)),
                    ("seams.largest_roughness_ratio", 1.1 + 0.1 * bell(seed * 4 + 3).abs()),
                    ("coding.jpeg_quality", quality),
                    ("tear.share", tear),
                ];
                records.push(SlideRecord {
                    digest: Digest::of(&seed.to_le_bytes()),
                    name: None,
                    scanner: Some((*scanner).to_owned()),
                    stainer: Some(["Bench A", "Bench B"][bench as usize].to_owned()),
                    day: first.plus(day),
                    version: "0.1.0".into(),
                    verdict,
                    measures: measures.map(|(name, value)| (name.to_owned(), value)).into(),
                });
            }
        }
    }
    records
}

#[test]
fn a_department_is_remembered_and_drawn() {
    // Set BIANQUE_KEEP_PAGES to a folder to look at the page.
    let folder = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("BIANQUE_KEEP_PAGES").map(PathBuf::from);
    let file = kept.as_deref().unwrap_or(folder.path()).join("site.jsonl");
    let _ = std::fs::remove_file(&file);
    let thresholds = Thresholds::with_overrides(None).unwrap();
    let records = department();
    let remembered = remember(&file, &records, &thresholds).unwrap();
    assert_eq!(remembered.slides, records.len());
    assert_eq!(remembered.page, file.with_extension("html"));
    let has = |group: &str, measure: &str| {
        let mut drifts = remembered.drifts.iter();
        drifts.any(|d| d.group.name == group && d.measure == measure)
    };
    assert!(has("Aperio GT450 SS45077", "focus.edge_width_um"));
    assert!(has("Bench B", "stain.density_od"));
    assert!(has("Hamamatsu S360 7003", "coding.jpeg_quality"));
    assert!(remembered.drifts.iter().all(|drift| drift.level == DriftLevel::Act));
    let page = std::fs::read_to_string(&remembered.page).unwrap();
    assert!(page.len() < 3_000_000, "the page has {} bytes", page.len());
    assert!(page.contains("KFBIO KF-PRO 12"));
    // The same slides again change nothing.
    let again = remember(&file, &records[..100], &thresholds).unwrap();
    assert_eq!(again.slides, records.len());
}

#[test]
fn a_site_file_is_not_its_own_page() {
    let thresholds = Thresholds::with_overrides(None).unwrap();
    let error = remember(Path::new("site.html"), &[], &thresholds).unwrap_err();
    assert!(error.to_string().contains("its own page"), "{error}");
}

#[test]
fn a_slide_that_cannot_be_opened_is_remembered_by_what_was_stated() {
    let stated = Stated::new(Some("GT450-2"), None, Some("2026-03-02")).unwrap();
    let check = Check::unreadable("broken");
    let record = record(None, Digest::of(b"x"), &check, &stated);
    assert_eq!((record.verdict, record.name), (Verdict::Unreadable, None));
    assert_eq!(record.scanner.as_deref(), Some("GT450-2"));
    assert_eq!(record.day.to_string(), "2026-03-02");
    assert!(Stated::new(None, None, Some("2.3.2026")).is_err());
}

#[test]
fn every_line_of_a_chart_is_a_threshold() {
    let settings = CheckSettings::with_overrides(None).unwrap();
    let lines = sent_back_at(&settings.thresholds);
    assert_eq!(lines["stain.density_od"].len(), 1);
    assert!(lines.values().flatten().all(|line| line.is_finite()));
}

#[test]
fn a_slide_is_held_against_what_the_site_remembers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.jsonl");
    let settings = CheckSettings::with_overrides(None).unwrap();
    let mut check = Check::unreadable("stands for a slide that was read");
    check.findings.clear();
    check.verdict = Verdict::Pass;
    let held = |density: f64, records: &[SlideRecord]| {
        let _ = std::fs::remove_file(&file);
        remember(&file, records, &settings.thresholds).unwrap();
        let mut check = check.clone();
        check.measures.insert("stain.density_od", density);
        let stated = Stated::new(Some("Aperio GT450 SS45021"), Some("Bench A"), None).unwrap();
        let record = record(None, Digest::of(b"new"), &check, &stated);
        Memory::read(Some(&file)).unwrap().hold(&mut check, &record, &settings.thresholds);
        check
    };
    let department = department();
    let usual = held(0.31, &department);
    assert_eq!((usual.verdict, usual.notes.len()), (Verdict::Pass, 1), "{:?}", usual.notes);
    let dark = held(0.75, &department);
    assert_eq!(dark.verdict, Verdict::PassMarked);
    assert!(dark.findings[0].note.contains("usual here is 0.32"), "{}", dark.findings[0].note);
    let few = held(0.75, &department[..10]);
    assert_eq!(few.verdict, Verdict::Pass);
    assert!(few.notes[0].contains("20 make a reference"), "{:?}", few.notes);
}
