//! NVIDIA's libraries, found when the program runs.
//!
//! Nothing of CUDA is linked. Before any call into it each library is opened here by name, in the
//! folders of [`FOLDERS`] too, and stays open; the bindings then find it under the same name. A
//! library that is missing is a message, where the bindings would end the program.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use libloading::Library;

use crate::error::{Result, VisionError};

/// The variable that names more folders to look for the libraries in.
const FOLDERS: &str = "BIANQUE_CUDA_LIBRARIES";

/// A library: what it is for, its file's names, and where it comes from.
struct Needed {
    role: &'static str,
    names: &'static [&'static str],
    from: &'static str,
}

/// The names are those under which the bindings look for them.
const NEEDED: [Needed; 3] = [
    Needed {
        role: "the driver",
        names: &["libcuda.so", "libcuda.so.1"],
        from: "comes with NVIDIA's driver; no machine without one has a GPU to use",
    },
    Needed {
        role: "the kernels' compiler",
        names: &["libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12"],
        from: "comes with the CUDA toolkit 12 or 13, or the Python package nvidia-cuda-nvrtc",
    },
    Needed {
        role: "the matrix library",
        names: &["libcublasLt.so", "libcublasLt.so.13", "libcublasLt.so.12"],
        from: "comes with the CUDA toolkit 12 or 13, or the Python package nvidia-cublas",
    },
];

/// Opens all libraries.
///
/// # Errors
/// When one is missing: which, where it comes from, and how to say where it is.
pub(super) fn open() -> Result<()> {
    NEEDED.iter().try_for_each(open_one).map_err(|what| VisionError::Runtime { what })
}

/// Opens the kernels' compiler alone, which needs no GPU.
#[cfg(test)]
pub(super) fn open_compiler(folder: &Path) -> std::result::Result<(), String> {
    let candidates = NEEDED[1].names.iter().map(|name| folder.join(name));
    let found = candidates.into_iter().find_map(|path| keep(&path));
    found.ok_or_else(|| format!("no libnvrtc in {}", folder.display()))
}

fn open_one(needed: &Needed) -> std::result::Result<(), String> {
    let plain = needed.names.iter().map(PathBuf::from);
    let elsewhere =
        folders().iter().flat_map(|folder| needed.names.iter().map(move |name| folder.join(name)));
    if plain.chain(elsewhere).any(|path| keep(&path).is_some()) {
        return Ok(());
    }
    let Needed { role, names, from } = needed;
    Err(format!(
        "the GPU cannot be used: {role} is missing ({} {from}; {FOLDERS} may name its folder)",
        names.join(" or ")
    ))
}

/// Opens a library for as long as the program runs.
#[allow(unsafe_code)]
fn keep(path: &Path) -> Option<()> {
    // SAFETY: opening runs the library's initialisers. These are NVIDIA's libraries, under their
    // own names, which are made to be opened so; nothing else is opened here.
    let library = unsafe { Library::new(path) }.ok()?;
    // The bindings hold functions of it for good.
    std::mem::forget(library);
    Some(())
}

/// Where the libraries may lie beside the system's own folders.
fn folders() -> &'static [PathBuf] {
    static FOUND: OnceLock<Vec<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let stated = std::env::var_os(FOLDERS);
        let stated = stated.iter().flat_map(std::env::split_paths).collect::<Vec<_>>();
        let toolkits = ["CUDA_HOME", "CUDA_PATH"].iter().filter_map(std::env::var_os);
        let toolkits = toolkits.map(PathBuf::from).chain([PathBuf::from("/usr/local/cuda")]);
        stated.into_iter().chain(toolkits.map(|toolkit| toolkit.join("lib64"))).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_is_named_and_nothing_panics() {
        let absent = Needed { role: "a test", names: &["libnowhere.so.7"], from: "does not exist" };
        let said = open_one(&absent).unwrap_err();
        assert!(said.contains("libnowhere.so.7") && said.contains(FOLDERS), "{said}");
        // With a GPU or without: an answer.
        if let Err(error) = open() {
            assert!(error.to_string().starts_with("the GPU cannot be used"), "{error}");
        }
    }
}
