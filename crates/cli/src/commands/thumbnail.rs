//! `bianque thumbnail`: the whole slide in a small picture.

use serde::Serialize;

use super::{Outcome, open_slide};
use crate::{arguments::ThumbnailArguments, picture, terminal::Terminal};

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    file: String,
    width: u32,
    height: u32,
}

pub(crate) fn run(arguments: &ThumbnailArguments, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let slide = open_slide(&arguments.slide.slide, arguments.slide.mpp)?;
    let image = match &arguments.associated {
        Some(name) => slide.associated_image(name)?,
        None => slide.thumbnail(arguments.size)?,
    };
    picture::write(&image, &arguments.out)?;
    let document = Document {
        schema: "bianque.picture/1",
        file: arguments.out.display().to_string(),
        width: image.width(),
        height: image.height(),
    };
    let text = format!("wrote {} ({} x {} px)", document.file, document.width, document.height);
    terminal.result(&document, &text)?;
    Ok(Outcome::Done)
}
