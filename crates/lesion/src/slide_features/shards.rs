//! What an interrupted run has finished, so that the next one continues there.
//!
//! Beside the features file lies a folder `<name>.partial` with a `plan` (a digest of everything
//! that decides the result) and one file for each finished stretch of tiles.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bianque_core::Digest;

use super::{
    grid::Cell,
    store::{FeatureFacts, SlideFeatures},
};
use crate::{
    error::{LesionError, Result},
    files::{at, read_bounded, write_whole},
};

/// The folder of finished stretches of one run.
pub(super) struct Shards {
    folder: PathBuf,
}

impl Shards {
    /// Opens the folder beside `target`. What an earlier run with another plan left is removed.
    pub(super) fn open(target: &Path, plan: Digest) -> Result<Self> {
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        let folder = target.with_file_name(name);
        let plan_path = folder.join("plan");
        let same =
            read_bounded(&plan_path, 1024).is_ok_and(|own| own == plan.to_string().as_bytes());
        if !same && folder.exists() {
            fs::remove_dir_all(&folder).map_err(at(&folder))?;
        }
        if !same {
            fs::create_dir_all(&folder).map_err(at(&folder))?;
            write_whole(&plan_path, plan.to_string().as_bytes())?;
        }
        Ok(Self { folder })
    }

    fn path(&self, index: usize) -> PathBuf {
        self.folder.join(format!("{index:06}.safetensors"))
    }

    /// A finished stretch; `None` where there is none or it is broken, to be made again.
    pub(super) fn read(&self, index: usize) -> Result<Option<SlideFeatures>> {
        match SlideFeatures::read(&self.path(index)) {
            Ok(features) => Ok(Some(features)),
            Err(LesionError::FeatureFile { .. }) => Ok(None),
            Err(LesionError::Io { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// Keeps a finished stretch.
    pub(super) fn write(&self, index: usize, features: &SlideFeatures) -> Result<()> {
        features.write(&self.path(index))
    }

    /// Removes the folder after the whole file was written.
    pub(super) fn remove(self) -> Result<()> {
        fs::remove_dir_all(&self.folder).map_err(at(&self.folder))
    }
}

/// The digest of everything that decides the result.
pub(super) fn plan(facts: &FeatureFacts, cells: &[Cell]) -> Digest {
    let mut builder = Digest::builder();
    let planned = FeatureFacts { left_out: Vec::new(), ..facts.clone() };
    builder.update(&serde_json::to_vec(&planned).unwrap_or_default());
    for cell in cells {
        builder.update(&cell.row.to_le_bytes());
        builder.update(&cell.column.to_le_bytes());
    }
    builder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slide_features::store::tests::features;

    #[test]
    fn stretches_are_kept_for_the_same_plan_only() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("f.safetensors");
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        Shards::open(&target, one).unwrap().write(3, &features(4)).unwrap();
        let again = Shards::open(&target, one).unwrap();
        assert_eq!(again.read(3).unwrap(), Some(features(4)));
        assert_eq!(again.read(2).unwrap(), None);
        let other = Shards::open(&target, two).unwrap();
        assert_eq!(other.read(3).unwrap(), None);
        other.remove().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_broken_stretch_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let shards = Shards::open(&folder.path().join("f"), Digest::of(b"1")).unwrap();
        shards.write(0, &features(4)).unwrap();
        let bytes = fs::read(shards.path(0)).unwrap();
        fs::write(shards.path(0), &bytes[..bytes.len() - 1]).unwrap();
        assert_eq!(shards.read(0).unwrap(), None);
    }

    #[test]
    fn a_plan_names_settings_and_tiles_and_nothing_else() {
        let features = features(4);
        let digest = plan(&features.facts, features.cells());
        assert_ne!(digest, plan(&features.facts, &features.cells()[1..]));
        let mut facts = features.facts.clone();
        facts.left_out.clear();
        assert_eq!(digest, plan(&facts, features.cells()));
        facts.tissue = 0.5;
        assert_ne!(digest, plan(&facts, features.cells()));
    }
}
