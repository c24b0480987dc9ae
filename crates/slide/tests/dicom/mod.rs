//! Runs `dicom_judge.py` and compares pixels.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use bianque_core::PixelRect;
use bianque_slide::Slide;
use bianque_testkit::surroundings;

/// What may differ: the same decoder gives the same pixels; the pure one enlarges coarse chroma otherwise.
pub(crate) const SAME: (u8, f64) = if cfg!(feature = "turbojpeg") { (0, 0.0) } else { (4, 0.5) };

/// What another reader saw.
pub(crate) struct Judgement {
    pub(crate) facts: serde_json::Value,
    files: tempfile::TempDir,
}

impl Judgement {
    /// The bytes of a file that the reader left.
    pub(crate) fn file(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.files.path().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }
}

/// Shows a file or folder to `openslide`, `wsidicom` or `pydicom`. Panics where it refuses.
pub(crate) fn judge(reader: &str, path: &Path) -> Judgement {
    let python = surroundings::python().expect("a test asks for it before");
    let script = surroundings::crate_folder().join("tests/dicom_judge.py");
    let files = tempfile::tempdir().unwrap();
    let mut command = Command::new(python);
    let output = command.arg(script).arg(reader).arg(path).arg(files.path()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{reader} refuses {}: {errors}", path.display());
    Judgement { facts: serde_json::from_slice(&output.stdout).unwrap(), files }
}

/// A real DICOM file.
#[allow(dead_code, reason = "only one of the two tests that share this module uses it")]
pub(crate) fn real(name: &str) -> PathBuf {
    let path = surroundings::real_slides().expect("a test asks for it before");
    let path = path.join("dicom").join(name);
    assert!(path.exists(), "no {}", path.display());
    path
}

/// All pixels of a level.
pub(crate) fn level(slide: &dyn Slide, number: usize) -> Vec<u8> {
    let size = slide.facts().levels[number];
    let whole = PixelRect::new(0, 0, size.width, size.height);
    slide.read_region(number, whole).unwrap().into_pixels()
}

/// Fails when pixels differ by more than `most` grey levels anywhere or `mean` on average.
pub(crate) fn assert_equal(ours: &[u8], theirs: &[u8], most: u8, mean: f64, what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let differences = ours.iter().zip(theirs).map(|(a, b)| a.abs_diff(*b));
    let largest = differences.clone().max().unwrap_or(0);
    let average = differences.map(f64::from).sum::<f64>() / ours.len() as f64;
    assert!(largest <= most, "{what}: a pixel differs by {largest}, {average:.3} on average");
    assert!(average <= mean, "{what}: pixels differ by {average:.3} on average");
}
