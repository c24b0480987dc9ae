//! The case of a slide that came alone. Its number is of the file's digest, never of its name: that
//! may name a patient. Its pseudonym is of chance: who knows one must not know the other.

use std::path::Path;

use bianque_core::Digest;
use bianque_record::{
    RecordError,
    cases::{LoneSlide, NewCase, NewSlide, Reading, SlidePath, Urgency},
    identity::{Label, Token},
};

use crate::library::Entry;

/// A case for this file alone.
pub(crate) fn own_case(digest: &Digest) -> Result<NewCase, RecordError> {
    let number = decimal(digest);
    Ok(NewCase {
        number: format!("S-{number}").parse()?,
        patient: format!("P-{}", chance()?).parse()?,
        urgency: Urgency::Routine,
        reading: Reading::Single,
        requested_by: None,
    })
}

/// The case with its slide.
pub(super) fn lone(entry: &Entry, folder: &Path) -> Result<LoneSlide, RecordError> {
    let label = |text: &str| text.parse::<Label>();
    let inside = entry.path.strip_prefix(folder).ok().and_then(Path::to_str);
    let path = inside.and_then(|path| path.replace('\\', "/").parse::<SlidePath>().ok());
    let path = path.map_or_else(|| format!("by-digest/{}", entry.id).parse(), Ok)?;
    Ok(LoneSlide {
        case: own_case(&entry.digest)?,
        specimen: label("A")?,
        organ: label("not stated")?,
        block: label("A1")?,
        slide: NewSlide {
            label: label("A1-1")?,
            stain: label("not stated")?,
            digest: entry.digest,
            path,
        },
    })
}

/// Sixteen digits that nothing else follows from.
fn chance() -> Result<String, RecordError> {
    let drawn = Digest::of(Token::fresh()?.reveal().as_bytes()).to_string();
    Ok(drawn.rsplit(':').next().unwrap_or_default().chars().take(16).collect())
}

/// Ten decimal digits of a digest.
fn decimal(digest: &Digest) -> String {
    let derived = Digest::of(format!("case number of {digest}").as_bytes()).to_string();
    let digits = derived.rsplit(':').next().and_then(|digits| digits.get(..15));
    let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0);
    format!("{:010}", number % 10_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_does_not_tell_the_number() {
        let digest = Digest::of(b"a slide");
        let (one, again) = (own_case(&digest).unwrap(), own_case(&digest).unwrap());
        assert_eq!(one.number, again.number);
        assert_ne!(one.patient, again.patient);
        let number = one.number.to_string();
        assert!(!one.patient.to_string().contains(number.trim_start_matches("S-")));
    }
}
