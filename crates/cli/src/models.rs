//! Where models lie. They are files beside the program, never parts of it.

mod tasks;

use std::path::{Path, PathBuf};

use anyhow::bail;
use bianque_lesion::EncoderReference;
use bianque_vision::Recipe;

use crate::data_folder::DataFolder;

pub(crate) use tasks::{Origin, TaskPlace, short_digest};

/// Finds tasks and encoders by name.
pub(crate) struct Models {
    folder: Option<PathBuf>,
    data: DataFolder,
}

impl Models {
    /// Looks in the named folder, else beside and above the program, else beside and above the
    /// working folder.
    pub(crate) fn locate(named: Option<PathBuf>, data: DataFolder) -> anyhow::Result<Self> {
        if let Some(folder) = named {
            if !folder.is_dir() {
                bail!("the models folder {} does not exist", folder.display());
            }
            return Ok(Self { folder: Some(folder), data });
        }
        let starts = [std::env::current_exe().ok(), std::env::current_dir().ok()];
        let folder = starts.iter().flatten().find_map(|start| {
            let candidates = start
                .ancestors()
                .flat_map(|above| [above.join("models"), above.join("share/bianque/models")]);
            candidates.into_iter().find(|folder| folder.join("tasks").is_dir())
        });
        Ok(Self { folder, data })
    }

    /// Where installed tasks and trusted keys lie.
    pub(crate) fn data(&self) -> &DataFolder {
        &self.data
    }

    /// A file of the models folder, such as `coverage/cancers.toml`.
    pub(crate) fn file(&self, name: &str) -> anyhow::Result<PathBuf> {
        match self.folder.as_ref().map(|folder| folder.join(name)) {
            Some(path) if path.is_file() => Ok(path),
            Some(path) => bail!("{} is not there", path.display()),
            None => bail!("no models folder found: give --models DIR or set BIANQUE_MODELS"),
        }
    }

    /// The folder of the encoder with these weights, whatever it is called.
    pub(crate) fn encoder_of(&self, wanted: &EncoderReference) -> anyhow::Result<PathBuf> {
        let folders = self.folder.iter().map(|folder| folder.join("encoders")).flat_map(|above| {
            let names = names(&above, "recipe.json");
            names.into_iter().map(move |name| above.join(name))
        });
        let mut other_recipe = None;
        for folder in folders {
            let Ok(recipe) = Recipe::read(&folder.join("recipe.json")) else { continue };
            if recipe.features_digest() != Some(wanted.digest) {
                continue;
            }
            if wanted.takes_recipe(&recipe) {
                return Ok(folder);
            }
            other_recipe = Some(folder);
        }
        if let Some(folder) = other_recipe {
            bail!(
                "the encoder {} in {} has the weights that are needed, but another recipe: the head \
                 was made with the recipe {}. Put `input` and `architecture` of {} back as they \
                 were, or install the same weights under another name (`bianque model add FILE \
                 --recipe {} --name …`)",
                wanted.name,
                folder.display(),
                wanted.recipe_digest.map(|digest| digest.to_string()).unwrap_or_default(),
                folder.join("recipe.json").display(),
                wanted.name
            );
        }
        let recipe = wanted.recipe_digest.map(|digest| format!(", recipe {digest}"));
        // Such features carry the digest of the rounded weights, which is no file's.
        let rounded = wanted.version.ends_with("(int8)");
        bail!(
            "it needs the encoder {} {}, which is not there (weights {}{}). Obtain the weight file \
             (`bianque model show {}` names the source, if its recipe is known), then: bianque model \
             add FILE --recipe {}{}",
            wanted.name,
            wanted.version,
            wanted.digest,
            recipe.unwrap_or_default(),
            wanted.name,
            wanted.name,
            if rounded { " --precision int8" } else { "" }
        );
    }

    /// An encoder's folder by name or path.
    pub(crate) fn encoder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let found = self.find(name, "encoders", "recipe.json");
        let Some(folder) = self.folder.as_ref().filter(|_| found.is_err()) else { return found };
        if folder.join("recipes").join(name).with_extension("json").is_file() {
            bail!(
                "the weights of {name} are not here, only its recipe: `bianque model show {name}` says \
                 where they come from and on what terms, `bianque model add FILE --recipe {name}` \
                 installs them"
            );
        }
        found
    }

    /// A recipe's file by name or path: an installed encoder's before one without weights.
    pub(crate) fn recipe(&self, name: &str) -> anyhow::Result<PathBuf> {
        let as_path = Path::new(name);
        if as_path.is_file() {
            return Ok(as_path.to_owned());
        }
        if as_path.join("recipe.json").is_file() {
            return Ok(as_path.join("recipe.json"));
        }
        let known = self.recipes()?;
        let named = |path: &&PathBuf| recipe_name(path).as_deref() == Some(name);
        if let Some(path) = known.iter().map(|(path, _)| path).find(named) {
            return Ok(path.clone());
        }
        let mut names: Vec<String> =
            known.iter().filter_map(|(path, _)| recipe_name(path)).collect();
        names.sort();
        names.dedup();
        bail!("no model '{name}': there are {}", names.join(", "));
    }

    /// All recipes' files, and whether weights lie beside them: installed encoders first.
    pub(crate) fn recipes(&self) -> anyhow::Result<Vec<(PathBuf, bool)>> {
        let Some(folder) = &self.folder else {
            bail!("no models folder found: give --models DIR or set BIANQUE_MODELS");
        };
        let encoders = folder.join("encoders");
        let installed = names(&encoders, "recipe.json").into_iter();
        let installed = installed.map(|name| (encoders.join(name).join("recipe.json"), true));
        let mut alone: Vec<PathBuf> = std::fs::read_dir(folder.join("recipes"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .collect();
        alone.sort();
        Ok(installed.chain(alone.into_iter().map(|path| (path, false))).collect())
    }

    /// Where encoders are installed.
    pub(crate) fn encoders_folder(&self) -> anyhow::Result<PathBuf> {
        match &self.folder {
            Some(folder) => Ok(folder.join("encoders")),
            None => {
                bail!("no models folder found: give --into DIR, --models DIR or BIANQUE_MODELS")
            }
        }
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

/// A recipe's name by its place: its folder's, or its file's.
fn recipe_name(path: &Path) -> Option<String> {
    let named = if path.file_name()? == "recipe.json" {
        path.parent()?.file_name()
    } else {
        path.file_stem()
    };
    named.map(|name| name.to_string_lossy().into_owned())
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
