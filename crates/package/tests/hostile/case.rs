//! A case: a sound package, what is changed in it, what must come of it.
//!
//! ```json
//! {
//!   "why": "an entry would be written outside of the folder",
//!   "manifest": { "/entries/0/name": "../card.json" },
//!   "expect": { "kind": "malformed", "text": "leaves its folder" }
//! }
//! ```

use std::{collections::BTreeMap, path::Path};

use bianque_core::Digest;
use bianque_package::{
    Content, Entry, EntryName, Kind, Manifest, PackageError, PackageName, PackageReader, SecretKey,
    write_package,
};
use serde::Deserialize;
use serde_json::Value;

use crate::tar::{Member, archive};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// What is wrong, in words, for the reader of the case.
    #[serde(rename = "why")]
    _why: String,
    /// These bytes instead of a package.
    hex: Option<String>,
    /// Values of the manifest by JSON pointer; written as the format asks for.
    #[serde(default)]
    manifest: BTreeMap<String, Value>,
    /// Whether the changed manifest is signed anew, as a hostile maker would.
    #[serde(default)]
    resign: bool,
    /// Changes of the archive's members, in turn.
    #[serde(default)]
    members: Vec<Change>,
    /// Changes of the file's bytes, after all others.
    #[serde(default)]
    bytes: Vec<Bytes>,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Change {
    Drop(String),
    Twice(String),
    Add {
        name: String,
        text: String,
    },
    Rename {
        from: String,
        to: String,
    },
    Swap(String, String),
    /// Other bytes; the header's size follows.
    Content {
        name: String,
        text: String,
    },
    /// The size that the header claims.
    Claim {
        name: String,
        bytes: u64,
    },
    /// The header's kind of file: `2` a link, `5` a folder, `x` an extension.
    Kind {
        name: String,
        flag: char,
    },
    Mode {
        name: String,
        mode: u32,
    },
    /// Exchanges one text for another inside a member.
    Replace {
        name: String,
        from: String,
        to: String,
    },
    /// Many empty members.
    Flood {
        count: u32,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Bytes {
    Truncate(usize),
    /// Cuts so many bytes off the end.
    Shorten(usize),
    Append(String),
    /// Flips the lowest bit.
    Flip(usize),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    kind: String,
    /// What the message must hold.
    text: String,
}

/// The example key of RFC 8410, section 10.3: everybody knows it, so nobody trusts it.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
    -----END PRIVATE KEY-----\n";

pub(crate) fn key() -> SecretKey {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rfc8410.key");
    std::fs::write(&path, KEY).unwrap();
    SecretKey::read(&path).unwrap()
}

const FILES: [(&str, &[u8]); 3] =
    [("card.json", b"{}\n"), ("head.bin", &[7; 700]), ("notes/read.txt", b"hello")];

fn sound() -> Manifest {
    let entries = FILES.iter().map(|(name, bytes)| Entry {
        name: EntryName::new(*name).unwrap(),
        bytes: bytes.len() as u64,
        digest: Digest::of(bytes),
    });
    Manifest::new(
        Kind::Task,
        PackageName::new("demo").unwrap(),
        "1.0.0".into(),
        "Apache-2.0".into(),
        EntryName::new("card.json").unwrap(),
        None,
        Vec::new(),
        entries.collect(),
    )
    .unwrap()
}

/// The members of the sound package, as they were written.
fn members() -> Vec<Member> {
    let content: Content<'_> = FILES
        .iter()
        .map(|(name, bytes)| (EntryName::new(*name).unwrap(), Box::new(*bytes) as Box<_>))
        .collect();
    let mut file = Vec::new();
    write_package(&mut file, &sound(), Some(&key()), content).unwrap();
    let (mut members, mut at) = (Vec::new(), 0);
    while file[at] != 0 {
        let name: Vec<u8> = file[at..].iter().copied().take_while(|byte| *byte != 0).collect();
        let digits = std::str::from_utf8(&file[at + 124..at + 135]).unwrap();
        let length = usize::from_str_radix(digits, 8).unwrap();
        let bytes = &file[at + 512..at + 512 + length];
        members.push(Member::file(std::str::from_utf8(&name).unwrap(), bytes));
        at += 512 + length.next_multiple_of(512);
    }
    assert_eq!(archive(&members), file, "the test's tar is not the writer's");
    members
}

impl Case {
    pub(crate) fn load(folder: &Path) -> Self {
        let path = folder.join("case.json");
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Runs the case; says what came instead of what was expected.
    pub(crate) fn run(&self) -> Result<(), String> {
        let file = self.file();
        let outcome = PackageReader::open(&file[..]).and_then(|read| read.check(&|| false));
        let error = outcome.err().ok_or("it is taken for sound")?;
        let kind = kind(&error);
        if kind == self.expect.kind && error.to_string().contains(&self.expect.text) {
            return Ok(());
        }
        Err(format!("the error is {kind}: {error}"))
    }

    fn file(&self) -> Vec<u8> {
        let mut file = match &self.hex {
            Some(hex) => unhex(hex),
            None => {
                let mut members = members();
                self.change_manifest(&mut members);
                self.members.iter().for_each(|change| change.apply(&mut members));
                archive(&members)
            }
        };
        for change in &self.bytes {
            match change {
                Bytes::Truncate(length) => file.truncate(*length),
                Bytes::Shorten(bytes) => file.truncate(file.len() - bytes),
                Bytes::Append(hex) => file.extend(unhex(hex)),
                Bytes::Flip(at) => file[*at] ^= 1,
            }
        }
        file
    }

    fn change_manifest(&self, members: &mut Vec<Member>) {
        if self.manifest.is_empty() {
            return;
        }
        let text = String::from_utf8(members[0].bytes.clone()).unwrap();
        let mut lines = text.clone();
        for (pointer, value) in &self.manifest {
            // Text is exchanged, so that the fields keep their order.
            let old: Value = serde_json::from_str::<Value>(&lines).unwrap();
            let old = old.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}")).clone();
            let key = pointer.rsplit('/').next().unwrap();
            let (old, new) = (format!("\"{key}\": {old}"), format!("\"{key}\": {value}"));
            assert!(lines.contains(&old), "{old} is not in the manifest");
            lines = lines.replacen(&old, &new, 1);
        }
        members[0] = Member::file("manifest.json", lines.as_bytes());
        if self.resign {
            let signature =
                bianque_package::Signature::sign(Digest::of(lines.as_bytes()), &key()).to_bytes();
            members[1] = Member::file("signature.json", &signature);
        } else {
            members.remove(1);
        }
    }
}

fn kind(error: &PackageError) -> &'static str {
    match error {
        PackageError::Io { .. } => "io",
        PackageError::Stream(_) => "stream",
        PackageError::Truncated(_) => "truncated",
        PackageError::NotAPackage(_) => "not_a_package",
        PackageError::Schema(_) => "schema",
        PackageError::Malformed(_) => "malformed",
        PackageError::Altered { .. } => "altered",
        PackageError::Signature { .. } => "signature",
        PackageError::Key { .. } => "key",
        PackageError::Content(_) => "content",
        PackageError::Interrupted => "interrupted",
    }
}

impl Change {
    fn apply(&self, members: &mut Vec<Member>) {
        let at = |members: &[Member], name: &str| {
            let place = members.iter().position(|member| member.name == name.as_bytes());
            place.unwrap_or_else(|| panic!("no member {name}"))
        };
        match self {
            Self::Drop(name) => drop(members.remove(at(members, name))),
            Self::Twice(name) => {
                let place = at(members, name);
                members.insert(place, members[place].clone());
            }
            Self::Add { name, text } => members.push(Member::file(name, text.as_bytes())),
            Self::Rename { from, to } => {
                let place = at(members, from);
                members[place].name = to.clone().into_bytes();
            }
            Self::Swap(first, second) => {
                let (first, second) = (at(members, first), at(members, second));
                members.swap(first, second);
            }
            Self::Content { name, text } => {
                let place = at(members, name);
                members[place] = Member::file(name, text.as_bytes());
            }
            Self::Claim { name, bytes } => {
                let place = at(members, name);
                members[place].claims = *bytes;
            }
            Self::Kind { name, flag } => {
                let place = at(members, name);
                members[place].kind = *flag as u8;
            }
            Self::Mode { name, mode } => {
                let place = at(members, name);
                members[place].mode = *mode;
            }
            Self::Replace { name, from, to } => {
                let place = at(members, name);
                let text = String::from_utf8(members[place].bytes.clone()).unwrap();
                assert!(text.contains(from.as_str()), "{from} is not in {name}");
                members[place] = Member::file(name, text.replace(from, to).as_bytes());
            }
            Self::Flood { count } => {
                members.extend((0..*count).map(|number| Member::file(&format!("z{number}"), b"")));
            }
        }
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&String::from_iter(pair), 16).expect("hexadecimal"))
        .collect()
}
