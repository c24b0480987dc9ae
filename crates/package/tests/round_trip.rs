//! Packing, unpacking and packing again; other people's tar; a changed byte anywhere.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path, process::Command};

use bianque_core::Digest;
use bianque_package::{
    Entry, EntryName, Kind, Manifest, PackageError, PackageName, PackageReader, Requirement,
    Result, SecretKey, check_folder, pack_folder, unpack,
};
use bianque_testkit::surroundings;

const NAMES: [&str; 3] = ["task.json", "card.json", "data/head.bin"];

fn describe(entries: Vec<Entry>) -> Result<Manifest> {
    let requirement = Requirement {
        kind: Kind::Model,
        name: "encoder".into(),
        version: "1".into(),
        digest: Digest::of(b"weights"),
        recipe: None,
    };
    Manifest::new(
        Kind::Task,
        PackageName::new("demo").unwrap(),
        "1.0.0".into(),
        "Apache-2.0".into(),
        EntryName::new("card.json").unwrap(),
        None,
        vec![requirement],
        entries,
    )
}

fn pack(folder: &Path, key: Option<&SecretKey>, out: &Path) -> Manifest {
    let names: Vec<EntryName> = NAMES.iter().map(|name| EntryName::new(*name).unwrap()).collect();
    pack_folder(folder, &names, describe, key, out).unwrap()
}

fn sample(folder: &Path) {
    fs::create_dir_all(folder.join("data")).unwrap();
    fs::write(folder.join("task.json"), "{}").unwrap();
    fs::write(folder.join("card.json"), "").unwrap();
    let bytes: Vec<u8> = (0..200_000_u32).map(|i| (i % 251) as u8).collect();
    fs::write(folder.join("data/head.bin"), bytes).unwrap();
}

fn open(path: &Path) -> Result<PackageReader<fs::File>> {
    PackageReader::open(fs::File::open(path).unwrap())
}

#[test]
fn packing_again_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (source, first, second) =
        (folder.path().join("in"), folder.path().join("a.tar"), folder.path().join("b.tar"));
    sample(&source);
    let key = SecretKey::generate().unwrap();
    let manifest = pack(&source, Some(&key), &first);
    let (part, placed) = (folder.path().join(".part"), folder.path().join("out"));
    unpack(open(&first).unwrap(), &part, &placed, &|| false, |_| Ok::<_, PackageError>(()))
        .unwrap();
    assert!(!part.exists());
    pack(&placed, Some(&key), &second);
    assert_eq!(fs::read(&first).unwrap(), fs::read(&second).unwrap());
    let (read, signature) = check_folder(&placed).unwrap();
    assert_eq!((read, signature.unwrap().key), (manifest, key.public()));
    fs::write(placed.join("task.json"), "[]").unwrap();
    assert!(matches!(check_folder(&placed), Err(PackageError::Altered { .. })));
}

#[test]
fn nothing_stays_behind_when_it_is_stopped_refused_or_broken() {
    let folder = tempfile::tempdir().unwrap();
    let (source, file) = (folder.path().join("in"), folder.path().join("a.tar"));
    sample(&source);
    pack(&source, None, &file);
    let (part, placed) = (folder.path().join("p/.part"), folder.path().join("p/out"));
    let stopped =
        unpack(open(&file).unwrap(), &part, &placed, &|| true, |_| Ok::<_, PackageError>(()));
    assert!(matches!(stopped, Err(PackageError::Interrupted)));
    let refused = unpack(open(&file).unwrap(), &part, &placed, &|| false, |_| {
        Err(PackageError::Content("no".into()))
    });
    assert!(refused.is_err());
    let bytes = fs::read(&file).unwrap();
    let cut = PackageReader::open(&bytes[..bytes.len() - 2000]).unwrap();
    assert!(unpack(cut, &part, &placed, &|| false, |_| Ok::<_, PackageError>(())).is_err());
    assert_eq!(fs::read_dir(folder.path().join("p")).unwrap().count(), 0);
}

#[test]
fn a_changed_bit_is_found_wherever_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (source, file) = (folder.path().join("in"), folder.path().join("a.tar"));
    sample(&source);
    fs::write(source.join("data/head.bin"), [9; 1000]).unwrap();
    pack(&source, Some(&SecretKey::generate().unwrap()), &file);
    let sound = fs::read(&file).unwrap();
    assert!(PackageReader::open(&sound[..]).unwrap().check(&|| false).is_ok());
    for at in 0..sound.len() {
        let mut changed = sound.clone();
        changed[at] ^= 1 << (at % 8);
        let read = PackageReader::open(&changed[..]).and_then(|package| package.check(&|| false));
        assert!(read.is_err(), "byte {at}");
    }
    for length in 0..sound.len() {
        let read =
            PackageReader::open(&sound[..length]).and_then(|package| package.check(&|| false));
        assert!(read.is_err(), "the first {length} bytes");
    }
}

#[test]
fn pythons_tar_unpacks_what_we_write() {
    let Some(python) = surroundings::python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (source, file) = (folder.path().join("in"), folder.path().join("a.tar"));
    sample(&source);
    pack(&source, Some(&SecretKey::generate().unwrap()), &file);
    let script = "import sys, tarfile\n\
        tar = tarfile.open(sys.argv[1], 'r:')\n\
        print(' '.join(member.name for member in tar))\n\
        assert all(m.isreg() and m.mode == 0o644 and m.mtime == 0 for m in tar.getmembers())\n\
        assert tar.extractfile('data/head.bin').read() == open(sys.argv[2], 'rb').read()\n";
    let run = Command::new(python)
        .args(["-c", script])
        .arg(&file)
        .arg(source.join("data/head.bin"))
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let names = String::from_utf8(run.stdout).unwrap();
    assert_eq!(names.trim(), "manifest.json signature.json card.json data/head.bin task.json");
}
