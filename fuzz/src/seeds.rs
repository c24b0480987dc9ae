//! Writes small sound files and their nearest relatives into `corpus/<target>`, for a fuzz target
//! to start from: `cargo run --bin seeds`.

use std::path::Path;

#[path = "../../crates/slide/tests/malformed/fixtures.rs"]
mod fixtures;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/tiff");
    std::fs::create_dir_all(&folder)?;
    for name in fixtures::TIFF {
        std::fs::write(folder.join(name), fixtures::tiff(name))?;
    }
    std::fs::write(folder.join("chain"), fixtures::chain(3, 330, 12))?;
    println!("seeds are in {}", folder.display());
    Ok(())
}
