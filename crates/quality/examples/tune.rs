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
        for f in &check.findings { println!("   {} {} {:.4} / {:.4} areas {} share {:?}: {}", f.fault, if f.fails {"FAIL"} else {"mark"}, f.value, f.threshold, f.areas.len(), f.tissue_share, f.note); if let (true, Some(c)) = (std::env::var("CROPS").is_ok(), f.crop) { let image = slide.read_scaled(bianque_core::Point::new(c.x as f64, c.y as f64), f64::from(c.width)/400.0, 400, 400).unwrap(); let mut e = png::Encoder::new(std::fs::File::create(format!("/tmp/crop-{}-{}.png", std::path::Path::new(&path).file_stem().unwrap().to_string_lossy(), f.fault)).unwrap(), 400, 400); e.set_color(png::ColorType::Rgb); e.write_header().unwrap().write_image_data(image.pixels()).unwrap(); for a in f.areas.iter().take(8) { let b = a.bounds().unwrap(); println!("      {:.0} {:.0} {:.0} {:.0}", b.min.x, b.min.y, b.max.x, b.max.y); } } }
    }
}
