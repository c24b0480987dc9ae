//! Which tiles a head was trained and calibrated on, in so few bytes that they travel with it: eight
//! bytes of each one's digest, and no name.

use bianque_core::Digest;
use serde::{Deserialize, Serialize, de::Error as _};

/// Tiles of which digests are kept; of more, those of the lowest digests. They are a sample, as
/// digests are as good as random, so that a folder that was trained on is still known by it.
const MOST: usize = 1 << 16;
/// Letters that write eight bytes.
const LETTERS: usize = 16;

/// The tiles that a head was made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenTiles {
    tiles: usize,
    /// In their order.
    digests: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    tiles: usize,
    digests: String,
}

impl SeenTiles {
    /// Of the digests of the tiles' files.
    #[must_use]
    pub fn of<'a>(digests: impl Iterator<Item = &'a Digest>) -> Self {
        let mut digests: Vec<u64> = digests.map(shortened).collect();
        digests.sort_unstable();
        digests.dedup();
        let tiles = digests.len();
        digests.truncate(MOST);
        Self { tiles, digests }
    }

    /// Whether a tile is among those whose digests are kept.
    #[must_use]
    pub fn contains(&self, digest: &Digest) -> bool {
        self.digests.binary_search(&shortened(digest)).is_ok()
    }

    /// Different tiles that it was made of.
    #[must_use]
    pub fn tiles(&self) -> usize {
        self.tiles
    }

    fn read(form: &Form) -> Result<Self, String> {
        let wrong = || "the digests of its training tiles are malformed".to_owned();
        let letters = form.digests.as_bytes();
        if !letters.len().is_multiple_of(LETTERS) || !letters.iter().all(u8::is_ascii_hexdigit) {
            return Err(wrong());
        }
        let one = |part: &[u8]| {
            let text = std::str::from_utf8(part).map_err(|_| wrong())?;
            u64::from_str_radix(text, 16).map_err(|_| wrong())
        };
        let digests = letters.chunks(LETTERS).map(one).collect::<Result<Vec<u64>, String>>()?;
        let ordered = digests.is_sorted_by(|a, b| a < b);
        if !ordered || digests.len() > MOST || digests.len() > form.tiles {
            return Err(wrong());
        }
        Ok(Self { tiles: form.tiles, digests })
    }
}

/// The last eight bytes of a digest.
fn shortened(digest: &Digest) -> u64 {
    let text = digest.to_string();
    let last = text.get(text.len().saturating_sub(LETTERS)..).unwrap_or_default();
    last.bytes().fold(0, |value, letter| {
        (value << 4) | u64::from(char::from(letter).to_digit(16).unwrap_or(0))
    })
}

impl Serialize for SeenTiles {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digests = self.digests.iter().map(|digest| format!("{digest:016x}")).collect();
        Form { tiles: self.tiles, digests }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SeenTiles {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&Form::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn digest(tile: usize) -> Digest {
        Digest::of(tile.to_string().as_bytes())
    }

    fn of(count: usize) -> SeenTiles {
        let digests: Vec<Digest> = (0..count).map(digest).collect();
        SeenTiles::of(digests.iter())
    }

    #[test]
    fn malformed_digests_are_refused() {
        let low = "0".repeat(LETTERS);
        let high = format!("{}1", "0".repeat(LETTERS - 1));
        let read = |tiles: usize, digests: &str| {
            serde_json::from_value::<SeenTiles>(json!({ "tiles": tiles, "digests": digests }))
        };
        assert!(read(2, &format!("{low}{high}")).is_ok());
        for (tiles, digests) in [
            (2, format!("{high}{low}")),
            (2, format!("{low}{low}")),
            (1, format!("{low}{high}")),
            (2, low[1..].to_owned()),
            (2, "+".repeat(LETTERS)),
            (2, "é".repeat(LETTERS / 2)),
        ] {
            assert!(read(tiles, &digests).is_err(), "{digests}");
        }
        assert!(serde_json::from_value::<SeenTiles>(json!({ "tiles": 1 })).is_err());
    }

    #[test]
    fn what_was_seen_is_known_again_and_nothing_else() {
        let seen = of(300);
        let again: SeenTiles =
            serde_json::from_str(&serde_json::to_string(&seen).unwrap()).unwrap();
        assert_eq!((&again, again.tiles()), (&seen, 300));
        assert!((0..300).all(|tile| again.contains(&digest(tile))));
        assert!(!(300..9000).any(|tile| again.contains(&digest(tile))));
    }

    #[test]
    fn of_very_many_a_bounded_sample_is_kept() {
        let seen = of(MOST + 10_000);
        assert_eq!((seen.tiles(), seen.digests.len()), (MOST + 10_000, MOST));
        let known = (0..1000).filter(|tile| seen.contains(&digest(*tile))).count();
        assert!((800..930).contains(&known), "{known}");
        assert!(serde_json::to_string(&seen).unwrap().len() < 1_100_000);
    }
}
