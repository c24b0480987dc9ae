//! Puts the built web app into the program; without one, nothing.
#![allow(clippy::print_stdout, reason = "that is how it speaks to cargo")]

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The largest file that is put into the program.
const LARGEST: u64 = 32 << 20;

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let dist = root.join("../../web/app/dist");
    println!("cargo:rerun-if-changed={}", dist.display());
    println!("cargo:rerun-if-changed=build.rs");
    let mut files = Vec::new();
    if dist.is_dir() {
        collect(&dist, &dist, &mut files)?;
    }
    files.sort();
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let mut text = fs::File::create(out.join("web_app_files.rs"))?;
    writeln!(text, "&[")?;
    for (number, (name, path)) in files.iter().enumerate() {
        // A copy: the app may be built anew while the compiler reads it.
        let copy = out.join(format!("web-app-{number}"));
        fs::copy(path, &copy)?;
        writeln!(text, "    ({name:?}, include_bytes!({:?})),", copy.display().to_string())?;
    }
    writeln!(text, "]")
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    println!("cargo:rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if fs::metadata(&path)?.len() <= LARGEST
            && path.extension().is_none_or(|e| e != "map")
        {
            println!("cargo:rerun-if-changed={}", path.display());
            let name = path.strip_prefix(root).unwrap_or(&path);
            let name = name.components().map(|part| part.as_os_str().to_string_lossy());
            files.push((name.collect::<Vec<_>>().join("/"), path.canonicalize()?));
        }
    }
    Ok(())
}
