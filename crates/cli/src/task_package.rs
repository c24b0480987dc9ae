//! Whose a task is: the package that it came in, and whether its signer is trusted here.

use anyhow::Context;
use bianque_core::Digest;
use bianque_package::{MANIFEST_FILE, Standing, TrustStore, check_folder};

use crate::models::{Models, TaskPlace};

/// The package behind a task.
#[derive(Clone, Debug)]
pub(crate) struct TaskPackage {
    /// The package's digest; absent of a folder that never was one.
    pub(crate) digest: Option<Digest>,
    /// What this site knows of the signer.
    pub(crate) standing: Standing,
}

impl TaskPackage {
    /// Reads what an unpacked folder says of itself and compares every file with it: a file that was
    /// changed after installing is refused, whatever the purpose.
    pub(crate) fn of(place: &TaskPlace, models: &Models) -> anyhow::Result<Self> {
        if !place.folder.join(MANIFEST_FILE).exists() {
            anyhow::ensure!(
                !place.is_installed(),
                "{} has lost its {MANIFEST_FILE}: install the task again",
                place.folder.display()
            );
            return Ok(Self { digest: None, standing: Standing::Unsigned });
        }
        let (manifest, signature) = check_folder(&place.folder)
            .with_context(|| format!("{}: install the task again", place.folder.display()))?;
        let standing = match &signature {
            None => Standing::Unsigned,
            signature => {
                let keys = models.data().trusted_keys()?;
                TrustStore::read(&keys).context("the trusted keys")?.standing(signature.as_ref())
            }
        };
        Ok(Self { digest: Some(manifest.digest()), standing })
    }
}
