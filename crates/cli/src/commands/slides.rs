//! Which slides a path stands for, and where each one's output goes.

use std::path::{Path, PathBuf};

use anyhow::Context;
use bianque_slide::{OpenOptions, find_slides, find_unread_slides, only_dicom};

use crate::terminal::Terminal;

/// How many files that are passed over are named.
const NAMED: usize = 3;

/// Slides with their output folders, in the order of their names. Says which slides of the folder are
/// passed over because their format is not read.
pub(super) fn find(
    path: &Path,
    out: Option<&Path>,
    terminal: &Terminal,
) -> anyhow::Result<Vec<(PathBuf, PathBuf)>> {
    let one = || Ok(vec![(path.to_owned(), out.map_or_else(|| default_out(path), Path::to_owned))]);
    if !path.is_dir() {
        return one();
    }
    let found = find_slides(path)?;
    let unread = find_unread_slides(path)?;
    if !unread.is_empty() {
        let names: Vec<String> =
            unread.iter().take(NAMED).map(|slide| slide.display().to_string()).collect();
        let more = if unread.len() > NAMED { ", …" } else { "" };
        terminal.note(&format!(
            "{} passed over, of formats that are not read so far: {}{more}",
            unread.len(),
            names.join(", ")
        ));
    }
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
