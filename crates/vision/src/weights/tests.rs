//! Broken files first, then sound ones.

use half::{bf16, f16};

use super::*;

fn file(header: &str, data: &[u8]) -> tempfile::NamedTempFile {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

fn opened(header: &str, data: &[u8]) -> Result<Weights> {
    Weights::open(file(header, data).path(), None)
}

#[test]
fn malformed_files_are_named_errors() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    assert!(Weights::open(empty.path(), None).is_err());
    let huge = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(huge.path(), u64::MAX.to_le_bytes()).unwrap();
    assert!(Weights::open(huge.path(), None).is_err());
    for (header, data) in [
        ("", &[][..]),
        ("not json", &[]),
        (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, &[0; 7]),
        (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, &[0; 9]),
        (r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, &[0; 8]),
        (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#, &[0; 12]),
        (r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#, &[]),
        (r#"{"a":{"dtype":"F99","shape":[2],"data_offsets":[0,8]}}"#, &[0; 8]),
    ] {
        let error = opened(header, data).err().map(|error| error.to_string());
        assert!(
            error.is_some_and(|text| text.contains("safetensors") || text.contains("cut")),
            "{header}"
        );
    }
}

#[test]
fn a_value_that_is_no_number_is_refused_by_place() {
    let header = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    let data = [1.0_f32.to_le_bytes(), f32::NAN.to_le_bytes()].concat();
    let error = opened(header, &data).unwrap().take("a", &[2]).unwrap_err().to_string();
    assert!(error.contains("'a' is damaged: value 1 is NaN"), "{error}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    /// Whatever a file holds, reading it ends in tensors or an error.
    #[test]
    fn no_bytes_break_the_reader(
        at in 0_usize..80,
        with in proptest::prelude::any::<[u8; 3]>(),
        cut in 0_usize..90,
    ) {
        let header = r#"{"a":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]}}"#;
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(&[0; 8]);
        let end = (at + 3).min(bytes.len());
        let start = at.min(end);
        bytes[start..end].copy_from_slice(&with[..end - start]);
        bytes.truncate(cut);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        if let Ok(mut weights) = Weights::open(file.path(), None) {
            let shape = weights.shape("a").unwrap_or_default();
            let _ = weights.take("a", &shape);
        }
    }
}

#[test]
fn every_float_type_becomes_f32() {
    let header = r#"{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[2,4]},"c":{"dtype":"F32","shape":[],"data_offsets":[4,8]},"d":{"dtype":"I32","shape":[1],"data_offsets":[8,12]},"e":{"dtype":"F64","shape":[2],"data_offsets":[12,28]},"f":{"dtype":"F64","shape":[1],"data_offsets":[28,36]}}"#;
    let mut data = f16::from_f32(-1.5).to_le_bytes().to_vec();
    data.extend(bf16::from_f32(2.25).to_le_bytes());
    data.extend(0.1_f32.to_le_bytes());
    data.extend([0; 4]);
    data.extend([0.1_f64, -3.0, 1e300].iter().flat_map(|value| value.to_le_bytes()));
    let mut weights = opened(header, &data).unwrap();
    assert_eq!(weights.take("a", &[1]).unwrap(), [-1.5]);
    assert_eq!(weights.take("b", &[1]).unwrap(), [2.25]);
    assert_eq!(weights.take("c", &[]).unwrap(), [0.1]);
    assert_eq!(weights.take("e", &[2]).unwrap(), [0.1, -3.0]);
    assert!(weights.take("f", &[1]).unwrap_err().to_string().contains("value 0 is inf"));
    weights.ignore("f");
    assert!(weights.take("d", &[1]).unwrap_err().to_string().contains("I32"));
    assert!(weights.finish().unwrap_err().to_string().contains("such as d"));
}

#[test]
fn a_wrong_shape_a_missing_tensor_and_another_file_are_refused() {
    let tensors = std::collections::BTreeMap::from([("a".to_owned(), (vec![2, 3], vec![1.0; 6]))]);
    let file = tempfile::NamedTempFile::new().unwrap();
    write_for_test(file.path(), &tensors);
    let other = Digest::of(b"another file");
    assert!(Weights::open(file.path(), Some(&other)).is_err());
    let mut weights = Weights::open(file.path(), None).unwrap();
    assert_eq!(weights.digest(), Digest::of(&std::fs::read(file.path()).unwrap()));
    assert!(weights.take("a", &[3, 2]).unwrap_err().to_string().contains("[2, 3]"));
    assert!(weights.take("b", &[3, 2]).unwrap_err().to_string().contains("'b'"));
    assert!(weights.shape("b").is_err());
    assert_eq!(weights.shape("a").unwrap(), [2, 3]);
    assert_eq!(weights.take("a", &[2, 3]).unwrap(), [1.0; 6]);
    assert!(weights.finish().is_ok());
}
