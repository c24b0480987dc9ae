//! Writes small sound files and their nearest relatives into `corpus/<target>`, for a fuzz target
//! to start from: `cargo run --bin seeds`.

#[path = "../../crates/slide/tests/malformed/fixtures.rs"]
mod fixtures;

#[path = "../../crates/slide/tests/malformed/dicom_fixtures.rs"]
mod dicom_fixtures;

mod model_seeds;

fn main() -> std::io::Result<()> {
    let folder = bianque_testkit::surroundings::crate_folder().join("corpus");
    let (tiff, dicom) = (folder.join("tiff"), folder.join("dicom"));
    std::fs::create_dir_all(&tiff)?;
    std::fs::create_dir_all(&dicom)?;
    for name in fixtures::TIFF {
        std::fs::write(tiff.join(name), fixtures::tiff(name))?;
    }
    std::fs::write(tiff.join("chain"), fixtures::chain(3, 330, 12))?;
    for name in dicom_fixtures::DICOM {
        std::fs::write(dicom.join(name), dicom_fixtures::dicom(name, Vec::new()))?;
    }
    seed_package(&folder.join("package"))?;
    model_seeds::write(&folder)?;
    println!("seeds are in {}", folder.display());
    Ok(())
}

/// A small package that nobody signed.
fn seed_package(folder: &std::path::Path) -> std::io::Result<()> {
    use bianque_package::{Content, Entry, EntryName, Kind, Manifest, PackageName, write_package};
    std::fs::create_dir_all(folder)?;
    let name = |text: &str| EntryName::new(text).map_err(std::io::Error::other);
    let entry = |text: &str, bytes: &[u8]| -> std::io::Result<Entry> {
        let digest = bianque_core::Digest::of(bytes);
        Ok(Entry { name: name(text)?, bytes: bytes.len() as u64, digest })
    };
    let manifest = Manifest::new(
        Kind::Task,
        PackageName::new("seed").map_err(std::io::Error::other)?,
        "1.0.0".into(),
        "Apache-2.0".into(),
        name("card.json")?,
        None,
        Vec::new(),
        vec![entry("card.json", b"{}")?, entry("head.bin", b"7")?],
    )
    .map_err(std::io::Error::other)?;
    let mut content = Content::new();
    content.insert(name("card.json")?, Box::new(&b"{}"[..]));
    content.insert(name("head.bin")?, Box::new(&b"7"[..]));
    let mut bytes = Vec::new();
    write_package(&mut bytes, &manifest, None, content).map_err(std::io::Error::other)?;
    std::fs::write(folder.join("unsigned"), bytes)
}
