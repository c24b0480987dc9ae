//! Files that are not what they are given for: each is refused, and the message says what to do.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use bianque_testkit::surroundings;

fn models() -> PathBuf {
    surroundings::crate_folder().join("../../models")
}

fn bianque(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bianque"))
        .env("BIANQUE_MODELS", models())
        .env("BIANQUE_DATA", std::env::temp_dir().join("bianque-tests-install-nothing"))
        .args(arguments)
        .output()
        .unwrap()
}

/// Everything that the program said, refusing; of both streams.
fn refusal(arguments: &[&str]) -> String {
    let output = bianque(arguments);
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    said
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What `model verify` and `model add` say of a file; nothing is installed.
fn refused_weights(file: &Path, recipe: &str, parts: &[&str]) -> String {
    let into = file.with_extension("installed");
    let mut all = String::new();
    for arguments in [
        &["model", "verify", text(file), "--recipe", recipe][..],
        &["model", "add", text(file), "--recipe", recipe, "--into", text(&into)],
    ] {
        let said = refusal(arguments);
        for part in parts.iter().chain(&["bianque model show"]) {
            assert!(said.contains(part), "{arguments:?} does not say '{part}': {said}");
        }
        all += &said;
    }
    let installed = fs::read_dir(&into).map_or(0, Iterator::count);
    assert_eq!(installed, 0, "something was installed");
    all
}

#[test]
fn weights_that_are_not_there_are_said_to_be_once() {
    let folder = tempfile::tempdir().unwrap();
    let said = refused_weights(&folder.path().join("none.pth"), "uni", &["none.pth is not there"]);
    assert!(!said.contains("os error") && !said.contains("again"), "{said}");
}

#[test]
fn a_checkpoint_with_its_settings_is_told_apart_from_a_hostile_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoint.pth");
    for (name, parts, never) in [
        (
            "argparse\nNamespace",
            &["'argparse.Namespace'", "save its tensors alone"][..],
            "run code",
        ),
        ("numpy.core.multiarray\nscalar", &["save its tensors alone"], "run code"),
        ("posix\nsystem", &["'posix.system'", "may run code"], "trust"),
    ] {
        let pickle = format!("\u{2}c{name}\n)R.");
        let pickle = [b"\x80", pickle.as_bytes()].concat();
        fs::write(&file, zip_of("archive/data.pkl", &pickle)).unwrap();
        let said = refused_weights(&file, "kaiko-s16", parts);
        assert!(!said.contains(never) && !said.contains("again"), "{said}");
    }
}

fn shipped() -> Vec<u8> {
    fs::read(models().join("encoders/bianque-lite/weights.safetensors")).unwrap()
}

#[test]
fn weights_of_another_architecture_are_refused_by_what_does_not_fit() {
    let shipped = models().join("encoders/bianque-lite/weights.safetensors");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weights.safetensors");
    fs::copy(shipped, &file).unwrap();
    refused_weights(&file, "kaiko-s16", &["does not fit", "left over", "another recipe"]);
}

#[test]
fn truncated_weights_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cut.safetensors");
    let bytes = shipped();
    for length in [4, 1000, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&file, &bytes[..length]).unwrap();
        refused_weights(&file, "bianque-lite", &["cut.safetensors"]);
    }
}

#[test]
fn weights_that_are_no_numbers_are_refused_by_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nan.safetensors");
    let mut bytes = shipped();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    // A NaN both in 16 and in 32 bits.
    bytes[8 + header..][..4].copy_from_slice(&[0x00, 0x7e, 0xc0, 0x7f]);
    fs::write(&file, bytes).unwrap();
    refused_weights(&file, "bianque-lite", &["is damaged: value", "NaN"]);
}

#[test]
fn pickles_that_name_code_are_refused_and_never_run() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let file = folder.path().join("hostile.pth");
    let call = format!("touch {}", trace.display());
    let mut pickle = b"\x80\x02cos\nsystem\nX".to_vec();
    pickle.extend((call.len() as u32).to_le_bytes());
    pickle.extend(call.bytes());
    pickle.extend(b"\x85R.");
    let archive = zip_of("archive/data.pkl", &pickle);
    fs::write(&file, &archive).unwrap();
    refused_weights(&file, "kaiko-s16", &["os.system"]);
    fs::write(&file, &pickle).unwrap();
    refused_weights(&file, "kaiko-s16", &["bare pickle"]);
    for length in [30, archive.len() / 2, archive.len() - 1] {
        fs::write(&file, &archive[..length]).unwrap();
        refused_weights(&file, "kaiko-s16", &["hostile.pth"]);
    }
    assert!(!trace.exists(), "the file's code was run");
}

#[test]
fn what_people_take_for_weights_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file.bin");
    for (bytes, says) in [
        (&b"version https://git-lfs.github.com/spec/v1\n"[..], "git lfs pull"),
        (b"GGUF\x03\0\0\0", "GGUF"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"<!DOCTYPE html><title>Sign in</title>", "file.bin"),
        (b"", "file.bin"),
    ] {
        fs::write(&file, bytes).unwrap();
        refused_weights(&file, "kaiko-s16", &[says]);
    }
}

/// A zip archive of one stored entry (PKWARE's APPNOTE 4.3.6).
fn zip_of(name: &str, bytes: &[u8]) -> Vec<u8> {
    let sizes = [crc32(bytes), bytes.len() as u32, bytes.len() as u32];
    let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
    common.extend(sizes.iter().flat_map(|value| value.to_le_bytes()));
    common.extend((name.len() as u16).to_le_bytes());
    common.extend([0, 0]);
    let local = [b"PK\x03\x04", &common[..], name.as_bytes(), bytes].concat();
    let mut central = b"PK\x01\x02\x14\0".to_vec();
    central.extend(&common);
    central.extend([0; 14]);
    central.extend(name.bytes());
    let mut end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0".to_vec();
    end.extend((central.len() as u32).to_le_bytes());
    end.extend((local.len() as u32).to_le_bytes());
    end.extend([0, 0]);
    [local, central, end].concat()
}

/// The checksum of zip archives, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc));
    !bytes.iter().fold(!0, byte)
}
