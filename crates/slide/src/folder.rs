//! The slides of a folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::error::{Result, SlideError};

/// Endings of files that are tried in a folder; what they hold decides, not the ending.
const ENDINGS: [&str; 6] = ["svs", "tif", "tiff", "btf", "dcm", "ptif"];
/// Endings of slides that are not read so far.
const OTHERS: [&str; 14] = [
    "bif", "czi", "isyntax", "kfb", "mrxs", "ndpi", "qptiff", "scn", "sdpc", "svslide", "tmap",
    "vms", "vsi", "zvi",
];
/// Folders in folders; deeper ones are taken for links that lead in a circle.
const DEEPEST: usize = 16;

/// Files of a folder, and of the folders in it, that may be slides, in the order of their names.
/// Folders of results (`*.bianque`) are passed over.
///
/// # Errors
/// When a folder cannot be read, or folders lie more than 16 deep.
pub fn find_slides(folder: &Path) -> Result<Vec<PathBuf>> {
    find(folder, &ENDINGS)
}

/// Files of a folder, and of the folders in it, that are slides by their ending but of formats that
/// are not read so far.
///
/// # Errors
/// As [`find_slides`].
pub fn find_unread_slides(folder: &Path) -> Result<Vec<PathBuf>> {
    find(folder, &OTHERS)
}

fn find(folder: &Path, endings: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let failed = |source| SlideError::Io { path: folder.clone(), source };
        if depth > DEEPEST {
            let what = "it lies too deep: are folders linked in a circle?".to_owned();
            return Err(SlideError::Unsupported { path: folder, what });
        }
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let is_output = path.extension().is_some_and(|ending| ending == "bianque");
            if path.is_dir() && !is_output {
                folders.push((path, depth + 1));
            } else if has_ending(&path, endings) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Whether every file of a list is a DICOM instance by its name, and there is one.
#[must_use]
pub fn only_dicom(files: &[PathBuf]) -> bool {
    !files.is_empty() && files.iter().all(|file| has_ending(file, &["dcm"]))
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    path.extension()
        .is_some_and(|ending| endings.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slides_are_found_by_ending_in_every_folder_but_those_of_results() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.SVS", "notes.txt", "inner/a.dcm", "a.bianque/c.tif", "x.tiff"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"").unwrap();
        }
        fs::write(folder.path().join("inner/a.MRXS"), b"").unwrap();
        let others = find_unread_slides(folder.path()).unwrap();
        assert!(others.len() == 1 && others[0].ends_with("inner/a.MRXS"), "{others:?}");
        let found = find_slides(folder.path()).unwrap();
        let names: Vec<_> =
            found.iter().map(|path| path.strip_prefix(folder.path()).unwrap()).collect();
        assert_eq!(names, [Path::new("b.SVS"), Path::new("inner/a.dcm"), Path::new("x.tiff")]);
        assert!(!only_dicom(&found) && only_dicom(&found[1..2]) && !only_dicom(&[]));
        assert!(find_slides(&folder.path().join("absent")).is_err());
    }
}
