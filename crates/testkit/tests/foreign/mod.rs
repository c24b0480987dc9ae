//! Runs `foreign.py` with the interpreter that `BIANQUE_PYTHON` names.

use std::{fmt::Debug, path::Path, process::Command};

/// What `tifffile` or `openslide` sees in a file. Panics where it refuses the file.
pub(crate) fn judge(reader: &str, path: &Path) -> serde_json::Value {
    let python = std::env::var("BIANQUE_PYTHON")
        .expect("BIANQUE_PYTHON must name a Python 3 with tifffile and openslide-python");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign.py");
    let output = Command::new(python).args([script, reader]).arg(path).output().unwrap();
    assert!(
        output.status.success(),
        "{reader} refuses {}: {}",
        path.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Fails when a colour that a reader saw is farther than `tolerance` from the one written.
pub(crate) fn assert_near(
    seen: &serde_json::Value,
    written: [u8; 3],
    tolerance: f64,
    what: &dyn Debug,
) {
    for (seen, written) in seen.as_array().unwrap().iter().zip(written) {
        let difference = (seen.as_f64().unwrap() - f64::from(written)).abs();
        assert!(difference <= tolerance, "{what:?}: {seen} was written as {written}");
    }
}
