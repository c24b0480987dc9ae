//! Folders of features of several encoders, side by side.

use std::path::PathBuf;

use super::bags::FeatureFolder;
use crate::{
    error::{LesionError, Result},
    slide_features::FeatureRows,
    task::EncoderPart,
};

impl FeatureFolder {
    /// Finds features in one folder or, of several encoders, in one folder each: as
    /// [`FeatureFolder::scan`].
    ///
    /// # Errors
    /// As [`FeatureFolder::scan`]; when two folders are of the same encoder, no slide is in all of
    /// them, or a slide's tiles do not lie at the same places in all.
    pub fn scan_all(folders: &[PathBuf]) -> Result<Self> {
        let (first, others) = folders
            .split_first()
            .ok_or_else(|| LesionError::Setting("no features folder was named".into()))?;
        let mut joined = Self::scan(first)?;
        for folder in others {
            joined = joined.beside(Self::scan(folder)?)?;
        }
        Ok(joined)
    }

    /// The encoders whose values stand side by side, in this order; none where there is one alone.
    #[must_use]
    pub fn encoder_parts(&self) -> Vec<EncoderPart> {
        let parts = self.files.first().map_or(&[][..], |(_, parts)| parts);
        let several = parts.iter().filter(|_| parts.len() > 1);
        several.filter_map(|part| EncoderPart::of(part.facts())).collect()
    }

    /// Puts another encoder's values beside these.
    fn beside(mut self, other: Self) -> Result<Self> {
        let (own, added) = (&self.facts, &other.facts);
        let again = |part: &FeatureRows| part.facts().encoder == added.encoder;
        if self.files.iter().take(1).any(|(_, parts)| parts.iter().any(again)) {
            return Err(LesionError::Data(format!(
                "{} and {} are both of {} {}: name one folder an encoder",
                self.folder.display(),
                other.folder.display(),
                added.encoder.name,
                added.encoder.version
            )));
        }
        self.facts = own.beside(added);
        let mut incomplete = self.incomplete;
        let mut beside = other.files.into_iter().collect::<std::collections::BTreeMap<_, _>>();
        let mut files = Vec::with_capacity(self.files.len());
        for (name, mut parts) in self.files {
            match beside.remove(&name) {
                Some(more) => {
                    same_tiles(&name, &parts[0], &more[0])?;
                    parts.extend(more);
                    files.push((name, parts));
                }
                None => incomplete.push(name),
            }
        }
        incomplete.extend(beside.into_keys());
        if files.is_empty() {
            return Err(LesionError::Data(format!(
                "no slide has features both in {} and in {}: files of one slide must bear the \
                 same name",
                self.folder.display(),
                other.folder.display()
            )));
        }
        Ok(Self { files, incomplete, ..self })
    }
}

/// Refuses two files whose tiles are not the same places of the same slide.
fn same_tiles(name: &str, one: &FeatureRows, other: &FeatureRows) -> Result<()> {
    let differs = |what: String| {
        Err(LesionError::Data(format!(
            "slide '{name}': {} and {} {what}; make both with tiles of the same size in microns, \
             of the same slide and the same tissue",
            one.path().display(),
            other.path().display()
        )))
    };
    if let Some(what) = one.facts().other_places(other.facts()) {
        return differs(what);
    }
    if one.tiles() != other.tiles() || one.cells()? != other.cells()? {
        let (tiles, others) = (one.tiles(), other.tiles());
        return differs(format!("have {tiles} and {others} tiles, not all at the same places"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        slide_features::{SlideFeatures, store_tests::features},
        slide_training::Bags,
    };

    fn folder(encoder: &str, slides: &[(&str, SlideFeatures)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, made) in slides {
            let mut made = made.clone();
            made.facts.encoder.name = encoder.into();
            made.write(&folder.path().join(format!("{name}.safetensors"))).unwrap();
        }
        folder
    }

    fn scan(one: &tempfile::TempDir, other: &tempfile::TempDir) -> Result<FeatureFolder> {
        FeatureFolder::scan_all(&[one.path().into(), other.path().into()])
    }

    #[test]
    fn values_of_two_encoders_stand_side_by_side() {
        let one = folder("small", &[("a", features(4)), ("b", features(5)), ("c", features(2))]);
        let other = folder("large", &[("a", features(4)), ("b", features(5)), ("d", features(2))]);
        let found = scan(&one, &other).unwrap();
        assert_eq!(found.names().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(found.incomplete(), ["c", "d"]);
        assert_eq!((found.facts().dimension, &*found.facts().encoder.name), (6, "small + large"));
        let bags = found.bags(&[1]);
        assert_eq!((bags.dimension(), bags.tiles(0)), (6, 5));
        let bag = bags.read(0, Some(&[1, 3])).unwrap();
        assert_eq!(bag.row(0), [0.75, 1.0, 1.25, 0.75, 1.0, 1.25]);
    }

    #[test]
    fn other_tiles_or_slides_are_refused() {
        let one = folder("small", &[("a", features(4))]);
        let mut moved = features(5);
        let fewer = folder("large", &[("a", moved.clone())]);
        moved.facts.slide = "another".into();
        let scanned = folder("large", &[("a", moved)]);
        let elsewhere = folder("large", &[("b", features(4))]);
        let same = folder("small", &[("a", features(4))]);
        for (other, part) in [
            (&fewer, "4 and 5 tiles"),
            (&scanned, "different scans"),
            (&elsewhere, "same name"),
            (&same, "one folder an encoder"),
        ] {
            let error = scan(&one, other).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
