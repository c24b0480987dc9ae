//! ONNX Runtime's library, loaded once a process.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use ort::environment::Environment;

use crate::error::{Result, VisionError};

/// Names the library: a path such as `/opt/onnxruntime/lib/libonnxruntime.so`.
const VARIABLE: &str = "BIANQUE_ONNXRUNTIME";

static NAMED: OnceLock<PathBuf> = OnceLock::new();
static ENVIRONMENT: OnceLock<std::result::Result<Environment, String>> = OnceLock::new();

/// Names ONNX Runtime's library (libonnxruntime.so, onnxruntime.dll) for this process, before the
/// first model is loaded that needs it. Else the environment variable `BIANQUE_ONNXRUNTIME` does.
///
/// The library is code that runs in this process: name only one that you trust.
///
/// # Errors
/// When another was named before.
pub fn use_onnx_runtime(library: &Path) -> Result<()> {
    let named = NAMED.get_or_init(|| library.to_owned());
    if named == library {
        return Ok(());
    }
    let what = format!("ONNX Runtime was named before: {}", named.display());
    Err(VisionError::Runtime { what })
}

/// The library's environment; loads the library on first use.
pub(super) fn environment() -> Result<&'static Environment> {
    let loaded = ENVIRONMENT.get_or_init(|| {
        let variable = || std::env::var_os(VARIABLE).filter(|path| !path.is_empty());
        let path = NAMED.get().cloned().or_else(|| variable().map(PathBuf::from));
        load(path.ok_or_else(|| {
            format!(
                "ONNX Runtime is needed: set {VARIABLE} to its library, version 1.17 or later \
                 (libonnxruntime.so, onnxruntime.dll; the Python package onnxruntime has it under \
                 capi/)"
            )
        })?)
    });
    loaded.as_ref().map_err(|what| VisionError::Runtime { what: what.clone() })
}

fn load(path: PathBuf) -> std::result::Result<Environment, String> {
    if !path.is_file() {
        return Err(format!("ONNX Runtime should be {}, where no file is", path.display()));
    }
    // The loader takes relative paths from the program's folder, people mean their own.
    let path = std::path::absolute(&path).unwrap_or(path);
    let cannot =
        |what: String| format!("ONNX Runtime at {} cannot be used: {what}", path.display());
    // The crate that wraps the library panics where the library gives no interface.
    let loading = || {
        let builder = ort::init_from(&path).map_err(|error| error.to_string())?;
        builder.with_telemetry(false).build().map_err(|error| error.to_string())
    };
    let loaded = catch_unwind(AssertUnwindSafe(loading));
    loaded.unwrap_or_else(|_| Err("it gives no interface of version 1.17".into())).map_err(cannot)
}
