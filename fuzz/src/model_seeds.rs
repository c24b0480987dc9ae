//! Small sound files of weights, features and heads.

use std::{
    io::{self, Cursor, Write},
    path::Path,
};

use bianque_core::{Confidence, Digest, Mpp, MppSource, PixelRect, Producer};
use bianque_lesion::{
    Cell, Examples, FeatureFacts, FeatureMatrix, LogisticSettings, SlideFeatures, SlideHead,
    SlideHeadFacts, SlideHeadKind, SlidePurpose, TileGrid, head_to_bytes, slide_head_to_bytes,
    train_logistic,
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// Values of a vector.
const DIMENSION: usize = 6;

/// Writes the corpora `weights`, `features` and `heads` into a folder.
pub fn write(folder: &Path) -> io::Result<()> {
    let (weights, features, heads) =
        (folder.join("weights"), folder.join("features"), folder.join("heads"));
    for folder in [&weights, &features, &heads] {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(weights.join("safetensors"), safetensors())?;
    std::fs::write(weights.join("torch"), torch()?)?;
    slide_features()?.write(&features.join("four-tiles")).map_err(io::Error::other)?;
    std::fs::write(heads.join("linear"), linear_head()?)?;
    for name in SlideHeadKind::NAMES {
        std::fs::write(heads.join(name), slide_head(name)?)?;
    }
    Ok(())
}

fn safetensors() -> Vec<u8> {
    let header = r#"{"a.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},
        "a.bias":{"dtype":"F16","shape":[2],"data_offsets":[16,20]}}"#;
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), &[0; 20]].concat()
}

/// What `torch.save` writes of one tensor of two by two.
fn torch() -> io::Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let entries: [(&str, &[u8]); 3] = [
        ("seed/data.pkl", &pickle()),
        ("seed/byteorder", b"little"),
        ("seed/data/0", &[0; 16]),
    ];
    for (name, bytes) in entries {
        zip.start_file(name, options).map_err(io::Error::other)?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish().map_err(io::Error::other)?.into_inner())
}

/// A dictionary of one tensor, opcode by opcode.
fn pickle() -> Vec<u8> {
    let name = |text: &str| [&[b'X', text.len() as u8, 0, 0, 0], text.as_bytes()].concat();
    let storage: [&[u8]; 9] = [
        b"(",
        &name("storage"),
        b"ctorch\nFloatStorage\n",
        &name("0"),
        &name("cpu"),
        b"K\x04",
        b"t",
        b"Q",
        // Offset, shape, strides, no gradient, no hooks.
        b"K\x00K\x02K\x02\x86K\x02K\x01\x86\x89ccollections\nOrderedDict\n)R",
    ];
    let tensor = [b"ctorch._utils\n_rebuild_tensor_v2\n(", &storage.concat()[..], b"tR"].concat();
    [b"\x80\x02}", &name("a.weight")[..], &tensor, b"s."].concat()
}

fn producer() -> Producer {
    Producer {
        name: "seed".into(),
        version: "1".into(),
        digest: Some(Digest::of(b"weights")),
        licence: None,
    }
}

fn slide_features() -> io::Result<SlideFeatures> {
    let mpp = Mpp::new(0.5, 0.5, MppSource::User, Confidence::High)
        .ok_or_else(|| io::Error::other("no resolution"))?;
    let grid = TileGrid::over(PixelRect::new(0, 0, 896, 896), &mpp, 224, 1.0, 1);
    let grid = grid.map_err(io::Error::other)?;
    let cells: Vec<Cell> = grid.cells().collect();
    let values = (0..cells.len() * DIMENSION).map(|index| index as f32).collect();
    let facts = FeatureFacts {
        schema: 1,
        slide: Digest::of(b"slide").to_string(),
        mpp,
        grid,
        tissue: 0.35,
        encoder: producer(),
        recipe_digest: Digest::of(b"recipe"),
        dimension: DIMENSION,
        program: "seed".into(),
        left_out: Vec::new(),
    };
    let vectors = FeatureMatrix::new(DIMENSION, values).map_err(io::Error::other)?;
    SlideFeatures::new(facts, cells, &vectors).map_err(io::Error::other)
}

fn linear_head() -> io::Result<Vec<u8>> {
    let rows = [[0.0; DIMENSION], [1.0; DIMENSION]].concat();
    let features = FeatureMatrix::new(DIMENSION, rows).map_err(io::Error::other)?;
    let examples = Examples::new(features, vec![0, 1], 2).map_err(io::Error::other)?;
    let trained = train_logistic(&examples, &LogisticSettings::default());
    let (head, _) = trained.map_err(io::Error::other)?;
    head_to_bytes(&head).map_err(io::Error::other)
}

fn slide_head(name: &str) -> io::Result<Vec<u8>> {
    let mut kind = SlideHeadKind::named(name).ok_or_else(|| io::Error::other("no such head"))?;
    match &mut kind {
        SlideHeadKind::Abmil { hidden, attention, .. }
        | SlideHeadKind::Clam { hidden, attention, .. } => (*hidden, *attention) = (4, 4),
        SlideHeadKind::Dsmil { query } => *query = 4,
        SlideHeadKind::Transmil { width, heads, landmarks, .. } => {
            (*width, *heads, *landmarks) = (4, 2, 2);
        }
        SlideHeadKind::Mean | SlideHeadKind::Max => {}
    }
    let classes = ["no", "yes"].map(String::from).to_vec();
    let purpose = SlidePurpose::Classification { classes };
    let head = SlideHead::new(kind, purpose, DIMENSION, 1).map_err(io::Error::other)?;
    let facts = SlideHeadFacts {
        encoder: producer(),
        recipe_digest: Digest::of(b"recipe"),
        tile_px: 224,
        tile_mpp: 1.0,
        temperature: 1.0,
    };
    slide_head_to_bytes(&head, &facts).map_err(io::Error::other)
}
