#![allow(clippy::unwrap_used, clippy::print_stdout)]
fn main() {
    let settings = bianque_quality::CheckSettings::with_overrides(None).unwrap();
    for path in std::env::args().skip(1) {
        let slide = bianque_slide::open(path.as_ref(), &Default::default()).unwrap();
        let start = std::time::Instant::now();
        let check = bianque_quality::check_slide(slide.as_ref(), &settings);
        println!("{path}: {} in {:.2} s {:?}", check.verdict, start.elapsed().as_secs_f64(), check.seconds);
        for (name, value) in &check.measures { print!("  {name}={value:.4}"); }
        println!();
        for f in &check.findings { println!("   {} {} {:.4} / {:.4} areas {} share {:?}: {}", f.fault, if f.fails {"FAIL"} else {"mark"}, f.value, f.threshold, f.areas.len(), f.tissue_share, f.note); }
    }
}
