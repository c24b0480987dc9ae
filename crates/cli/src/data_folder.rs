//! Where this user's installed tasks and trusted keys lie.

use std::path::{Path, PathBuf};

/// The folder that the program keeps things in for this user.
#[derive(Clone)]
pub(crate) struct DataFolder {
    folder: Option<PathBuf>,
}

impl DataFolder {
    /// The named folder, else the system's place for a program's data.
    pub(crate) fn locate(named: Option<PathBuf>) -> Self {
        Self { folder: named.or_else(usual) }
    }

    /// Installed tasks: `NAME/DIGEST/` with the task's files, `NAME/current` with the digest in use.
    pub(crate) fn tasks(&self) -> anyhow::Result<PathBuf> {
        self.inside("tasks")
    }

    /// Public keys whose packages are trusted, as `NAME.pub`.
    pub(crate) fn trusted_keys(&self) -> anyhow::Result<PathBuf> {
        self.inside("trusted-keys")
    }

    /// The record, outputs and features of a server, unless it is told another folder.
    pub(crate) fn site(&self) -> anyhow::Result<PathBuf> {
        self.inside("site")
    }

    /// The same for the demo, which has no login: never a record of real people.
    pub(crate) fn demo_site(&self) -> anyhow::Result<PathBuf> {
        self.inside("demo-site")
    }

    fn inside(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.folder.as_deref();
        let folder = folder.ok_or_else(|| {
            anyhow::anyhow!("there is no home folder to keep tasks and keys in: set BIANQUE_DATA")
        })?;
        Ok(folder.join(name))
    }
}

/// `BIANQUE_DATA` is read with the arguments; this is where it is otherwise.
fn usual() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let home = variable("HOME").map(PathBuf::from);
    let above = if cfg!(windows) {
        variable("LOCALAPPDATA").map(PathBuf::from)
    } else if cfg!(target_os = "macos") {
        home.map(|home| home.join("Library/Application Support"))
    } else {
        let stated = variable("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        stated.or_else(|| home.map(|home| home.join(".local/share")))
    };
    above.as_deref().map(|above: &Path| above.join("bianque"))
}
