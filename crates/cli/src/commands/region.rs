//! `bianque region`: pixels of a place.

use bianque_core::{PixelRect, Point};
use serde::Serialize;

use super::{Outcome, open_slide};
use crate::{arguments::RegionArguments, picture, terminal::Terminal};

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    file: String,
    width: u32,
    height: u32,
}

pub(crate) fn run(arguments: &RegionArguments, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let slide = open_slide(&arguments.slide, arguments.slide_mpp)?;
    let (width, height) = (arguments.width, arguments.height);
    anyhow::ensure!(width > 0 && height > 0, "--width and --height must be at least 1");
    let image = if let Some(mpp) = arguments.mpp {
        let origin = Point::new(arguments.x as f64, arguments.y as f64);
        slide.read_at_mpp(origin, mpp, width, height)?
    } else {
        let index = arguments.level.unwrap_or(0);
        let levels = &slide.facts().levels;
        let Some(level) = levels.get(index) else {
            anyhow::bail!("there is no level {index}: the slide has {}", levels.len());
        };
        let to_level = |value: i64| (value as f64 / level.downsample).round() as i64;
        let region = PixelRect::new(to_level(arguments.x), to_level(arguments.y), width, height);
        slide.read_region(index, region)?
    };
    picture::write(&image, &arguments.out)?;
    let document = Document {
        schema: "bianque.picture/1",
        file: arguments.out.display().to_string(),
        width,
        height,
    };
    terminal.result(&document, &format!("wrote {} ({width} x {height} px)", document.file))?;
    Ok(Outcome::Done)
}
