//! The features of one slide as one safetensors file: tensors `grid` (row and column of each
//! tile, U32, N x 2), `coordinates` (its left top corner in level-0 pixels, I64, N x 2) and
//! `features` (F16, N x dimension), and everything that must be known to use them as JSON.

use std::{collections::HashMap, fs, path::Path};

use bianque_core::{Digest, Mpp, Producer};
use half::f16;
use safetensors::{
    SafeTensors,
    tensor::{Dtype, TensorView},
};
use serde::{Deserialize, Serialize};

use super::grid::{Cell, TileGrid};
use crate::{
    error::{LesionError, Result},
    files::{at, read_bounded},
    matrix::FeatureMatrix,
};

/// The one metadata key: the order of several is not fixed, and equal features must give equal
/// bytes.
pub(super) const KEY: &str = "bianque_features";
/// Largest file that is read: 8 million tiles of 4,096 values.
const MAX_FILE: u64 = 1 << 36;

/// Everything that must be known to use features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeatureFacts {
    /// Version of this file's form; 1.
    pub schema: u32,
    /// The slide: its digest, or what else names its content.
    pub slide: String,
    /// Microns per level-0 pixel that were used, with their source.
    pub mpp: Mpp,
    /// Where tiles lie.
    pub grid: TileGrid,
    /// Smallest share of tissue in a tile that was encoded.
    pub tissue: f64,
    /// The encoder.
    pub encoder: Producer,
    /// The digest of the encoder's recipe.
    pub recipe_digest: Digest,
    /// Values per tile.
    pub dimension: usize,
    /// Version of the program.
    pub program: String,
    /// Tiles with tissue that have no features, and why.
    #[serde(default)]
    pub left_out: Vec<LeftOut>,
}

impl FeatureFacts {
    /// Refuses features that a head does not know: `who` takes those of `encoder`, weights `digest`,
    /// and of a recipe, where one is named.
    ///
    /// # Errors
    /// When weights or recipe are others.
    pub(crate) fn refuse_unless_of(
        &self,
        who: &str,
        encoder: &str,
        digest: Option<Digest>,
        recipe: Option<Digest>,
    ) -> Result<()> {
        let Producer { name, version, digest: own, .. } = &self.encoder;
        if *own != digest {
            return Err(LesionError::Data(format!(
                "{who} takes features of {encoder}, these are of {name} {version}: make features \
                 with its encoder"
            )));
        }
        if recipe.is_some_and(|recipe| recipe != self.recipe_digest) {
            return Err(LesionError::Data(format!(
                "{who} takes features of {encoder}, these are of the same weights, but of another \
                 recipe, or from before recipes were compared by what decides features: make them \
                 again by `bianque run --features-only --fresh`, and if that does not help, train \
                 the head on them"
            )));
        }
        Ok(())
    }
}

/// A tile that has no features.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Which tile.
    pub cell: Cell,
    /// Why.
    pub why: String,
}

/// The features of a slide's tiles, in raster order.
#[derive(Clone, Debug, PartialEq)]
pub struct SlideFeatures {
    /// Everything that must be known to use them.
    pub facts: FeatureFacts,
    pub(super) cells: Vec<Cell>,
    pub(super) values: Vec<f16>,
}

impl SlideFeatures {
    /// Features that were made elsewhere: tiles in raster order, a vector each.
    ///
    /// # Errors
    /// When numbers do not fit, a tile lies outside the grid or out of order, or a value is too
    /// large for half precision.
    pub fn new(facts: FeatureFacts, cells: Vec<Cell>, vectors: &FeatureMatrix) -> Result<Self> {
        let values: Vec<f16> = vectors.values().iter().map(|value| f16::from_f32(*value)).collect();
        let inside =
            |cell: &Cell| cell.row < facts.grid.rows() && cell.column < facts.grid.columns();
        let fits = facts.dimension == vectors.dimension()
            && cells.len() == vectors.rows()
            && cells.iter().all(inside)
            && cells.is_sorted_by(|a, b| a < b)
            && values.iter().all(|value| value.is_finite());
        if fits {
            Ok(Self { facts, cells, values })
        } else {
            let what = "features: tiles and finite vectors must fit the grid, in raster order";
            Err(LesionError::Data(what.into()))
        }
    }

    /// Where the tiles lie.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The vectors, one a tile.
    ///
    /// # Errors
    /// When a value is not finite.
    pub fn matrix(&self) -> Result<FeatureMatrix> {
        let values = self.values.iter().map(|value| value.to_f32()).collect();
        FeatureMatrix::new(self.facts.dimension, values)
    }

    /// Adds tiles that come after these.
    pub(super) fn extend(&mut self, later: Self) {
        self.cells.extend(later.cells);
        self.values.extend(later.values);
        self.facts.left_out.extend(later.facts.left_out);
    }

    /// Writes the file, whole or not at all. Equal features give equal bytes.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let wrong = |what: String| LesionError::FeatureFile { path: path.to_owned(), what };
        let facts = serde_json::to_string(&self.facts).map_err(|e| wrong(e.to_string()))?;
        let cells: Vec<u8> =
            self.cells.iter().flat_map(|c| [c.row, c.column]).flat_map(u32::to_le_bytes).collect();
        let coordinates: Vec<u8> = self
            .cells
            .iter()
            .flat_map(|cell| self.corner(*cell))
            .flat_map(i64::to_le_bytes)
            .collect();
        let values: Vec<u8> = self.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let count = self.cells.len();
        let tensors = [
            ("grid", Dtype::U32, vec![count, 2], &cells),
            ("coordinates", Dtype::I64, vec![count, 2], &coordinates),
            ("features", Dtype::F16, vec![count, self.facts.dimension], &values),
        ];
        let views = tensors
            .into_iter()
            .map(|(name, kind, shape, bytes)| Ok((name, TensorView::new(kind, shape, bytes)?)))
            .collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>()
            .map_err(|error| wrong(error.to_string()))?;
        let metadata = HashMap::from([(KEY.to_owned(), facts)]);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(at(folder))?;
        }
        // Streamed to a file beside it: a second copy in memory would be the peak of a run.
        let temporary = path.with_extension(format!("{}.writing", std::process::id()));
        let written = safetensors::serialize_to_file(views, Some(metadata), &temporary)
            .map_err(|error| std::io::Error::other(error.to_string()))
            .and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written.map_err(at(path))
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// When it cannot be read, is no features file, or contradicts itself.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = read_bounded(path, MAX_FILE)?;
        let wrong = |what| LesionError::FeatureFile { path: path.to_owned(), what };
        Self::from_bytes(&bytes).map_err(wrong)
    }

    /// The same of a file in memory.
    ///
    /// # Errors
    /// With what is wrong with it.
    pub fn from_bytes(bytes: &[u8]) -> std::result::Result<Self, String> {
        parse(bytes)
    }

    fn corner(&self, cell: Cell) -> [i64; 2] {
        let rect = self.facts.grid.tile_rect(cell);
        [rect.x, rect.y]
    }
}

/// Reads and checks what a header says of its features.
pub(super) fn facts_from_json(text: &str) -> std::result::Result<FeatureFacts, String> {
    let facts: FeatureFacts = serde_json::from_str(text).map_err(|e| format!("'{KEY}': {e}"))?;
    if facts.schema != 1 {
        return Err(format!("schema {} is not known", facts.schema));
    }
    let mpp = &facts.mpp;
    if Mpp::new(mpp.x(), mpp.y(), mpp.source().clone(), mpp.confidence()).is_none()
        || !facts.grid.belongs_to(facts.grid.bounds(), mpp)
    {
        return Err("its grid contradicts its microns per pixel".into());
    }
    Ok(facts)
}

fn parse(bytes: &[u8]) -> std::result::Result<SlideFeatures, String> {
    let (_, metadata) =
        SafeTensors::read_metadata(bytes).map_err(|e| format!("no safetensors file: {e}"))?;
    let facts = metadata.metadata().as_ref().and_then(|map| map.get(KEY));
    let facts = facts.ok_or_else(|| format!("its header has no '{KEY}'"))?;
    let facts = facts_from_json(facts)?;
    let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let tensor = |name: &str, kind: Dtype, width: usize| {
        let view = file.tensor(name).map_err(|_| format!("it has no tensor '{name}'"))?;
        match view.shape() {
            [rows, columns] if *columns == width && view.dtype() == kind => {
                Ok((*rows, view.data()))
            }
            shape => Err(format!("'{name}' is {:?} {shape:?}", view.dtype())),
        }
    };
    let (count, cells) = tensor("grid", Dtype::U32, 2)?;
    let (corners, coordinates) = tensor("coordinates", Dtype::I64, 2)?;
    let (rows, values) = tensor("features", Dtype::F16, facts.dimension)?;
    if facts.dimension == 0 || corners != count || rows != count {
        return Err(format!("{count} tiles, {corners} coordinates, {rows} vectors"));
    }
    let numbers: Vec<u32> =
        cells.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
    let cells: Vec<Cell> = numbers
        .as_chunks::<2>()
        .0
        .iter()
        .map(|[row, column]| Cell { row: *row, column: *column })
        .collect();
    let inside = |cell: &Cell| cell.row < facts.grid.rows() && cell.column < facts.grid.columns();
    if !cells.iter().all(inside) || !cells.is_sorted_by(|a, b| a < b) {
        return Err("its tiles lie outside the grid or are not in raster order".into());
    }
    let values: Vec<f16> =
        values.as_chunks::<2>().0.iter().map(|b| f16::from_le_bytes(*b)).collect();
    if values.iter().any(|value| !value.is_finite()) {
        return Err("a value is not finite".into());
    }
    let features = SlideFeatures { facts, cells, values };
    let own = features.cells.iter().flat_map(|cell| features.corner(*cell));
    let stated = coordinates.as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b));
    if own.eq(stated) { Ok(features) } else { Err("its coordinates contradict its grid".into()) }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::slide_features::grid_tests::{grid, mpp};

    pub(crate) fn features(tiles: usize) -> SlideFeatures {
        let grid = grid(448 * 10, 448 * 10, 2);
        let cells: Vec<Cell> = grid.cells().take(tiles).collect();
        let values = (0..tiles * 3).map(|i| f16::from_f32(i as f32 / 4.0)).collect();
        let facts = FeatureFacts {
            schema: 1,
            slide: Digest::of(b"slide").to_string(),
            mpp: mpp(0.5),
            grid,
            tissue: 0.25,
            encoder: Producer {
                name: "e".into(),
                version: "1".into(),
                digest: Some(Digest::of(b"e")),
                licence: None,
            },
            recipe_digest: Digest::of(b"r"),
            dimension: 3,
            program: "0".into(),
            left_out: vec![LeftOut { cell: Cell { row: 9, column: 9 }, why: "broken".into() }],
        };
        SlideFeatures { facts, cells, values }
    }

    fn bytes(features: &SlideFeatures) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below/f.safetensors");
        features.write(&path).unwrap();
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        fs::read(path).unwrap()
    }

    #[test]
    fn what_is_written_is_read_back_in_equal_bytes() {
        for tiles in [0, 1, 40] {
            let features = features(tiles);
            let written = bytes(&features);
            assert_eq!(parse(&written).unwrap(), features);
            assert_eq!(bytes(&features), written);
        }
        assert_eq!(features(2).matrix().unwrap().row(1), [0.75, 1.0, 1.25]);
    }

    #[test]
    fn contradictions_are_refused() {
        let changes: [fn(&mut SlideFeatures); 7] = [
            |f| f.facts.schema = 2,
            |f| f.facts.dimension = 2,
            |f| f.facts.mpp = mpp(0.25),
            |f| f.cells.swap(0, 1),
            |f| f.cells[4].row = 999,
            |f| f.values[5] = f16::INFINITY,
            |f| f.cells.truncate(4),
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut features = features(5);
            change(&mut features);
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("f");
            let refused = features.write(&path).is_err()
                || matches!(SlideFeatures::read(&path), Err(LesionError::FeatureFile { .. }));
            assert!(refused, "{index}");
        }
    }

    #[test]
    fn every_truncation_is_an_error() {
        let bytes = bytes(&features(2));
        for length in 0..bytes.len() {
            assert!(parse(&bytes[..length]).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn changed_bytes_never_panic(at in 0_usize..2000, value in 0_u8..=255) {
            let mut bytes = bytes(&features(2));
            let at = at % bytes.len();
            bytes[at] = value;
            let _ = parse(&bytes);
        }
    }
}
