//! Which slides a path stands for, and where each one's output goes.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use bianque_slide::OpenOptions;

/// Endings of files that are tried in a folder.
const ENDINGS: [&str; 6] = ["svs", "tif", "tiff", "btf", "dcm", "ptif"];

/// Slides with their output folders, in the order of their names.
pub(super) fn find(path: &Path, out: Option<&Path>) -> anyhow::Result<Vec<(PathBuf, PathBuf)>> {
    let one = || Ok(vec![(path.to_owned(), out.map_or_else(|| default_out(path), Path::to_owned))]);
    if !path.is_dir() {
        return one();
    }
    let found = slides_in(path)?;
    let only_dicom = !found.is_empty() && found.iter().all(|slide| has_ending(slide, &["dcm"]));
    // A folder of DICOM instances is one slide where they are one series.
    if found.is_empty() || only_dicom {
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

fn slides_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        if depth > 16 {
            bail!("{} lies too deep: are folders linked in a circle?", folder.display());
        }
        let entries = std::fs::read_dir(&folder)
            .with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let path = entry.with_context(|| format!("cannot read {}", folder.display()))?.path();
            let is_output = path.extension().is_some_and(|ending| ending == "bianque");
            if path.is_dir() && !is_output {
                folders.push((path, depth + 1));
            } else if has_ending(&path, &ENDINGS) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    path.extension()
        .is_some_and(|ending| endings.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// The output folder of a slide unless one is named.
fn default_out(slide: &Path) -> PathBuf {
    let mut name = slide.file_stem().unwrap_or(slide.as_os_str()).to_owned();
    name.push(".bianque");
    slide.with_file_name(name)
}
