//! Tasks: by folder, installed from packages, or shipped with the program.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use bianque_core::Digest;
use bianque_lesion::TASK_FILE;

use super::{Models, names};

/// The digits of a digest that name an installed task's folder.
const DIGITS: usize = 16;
/// The largest description that is read for its organ.
const LARGEST: u64 = 4 << 20;

/// The part of a package's digest that names its folder.
pub(crate) fn short_digest(digest: Digest) -> String {
    digest.to_string().trim_start_matches("blake3:").chars().take(DIGITS).collect()
}

/// Where a task came from.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A folder that was named.
    Folder,
    /// A package that was installed.
    Installed,
    /// The program's own models folder.
    Shipped,
}

impl Origin {
    /// Its stable name, as in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Installed => "installed",
            Self::Shipped => "shipped",
        }
    }
}

/// A task's folder.
#[derive(Clone, Debug)]
pub(crate) struct TaskPlace {
    pub(crate) folder: PathBuf,
    pub(crate) origin: Origin,
    /// Whether its name alone means it.
    pub(crate) in_use: bool,
}

impl TaskPlace {
    pub(crate) fn is_installed(&self) -> bool {
        self.origin == Origin::Installed
    }
}

impl Models {
    /// A task by its folder, by its name, or by NAME@DIGEST. An installed task comes before a
    /// shipped one of the same name: whoever installed it wanted it.
    pub(crate) fn task(&self, name: &str) -> anyhow::Result<TaskPlace> {
        let as_path = Path::new(name);
        if as_path.join(TASK_FILE).is_file() {
            let place = |origin| TaskPlace { folder: as_path.to_owned(), origin, in_use: true };
            return Ok(place(Origin::Folder));
        }
        if let Some((name, digest)) = name.split_once('@') {
            return self.installed(name, digest);
        }
        if let Some(current) = self.current(name) {
            return self.installed(name, &current);
        }
        match self.find(name, "tasks", TASK_FILE) {
            Ok(folder) => Ok(TaskPlace { folder, origin: Origin::Shipped, in_use: true }),
            Err(error) => {
                let installed = self.installed_names();
                if installed.is_empty() {
                    return Err(error);
                }
                Err(error.context(format!("installed are {}", installed.join(", "))))
            }
        }
    }

    /// The digest of the installed task of a name that is in use.
    pub(crate) fn current(&self, name: &str) -> Option<String> {
        if !is_plain(name) {
            return None;
        }
        let text = fs::read_to_string(self.data.tasks().ok()?.join(name).join("current")).ok()?;
        let digest = text.trim();
        digest.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| digest.to_owned())
    }

    /// All tasks: installed first, by name; then the shipped ones.
    pub(crate) fn tasks(&self) -> anyhow::Result<Vec<TaskPlace>> {
        let mut places = Vec::new();
        let installed = self.installed_names();
        for name in &installed {
            let above = self.data.tasks()?.join(name);
            let current = self.current(name);
            for digest in names(&above, TASK_FILE) {
                if digest.starts_with('.') {
                    continue;
                }
                let in_use = current.as_deref() == Some(digest.as_str());
                let folder = above.join(digest);
                places.push(TaskPlace { folder, origin: Origin::Installed, in_use });
            }
        }
        if let Some(folder) = &self.folder {
            let above = folder.join("tasks");
            for name in names(&above, TASK_FILE) {
                let in_use = self.current(&name).is_none();
                let folder = above.join(name);
                places.push(TaskPlace { folder, origin: Origin::Shipped, in_use });
            }
        }
        Ok(places)
    }

    /// The one task that outlines lesions of an organ.
    pub(crate) fn task_for_organ(&self, organ: &str) -> anyhow::Result<TaskPlace> {
        let mut known = Vec::new();
        let mut fitting = Vec::new();
        for place in self.tasks()?.into_iter().filter(|place| place.in_use) {
            let Some((name, its_organ)) = name_and_organ(&place.folder)? else { continue };
            if its_organ.eq_ignore_ascii_case(organ) {
                fitting.push((name, place));
            } else {
                known.push(its_organ);
            }
        }
        known.sort();
        known.dedup();
        match fitting.len() {
            1 => Ok(fitting.remove(0).1),
            0 => bail!(
                "no task is for '{organ}': there are tasks for {}. Install one (`bianque task \
                 install FILE`), or give --task to look at the slide with another, as an experiment",
                known.join(", ")
            ),
            _ => {
                let names: Vec<String> = fitting.into_iter().map(|(name, _)| name).collect();
                bail!("several tasks are for '{organ}': {}; give --task", names.join(", "))
            }
        }
    }

    fn installed_names(&self) -> Vec<String> {
        let Ok(folder) = self.data.tasks() else { return Vec::new() };
        names(&folder, "current")
    }

    fn installed(&self, name: &str, digest: &str) -> anyhow::Result<TaskPlace> {
        anyhow::ensure!(is_plain(name), "'{name}' is no task's name");
        let above = self.data.tasks()?.join(name);
        let fitting: Vec<String> = names(&above, TASK_FILE)
            .into_iter()
            .filter(|folder| !digest.is_empty() && folder.starts_with(digest))
            .collect();
        match fitting.as_slice() {
            [one] => Ok(TaskPlace {
                folder: above.join(one),
                origin: Origin::Installed,
                in_use: self.current(name).as_ref() == Some(one),
            }),
            [] => bail!("no task {name}@{digest} is installed: see `bianque task list`"),
            _ => bail!("several tasks {name} begin with {digest}: give more digits"),
        }
    }
}

fn is_plain(name: &str) -> bool {
    !name.starts_with('.') && !name.contains(['/', '\\'])
}

/// Of a task that outlines lesions; `None` of one that judges whole slides.
fn name_and_organ(folder: &Path) -> anyhow::Result<Option<(String, String)>> {
    #[derive(serde::Deserialize)]
    struct Named {
        name: String,
        organ: String,
        /// Where lesions are outlined there are labels.
        labels: Option<serde::de::IgnoredAny>,
    }
    let path = folder.join(TASK_FILE);
    let reading = || format!("cannot read {}", path.display());
    let file = fs::File::open(&path).with_context(reading)?;
    let named: Named =
        serde_json::from_reader(std::io::Read::take(file, LARGEST)).with_context(reading)?;
    Ok(named.labels.map(|_| (named.name, named.organ)))
}
