//! A folder of tiles: one folder a class.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::{
    error::{LesionError, Result},
    files::at,
};

/// Which folder holds which class: `folder=class,folder=class`. Several folders may hold one.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ClassMap(Vec<(String, String)>);

impl FromStr for ClassMap {
    type Err = LesionError;

    fn from_str(text: &str) -> Result<Self> {
        let mut seen = BTreeSet::new();
        let pair = |part: &str| {
            let wrong = |what: &str| {
                LesionError::Setting(format!("map '{part}': {what}, as in H=healthy,AC=carcinoma"))
            };
            let (folder, class) =
                part.split_once('=').ok_or_else(|| wrong("expected folder=class"))?;
            let (folder, class) = (folder.trim().to_owned(), class.trim().to_owned());
            if folder.is_empty() || class.is_empty() {
                return Err(wrong("a name is empty"));
            }
            if !seen.insert(folder.clone()) {
                return Err(wrong("the folder stands there twice"));
            }
            Ok((folder, class))
        };
        text.split(',').map(pair).collect::<Result<_>>().map(Self)
    }
}

/// One tile's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Its path below the data's folder, with `/` between: its name in lists and reports.
    pub name: String,
    /// Index of its class.
    pub class: usize,
}

/// The tiles below a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileFolder {
    /// Class names, in the order of the map, or by name where there is none.
    pub classes: Vec<String>,
    /// Every tile, by folder and name.
    pub files: Vec<TileFile>,
    /// What was left out, and why.
    pub warnings: Vec<String>,
}

impl TileFolder {
    /// Lists JPEG and PNG files in the folders below `folder`. With a map only its folders count,
    /// without one every folder is the class of its name.
    ///
    /// # Errors
    /// When a folder cannot be read, a mapped folder is missing, or there is no tile at all.
    pub fn scan(folder: &Path, map: Option<&ClassMap>) -> Result<Self> {
        Self::scan_to(folder, map, false)
    }

    /// The same with the tiles in folders below the classes', which say what belongs together: a
    /// patient's, or a slide's. They are named `class/group/file`.
    ///
    /// # Errors
    /// As [`TileFolder::scan`].
    pub fn scan_groups(folder: &Path, map: Option<&ClassMap>) -> Result<Self> {
        Self::scan_to(folder, map, true)
    }

    fn scan_to(folder: &Path, map: Option<&ClassMap>, groups: bool) -> Result<Self> {
        let mut warnings = Vec::new();
        let mut below = Vec::new();
        for entry in fs::read_dir(folder).map_err(at(folder))? {
            let path = entry.map_err(at(folder))?.path();
            if path.is_dir() {
                below.push(file_name(&path));
            }
        }
        below.sort();
        let pairs = match map {
            None => below.iter().map(|name| (name.clone(), name.clone())).collect(),
            Some(map) => {
                let mapped: BTreeSet<&String> = map.0.iter().map(|(folder, _)| folder).collect();
                let ignored: Vec<&str> =
                    below.iter().filter(|n| !mapped.contains(n)).map(String::as_str).collect();
                if !ignored.is_empty() {
                    warnings.push(format!("folders not in the map: {}", ignored.join(", ")));
                }
                map.0.clone()
            }
        };
        let mut classes: Vec<String> = Vec::new();
        let mut files = Vec::new();
        for (name, class) in pairs {
            let index = classes.iter().position(|own| *own == class).unwrap_or_else(|| {
                classes.push(class);
                classes.len() - 1
            });
            let mut names = vec![name.clone()];
            if groups {
                names.extend(folders_below(folder, &name)?);
            }
            for (place, below) in names.iter().enumerate() {
                let own = scan_class(folder, below, index, &mut files)?;
                // Folders of groups are no stray entries, and a class may have no other tiles.
                let stray = own.others - if place == 0 { names.len() - 1 } else { 0 };
                if stray > 0 {
                    warnings.push(format!("{below}: {stray} entries are no JPEG or PNG files"));
                }
                if own.tiles == 0 && names.len() == 1 {
                    warnings.push(format!("{below}: no tiles"));
                }
            }
        }
        if files.is_empty() {
            return Err(LesionError::Data(format!(
                "{} holds no folder with JPEG or PNG tiles: expected one folder a class",
                folder.display()
            )));
        }
        Ok(Self { classes, files, warnings })
    }

    /// Number of tiles of each class.
    #[must_use]
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        self.files.iter().for_each(|file| counts[file.class] += 1);
        counts
    }

    /// The same tiles with the classes in a task's order.
    ///
    /// # Errors
    /// When a class is none of `names`.
    pub fn ordered(mut self, names: &[String]) -> Result<Self> {
        let known: BTreeMap<&String, usize> =
            names.iter().enumerate().map(|(i, n)| (n, i)).collect();
        let mut to = Vec::new();
        for class in &self.classes {
            to.push(*known.get(class).ok_or_else(|| {
                LesionError::Data(format!(
                    "class '{class}' is none of the task's ({}): map it, as in --map {class}={}",
                    names.join(", "),
                    names.first().map_or("", String::as_str),
                ))
            })?);
        }
        self.files.iter_mut().for_each(|file| file.class = to[file.class]);
        self.classes = names.to_vec();
        Ok(self)
    }
}

/// What lies in a folder of tiles.
struct Scanned {
    tiles: usize,
    others: usize,
}

fn scan_class(
    folder: &Path,
    name: &str,
    class: usize,
    files: &mut Vec<TileFile>,
) -> Result<Scanned> {
    let path = folder.join(name);
    let mut found = Vec::new();
    let mut others = 0;
    for entry in fs::read_dir(&path).map_err(at(&path))? {
        let path = entry.map_err(at(&path))?.path();
        let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        match extension.as_deref() {
            Some("jpg" | "jpeg" | "png") if path.is_file() => found.push(path),
            _ => others += 1,
        }
    }
    found.sort();
    let tiles = found.len();
    files.extend(found.into_iter().map(|path| TileFile {
        name: format!("{name}/{}", file_name(&path)),
        path,
        class,
    }));
    Ok(Scanned { tiles, others })
}

/// The folders in a class's folder, by name.
fn folders_below(folder: &Path, class: &str) -> Result<Vec<String>> {
    let path = folder.join(class);
    let mut names = Vec::new();
    for entry in fs::read_dir(&path).map_err(at(&path))? {
        let below = entry.map_err(at(&path))?.path();
        if below.is_dir() {
            names.push(format!("{class}/{}", file_name(&below)));
        }
    }
    names.sort();
    Ok(names)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in ["H/2.jpg", "H/1.PNG", "H/notes.txt", "AC/a.jpeg", "T/b.png", "V/c.png"] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"x").unwrap();
        }
        folder
    }

    #[test]
    fn folders_below_are_groups_where_they_are_asked_for() {
        let folder = folder();
        let below = folder.path().join("H/patient-1");
        fs::create_dir(&below).unwrap();
        fs::write(below.join("3.png"), b"x").unwrap();
        let plain = TileFolder::scan(folder.path(), None).unwrap();
        assert!(plain.files.iter().all(|file| !file.name.contains("patient")));
        let grouped = TileFolder::scan_groups(folder.path(), None).unwrap();
        assert_eq!(grouped.files.len(), plain.files.len() + 1);
        let own = grouped.files.iter().find(|file| file.name == "H/patient-1/3.png").unwrap();
        assert_eq!(grouped.classes[own.class], "H");
        assert_eq!(grouped.warnings, ["H: 1 entries are no JPEG or PNG files"]);
    }

    #[test]
    fn folders_are_classes_or_mapped_to_them() {
        let folder = folder();
        let plain = TileFolder::scan(folder.path(), None).unwrap();
        assert_eq!(plain.classes, ["AC", "H", "T", "V"]);
        assert_eq!(plain.files[1].name, "H/1.PNG");
        assert_eq!(plain.warnings.len(), 1);
        let map: ClassMap = "H=healthy, T=adenoma,V=adenoma".parse().unwrap();
        let mapped = TileFolder::scan(folder.path(), Some(&map)).unwrap();
        assert_eq!(mapped.classes, ["healthy", "adenoma"]);
        assert_eq!(mapped.counts(), [2, 2]);
        assert!(mapped.warnings[0].contains("AC"), "{:?}", mapped.warnings);
    }

    #[test]
    fn classes_take_a_tasks_order() {
        let map: ClassMap = "AC=carcinoma,H=healthy".parse().unwrap();
        let tiles = TileFolder::scan(folder().path(), Some(&map)).unwrap();
        let names = ["healthy".to_owned(), "adenoma".to_owned(), "carcinoma".to_owned()];
        let ordered = tiles.clone().ordered(&names).unwrap();
        assert_eq!(ordered.counts(), [2, 0, 1]);
        assert!(tiles.ordered(&names[1..]).is_err());
    }

    #[test]
    fn malformed_maps_and_empty_folders_are_refused() {
        for text in ["", "H", "H=", "=x", "H=a,H=b", "H=a,,"] {
            assert!(text.parse::<ClassMap>().is_err(), "{text}");
        }
        let empty = tempfile::tempdir().unwrap();
        assert!(TileFolder::scan(empty.path(), None).is_err());
        let missing: ClassMap = "X=healthy".parse().unwrap();
        assert!(matches!(
            TileFolder::scan(folder().path(), Some(&missing)),
            Err(LesionError::Io { .. })
        ));
    }
}
