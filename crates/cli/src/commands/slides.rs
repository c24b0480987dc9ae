//! Which slides a path stands for, and where each one's output goes.

use std::path::{Path, PathBuf};

use anyhow::Context;
use bianque_slide::{OpenOptions, find_slides, only_dicom};

/// Slides with their output folders, in the order of their names.
pub(super) fn find(path: &Path, out: Option<&Path>) -> anyhow::Result<Vec<(PathBuf, PathBuf)>> {
    let one = || Ok(vec![(path.to_owned(), out.map_or_else(|| default_out(path), Path::to_owned))]);
    if !path.is_dir() {
        return one();
    }
    let found = find_slides(path)?;
    // A folder of DICOM instances is one slide where they are one series.
    if found.is_empty() || only_dicom(&found) {
        match bianque_slide::open(path, &OpenOptions::default()) {
            Ok(_) => return one(),
            Err(error) if found.is_empty() => {
                return Err(error).context("no slide in the folder");
            }
            Err(_) => {}
        }
    }
    let root = out.map_or_else(|| default_out(path), Path::to_owned);
    let mut pairs: Vec<(PathBuf, PathBuf)> = Vec::new();
    for slide in found {
        let name = slide.strip_prefix(path).unwrap_or(&slide).to_owned();
        let target = root.join(name.with_extension(""));
        // a.svs and a.tif must not write into one folder.
        let taken = pairs.iter().any(|(_, other)| *other == target);
        pairs.push((slide, if taken { root.join(name) } else { target }));
    }
    Ok(pairs)
}

/// The output folder of a slide unless one is named.
fn default_out(slide: &Path) -> PathBuf {
    let mut name = slide.file_stem().unwrap_or(slide.as_os_str()).to_owned();
    name.push(".bianque");
    slide.with_file_name(name)
}
