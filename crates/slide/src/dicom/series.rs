//! Which files make one slide.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::{
    error::{Result, SlideError},
    file::SlideFile,
};

use super::instance::{Flavour, Identity, Instance, identify};

/// A folder with more files is no slide's folder.
const MAX_FILES: usize = 4096;

/// The instances of one slide.
#[derive(Debug, Default)]
pub(super) struct Series {
    pub(super) path: PathBuf,
    pub(super) volumes: Vec<Instance>,
    pub(super) associated: BTreeMap<&'static str, Instance>,
    pub(super) warnings: Vec<String>,
}

/// The slide of a folder, or the slide that a file belongs to.
pub(super) fn collect(path: &Path) -> Result<Series> {
    if path.is_dir() { folder(path) } else { beside(path) }
}

/// One file alone.
pub(super) fn single(file: SlideFile) -> Result<Series> {
    let path = file.path().to_owned();
    assemble(&path, vec![Instance::read(file)?], Vec::new())
}

fn folder(path: &Path) -> Result<Series> {
    let files =
        files_of(path).map_err(|source| SlideError::Io { path: path.to_owned(), source })?;
    if files.len() > MAX_FILES {
        return Err(SlideError::NotASlide {
            path: path.to_owned(),
            why: format!("it is a folder of more than {MAX_FILES} files"),
        });
    }
    let mut warnings = Vec::new();
    let found = instances_among(&files, &mut warnings);
    let series: BTreeSet<_> = found.iter().map(|one| &one.identity.series).collect();
    let pyramids: BTreeSet<_> =
        found.iter().filter_map(|one| one.identity.pyramid.as_ref()).collect();
    if series.len() > 1 || pyramids.len() > 1 {
        return Err(SlideError::NotASlide {
            path: path.to_owned(),
            why: format!(
                "it is a folder of {} DICOM whole-slide images in {} series and {} pyramids; open \
                 one of its files to choose",
                found.len(),
                series.len(),
                pyramids.len().max(series.len())
            ),
        });
    }
    if found.is_empty() && warnings.is_empty() {
        return Err(SlideError::NotASlide {
            path: path.to_owned(),
            why: format!("none of its {} files is a DICOM whole-slide image", files.len()),
        });
    }
    let instances = read_all(found, &mut warnings)?;
    assemble(path, instances, warnings)
}

/// The slide that one file belongs to: it and the instances of its series in the same folder.
fn beside(path: &Path) -> Result<Series> {
    let opened = Instance::read(SlideFile::open(path)?)?;
    let mut warnings = Vec::new();
    let mut instances = Vec::new();
    if opened.identity.series.is_some() {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        match files_of(parent) {
            Ok(files) if files.len() <= MAX_FILES => {
                let others: Vec<_> =
                    files.into_iter().filter(|file| file.file_name() != path.file_name()).collect();
                let mut found = instances_among(&others, &mut Vec::new());
                found.retain(|one| belongs(&one.identity, &opened.identity));
                instances = read_all(found, &mut warnings)?;
            }
            Ok(_) => warnings.push(format!(
                "its folder has more than {MAX_FILES} files: other levels were not looked for"
            )),
            Err(error) => warnings
                .push(format!("its folder cannot be listed ({error}): other levels are unknown")),
        }
    }
    instances.insert(0, opened);
    assemble(path, instances, warnings)
}

/// Of the same series, and of no other pyramid. Label and overview need not name a pyramid.
fn belongs(other: &Identity, opened: &Identity) -> bool {
    let pyramids_agree = match (&other.pyramid, &opened.pyramid) {
        (Some(one), Some(two)) => one == two,
        _ => true,
    };
    other.series == opened.series && pyramids_agree
}

fn files_of(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            files.push(path);
        }
        if files.len() > MAX_FILES {
            break;
        }
    }
    files.sort();
    Ok(files)
}

/// A whole-slide instance by its first kilobytes.
struct Found {
    file: SlideFile,
    identity: Identity,
    flavour: Flavour,
}

/// The whole-slide instances among files; what is no DICOM file is passed over.
fn instances_among(files: &[PathBuf], warnings: &mut Vec<String>) -> Vec<Found> {
    let mut found = Vec::new();
    for path in files {
        let identified = SlideFile::open(path).and_then(|file| Ok((identify(&file)?, file)));
        match identified {
            Ok((Some((identity, flavour)), file)) => found.push(Found { file, identity, flavour }),
            Ok((None, _)) => {}
            Err(error) => warnings.push(format!("left out: {error}")),
        }
    }
    found
}

/// Reads instances whole. A level that cannot be read is an error, since a slide must not shrink
/// silently; any other image becomes a warning.
fn read_all(found: Vec<Found>, warnings: &mut Vec<String>) -> Result<Vec<Instance>> {
    let mut instances = Vec::new();
    for Found { file, flavour, .. } in found {
        match Instance::read(file) {
            Ok(instance) => instances.push(instance),
            Err(error) if flavour == Flavour::Volume => return Err(error),
            Err(error) => warnings.push(format!("left out: {error}")),
        }
    }
    Ok(instances)
}

fn assemble(path: &Path, instances: Vec<Instance>, warnings: Vec<String>) -> Result<Series> {
    let mut series = Series { path: path.to_owned(), warnings, ..Series::default() };
    let mut seen = BTreeSet::new();
    for mut instance in instances {
        let name = instance.file.path().file_name().unwrap_or_default().to_string_lossy();
        series.warnings.extend(instance.warnings.drain(..).map(|what| format!("{name}: {what}")));
        if let Some(uid) = &instance.identity.instance
            && !seen.insert(uid.clone())
        {
            series.warnings.push(format!("{name} is a copy of another file and is left out"));
            continue;
        }
        match instance.flavour.clone() {
            Flavour::Volume => series.volumes.push(instance),
            Flavour::Associated(kind) if series.associated.contains_key(kind) => {
                series.warnings.push(format!("{name} is a second {kind} and is left out"));
            }
            Flavour::Associated(kind) => {
                series.associated.insert(kind, instance);
            }
            Flavour::Other(kind) => {
                series.warnings.push(format!("{name} is an image of type {kind}, left out"));
            }
        }
    }
    if series.volumes.is_empty() {
        let kinds: Vec<_> = series.associated.keys().copied().collect();
        let mut why = format!("no instance of type VOLUME; there is: {}", kinds.join(", "));
        if kinds.is_empty() {
            why = format!("no instance can be read; {}", series.warnings.join("; "));
        }
        return Err(SlideError::NotASlide { path: path.to_owned(), why });
    }
    check_frame_of_reference(path, &series.volumes)?;
    Ok(series)
}

/// Levels of one pyramid share a coordinate system (PS3.3, C.7.4.1).
fn check_frame_of_reference(path: &Path, volumes: &[Instance]) -> Result<()> {
    let frames: BTreeSet<_> =
        volumes.iter().filter_map(|v| v.identity.frame_of_reference.as_ref()).collect();
    if frames.len() > 1 {
        return Err(SlideError::NotASlide {
            path: path.to_owned(),
            why: format!(
                "its series holds images in {} frames of reference, which are no one pyramid",
                frames.len()
            ),
        });
    }
    Ok(())
}
