//! Broken, lying and foreign files: each must end in a fitting typed error or a warning, never in
//! a panic, a hang or an allocation that the file cannot justify.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

mod case;
mod dicom;
mod dicom_fixtures;
mod fixtures;
mod tiff_structure;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use bianque_slide::{OpenOptions, SlideError, open_bytes};
use bianque_testkit::surroundings;
use tiff_structure::TiffStructure;

fn cases() -> Vec<PathBuf> {
    let folder = surroundings::crate_folder().join("cases/malformed");
    let mut cases: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

#[test]
fn every_case_ends_as_it_says() {
    let cases = cases();
    assert!(cases.len() > 50, "only {} cases: is the folder complete?", cases.len());
    let mut failures = Vec::new();
    for folder in cases {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let started = Instant::now();
        if let Err(what) = case::Case::load(&folder).run() {
            failures.push(format!("{name}: {what}"));
        }
        if started.elapsed() > Duration::from_secs(30) {
            failures.push(format!("{name}: it took {:?}", started.elapsed()));
        }
    }
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures.join("\n"));
}

/// Opens and reads bytes as far as they go.
fn consume(bytes: Vec<u8>) -> Result<(), SlideError> {
    case::read_all(open_bytes(bytes, &OpenOptions::default())?.as_ref())
}

#[test]
fn the_sound_files_open_and_read() {
    for name in ["svs", "pyramid", "flat"] {
        let slide = open_bytes(fixtures::tiff(name), &OpenOptions::default()).unwrap();
        assert_eq!(slide.facts().warnings, [""; 0], "{name}");
        case::read_all(slide.as_ref()).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn a_file_cut_at_any_byte_is_a_typed_error() {
    for name in fixtures::TIFF {
        let whole = fixtures::tiff(name);
        let mut ends = TiffStructure::read(&whole).boundaries();
        // What follows the last part is padding.
        let needed = ends.iter().map(|(end, _)| *end).max().unwrap();
        ends.retain(|(end, _)| *end < needed);
        ends.extend((0..needed).map(|end| (end, "in between".to_owned())));
        for (end, part) in ends {
            let error = match open_bytes(whole[..end].to_vec(), &OpenOptions::default()) {
                // All levels are there, an associated image is not: that is said.
                Ok(slide) => {
                    let warnings = slide.facts().warnings.join("; ");
                    let said = warnings.contains("beyond");
                    assert!(said, "{name} cut at byte {end} ({part}) opens: {warnings}");
                    continue;
                }
                Err(error) => error,
            };
            let fits = match error {
                SlideError::NotASlide { .. } => end < 4,
                SlideError::Broken { .. } => true,
                // Refused for its channels, whether whole or cut.
                SlideError::Unsupported { .. } => name == "planes",
                _ => false,
            };
            assert!(fits, "{name} cut at byte {end} ({part}): {error}");
        }
    }
}

#[test]
fn a_flipped_byte_anywhere_never_panics_or_hangs() {
    let mut slowest = (Duration::ZERO, String::new());
    for name in fixtures::TIFF {
        let whole = fixtures::tiff(name);
        let skeleton = TiffStructure::read(&whole).skeleton();
        for at in 0..whole.len() {
            // Coded pixels are many and alike: some of them stand for all.
            let flips: &[u8] = match (skeleton.iter().any(|part| part.contains(&at)), at % 16) {
                (true, _) => &[0x01, 0x80, 0xff],
                (false, 0) => &[0xff],
                (false, _) => &[],
            };
            for flip in flips {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                let started = Instant::now();
                // Flipped pixels may still decode: any outcome will do, but it must come.
                let _ = consume(bytes);
                let name = format!("{name}, byte {at} flipped by {flip:#x}");
                slowest = slowest.max((started.elapsed(), name));
            }
        }
    }
    // Generous: the tests share their machine with a build.
    assert!(slowest.0 < Duration::from_secs(30), "the slowest: {slowest:?}");
    assert!(peak_memory() < 1 << 30, "memory rose to {} bytes", peak_memory());
}

/// The most memory that this process ever held, where the system tells.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok());
    kilobytes.unwrap_or(0u64) << 10
}
