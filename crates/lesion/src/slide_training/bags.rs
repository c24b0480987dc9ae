//! Where bags come from: a folder of kept features, or memory.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use rand::{SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;

use crate::{
    error::{LesionError, Result},
    files::at,
    matrix::FeatureMatrix,
    slide_features::{FeatureFacts, FeatureRows},
};

/// Bags of tile features, one a slide.
pub trait Bags: Sync {
    /// Number of slides.
    fn count(&self) -> usize;

    /// Values per tile.
    fn dimension(&self) -> usize;

    /// Tiles of a slide.
    fn tiles(&self, bag: usize) -> usize;

    /// A slide's tiles: the chosen ones, in ascending order, or all.
    ///
    /// # Errors
    /// When they cannot be read.
    fn read(&self, bag: usize, rows: Option<&[usize]>) -> Result<FeatureMatrix>;
}

/// Bags in memory.
#[derive(Clone, Debug)]
pub struct MemoryBags(Vec<FeatureMatrix>);

impl MemoryBags {
    /// Bags of one dimension.
    ///
    /// # Errors
    /// When there is none or their dimensions differ.
    pub fn new(bags: Vec<FeatureMatrix>) -> Result<Self> {
        let first = bags.first().map(FeatureMatrix::dimension);
        let expected = first.ok_or_else(|| LesionError::Data("there is no bag".into()))?;
        match bags.iter().map(FeatureMatrix::dimension).find(|own| *own != expected) {
            Some(actual) => Err(LesionError::Dimension { expected, actual }),
            None => Ok(Self(bags)),
        }
    }
}

impl Bags for MemoryBags {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn dimension(&self) -> usize {
        self.0.first().map_or(0, FeatureMatrix::dimension)
    }

    fn tiles(&self, bag: usize) -> usize {
        self.0[bag].rows()
    }

    fn read(&self, bag: usize, rows: Option<&[usize]>) -> Result<FeatureMatrix> {
        Ok(rows.map_or_else(|| self.0[bag].clone(), |rows| self.0[bag].select(rows)))
    }
}

/// A sample that hangs on nothing but the seed: `most` places, ascending; `None` where there are
/// not more than that.
#[must_use]
pub fn choose(tiles: usize, most: usize, seed: u64) -> Option<Vec<usize>> {
    (tiles > most).then(|| {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut rows = index::sample(&mut random, tiles, most).into_vec();
        rows.sort_unstable();
        rows
    })
}

/// The features files of a folder, all of one encoder; or of several folders, each of an encoder
/// of its own, whose values stand side by side for every tile.
#[derive(Clone, Debug)]
pub struct FeatureFolder {
    pub(super) folder: PathBuf,
    pub(super) facts: FeatureFacts,
    /// By slide: its file in every folder.
    pub(super) files: Vec<(String, Vec<FeatureRows>)>,
    /// Slides that do not have features of every encoder.
    pub(super) incomplete: Vec<String>,
}

impl FeatureFolder {
    /// Finds features in a folder: `NAME.safetensors`, or `features.safetensors` in a run's folder
    /// `NAME.bianque` or `NAME`. Reads headers only.
    ///
    /// # Errors
    /// When the folder cannot be read, holds no features, one of the files is broken, two bear the
    /// same name, or they are of more than one encoder or tile.
    pub fn scan(folder: &Path) -> Result<Self> {
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(folder).map_err(at(folder))? {
            let path = entry.map_err(at(folder))?.path();
            let inside = path.join("features.safetensors");
            let (name, file) = if path.is_dir() && inside.is_file() {
                (name_of(&path, &[".bianque"]), inside)
            } else if path.extension().is_some_and(|extension| extension == "safetensors") {
                (name_of(&path, &[".safetensors"]), path)
            } else {
                continue;
            };
            if let Some(other) = found.insert(name.clone(), file.clone()) {
                return Err(LesionError::Data(format!(
                    "{} and {} are both called '{name}': keep one",
                    other.display(),
                    file.display()
                )));
            }
        }
        let files = found
            .into_iter()
            .map(|(name, path)| Ok((name, vec![FeatureRows::open(&path)?])))
            .collect::<Result<Vec<(String, Vec<FeatureRows>)>>>()?;
        let Some(facts) = files.first().map(|(_, parts)| parts[0].facts().clone()) else {
            return Err(LesionError::Data(format!(
                "{} holds no features: expected NAME.safetensors, or the output folders of \
                 `bianque run`",
                folder.display()
            )));
        };
        let found = Self { folder: folder.to_owned(), facts, files, incomplete: Vec::new() };
        found.check_one_encoder()?;
        Ok(found)
    }

    fn check_one_encoder(&self) -> Result<()> {
        let mut kinds: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (name, file) in
            self.files.iter().flat_map(|(name, parts)| parts.iter().map(move |p| (name, p)))
        {
            kinds.entry(kind_of(file.facts())).or_default().push(name);
        }
        if kinds.len() < 2 {
            return Ok(());
        }
        let list = kinds.iter().map(|(kind, names)| {
            format!("\n  {} slides of {kind}, such as {}", names.len(), names[0])
        });
        Err(LesionError::Data(format!(
            "{} holds features of {} encoders or tile sizes; a head takes one. Keep each in a \
             folder of its own:{}",
            self.folder.display(),
            kinds.len(),
            list.collect::<String>()
        )))
    }

    /// Facts of any of the slides: encoder, recipe and tiles are the same in all. Of several
    /// encoders name, version, digest and licence are joined.
    #[must_use]
    pub fn facts(&self) -> &FeatureFacts {
        &self.facts
    }

    /// Slides that are left out because an encoder's features are missing.
    #[must_use]
    pub fn incomplete(&self) -> &[String] {
        &self.incomplete
    }

    /// Names of the slides.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|(name, _)| name.as_str())
    }

    /// The place of a slide: by its file's name, with or without the slide's own extension, or by
    /// the slide's digest.
    #[must_use]
    pub fn find(&self, slide: &str) -> Option<usize> {
        let exact = |name: &str| self.files.iter().position(|(own, _)| own == name);
        let stem = Path::new(slide).file_stem().and_then(|stem| stem.to_str());
        let by_digest = || self.files.iter().position(|(_, parts)| parts[0].facts().slide == slide);
        let longer = || {
            // The label says `a`, the features were made of `a.svs`.
            let own = |name: &str| Path::new(name).file_stem().is_some_and(|own| own == slide);
            let mut all = (0..self.files.len()).filter(|index| own(&self.files[*index].0));
            all.next().filter(|_| all.next().is_none())
        };
        exact(slide).or_else(|| stem.and_then(exact)).or_else(by_digest).or_else(longer)
    }

    /// The chosen files as bags, in the order of `chosen`.
    #[must_use]
    pub fn bags(&self, chosen: &[usize]) -> FileBags {
        FileBags(chosen.iter().map(|index| self.files[*index].1.clone()).collect())
    }
}

fn name_of(path: &Path, endings: &[&str]) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let short = endings.iter().find_map(|ending| name.strip_suffix(ending)).map(str::to_owned);
    short.unwrap_or(name)
}

/// What must be equal for features to be of one kind.
fn kind_of(facts: &FeatureFacts) -> String {
    let weights = facts.encoder.digest.map_or("no digest".to_owned(), |digest| digest.short());
    format!(
        "{} {} (weights {weights}, recipe {}, {} values, tiles of {} px at {} um/px)",
        facts.encoder.name,
        facts.encoder.version,
        facts.recipe_digest.short(),
        facts.dimension,
        facts.grid.tile_px(),
        facts.grid.mpp()
    )
}

/// Bags that are read from their files when they are wanted.
#[derive(Clone, Debug)]
pub struct FileBags(Vec<Vec<FeatureRows>>);

impl FileBags {
    /// What names a slide's content.
    #[must_use]
    pub fn slide_identity(&self, bag: usize) -> &str {
        &self.0[bag][0].facts().slide
    }

    /// Microns per level-0 pixel of a slide.
    #[must_use]
    pub fn slide_mpp(&self, bag: usize) -> f64 {
        self.0[bag][0].facts().mpp.mean()
    }
}

impl Bags for FileBags {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn dimension(&self) -> usize {
        self.0.first().map_or(0, |parts| parts.iter().map(|part| part.facts().dimension).sum())
    }

    fn tiles(&self, bag: usize) -> usize {
        self.0[bag][0].tiles()
    }

    fn read(&self, bag: usize, rows: Option<&[usize]>) -> Result<FeatureMatrix> {
        if let [single] = &self.0[bag][..] {
            return single.read(rows);
        }
        let parts = self.0[bag].iter().map(|part| part.read(rows)).collect::<Result<Vec<_>>>()?;
        let tiles = 0..parts[0].rows();
        let values = tiles.flat_map(|tile| parts.iter().flat_map(move |part| part.row(tile)));
        FeatureMatrix::new(self.dimension(), values.copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slide_features::store_tests::features;

    #[test]
    fn files_and_folders_are_found_by_the_slides_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        features(4).write(&at("a.safetensors")).unwrap();
        features(5).write(&at("b.svs.bianque/features.safetensors")).unwrap();
        std::fs::write(at("notes.txt"), "x").unwrap();
        let found = FeatureFolder::scan(folder.path()).unwrap();
        assert_eq!(found.names().collect::<Vec<_>>(), ["a", "b.svs"]);
        for (slide, place) in [("a", 0), ("a.svs", 0), ("b", 1), ("b.svs", 1)] {
            assert_eq!(found.find(slide), Some(place), "{slide}");
        }
        assert_eq!(found.find("c"), None);
        let bags = found.bags(&[1, 0]);
        assert_eq!((bags.tiles(0), bags.tiles(1), bags.dimension()), (5, 4, 3));
    }

    #[test]
    fn features_of_two_encoders_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let mut other = features(4);
        features(4).write(&folder.path().join("a.safetensors")).unwrap();
        other.facts.encoder.name = "giant".into();
        other.write(&folder.path().join("b.safetensors")).unwrap();
        let error = FeatureFolder::scan(folder.path()).unwrap_err().to_string();
        assert!(error.contains("giant") && error.contains("folder of its own"), "{error}");
        let empty = tempfile::tempdir().unwrap();
        let error = FeatureFolder::scan(empty.path()).unwrap_err().to_string();
        assert!(error.contains("bianque run"), "{error}");
    }

    #[test]
    fn samples_are_the_same_by_seed_and_all_where_there_are_few() {
        assert_eq!(choose(10, 10, 1), None);
        let one = choose(1000, 10, 1).unwrap();
        assert_eq!((one.len(), Some(one.clone())), (10, choose(1000, 10, 1)));
        assert!(one.is_sorted() && one != choose(1000, 10, 2).unwrap());
    }
}
