//! Searching (QIDO-RS, PS3.18 section 10.6): which studies, series and instances there are.

use super::{
    data_set::{DataSet, Tag},
    instance::Series,
    tags::*,
};
use crate::answer::Refusal;

/// Most results of one answer.
const MOST: usize = 1000;

/// What is searched for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Studies,
    Series,
    Instances,
}

/// What every result of a kind says (PS3.18 tables 10.6.3-3 to 10.6.3-5), as far as it is known.
const STUDY: [Tag; 10] = [
    STUDY_DATE,
    STUDY_TIME,
    ACCESSION_NUMBER,
    REFERRING_PHYSICIAN_NAME,
    PATIENT_NAME,
    PATIENT_ID,
    PATIENT_BIRTH_DATE,
    PATIENT_SEX,
    STUDY_INSTANCE_UID,
    STUDY_ID,
];
const SERIES: [Tag; 5] =
    [MODALITY, SERIES_DESCRIPTION, SERIES_INSTANCE_UID, SERIES_NUMBER, MANUFACTURER];
const INSTANCE: [Tag; 10] = [
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    INSTANCE_NUMBER,
    ROWS,
    COLUMNS,
    BITS_ALLOCATED,
    NUMBER_OF_FRAMES,
    AVAILABLE_TRANSFER_SYNTAX_UID,
    TOTAL_PIXEL_MATRIX_COLUMNS,
    TOTAL_PIXEL_MATRIX_ROWS,
];

/// Keywords that clients use in queries instead of tags.
const KEYWORDS: [(&str, Tag); 12] = [
    ("StudyInstanceUID", STUDY_INSTANCE_UID),
    ("SeriesInstanceUID", SERIES_INSTANCE_UID),
    ("SOPInstanceUID", SOP_INSTANCE_UID),
    ("SOPClassUID", SOP_CLASS_UID),
    ("Modality", MODALITY),
    ("ModalitiesInStudy", MODALITIES_IN_STUDY),
    ("PatientID", PATIENT_ID),
    ("PatientName", PATIENT_NAME),
    ("AccessionNumber", ACCESSION_NUMBER),
    ("StudyDate", STUDY_DATE),
    ("InstanceNumber", INSTANCE_NUMBER),
    ("SeriesNumber", SERIES_NUMBER),
];

/// A query's conditions and the part of the answer that is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Query {
    /// By eight hexadecimal digits: the value, with `*` and `?` as in PS3.4 section C.2.2.2.4.
    conditions: Vec<(String, String)>,
    limit: usize,
    offset: usize,
}

impl Query {
    /// Parses the parameters of an address.
    ///
    /// # Errors
    /// When a number is none, or an attribute is not known.
    pub(crate) fn parse(parameters: &[(String, String)]) -> Result<Self, Refusal> {
        let mut query = Self { conditions: Vec::new(), limit: MOST, offset: 0 };
        for (name, value) in parameters {
            let number = || {
                value
                    .parse::<usize>()
                    .map_err(|_| Refusal::Request(format!("{name} must be a number")))
            };
            match name.as_str() {
                "limit" => query.limit = number()?.min(MOST),
                "offset" => query.offset = number()?,
                // What is asked for beyond the usual is in every answer or not known at all.
                "includefield" | "fuzzymatching" => {}
                name => query.conditions.push((key(name)?, value.clone())),
            }
        }
        Ok(query)
    }

    fn holds(&self, set: &DataSet) -> bool {
        self.conditions.iter().all(|(key, wanted)| {
            wanted.is_empty()
                || wanted == "*"
                || wanted.split([',', '\\']).any(|wanted| {
                    set.text(key).is_some_and(|value| matches(wanted.as_bytes(), value.as_bytes()))
                })
        })
    }

    /// The results that are asked for, of data sets that [`results`] gives.
    pub(crate) fn select(&self, all: impl Iterator<Item = DataSet>) -> Vec<DataSet> {
        all.filter(|set| self.holds(set)).skip(self.offset).take(self.limit).collect()
    }
}

fn key(name: &str) -> Result<String, Refusal> {
    if let Some((_, tag)) = KEYWORDS.iter().find(|(keyword, _)| *keyword == name) {
        return Ok(tag.key());
    }
    let is_tag = name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_tag
        .then(|| name.to_ascii_uppercase())
        .ok_or_else(|| Refusal::Request(format!("the attribute '{name}' cannot be searched by")))
}

/// `*` stands for any text, `?` for one character.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        if p < pattern.len() && (pattern[p] == b'?' || pattern[p] == text[t]) && pattern[p] != b'*'
        {
            (p, t) = (p + 1, t + 1);
        } else if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            (p, t) = (at + 1, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// A slide's results of a kind, from the attributes of its instances.
pub(crate) fn results(wanted: Wanted, series: &Series, instances: &[DataSet]) -> Vec<DataSet> {
    let Some(first) = instances.first() else { return Vec::new() };
    let count = [series.instances.len()];
    match wanted {
        Wanted::Studies => vec![
            first
                .only(&STUDY)
                .with(MODALITIES_IN_STUDY, ["SM"])
                .with(NUMBER_OF_STUDY_RELATED_SERIES, [1])
                .with(NUMBER_OF_STUDY_RELATED_INSTANCES, count),
        ],
        Wanted::Series => vec![
            first
                .only(&[&STUDY[..], &SERIES].concat())
                .with(NUMBER_OF_SERIES_RELATED_INSTANCES, count),
        ],
        Wanted::Instances => {
            let tags = [&STUDY[..], &SERIES, &INSTANCE].concat();
            instances.iter().map(|set| set.only(&tags)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(parameters: &[(&str, &str)]) -> Result<Query, Refusal> {
        let own: Vec<_> =
            parameters.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        Query::parse(&own)
    }

    #[test]
    fn wildcards_are_those_of_dicom() {
        for (pattern, text, holds) in [
            ("SM", "SM", true),
            ("S?", "SM", true),
            ("S*", "S", true),
            ("*M", "SM", true),
            ("*a*b", "xaab", true),
            ("", "", true),
            ("?", "", false),
            ("S", "SM", false),
            ("*x", "SM", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), holds, "{pattern} {text}");
        }
    }

    #[test]
    fn conditions_limit_and_offset_select() {
        let sets: Vec<DataSet> =
            (0..5).map(|number| DataSet::new().with(INSTANCE_NUMBER, [number])).collect();
        let count = |parameters: &[(&str, &str)]| {
            query(parameters).unwrap().select(sets.iter().cloned()).len()
        };
        assert_eq!(count(&[]), 5);
        assert_eq!(count(&[("limit", "2")]), 2);
        assert_eq!(count(&[("offset", "4"), ("limit", "9")]), 1);
        assert_eq!(count(&[("InstanceNumber", "3")]), 1);
        assert_eq!(count(&[("00200013", "3,4")]), 2);
        assert_eq!(count(&[("PatientID", "*")]), 5);
        assert_eq!(count(&[("PatientID", "X")]), 0);
        for bad in [("limit", "many"), ("Nonsense", "1"), ("0020001", "1")] {
            assert!(query(&[bad]).is_err(), "{bad:?}");
        }
    }
}
