//! Writes small sound files and their nearest relatives into `corpus/<target>`, for a fuzz target
//! to start from: `cargo run --bin seeds`.


#[path = "../../crates/slide/tests/malformed/fixtures.rs"]
mod fixtures;

#[path = "../../crates/slide/tests/malformed/dicom_fixtures.rs"]
mod dicom_fixtures;

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
    println!("seeds are in {}", folder.display());
    Ok(())
}
