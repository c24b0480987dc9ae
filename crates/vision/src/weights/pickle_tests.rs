//! Broken and hostile pickles first, then sound ones.

use super::*;

fn complaint(bytes: &[u8]) -> String {
    Pickle::read(bytes).err().unwrap_or_default()
}

/// `\x80\x02` and the given instructions.
fn program(instructions: &[u8]) -> Vec<u8> {
    [b"\x80\x02", instructions].concat()
}

#[test]
fn code_is_never_run_and_is_named() {
    // os.system("..."), the classic; then through builtins, getattr and a class.
    for (instructions, says) in [
        (&b"cos\nsystem\nX\x02\0\0\0id\x85R."[..], "'os.system'"),
        (b"c__builtin__\neval\nX\x01\0\0\x001\x85R.", "'__builtin__.eval'"),
        (b"cbuiltins\ngetattr\n.", "'builtins.getattr'"),
        (b"\x8c\x02os\x8c\x06system\x93.", "'os.system'"),
        (b"cargparse\nNamespace\n)\x81.", "'argparse.Namespace'"),
        (b"ctorch\nload\n.", "'torch.load'"),
        (b"ctorch._utils\n_rebuild_tensor_v3\n.", "_rebuild_tensor_v3"),
        (b"(ios\nsystem\n.", "INST"),
        (b"(cos\nsystem\no.", "'os.system'"),
        (b"ccollections\nOrderedDict\n)\x81.", "NEWOBJ"),
        (b"\x82\x01.", "EXT"),
        (b"P1\n.", "PERSID"),
        (b"C\x01a.", "BYTES"),
        (b"I1\n.", "protocol 0"),
        (b"\x80\x09.", "protocol 9"),
    ] {
        let said = complaint(&program(instructions));
        assert!(said.contains(says), "{}: {said}", String::from_utf8_lossy(instructions));
    }
}

#[test]
fn only_harmless_names_are_worth_another_try() {
    for harmless in [
        &b"cargparse\nNamespace\n)\x81."[..],
        b"cnumpy.core.multiarray\nscalar\nq\x00cnumpy\ndtype\nq\x01.",
        b"cnumpy._core.multiarray\nscalar\n.",
        // What looks like a name within a text is none.
        b"cargparse\nNamespace\n)\x81X\x0e\0\0\0cposix\nsystem\n.",
        b"cargparse\nNamespace\n)\x81ctorch._utils\n_rebuild_tensor_v2\n.",
    ] {
        let said = complaint(&program(harmless));
        assert!(said.contains("save its tensors alone"), "{said}");
    }
    for hostile in [
        &b"cposix\nsystem\n."[..],
        b"cargparse\nNamespace\n)\x81cposix\nsystem\n.",
        b"cargparse\nNamespace\n(iposix\nsystem\n.",
        b"cargparse\nNamespace\n\x8c\x05posix\x8c\x06system\x93.",
        b"cargparse\nFileType\n.",
        // Cut, or no instruction: nobody knows what comes.
        b"cargparse\nNamespace\n)\x81",
        b"cargparse\nNamespace\n)\x81\xff.",
    ] {
        let said = complaint(&program(hostile));
        assert!(!said.contains("trust") && said.contains("may run code"), "{said}");
    }
}

#[test]
fn broken_programs_are_errors() {
    for instructions in [
        &b""[..],
        b".",
        b"0.",
        b"K",
        b"X\xff\xff\xff\x7fabc.",
        b"X\x01\0\0\0\xff.",
        b"ctorch",
        b"ctorch\nSize",
        b"a.",
        b"K\x01a.",
        b"K\x01K\x02a.",
        b"e.",
        b"]K\x01e.",
        b"}K\x01s.",
        b"}(K\x01u.",
        b"](K\x01K\x02u.",
        b"(.",
        b"K\x01(0.",
        b"t.",
        b"\x86.",
        b"q\x00.",
        b"h\x00.",
        b"j\x01\x00\x00\x00.",
        b"R.",
        b"K\x01)R.",
        b"ctorch\nSize\n)R.",
        b"ctorch\nSize\nK\x01R.",
        b"ccollections\nOrderedDict\nK\x01\x85R.",
        b"ctorch\nFloatStorage\n)R.",
        b"ctorch._utils\n_rebuild_tensor_v2\n)R.",
        b"ctorch._utils\n_rebuild_tensor_v2\n(NK\x00))tR.",
        b"K\x01Q.",
        b")Q.",
        b"b.",
        b"K\x01K\x02b.",
        b"\x8a\x09aaaaaaaaa.",
        b"\x93.",
        b"NN\x93.",
    ] {
        assert!(!complaint(&program(instructions)).is_empty(), "{instructions:?}");
    }
    // No end: one byte after the other is still an instruction.
    assert!(complaint(&program(&[b'N'; 64])).contains("middle"));
}

#[test]
fn values_are_bounded() {
    let many = program(&vec![b'N'; MOST_VALUES + 1]);
    assert!(complaint(&many).contains("more than"));
    let mut recalled = program(b"Nq\x00");
    recalled.extend([b'h', 0].repeat(MOST_VALUES + 1));
    assert!(complaint(&recalled).contains("more than"));
}

#[test]
fn storages_and_sizes_must_be_natural_numbers() {
    let storage = |kind: &str, length: &[u8]| {
        let mut bytes = b"(X\x07\0\0\0".to_vec();
        bytes.extend(kind.as_bytes());
        bytes.extend(b"ctorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu");
        bytes.extend(length);
        bytes.extend(b"tQ");
        bytes
    };
    assert!(
        complaint(&program(&[storage("storage", b"J\xff\xff\xff\xff"), b".".to_vec()].concat()))
            .contains("natural")
    );
    assert!(
        complaint(&program(&[storage("strange", b"K\x04"), b".".to_vec()].concat()))
            .contains("'strange'")
    );
    let tensor = |offset: &[u8], shape: &[u8]| {
        let mut bytes = b"ctorch._utils\n_rebuild_tensor_v2\n(".to_vec();
        bytes.extend(storage("storage", b"K\x04"));
        bytes.extend(offset);
        bytes.extend(shape);
        bytes.extend(b"K\x01\x85\x89}tR.");
        complaint(&program(&bytes))
    };
    assert_eq!(tensor(b"K\x00", b"K\x04\x85"), "");
    assert!(tensor(b"J\xff\xff\xff\xff", b"K\x04\x85").contains("natural"));
    assert!(tensor(b"K\x00", b"J\xff\xff\xff\xff\x85").contains("natural"));
    assert!(tensor(b"K\x00", b"(K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01t").contains("shape"));
}

#[test]
fn shared_values_stay_shared() {
    // A dictionary is remembered before it is filled, as Python writes it.
    let pickle = Pickle::read(&program(b"}q\x00X\x01\0\0\0aK\x07sh\x00.")).expect("a sound pickle");
    let Value::Dictionary(entries) = pickle.value(pickle.root()) else { panic!("no dictionary") };
    assert_eq!(entries.len(), 1);
    assert_eq!(*pickle.value(entries[0].0), Value::Text("a".to_owned()));
    assert_eq!(*pickle.value(entries[0].1), Value::Integer(7));
}

#[test]
fn numbers_have_signs() {
    for (instructions, number) in [
        (&b"K\xff."[..], 255),
        (b"M\xff\xff.", 65_535),
        (b"J\xfe\xff\xff\xff.", -2),
        (b"\x8a\x00.", 0),
        (b"\x8a\x01\x80.", -128),
        (b"\x8a\x02\x80\x00.", 128),
        (b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f.", i64::MAX),
        (b"\x88.", 1),
    ] {
        let pickle = Pickle::read(&program(instructions)).expect("a number");
        assert_eq!(*pickle.value(pickle.root()), Value::Integer(number));
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(400))]

    /// Whatever bytes stand there, reading ends.
    #[test]
    fn no_bytes_break_the_reader(bytes in proptest::collection::vec(0_u8..=255, 0..200)) {
        let _ = Pickle::read(&bytes);
        let _ = Pickle::read(&program(&bytes));
    }
}
