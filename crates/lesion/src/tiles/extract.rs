//! Features of a folder of tiles.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use bianque_core::{Digest, RgbImage};
use bianque_vision::Encoder;
use rayon::prelude::*;

use super::{
    cache::{FeatureCache, Record},
    folder::{TileFile, TileFolder},
    image::{read_image, resized},
    stain_jitter::StainJitter,
};
use crate::{
    error::{LesionError, Result},
    matrix::FeatureMatrix,
    splits::{ColourStatistics, colour::colour_statistics},
    task::recipe_digest,
};

/// Tiles decoded and encoded together by one thread.
const BATCH: usize = 16;
/// Batches between two writes of the cache: what an interrupted run loses at most.
const BATCHES_A_WRITE: usize = 16;
/// Largest file that is taken for a tile.
pub(super) const MAX_FILE: u64 = 64 << 20;

/// How far a long step has come.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Finished tiles.
    pub done: usize,
    /// All tiles.
    pub total: usize,
}

/// How features of tiles are made.
#[derive(Copy, Clone, Debug, Default)]
pub struct ExtractSettings<'a> {
    /// Folder in which features are kept; without it every run decodes again.
    pub cache: Option<&'a Path>,
    /// Stain-varied copies to train on.
    pub jitter: Option<StainJitter>,
}

/// A tile that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenTile {
    /// Its name below the data's folder.
    pub name: String,
    /// Why.
    pub why: String,
}

/// Tiles with their features. Every list has one entry a tile, in the same order.
#[derive(Clone, Debug)]
pub struct TileFeatures {
    /// Class names.
    pub classes: Vec<String>,
    /// The tiles that could be read.
    pub files: Vec<TileFile>,
    /// The digest of each tile's file.
    pub digests: Vec<Digest>,
    /// The colour of each tile.
    pub colours: Vec<ColourStatistics>,
    /// Features of the tiles as they are.
    pub features: FeatureMatrix,
    /// Features of stain-varied copies, one matrix a copy.
    pub varied: Vec<FeatureMatrix>,
    /// Tiles that could not be read.
    pub broken: Vec<BrokenTile>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

impl TileFeatures {
    /// The class of each tile.
    #[must_use]
    pub fn labels(&self) -> Vec<usize> {
        self.files.iter().map(|file| file.class).collect()
    }

    /// The name of each tile.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.files.iter().map(|file| file.name.clone()).collect()
    }
}

/// Encodes every tile of a folder, decoding and encoding on all threads. Broken tiles are left out
/// and listed.
///
/// # Errors
/// When no tile can be read, the cache cannot be written, the encoder fails, or `cancel` was set.
pub fn tile_features(
    folder: &TileFolder,
    encoder: &dyn Encoder,
    settings: &ExtractSettings<'_>,
    progress: &(dyn Fn(Progress) + Sync),
    cancel: &AtomicBool,
) -> Result<TileFeatures> {
    let copies = settings.jitter.map_or(0, |jitter| jitter.copies);
    if settings.jitter.is_some_and(|jitter| !jitter.is_valid()) {
        let what = "stain variation must be 0 to 1 in scale and shift, of at most 64 copies";
        return Err(LesionError::Setting(what.into()));
    }
    let mut warnings = folder.warnings.clone();
    let mut caches = open_caches(encoder, settings, copies, &mut warnings)?;
    let total = folder.files.len();
    let done = AtomicUsize::new(0);
    let mut tiles: Vec<Option<TileRecords>> = Vec::with_capacity(total);
    let mut broken = Vec::new();
    for part in folder.files.chunks(BATCH * BATCHES_A_WRITE) {
        let work = Work { encoder, jitter: settings.jitter, caches: &caches, cancel };
        let batches: Vec<Vec<Outcome>> = part
            .par_chunks(BATCH)
            .map(|batch| {
                let outcomes = work.batch(batch)?;
                let done = done.fetch_add(batch.len(), Ordering::Relaxed) + batch.len();
                progress(Progress { done, total });
                Ok(outcomes)
            })
            .collect::<Result<_>>()?;
        let outcomes: Vec<Outcome> = batches.into_iter().flatten().collect();
        for (variant, cache) in caches.iter_mut().enumerate() {
            let fresh: Vec<(Digest, Record)> = outcomes
                .iter()
                .flatten()
                .map(|tile| (tile.digest, tile.records[variant].clone()))
                .collect();
            cache.append(&fresh)?;
        }
        for (file, outcome) in part.iter().zip(outcomes) {
            tiles.push(match outcome {
                Ok(tile) => Some(tile),
                Err(why) => {
                    broken.push(BrokenTile { name: file.name.clone(), why });
                    None
                }
            });
        }
    }
    collect(folder, tiles, broken, warnings, encoder.dimension())
}

/// A tile's features, as it is and varied; or why there are none.
type Outcome = std::result::Result<TileRecords, String>;

struct TileRecords {
    digest: Digest,
    /// As it is, then each varied copy.
    records: Vec<Record>,
}

/// One cache for the tiles as they are and one for each varied copy; none without a cache folder.
fn open_caches(
    encoder: &dyn Encoder,
    settings: &ExtractSettings<'_>,
    copies: u32,
    warnings: &mut Vec<String>,
) -> Result<Vec<FeatureCache>> {
    let Some(folder) = settings.cache else { return Ok(Vec::new()) };
    let Some(weights) = encoder.producer().digest else {
        warnings.push("the encoder states no digest: its features are not kept".into());
        return Ok(Vec::new());
    };
    let recipe = recipe_digest(encoder.recipe());
    // Another version than the recipe's names the arithmetic of a device.
    let version = &encoder.producer().version;
    let arithmetic = version.strip_prefix(&encoder.recipe().version).unwrap_or(version);
    (0..=copies)
        .map(|copy| {
            let variation =
                settings.jitter.filter(|_| copy > 0).map(|j| (j.scale, j.shift, j.seed, copy));
            let key = format!("{weights} {recipe} {variation:?}{arithmetic}");
            let key = Digest::of(key.as_bytes());
            FeatureCache::open(folder, key, encoder.dimension())
        })
        .collect()
}

struct Work<'a> {
    encoder: &'a dyn Encoder,
    jitter: Option<StainJitter>,
    caches: &'a [FeatureCache],
    cancel: &'a AtomicBool,
}

/// A tile on its way to the encoder.
struct Pending {
    place: usize,
    digest: Digest,
    image: RgbImage,
    colour: ColourStatistics,
}

impl Work<'_> {
    fn batch(&self, files: &[TileFile]) -> Result<Vec<Outcome>> {
        if self.cancel.load(Ordering::Relaxed) {
            return Err(LesionError::Cancelled);
        }
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(files.len());
        let mut pending = Vec::new();
        for (place, file) in files.iter().enumerate() {
            outcomes.push(match self.prepare(place, &file.path) {
                Ok(Prepared::Kept(tile)) => Ok(tile),
                Ok(Prepared::New(tile)) => {
                    pending.push(tile);
                    Err("not encoded".into())
                }
                Err(why) => Err(why),
            });
        }
        let copies = self.jitter.map_or(0, |jitter| jitter.copies);
        let mut records: Vec<Vec<Record>> = vec![Vec::new(); pending.len()];
        for copy in 0..=copies {
            for (to, record) in records.iter_mut().zip(self.encode(&pending, copy)?) {
                to.push(record);
            }
        }
        for (tile, records) in pending.into_iter().zip(records) {
            outcomes[tile.place] = Ok(TileRecords { digest: tile.digest, records });
        }
        Ok(outcomes)
    }

    fn prepare(&self, place: usize, path: &Path) -> std::result::Result<Prepared, String> {
        let length = fs::metadata(path).map_err(|error| error.to_string())?.len();
        if length > MAX_FILE {
            return Err(format!("{length} bytes are too many for a tile"));
        }
        let bytes = fs::read(path).map_err(|error| error.to_string())?;
        let digest = Digest::of(&bytes);
        let kept: Vec<Record> =
            self.caches.iter().filter_map(|cache| cache.get(&digest).cloned()).collect();
        if !self.caches.is_empty() && kept.len() == self.caches.len() {
            return Ok(Prepared::Kept(TileRecords { digest, records: kept }));
        }
        let input = &self.encoder.recipe().input;
        let image = read_image(&bytes).map_err(|fault| fault.to_string())?;
        let colour = colour_statistics(&image);
        let image = resized(image, input.size, input.filter).map_err(|fault| fault.to_string())?;
        Ok(Prepared::New(Pending { place, digest, image, colour }))
    }

    /// Encodes tiles, as they are (copy 0) or varied.
    fn encode(&self, pending: &[Pending], copy: u32) -> Result<Vec<Record>> {
        let dimension = self.encoder.dimension();
        let varied = |tile: &Pending| match self.jitter {
            Some(jitter) if copy > 0 => jitter.vary(&tile.image, name_of(&tile.digest), copy),
            _ => tile.image.clone(),
        };
        let images: Vec<RgbImage> = pending.iter().map(varied).collect();
        let mut values = vec![0.0; images.len() * dimension];
        if !images.is_empty() {
            self.encoder.encode(&images, &mut values)?;
        }
        let record = |(tile, features): (&Pending, &[f32])| Record {
            colour: tile.colour,
            features: features.to_vec(),
        };
        Ok(pending.iter().zip(values.chunks_exact(dimension.max(1))).map(record).collect())
    }
}

enum Prepared {
    Kept(TileRecords),
    New(Pending),
}

/// Eight bytes that stand for a tile's content.
fn name_of(digest: &Digest) -> [u8; 8] {
    let mut name = [0; 8];
    name.iter_mut().zip(digest.short().bytes()).for_each(|(to, digit)| *to = digit);
    name
}

fn collect(
    folder: &TileFolder,
    tiles: Vec<Option<TileRecords>>,
    mut broken: Vec<BrokenTile>,
    mut warnings: Vec<String>,
    dimension: usize,
) -> Result<TileFeatures> {
    let mut files = Vec::new();
    let mut digests = Vec::new();
    let mut colours = Vec::new();
    let mut values: Vec<Vec<f32>> = Vec::new();
    for (file, tile) in folder.files.iter().zip(tiles) {
        let Some(tile) = tile else { continue };
        if tile.records.iter().any(|record| record.features.iter().any(|v| !v.is_finite())) {
            let why = "its features are not finite".to_owned();
            broken.push(BrokenTile { name: file.name.clone(), why });
            continue;
        }
        values.resize_with(tile.records.len(), Vec::new);
        files.push(file.clone());
        digests.push(tile.digest);
        for (variant, record) in tile.records.into_iter().enumerate() {
            if variant == 0 {
                colours.push(record.colour);
            }
            values[variant].extend(record.features);
        }
    }
    if files.is_empty() {
        let first = broken.first().map_or(String::new(), |b| format!(": {}: {}", b.name, b.why));
        return Err(LesionError::Data(format!("none of the tiles can be read{first}")));
    }
    if !broken.is_empty() {
        warnings.push(format!("{} tiles could not be read and were left out", broken.len()));
    }
    warnings.extend(duplicates(&files, &digests));
    let mut matrices = values
        .into_iter()
        .map(|values| FeatureMatrix::new(dimension, values))
        .collect::<Result<Vec<_>>>()?;
    let features = matrices.remove(0);
    let classes = folder.classes.clone();
    Ok(TileFeatures {
        classes,
        files,
        digests,
        colours,
        features,
        varied: matrices,
        broken,
        warnings,
    })
}

/// The same bytes under two classes, or twice under one: both make results look better or worse
/// than they are.
fn duplicates(files: &[TileFile], digests: &[Digest]) -> Option<String> {
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|index| digests[*index]);
    let (mut same, mut contradicting) = (0, 0);
    for pair in order.windows(2) {
        if digests[pair[0]] == digests[pair[1]] {
            same += 1;
            contradicting += usize::from(files[pair[0]].class != files[pair[1]].class);
        }
    }
    (same > 0).then(|| {
        format!("{same} tiles are byte-for-byte copies, {contradicting} of them of another class")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fakes::MeanColourEncoder, tiles::image::tests::png_bytes};

    fn data() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (class, base) in [("healthy", 200_u8), ("tumour", 90)] {
            let path = folder.path().join(class);
            fs::create_dir(&path).unwrap();
            for index in 0..20_u8 {
                let image = RgbImage::filled(40, 40, [base, base - index, base / 2]);
                fs::write(path.join(format!("{index:02}.png")), png_bytes(&image)).unwrap();
            }
        }
        folder
    }

    fn extract(folder: &Path, settings: &ExtractSettings<'_>) -> Result<TileFeatures> {
        let tiles = TileFolder::scan(folder, None).unwrap();
        let run = AtomicBool::new(false);
        tile_features(&tiles, &MeanColourEncoder::new(32), settings, &|_| (), &run)
    }

    #[test]
    fn tiles_become_features_in_the_order_of_files() {
        let folder = data();
        let found = extract(folder.path(), &ExtractSettings::default()).unwrap();
        assert_eq!((found.features.rows(), found.broken.len()), (40, 0));
        assert_eq!(found.files[21].name, "tumour/01.png");
        assert!((found.features.row(21)[1] - 89.0 / 255.0).abs() < 1e-3);
        assert!(found.warnings.is_empty(), "{:?}", found.warnings);
    }

    #[test]
    fn kept_features_equal_fresh_ones_and_decode_nothing() {
        let (folder, cache) = (data(), tempfile::tempdir().unwrap());
        let jitter = Some(StainJitter { copies: 2, scale: 0.3, shift: 0.05, seed: 1 });
        let settings = ExtractSettings { cache: Some(cache.path()), jitter };
        let tiles = TileFolder::scan(folder.path(), None).unwrap();
        let run = AtomicBool::new(false);
        let encoder = MeanColourEncoder::new(32);
        let first = tile_features(&tiles, &encoder, &settings, &|_| (), &run).unwrap();
        let encoded = encoder.encoded();
        assert_eq!(encoded, 40 * 3);
        let second = tile_features(&tiles, &encoder, &settings, &|_| (), &run).unwrap();
        assert_eq!(encoder.encoded(), encoded);
        assert_eq!((first.features, first.colours), (second.features, second.colours));
        assert_eq!(first.varied, second.varied);
        assert_ne!(first.varied[0], first.varied[1]);
    }

    #[test]
    fn broken_tiles_and_copies_are_reported_and_not_fatal() {
        let folder = data();
        fs::write(folder.path().join("healthy/x.png"), b"no picture").unwrap();
        fs::write(folder.path().join("healthy/y.jpg"), [0xff, 0xd8, 0xff]).unwrap();
        fs::copy(folder.path().join("healthy/03.png"), folder.path().join("tumour/z.png")).unwrap();
        let found = extract(folder.path(), &ExtractSettings::default()).unwrap();
        assert_eq!((found.features.rows(), found.broken.len()), (41, 2));
        assert_eq!(found.broken[0].name, "healthy/x.png");
        assert_eq!(found.warnings.len(), 2, "{:?}", found.warnings);
    }

    #[test]
    fn a_folder_of_broken_tiles_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/x.png"), b"no picture").unwrap();
        let error = extract(folder.path(), &ExtractSettings::default()).unwrap_err();
        assert!(error.to_string().contains("a/x.png"), "{error}");
    }

    #[test]
    fn a_stopped_run_says_so() {
        let folder = data();
        let tiles = TileFolder::scan(folder.path(), None).unwrap();
        let encoder = MeanColourEncoder::new(32);
        let settings = ExtractSettings::default();
        let result = tile_features(&tiles, &encoder, &settings, &|_| (), &AtomicBool::new(true));
        assert!(matches!(result, Err(LesionError::Cancelled)));
    }
}
