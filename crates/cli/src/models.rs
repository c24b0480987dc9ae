//! Where models lie. They are files beside the program, never parts of it.

use std::path::{Path, PathBuf};

use anyhow::bail;

/// Finds tasks and encoders by name.
pub(crate) struct Models {
    folder: Option<PathBuf>,
}

impl Models {
    /// Looks in the named folder, else beside and above the program, else beside and above the
    /// working folder.
    pub(crate) fn locate(named: Option<PathBuf>) -> anyhow::Result<Self> {
        if let Some(folder) = named {
            if !folder.is_dir() {
                bail!("the models folder {} does not exist", folder.display());
            }
            return Ok(Self { folder: Some(folder) });
        }
        let starts = [std::env::current_exe().ok(), std::env::current_dir().ok()];
        let folder = starts.iter().flatten().find_map(|start| {
            let candidates = start
                .ancestors()
                .flat_map(|above| [above.join("models"), above.join("share/bianque/models")]);
            candidates.into_iter().find(|folder| folder.join("tasks").is_dir())
        });
        Ok(Self { folder })
    }

    /// A task's folder by name or path.
    pub(crate) fn task(&self, name: &str) -> anyhow::Result<PathBuf> {
        self.find(name, "tasks", "task.json")
    }

    /// An encoder's folder by name or path.
    pub(crate) fn encoder(&self, name: &str) -> anyhow::Result<PathBuf> {
        self.find(name, "encoders", "recipe.json")
    }

    fn find(&self, name: &str, kind: &str, marker: &str) -> anyhow::Result<PathBuf> {
        let as_path = Path::new(name);
        if as_path.join(marker).is_file() {
            return Ok(as_path.to_owned());
        }
        let Some(folder) = &self.folder else {
            bail!(
                "no models folder found: give --models DIR or set BIANQUE_MODELS (looked for \
                 '{name}')"
            );
        };
        let found = folder.join(kind).join(name);
        if found.join(marker).is_file() {
            return Ok(found);
        }
        let known = names(&folder.join(kind), marker);
        bail!(
            "no '{name}' under {}: there are {}",
            folder.join(kind).display(),
            if known.is_empty() { "none".to_owned() } else { known.join(", ") }
        );
    }
}

fn names(folder: &Path, marker: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().join(marker).is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
