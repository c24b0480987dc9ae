//! Parts as a file lists them.

use std::{collections::BTreeMap, path::Path};

use super::Parts;
use crate::{
    error::{LesionError, Result},
    files::read_bounded,
};

/// Reads a CSV file `file,part` with the parts `train`, `validation` and `test`, and divides the
/// `names` by it. A first line that ends in `part`, `fold`, `split` or `set` is a heading. The second value says
/// which names the file does not mention; they are in no part.
///
/// # Errors
/// When the file cannot be read, a line is malformed, or a part to train or choose by stays empty.
pub fn list_parts(path: &Path, names: &[String]) -> Result<(Parts, Vec<String>)> {
    let bytes = read_bounded(path, 1 << 28)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| LesionError::Data(format!("{}: not UTF-8 text", path.display())))?;
    let listed = parse(&text, &path.display().to_string())?;
    let mut parts = Parts::default();
    let mut missing = Vec::new();
    for (index, name) in names.iter().enumerate() {
        match listed.get(name.as_str()) {
            Some(Part::Train) => parts.train.push(index),
            Some(Part::Validation) => parts.validation.push(index),
            Some(Part::Test) => parts.test.push(index),
            None => missing.push(name.clone()),
        }
    }
    Ok((parts.check()?, missing))
}

#[derive(Copy, Clone)]
enum Part {
    Train,
    Validation,
    Test,
}

fn parse<'a>(text: &'a str, path: &str) -> Result<BTreeMap<&'a str, Part>> {
    let mut listed = BTreeMap::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        let is_heading = || {
            let last = line.rsplit(',').next().unwrap_or_default().trim().to_ascii_lowercase();
            matches!(&*last, "part" | "fold" | "split" | "set")
        };
        if line.is_empty() || (index == 0 && is_heading()) {
            continue;
        }
        let wrong = |what: &str| LesionError::Data(format!("{path}, line {}: {what}", index + 1));
        // File names may hold commas, parts do not.
        let (name, part) = line.rsplit_once(',').ok_or_else(|| wrong("expected file,part"))?;
        let part = match part.trim() {
            "train" => Part::Train,
            "validation" | "val" => Part::Validation,
            "test" => Part::Test,
            _ => return Err(wrong("the part must be train, validation or test")),
        };
        if listed.insert(name.trim().trim_matches('"'), part).is_some() {
            return Err(wrong("the file is listed a second time"));
        }
    }
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Parts, Vec<String>)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("split.csv");
        std::fs::write(&path, text).unwrap();
        list_parts(&path, &["a/1.png".into(), "a/2,3.png".into(), "b/4.png".into()])
    }

    #[test]
    fn files_go_where_the_list_says() {
        let (parts, missing) =
            read("\u{feff}slide,part\na/1.png,train\n\"a/2,3.png\",validation\nother,test\n")
                .unwrap();
        assert_eq!((parts.train, parts.validation), (vec![0], vec![1]));
        assert_eq!(missing, ["b/4.png"]);
    }

    #[test]
    fn malformed_lists_are_refused() {
        for text in [
            "",
            "a/1.png",
            "a/1.png,training\n",
            "a/1.png,train\na/1.png,test\n",
            "a/1.png,train\n",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
