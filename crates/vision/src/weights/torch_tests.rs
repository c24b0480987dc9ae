//! Archives as `torch.save` writes them, and what hostile ones do.

use std::io::{Cursor, Write};

use zip::{ZipWriter, write::SimpleFileOptions};

use super::*;

/// An archive with these entries, uncompressed.
fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in entries {
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = vec![b'X'];
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

fn number(number: i64) -> Vec<u8> {
    let mut bytes = b"\x8a\x08".to_vec();
    bytes.extend(number.to_le_bytes());
    bytes
}

fn tuple(items: &[Vec<u8>]) -> Vec<u8> {
    [b"(".to_vec(), items.concat(), b"t".to_vec()].concat()
}

fn numbers(items: &[i64]) -> Vec<u8> {
    tuple(&items.iter().map(|item| number(*item)).collect::<Vec<_>>())
}

/// What stands for a tensor of four stored 32-bit values under the key 0.
fn tensor(offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    typed("FloatStorage", "0", 4, offset, shape, strides)
}

fn typed(
    kind: &str,
    key: &str,
    length: i64,
    offset: i64,
    shape: &[i64],
    strides: &[i64],
) -> Vec<u8> {
    let kind = format!("ctorch\n{kind}\n").into_bytes();
    let storage = tuple(&[text("storage"), kind, text(key), text("cpu"), number(length)]);
    let storage = [storage, b"Q".to_vec()].concat();
    let hooks = b"ccollections\nOrderedDict\n)R".to_vec();
    let parts =
        [storage, number(offset), numbers(shape), numbers(strides), b"\x89".to_vec(), hooks];
    [b"ctorch._utils\n_rebuild_tensor_v2\n".to_vec(), tuple(&parts), b"R".to_vec()].concat()
}

/// A pickle of one dictionary.
fn dictionary(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries = entries.iter().flat_map(|(key, value)| [text(key), value.clone(), vec![b's']]);
    [b"}".to_vec(), entries.flatten().collect()].concat()
}

fn pickle(value: Vec<u8>) -> Vec<u8> {
    [b"\x80\x02".to_vec(), value, b".".to_vec()].concat()
}

const VALUES: [u8; 16] = {
    let mut bytes = [0; 16];
    // 1.0, 2.0, 4.0, 8.0
    let exponents = [[0x80, 0x3f], [0x00, 0x40], [0x80, 0x40], [0x00, 0x41]];
    let mut index = 0;
    while index < 4 {
        bytes[4 * index + 2] = exponents[index][0];
        bytes[4 * index + 3] = exponents[index][1];
        index += 1;
    }
    bytes
};

fn file(value: Vec<u8>) -> Vec<u8> {
    archive(&[("x/data.pkl", &pickle(value)), ("x/byteorder", b"little"), ("x/data/0", &VALUES)])
}

fn open(bytes: &[u8]) -> Result<BTreeMap<String, Stored>, String> {
    tensors(&mut Cursor::new(bytes.to_vec()), bytes.len() as u64).map_err(|fault| match fault {
        Fault::Damaged(what) | Fault::NotRead(what) => what,
    })
}

fn complaint(bytes: &[u8]) -> String {
    open(bytes).err().unwrap_or_default()
}

fn values(bytes: &[u8], name: &str) -> Vec<f32> {
    open(bytes).unwrap()[name].read(&mut Cursor::new(bytes.to_vec())).unwrap()
}

#[test]
fn views_beyond_their_storage_are_refused() {
    for (offset, shape, strides) in [
        (0, &[5][..], &[1][..]),
        (1, &[4], &[1]),
        (4, &[1], &[1]),
        (0, &[2, 2], &[3, 1]),
        (0, &[2], &[4]),
        (0, &[4, 4], &[0, 1]),
        (0, &[1 << 40], &[0]),
        (0, &[i64::MAX, i64::MAX], &[1, 1]),
        (0, &[2], &[i64::MAX]),
        (i64::MAX, &[2], &[1]),
        (i64::MAX, &[], &[]),
    ] {
        let said = complaint(&file(dictionary(&[("a", tensor(offset, shape, strides))])));
        assert!(said.contains("'a' reaches beyond"), "{offset} {shape:?} {strides:?}: {said}");
    }
    for (shape, strides) in [(&[4][..], &[][..]), (&[], &[1]), (&[2, 2], &[1])] {
        let said = complaint(&file(dictionary(&[("a", tensor(0, shape, strides))])));
        assert!(said.contains("strides"), "{said}");
    }
    // No value: nothing is read, wherever it is said to lie.
    assert!(values(&file(dictionary(&[("a", tensor(3, &[0, 9], &[9, 1]))])), "a").is_empty());
}

#[test]
fn a_storage_that_is_not_its_entry_is_refused() {
    let one = |value: Vec<u8>| complaint(&file(dictionary(&[("a", value)])));
    assert!(one(typed("FloatStorage", "0", 5, 0, &[4], &[1])).contains("do not fill"));
    assert!(one(typed("HalfStorage", "0", 4, 0, &[4], &[1])).contains("do not fill"));
    assert!(one(typed("FloatStorage", "0", i64::MAX, 0, &[4], &[1])).contains("do not fill"));
    assert!(one(typed("FloatStorage", "7", 4, 0, &[4], &[1])).contains("'x/data/7'"));
    assert!(one(typed("FloatStorage", "../../x", 4, 0, &[4], &[1])).contains("lacks"));
    assert!(one(typed("FloatStorage", &"0".repeat(65), 4, 0, &[4], &[1])).contains("longer"));
}

#[test]
fn archives_of_other_makers_are_refused() {
    let sound = pickle(dictionary(&[("a", tensor(0, &[4], &[1]))]));
    assert!(complaint(b"PK\x03\x04 and nothing more").contains("malformed zip"));
    assert!(complaint(&archive(&[("x/other", b"")])).contains("without data.pkl"));
    let script = [("x/data.pkl", &sound[..]), ("x/constants.pkl", b""), ("x/data/0", &VALUES)];
    assert!(complaint(&archive(&script)).contains("TorchScript"));
    let big = [("x/data.pkl", &sound[..]), ("x/byteorder", b"big"), ("x/data/0", &VALUES)];
    assert!(complaint(&archive(&big)).contains("little-endian"));
    let long = vec![b'.'; pickle::LONGEST as usize + 1];
    assert!(complaint(&archive(&[("x/data.pkl", &long)])).contains("longer"));
    assert!(complaint(&file(number(1))).contains("no tensor"));
    assert!(complaint(&file(dictionary(&[]))).contains("no tensor"));
    let mut cut = file(dictionary(&[("a", tensor(0, &[4], &[1]))]));
    cut.truncate(cut.len() - 30);
    assert!(!complaint(&cut).is_empty());
}

#[test]
fn what_no_second_fetching_mends_is_told_apart() {
    let fault = |bytes: &[u8]| tensors(&mut Cursor::new(bytes.to_vec()), bytes.len() as u64);
    for value in [b"cargparse\nNamespace\n)\x81".to_vec(), b"cposix\nsystem\n".to_vec(), number(1)]
    {
        assert!(matches!(fault(&file(value)), Err(Fault::NotRead(_))));
    }
    let mut cut = file(dictionary(&[("a", tensor(0, &[4], &[1]))]));
    cut.truncate(cut.len() - 30);
    assert!(matches!(fault(&cut), Err(Fault::Damaged(_))));
}

#[test]
fn doubles_are_rounded_to_32_bit_floats() {
    let value = dictionary(&[("a", typed("DoubleStorage", "0", 2, 0, &[2], &[1]))]);
    let doubles = [0.1_f64.to_le_bytes(), (-2.5_f64).to_le_bytes()].concat();
    let bytes = archive(&[("x/data.pkl", &pickle(value)), ("x/data/0", &doubles)]);
    assert_eq!(values(&bytes, "a"), [0.1_f32, -2.5]);
}

#[test]
fn compressed_entries_are_refused_before_they_are_opened() {
    let mut bytes = file(dictionary(&[("a", tensor(0, &[4], &[1]))]));
    // The method's field of each central header (PKWARE's APPNOTE 4.3.12): 8 is deflate.
    let headers: Vec<usize> =
        (0..bytes.len() - 4).filter(|at| bytes[*at..*at + 4] == *b"PK\x01\x02").collect();
    bytes[headers[0] + 10] = 8;
    assert!(complaint(&bytes).contains("compressed"));
}

#[test]
fn damaged_bytes_are_found_by_their_checksum() {
    let mut bytes = file(dictionary(&[("a", tensor(0, &[4], &[1]))]));
    let at = bytes.windows(16).position(|window| window == VALUES).unwrap();
    bytes[at] ^= 1;
    let stored = open(&bytes).unwrap().remove("a").unwrap();
    let error = stored.read(&mut Cursor::new(bytes)).unwrap_err();
    assert!(error.to_string().contains("checksum"));
}

#[test]
fn containers_that_never_end_are_refused() {
    // A dictionary that holds itself, and one that doubles at every level.
    let endless = b"}q\x00X\x01\0\0\0ah\x00s".to_vec();
    assert!(complaint(&file(endless)).contains("too deep"));
    let mut doubled = b"}q\x00".to_vec();
    for level in 1..11 {
        let below = [b'h', level - 1];
        doubled.extend(b"}(");
        for key in 0..8 {
            doubled.extend(number(key));
            doubled.extend(below);
        }
        doubled.extend([b'u', b'q', level]);
    }
    assert!(complaint(&file(doubled)).contains("too often"));
    let long = "n".repeat(LONGEST_NAME);
    assert!(
        complaint(&file(dictionary(&[(&long, dictionary(&[("a", vec![b'N'])]))])))
            .contains("longer")
    );
}

#[test]
fn nested_names_views_and_types_are_read() {
    let parameter = [
        b"ctorch._utils\n_rebuild_parameter\n".to_vec(),
        tuple(&[tensor(2, &[2], &[1]), vec![0x88], b"ccollections\nOrderedDict\n)R".to_vec()]),
        b"R".to_vec(),
    ]
    .concat();
    let inner = dictionary(&[
        ("whole", tensor(0, &[2, 2], &[2, 1])),
        ("turned", tensor(0, &[2, 2], &[1, 2])),
        ("part", parameter),
        ("scalar", tensor(3, &[], &[])),
        ("halves", typed("HalfStorage", "1", 2, 0, &[2], &[1])),
        ("brains", typed("BFloat16Storage", "2", 1, 0, &[1, 1], &[9, 9])),
        ("counts", typed("LongStorage", "3", 1, 0, &[], &[])),
    ]);
    let value = dictionary(&[
        ("epoch", number(3)),
        ("rate", b"G\0\0\0\0\0\0\0\0".to_vec()),
        ("teacher", inner),
        ("steps", [b"](".to_vec(), tensor(1, &[1], &[1]), b"e".to_vec()].concat()),
    ]);
    let bytes = archive(&[
        ("any name/data.pkl", &pickle(value)),
        ("any name/data/0", &VALUES),
        ("any name/data/1", &[0x00, 0x3c, 0x00, 0xc0]),
        ("any name/data/2", &[0x40, 0x40]),
        ("any name/data/3", &[0; 8]),
        ("any name/version", b"3\n"),
    ]);
    assert_eq!(values(&bytes, "teacher.whole"), [1.0, 2.0, 4.0, 8.0]);
    assert_eq!(values(&bytes, "teacher.turned"), [1.0, 4.0, 2.0, 8.0]);
    assert_eq!(values(&bytes, "teacher.part"), [4.0, 8.0]);
    assert_eq!(values(&bytes, "teacher.scalar"), [8.0]);
    assert_eq!(values(&bytes, "teacher.halves"), [1.0, -2.0]);
    assert_eq!(values(&bytes, "teacher.brains"), [3.0]);
    assert_eq!(values(&bytes, "steps.0"), [2.0]);
    assert_eq!(open(&bytes).unwrap()["teacher.counts"].kind.name(), "I64");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]

    /// Whatever three bytes of a file are changed and wherever it is cut, reading ends.
    #[test]
    fn no_bytes_break_the_reader(
        at in 0_usize..700,
        with in proptest::prelude::any::<[u8; 3]>(),
        cut in 0_usize..900,
    ) {
        let mut bytes = file(dictionary(&[("a", tensor(0, &[2, 2], &[2, 1]))]));
        for (place, byte) in (at..).zip(with) {
            if let Some(old) = bytes.get_mut(place) {
                *old = byte;
            }
        }
        bytes.truncate(cut.max(8));
        if let Ok(tensors) = open(&bytes) {
            for stored in tensors.values().filter(|stored| !matches!(stored.kind, Kind::Other(_))) {
                let _ = stored.read(&mut Cursor::new(bytes.clone()));
            }
        }
    }
}
