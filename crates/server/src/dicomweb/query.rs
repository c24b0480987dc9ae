//! Searching (QIDO-RS, PS3.18 section 10.6): which studies, series and instances there are.

use std::collections::BTreeSet;

use super::{
    data_set::{DataSet, Tag},
    tags::*,
};
use crate::answer::Refusal;

/// Most results of one answer.
pub(crate) const MOST: usize = 1000;

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
const KEYWORDS: [(&str, Tag); 36] = [
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
    ("StudyTime", STUDY_TIME),
    ("StudyID", STUDY_ID),
    ("StudyDescription", STUDY_DESCRIPTION),
    ("ReferringPhysicianName", REFERRING_PHYSICIAN_NAME),
    ("PatientBirthDate", PATIENT_BIRTH_DATE),
    ("PatientSex", PATIENT_SEX),
    ("Manufacturer", MANUFACTURER),
    ("Rows", ROWS),
    ("Columns", COLUMNS),
    ("BitsAllocated", BITS_ALLOCATED),
    ("NumberOfFrames", NUMBER_OF_FRAMES),
    ("TotalPixelMatrixRows", TOTAL_PIXEL_MATRIX_ROWS),
    ("PerformedProcedureStepStartDate", PERFORMED_PROCEDURE_STEP_START_DATE),
    ("PerformedProcedureStepStartTime", PERFORMED_PROCEDURE_STEP_START_TIME),
    ("RequestAttributesSequence", REQUEST_ATTRIBUTES_SEQUENCE),
    ("ScheduledProcedureStepID", SCHEDULED_PROCEDURE_STEP_ID),
    ("RequestedProcedureID", REQUESTED_PROCEDURE_ID),
    ("AvailableTransferSyntaxUID", AVAILABLE_TRANSFER_SYNTAX_UID),
    ("InstanceNumber", INSTANCE_NUMBER),
    ("SeriesNumber", SERIES_NUMBER),
    ("ImageType", IMAGE_TYPE),
    ("SeriesDescription", SERIES_DESCRIPTION),
    ("ContainerIdentifier", CONTAINER_IDENTIFIER),
    ("OpticalPathSequence", OPTICAL_PATH_SEQUENCE),
    ("SpecimenDescriptionSequence", SPECIMEN_DESCRIPTION_SEQUENCE),
    ("TotalPixelMatrixColumns", TOTAL_PIXEL_MATRIX_COLUMNS),
];

/// A query's conditions and the part of the answer that is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Query {
    /// By eight hexadecimal digits: the value, with `*` and `?` as in PS3.4 section C.2.2.2.4.
    conditions: Vec<(String, String)>,
    pub(crate) limit: usize,
    pub(crate) offset: usize,
    /// What is to be answered beyond the usual.
    pub(crate) include: Include,
    /// Whether names were to match by sound.
    pub(crate) fuzzy: bool,
}

/// Attributes that an answer is to have beyond the usual.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Include {
    all: bool,
    tags: BTreeSet<u32>,
}

impl Include {
    pub(crate) fn is_nothing(&self) -> bool {
        !self.all && self.tags.is_empty()
    }

    /// What of an instance's attributes is wanted.
    pub(crate) fn of(&self, set: &DataSet) -> DataSet {
        if self.all { set.clone() } else { set.only_numbers(&self.tags) }
    }
}

impl Query {
    /// Parses the parameters of an address.
    ///
    /// # Errors
    /// When a number is none, or an attribute is not known.
    pub(crate) fn parse(parameters: &[(String, String)]) -> Result<Self, Refusal> {
        let mut query = Self {
            conditions: Vec::new(),
            limit: MOST,
            offset: 0,
            include: Include::default(),
            fuzzy: false,
        };
        for (name, value) in parameters {
            let number = || {
                value
                    .parse::<usize>()
                    .map_err(|_| Refusal::Request(format!("{name} must be a number")))
            };
            match name.as_str() {
                "limit" => query.limit = number()?.min(MOST),
                "offset" => query.offset = number()?,
                "fuzzymatching" => query.fuzzy = value == "true",
                "includefield" => query.include(value),
                name => query.conditions.push((key(name)?, value.clone())),
            }
        }
        Ok(query)
    }

    /// What nobody here knows cannot be answered, and is passed over (PS3.18 section 8.3.4.3).
    fn include(&mut self, names: &str) {
        for name in names.split(',') {
            self.include.all |= name == "all";
            let key = key(name.trim()).ok();
            self.include.tags.extend(key.and_then(|key| u32::from_str_radix(&key, 16).ok()));
        }
    }

    /// Only what belongs to a series.
    #[must_use]
    pub(crate) fn within(mut self, series: &str) -> Self {
        self.conditions.push((SERIES_INSTANCE_UID.key(), series.to_owned()));
        self
    }

    /// Whether everything is wanted.
    pub(crate) fn is_open(&self) -> bool {
        self.conditions.is_empty()
    }

    /// The studies that are wanted, where the query names them: no other need be looked at.
    pub(crate) fn studies(&self) -> Option<Vec<&str>> {
        let key = STUDY_INSTANCE_UID.key();
        let (_, value) = self.conditions.iter().find(|(name, _)| *name == key)?;
        let plain = !value.is_empty() && !value.contains(['*', '?']);
        plain.then(|| value.split([',', '\\']).collect())
    }

    fn holds(&self, set: &DataSet) -> bool {
        self.conditions.iter().all(|(key, wanted)| {
            wanted.is_empty()
                || wanted == "*"
                || wanted.split([',', '\\']).any(|wanted| {
                    let values = set.texts(key);
                    values.iter().any(|value| matches(wanted.as_bytes(), value.as_bytes()))
                })
        })
    }

    /// A study's results of a kind, of what is listed of its instances. A study or series is one
    /// when an instance of it has all that is asked for.
    pub(crate) fn results(&self, wanted: Wanted, instances: &[DataSet]) -> Vec<Found> {
        let distinct = |tag: Tag, sets: &[&DataSet]| -> Vec<String> {
            let values: BTreeSet<String> = sets.iter().filter_map(|set| set.text(tag)).collect();
            values.into_iter().collect()
        };
        let all: Vec<&DataSet> = instances.iter().collect();
        let modalities = distinct(MODALITY, &all);
        let holds =
            |set: &&DataSet| self.holds(&(*set).clone().with(MODALITIES_IN_STUDY, &modalities));
        let found = |at: usize, set: DataSet| Found { at, set };
        match wanted {
            Wanted::Studies => {
                let at = all.iter().position(holds);
                let study = at.and_then(|_| all.first()).map(|first| {
                    let series = distinct(SERIES_INSTANCE_UID, &all).len();
                    found(0, first.only(&STUDY))
                        .with(MODALITIES_IN_STUDY, &modalities)
                        .with(NUMBER_OF_STUDY_RELATED_SERIES, [series])
                        .with(NUMBER_OF_STUDY_RELATED_INSTANCES, [all.len()])
                });
                study.into_iter().collect()
            }
            Wanted::Series => {
                let mut seen = BTreeSet::new();
                let held = all.iter().enumerate().filter(|(_, set)| holds(set));
                held.filter_map(|(at, set)| {
                    let uid = set.text(SERIES_INSTANCE_UID)?;
                    let same =
                        |other: &&&DataSet| other.text(SERIES_INSTANCE_UID).as_ref() == Some(&uid);
                    let count = all.iter().filter(same).count();
                    let line = found(at, set.only(&[&STUDY[..], &SERIES].concat()))
                        .with(NUMBER_OF_SERIES_RELATED_INSTANCES, [count]);
                    seen.insert(uid).then_some(line)
                })
                .collect()
            }
            Wanted::Instances => {
                let tags = [&STUDY[..], &SERIES, &INSTANCE].concat();
                let held = all.iter().enumerate().filter(|(_, set)| holds(set));
                held.map(|(at, set)| found(at, set.only(&tags))).collect()
            }
        }
    }
}

/// A result, and the instance that it is of.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) at: usize,
    pub(crate) set: DataSet,
}

impl Found {
    fn with<T: serde::Serialize>(mut self, tag: Tag, values: impl IntoIterator<Item = T>) -> Self {
        self.set = self.set.with(tag, values);
        self
    }
}

/// An attribute's tag, or those of one within a sequence (`00400275.00401001`), which nothing here has.
fn key(name: &str) -> Result<String, Refusal> {
    if let Some((sequence, inner)) = name.split_once('.') {
        return Ok(format!("{}.{}", key(sequence)?, key(inner)?));
    }
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

    fn study() -> Vec<DataSet> {
        let instance = |number: u32, series: &str, modality: &str| {
            DataSet::new()
                .with(STUDY_INSTANCE_UID, ["1.2"])
                .with(PATIENT_ID, ["P-0042"])
                .with(SERIES_INSTANCE_UID, [series])
                .with(SOP_INSTANCE_UID, [format!("1.2.{number}")])
                .with(INSTANCE_NUMBER, [number])
                .with(MODALITY, [modality])
        };
        vec![instance(1, "1.2.7", "SM"), instance(2, "1.2.7", "SM"), instance(3, "1.2.8", "ANN")]
    }

    #[test]
    fn a_study_is_found_by_what_any_of_its_instances_has() {
        let study = study();
        let count = |wanted, parameters: &[(&str, &str)]| {
            query(parameters).unwrap().results(wanted, &study).len()
        };
        for (parameters, studies, series, instances) in [
            (&[][..], 1, 2, 3),
            (&[("Modality", "ANN")], 1, 1, 1),
            (&[("ModalitiesInStudy", "ANN")], 1, 2, 3),
            (&[("ModalitiesInStudy", "SR")], 0, 0, 0),
            (&[("PatientID", "P-00*")], 1, 2, 3),
            (&[("00100020", "P-1*")], 0, 0, 0),
            (&[("SeriesInstanceUID", "1.2.8")], 1, 1, 1),
            (&[("00200013", "1,2")], 1, 1, 2),
            (&[("Modality", "SM"), ("InstanceNumber", "3")], 0, 0, 0),
        ] {
            assert_eq!(count(Wanted::Studies, parameters), studies, "{parameters:?}");
            assert_eq!(count(Wanted::Series, parameters), series, "{parameters:?}");
            assert_eq!(count(Wanted::Instances, parameters), instances, "{parameters:?}");
        }
        let one = &query(&[]).unwrap().results(Wanted::Studies, &study)[0].set;
        assert_eq!(one.texts("00080061"), ["ANN", "SM"]);
        assert_eq!(
            (one.texts("00201206"), one.texts("00201208")),
            (vec!["2".into()], vec!["3".into()])
        );
    }

    #[test]
    fn parameters_are_parsed_or_refused() {
        let parsed = query(&[("limit", "2"), ("offset", "4"), ("fuzzymatching", "true")]).unwrap();
        assert_eq!((parsed.limit, parsed.offset, parsed.fuzzy), (2, 4, true));
        let named = query(&[("StudyInstanceUID", "1.2,1.3")]).unwrap();
        assert_eq!(named.studies(), Some(vec!["1.2", "1.3"]));
        assert_eq!(query(&[("StudyInstanceUID", "1.*")]).unwrap().studies(), None);
        let include = query(&[("includefield", "PatientID,00080018,Nonsense")]).unwrap().include;
        assert_eq!(include.of(&study()[0]).texts("00080018"), ["1.2.1"]);
        assert!(include.of(&study()[0]).texts("00080060").is_empty());
        let nested = ["00400275.00401001", "RequestAttributesSequence.RequestedProcedureID"];
        for name in nested.into_iter().chain(["PerformedProcedureStepStartDate", "StudyID"]) {
            let none = query(&[(name, "7")]).unwrap().results(Wanted::Studies, &study());
            assert!(none.is_empty(), "{name}");
            assert_eq!(query(&[(name, "")]).unwrap().results(Wanted::Studies, &study()).len(), 1);
        }
        for bad in [("limit", "many"), ("Nonsense", "1"), ("0020001", "1"), ("00400275.x", "1")] {
            assert!(query(&[bad]).is_err(), "{bad:?}");
        }
    }
}
