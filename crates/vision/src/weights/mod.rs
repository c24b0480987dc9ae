//! Weight files: safetensors and files of `torch.save`, read tensor by tensor into 32-bit floats.
//!
//! The file is read, never mapped: a file that another program shortens while we run is then an
//! error and not a crash, and no unsafe code is needed. What a file says of itself is never
//! believed beyond its own size, and nothing in it is ever run.

mod pickle;
mod refused_name;
mod safetensors;
mod stored;
mod survey;
mod torch;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    fs::File,
    path::{Path, PathBuf},
};

use bianque_core::Digest;
use md5::{Digest as _, Md5};

pub(crate) use self::stored::Source;
use self::stored::{Kind, Stored};
pub use self::survey::Survey;
use crate::error::{Result, VisionError};

/// Bytes read at once.
const PIECE: usize = 1 << 16;

/// How a file keeps tensors.
#[derive(Copy, Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Container {
    /// The safetensors format.
    Safetensors,
    /// A zip archive with a pickle, as `torch.save` writes it.
    Torch,
    /// A whole network in the ONNX format.
    Onnx,
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Safetensors => "safetensors",
            Self::Torch => "a file of torch.save",
            Self::Onnx => "ONNX",
        })
    }
}

/// An open weight file. Each tensor is taken once; [`Weights::finish`] names what nobody took.
pub(crate) struct Weights {
    path: PathBuf,
    source: Box<dyn Source>,
    digest: Digest,
    container: Container,
    tensors: BTreeMap<String, Stored>,
    left: BTreeSet<String>,
    /// Names that begin otherwise are other parts of the file: a text tower, an optimiser.
    prefix: String,
    /// Where problems are noted instead of ending the reading.
    survey: Option<Survey>,
}

impl Weights {
    /// Opens a weight file, and refuses one whose digest is not the `expected`.
    ///
    /// # Errors
    /// When the file cannot be read, is malformed, or is another one.
    pub(crate) fn open(path: &Path, expected: Option<&Digest>) -> Result<Self> {
        let file = File::open(path).map_err(|source| io_error(path, source))?;
        Self::from_source(path, Box::new(file), expected)
    }

    /// The same from anything that can be read; `path` is its name in messages.
    pub(crate) fn from_source(
        path: &Path,
        mut source: Box<dyn Source>,
        expected: Option<&Digest>,
    ) -> Result<Self> {
        let digests = digests_of(source.as_mut()).map_err(|source| io_error(path, source))?;
        if let Some(expected) = expected
            && *expected != digests.blake3
        {
            return Err(weights_error(
                path,
                format!("the file's digest is {}, the recipe asks for {expected}", digests.blake3),
            ));
        }
        let wrong = |what| weights_error(path, what);
        let (container, tensors) = if digests.begin == torch::MAGIC {
            let tensors = torch::tensors(source.as_mut(), digests.size);
            (Container::Torch, tensors.map_err(|fault| fault.into_error(path))?)
        } else if let Some(what) = unsupported(&digests.begin) {
            return Err(VisionError::NotRead { path: path.to_owned(), what: what.to_owned() });
        } else {
            let tensors = safetensors::tensors(source.as_mut(), digests.size).map_err(wrong)?;
            (Container::Safetensors, tensors)
        };
        let left = tensors.keys().cloned().collect();
        Ok(Self {
            path: path.to_owned(),
            source,
            digest: digests.blake3,
            container,
            tensors,
            left,
            prefix: String::new(),
            survey: None,
        })
    }

    /// Lets problems be noted from now on, so that all are found: [`Weights::take`] then gives
    /// zeros for what is missing or has another shape.
    pub(crate) fn surveyed(mut self) -> Self {
        self.survey = Some(Survey::default());
        self
    }

    /// Notes a problem of the file as a whole in a survey.
    pub(crate) fn note(&mut self, what: String) {
        if let Some(survey) = &mut self.survey {
            survey.problem(what);
        }
    }

    /// Which file this is, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The digest of the whole file.
    pub(crate) fn digest(&self) -> Digest {
        self.digest
    }

    /// The MD5 sum of the whole file, which some sources publish.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn md5(&mut self) -> Result<String> {
        let mut md5 = Md5::new();
        each_piece(self.source.as_mut(), |piece| md5.update(piece))
            .map_err(|source| io_error(&self.path, source))?;
        Ok(md5.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// How the file keeps tensors.
    pub(crate) fn container(&self) -> Container {
        self.container
    }

    /// All tensors' names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    fn facts(&self) -> Vec<TensorFacts> {
        let facts = |(name, stored): (&String, &Stored)| TensorFacts {
            name: name.clone(),
            shape: stored.shape.clone(),
            kind: stored.kind.name().to_owned(),
        };
        self.tensors.iter().map(facts).collect()
    }

    /// Takes tensors from now on whose names begin so; others are no concern of the network.
    pub(crate) fn set_prefix(&mut self, prefix: &str) {
        prefix.clone_into(&mut self.prefix);
    }

    /// Whether the file has a tensor of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// A tensor's shape.
    ///
    /// # Errors
    /// When it is missing.
    pub(crate) fn shape(&self, name: &str) -> Result<Vec<usize>> {
        match self.tensors.get(name) {
            Some(stored) => Ok(stored.shape.clone()),
            None => Err(weights_error(&self.path, format!("has no tensor '{name}'"))),
        }
    }

    /// A tensor's values as 32-bit floats in C order; stored as F64, F32, F16 or BF16.
    ///
    /// # Errors
    /// When it is missing, has another shape or type, or cannot be read.
    pub(crate) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let Some(stored) = self.tensors.get(name) else {
            if let Some(survey) = &mut self.survey {
                return Ok(survey.missing(name, shape));
            }
            let what = format!("has no tensor '{name}' of shape {shape:?}");
            return Err(weights_error(&self.path, what));
        };
        if stored.shape != shape {
            if let Some(survey) = &mut self.survey {
                self.left.remove(name);
                return Ok(survey.misshapen(name, &stored.shape, shape));
            }
            let has = &stored.shape;
            let what = format!("tensor '{name}' has shape {has:?}, the recipe needs {shape:?}");
            return Err(weights_error(&self.path, what));
        }
        match (self.values(name), &mut self.survey) {
            (Err(VisionError::Weights { what, .. }), Some(survey)) => {
                self.left.remove(name);
                Ok(survey.damaged(name, what, shape))
            }
            (Ok(values), survey) => {
                self.left.remove(name);
                if let Some(survey) = survey {
                    survey.fit();
                }
                Ok(values)
            }
            (error, _) => error,
        }
    }

    /// Reads a tensor that the file has.
    fn values(&mut self, name: &str) -> Result<Vec<f32>> {
        let Some(stored) = self.tensors.get(name) else { return self.shape(name).map(|_| vec![]) };
        if let Kind::Other(kind) = &stored.kind {
            return Err(weights_error(
                &self.path,
                format!("tensor '{name}' is stored as {kind}; F64, F32, F16 and BF16 can be read"),
            ));
        }
        let values = stored.read(self.source.as_mut()).map_err(|source| {
            if source.kind() == std::io::ErrorKind::InvalidData {
                return weights_error(&self.path, format!("tensor '{name}' is damaged: {source}"));
            }
            io_error(&self.path, source)
        })?;
        // An activation with bounds would hide a NaN, and the features would only be wrong.
        if let Some(place) = values.iter().position(|value| !value.is_finite()) {
            return Err(weights_error(
                &self.path,
                format!("tensor '{name}' is damaged: value {place} is {}", values[place]),
            ));
        }
        Ok(values)
    }

    /// Says that a tensor is known and not needed: a training head, a mask token.
    pub(crate) fn ignore(&mut self, name: &str) {
        if self.left.remove(name)
            && let Some(survey) = &mut self.survey
        {
            survey.ignored(name);
        }
    }

    /// The names of tensors that nobody has taken yet.
    pub(crate) fn untaken(&self) -> impl Iterator<Item = &str> {
        self.left.iter().map(String::as_str)
    }

    /// Ends reading.
    ///
    /// # Errors
    /// When tensors of the network's part of the file are left over: the recipe then describes
    /// another network than the file's.
    pub(crate) fn finish(self) -> Result<()> {
        let left: Vec<_> = self.left.iter().filter(|name| name.starts_with(&self.prefix)).collect();
        if left.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = left.iter().take(8).map(|name| name.as_str()).collect();
        Err(weights_error(
            &self.path,
            format!(
                "{} tensors have no place in the recipe's network, such as {}",
                left.len(),
                names.join(", ")
            ),
        ))
    }

    /// Ends a survey.
    pub(crate) fn into_survey(self) -> Survey {
        let mut survey = self.survey.unwrap_or_default();
        for name in self.left {
            survey.left(name, &self.prefix);
        }
        survey
    }
}

/// A tensor of a weight file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TensorFacts {
    /// Its name, with those of the dictionaries that it stands in.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// How its values are stored: `F64`, `F32`, `F16`, `BF16`, or a type that encoders do not use.
    pub kind: String,
}

/// Lists the tensors of a weight file, in the order of their names.
///
/// # Errors
/// When the file cannot be read or is no weight file.
pub fn inspect(path: &Path) -> Result<Vec<TensorFacts>> {
    Ok(Weights::open(path, None)?.facts())
}

/// The same for a file in memory; every tensor of floats is read as well.
///
/// # Errors
/// As [`inspect`], and when a tensor is damaged.
pub fn inspect_bytes(bytes: Vec<u8>) -> Result<Vec<TensorFacts>> {
    let source = Box::new(std::io::Cursor::new(bytes));
    let mut weights = Weights::from_source(Path::new("memory"), source, None)?;
    let facts = weights.facts();
    let floats =
        |facts: &&TensorFacts| matches!(facts.kind.as_str(), "F64" | "F32" | "F16" | "BF16");
    for tensor in facts.iter().filter(floats) {
        weights.values(&tensor.name)?;
    }
    Ok(facts)
}

fn io_error(path: &Path, cause: std::io::Error) -> VisionError {
    VisionError::Io { path: path.to_owned(), cause }
}

fn weights_error(path: &Path, what: String) -> VisionError {
    VisionError::Weights { path: path.to_owned(), what }
}

/// What a file is that people take for a weight file, by its first bytes.
fn unsupported(begin: &[u8; 4]) -> Option<&'static str> {
    match begin {
        // A pickle without an archive: torch.save before version 1.6, and everything else.
        [0x80, 2..=5, ..] => Some(
            "is a bare pickle, as PyTorch wrote before 1.6; load it there and save it again by \
             torch.save(state_dict)",
        ),
        b"\x89HDF" => Some("is an HDF5 file; safetensors and files of torch.save can be read"),
        b"GGUF" => Some("is a GGUF file; safetensors and files of torch.save can be read"),
        b"vers" => {
            Some("is a Git LFS pointer, not the weights: fetch the file itself (`git lfs pull`)")
        }
        _ => None,
    }
}

struct Digests {
    blake3: Digest,
    size: u64,
    begin: [u8; 4],
}

fn digests_of(source: &mut dyn Source) -> std::io::Result<Digests> {
    let (mut blake3, mut size, mut begin) = (Digest::builder(), 0, [0; 4]);
    each_piece(source, |piece| {
        if size == 0 {
            begin.iter_mut().zip(piece).for_each(|(place, byte)| *place = *byte);
        }
        blake3.update(piece);
        size += piece.len() as u64;
    })?;
    Ok(Digests { blake3: blake3.finish(), size, begin })
}

/// Reads all of a source, some bytes at a time.
fn each_piece(source: &mut dyn Source, mut visit: impl FnMut(&[u8])) -> std::io::Result<()> {
    let mut piece = vec![0; PIECE];
    source.rewind()?;
    loop {
        match source.read(&mut piece)? {
            0 => return Ok(()),
            count => visit(&piece[..count]),
        }
    }
}

/// Tensors by name, as a test or an exporter writes them.
#[cfg(test)]
pub(crate) fn write_for_test(
    path: &Path,
    tensors: &std::collections::BTreeMap<String, (Vec<usize>, Vec<f32>)>,
) {
    let bytes: std::collections::BTreeMap<_, Vec<u8>> = tensors
        .iter()
        .map(|(name, (_, values))| (name, values.iter().flat_map(|v| v.to_le_bytes()).collect()))
        .collect();
    let views = tensors.iter().map(|(name, (shape, _))| {
        let view = ::safetensors::tensor::TensorView::new(
            ::safetensors::Dtype::F32,
            shape.clone(),
            &bytes[name],
        )
        .unwrap();
        (name.clone(), view)
    });
    ::safetensors::serialize_to_file(views, None, path).unwrap();
}

#[cfg(test)]
mod tests;
