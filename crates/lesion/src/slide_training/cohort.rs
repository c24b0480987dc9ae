//! Slides with their labels and features joined: what a training or an evaluation is about.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    bags::FeatureFolder,
    labels::{LabelRow, LabelTable, number},
};
use crate::{
    error::{LesionError, Result},
    slide_head::{SlidePurpose, SlideTarget},
};

/// What a person wants to be told of a slide.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlideQuestion {
    /// Its class.
    Class,
    /// A value.
    Value,
    /// How soon an event comes.
    Survival,
}

/// Labelled slides whose features are there.
#[derive(Clone, Debug)]
pub struct Cohort {
    /// The lines of the table, a slide each.
    pub rows: Vec<LabelRow>,
    /// What is known of each.
    pub targets: Vec<SlideTarget>,
    /// What is to be said.
    pub purpose: SlidePurpose,
    /// Patients' names.
    pub patients: Vec<String>,
    /// Per slide: whose it is.
    pub patient_of: Vec<usize>,
    /// Per slide: its place in the features folder.
    pub features: Vec<usize>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// How a table is joined with features.
#[derive(Clone, Debug, Default)]
pub struct CohortSettings {
    /// Classes in their order (from harmless to grave); all that occur, sorted, where none are
    /// named. Slides of other classes are left out.
    pub classes: Vec<String>,
    /// Whether labelled slides without features are left out instead of refused.
    pub allow_missing: bool,
}

impl Cohort {
    /// Joins a table with features.
    ///
    /// # Errors
    /// When labelled slides have no features and that was not allowed, no slide is left, a value
    /// is no number, a class is unknown or there is only one, or a slide has no tile.
    pub fn join(
        table: &LabelTable,
        features: &FeatureFolder,
        question: SlideQuestion,
        settings: &CohortSettings,
    ) -> Result<Self> {
        let mut warnings = Vec::new();
        let known = with_answers(table, question, settings, &mut warnings)?;
        let (rows, places) = with_features(table, known, features, settings, &mut warnings)?;
        let purpose = purpose(table, &rows, question, settings)?;
        let targets =
            rows.iter().map(|row| target(table, row, &purpose)).collect::<Result<Vec<_>>>()?;
        if rows.is_empty() {
            return Err(LesionError::Data(format!("{}: no labelled slide is left", table.name)));
        }
        let names: BTreeSet<&str> = rows.iter().map(|row| row.patient.as_str()).collect();
        let index: BTreeMap<&str, usize> =
            names.iter().enumerate().map(|(index, name)| (*name, index)).collect();
        let patient_of = rows.iter().map(|row| index[row.patient.as_str()]).collect();
        let patients = names.into_iter().map(str::to_owned).collect();
        Ok(Self { targets, purpose, patients, patient_of, features: places, warnings, rows })
    }

    /// What folds are balanced by: the class, the third of the values, whether the event happened.
    #[must_use]
    pub fn strata(&self) -> Vec<usize> {
        let mut values: Vec<f64> = self
            .targets
            .iter()
            .filter_map(|target| match target {
                SlideTarget::Value(value) => Some(*value),
                _ => None,
            })
            .collect();
        values.sort_by(f64::total_cmp);
        let limit = |third: usize| values.get(values.len() * third / 3).copied();
        let above = |value: f64, third| limit(third).is_some_and(|limit| value >= limit);
        let stratum = |target: &SlideTarget| match target {
            SlideTarget::Class(class) => *class,
            SlideTarget::Value(value) => [1, 2].iter().filter(|t| above(*value, **t)).count(),
            SlideTarget::Survival { event, .. } => usize::from(*event),
        };
        self.targets.iter().map(stratum).collect()
    }

    /// Names of the slides.
    #[must_use]
    pub fn slides(&self) -> Vec<String> {
        self.rows.iter().map(|row| row.slide.clone()).collect()
    }
}

/// Rows whose answer is known.
fn with_answers<'a>(
    table: &'a LabelTable,
    question: SlideQuestion,
    settings: &CohortSettings,
    warnings: &mut Vec<String>,
) -> Result<Vec<&'a LabelRow>> {
    let answered = |row: &&LabelRow| match question {
        SlideQuestion::Class | SlideQuestion::Value => row.label.is_some(),
        SlideQuestion::Survival => row.time.is_some() && row.event.is_some(),
    };
    let known: Vec<&LabelRow> = table.rows.iter().filter(answered).collect();
    let unknown = table.rows.len() - known.len();
    if unknown > 0 {
        warnings.push(format!("{unknown} slides of {} have no label: left out", table.name));
    }
    if question != SlideQuestion::Class || settings.classes.is_empty() {
        return Ok(known);
    }
    let labels: BTreeSet<&str> = known.iter().filter_map(|row| row.label.as_deref()).collect();
    if let Some(absent) = settings.classes.iter().find(|class| !labels.contains(class.as_str())) {
        let list = labels.into_iter().take(20).collect::<Vec<_>>().join(", ");
        return Err(LesionError::Data(format!(
            "{}: no slide is of class '{absent}'; the labels are {list}",
            table.name
        )));
    }
    let listed = |row: &&LabelRow| {
        row.label.as_ref().is_some_and(|label| settings.classes.iter().any(|own| own == label))
    };
    let (listed, others): (Vec<_>, Vec<_>) = known.into_iter().partition(listed);
    if !others.is_empty() {
        let names: BTreeSet<&str> = others.iter().filter_map(|row| row.label.as_deref()).collect();
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        warnings.push(format!("{} slides of other classes are left out: {names}", others.len()));
    }
    Ok(listed)
}

/// Rows whose slide has features, and where these lie.
fn with_features(
    table: &LabelTable,
    rows: Vec<&LabelRow>,
    features: &FeatureFolder,
    settings: &CohortSettings,
    warnings: &mut Vec<String>,
) -> Result<(Vec<LabelRow>, Vec<usize>)> {
    let mut found: Vec<(LabelRow, usize)> = Vec::new();
    let mut missing = Vec::new();
    let mut taken: BTreeMap<usize, &str> = BTreeMap::new();
    for row in rows {
        let Some(place) = features.find(&row.slide) else {
            missing.push(row.slide.as_str());
            continue;
        };
        if let Some(before) = taken.insert(place, &row.slide) {
            return Err(LesionError::Data(format!(
                "{}: slides '{before}' and '{}' have the same features file; name each as its file",
                table.name, row.slide
            )));
        }
        found.push((row.clone(), place));
    }
    if !missing.is_empty() {
        let few = missing.iter().take(5).copied().collect::<Vec<_>>().join(", ");
        let what = format!("{} of the labelled slides have no features: {few}", missing.len());
        if !settings.allow_missing {
            let have = features.names().take(3).collect::<Vec<_>>().join(", ");
            let incomplete = features.incomplete().len();
            let of_one = format!(" {incomplete} slides lack those of one encoder.");
            let of_one = if incomplete > 0 { of_one } else { String::new() };
            return Err(LesionError::Data(format!(
                "{}: {what}. There are features of {have}, and so on.{of_one} Make the missing \
                 ones with `bianque run`, correct the names, or leave these slides out with \
                 --allow-missing",
                table.name
            )));
        }
        warnings.push(format!("{what}; left out"));
    }
    Ok(found.into_iter().unzip())
}

fn purpose(
    table: &LabelTable,
    rows: &[LabelRow],
    question: SlideQuestion,
    settings: &CohortSettings,
) -> Result<SlidePurpose> {
    match question {
        SlideQuestion::Value => Ok(SlidePurpose::Regression { mean: 0.0, deviation: 1.0 }),
        SlideQuestion::Survival => {
            if rows.iter().any(|row| row.event == Some(true)) {
                return Ok(SlidePurpose::Survival);
            }
            let what = "no event happened: survival cannot be learnt or measured";
            Err(LesionError::Data(format!("{}: {what}", table.name)))
        }
        SlideQuestion::Class => {
            let present: BTreeSet<&str> =
                rows.iter().filter_map(|row| row.label.as_deref()).collect();
            let list = present.iter().copied().collect::<Vec<_>>().join(", ");
            if present.len() < 2 {
                return Err(LesionError::Data(format!(
                    "{}: all slides are of one class ({list}); two at least are needed to tell \
                     apart",
                    table.name
                )));
            }
            if present.len() > 64 {
                return Err(LesionError::Data(format!(
                    "{}: {} different labels; for numbers say --question value",
                    table.name,
                    present.len()
                )));
            }
            let absent = settings.classes.iter().find(|class| !present.contains(class.as_str()));
            if let Some(absent) = absent {
                return Err(LesionError::Data(format!(
                    "{}: no slide is of class '{absent}'; the classes are {list}",
                    table.name
                )));
            }
            let classes = if settings.classes.is_empty() {
                present.into_iter().map(str::to_owned).collect()
            } else {
                settings.classes.clone()
            };
            Ok(SlidePurpose::Classification { classes })
        }
    }
}

fn target(table: &LabelTable, row: &LabelRow, purpose: &SlidePurpose) -> Result<SlideTarget> {
    let label = row.label.as_deref().unwrap_or_default();
    let found = match purpose {
        SlidePurpose::Classification { classes } => {
            classes.iter().position(|class| class == label).map(SlideTarget::Class)
        }
        SlidePurpose::Regression { .. } => number(label).map(SlideTarget::Value),
        SlidePurpose::Survival => match (row.time, row.event) {
            (Some(time), Some(event)) => Some(SlideTarget::Survival { time, event }),
            _ => None,
        },
    };
    found.ok_or_else(|| {
        let line = row.line;
        LesionError::Data(format!("{}, line {line}: the label '{label}' is no number", table.name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        slide_features::store_tests::features,
        slide_training::{labels::LabelColumns, table::Table},
    };

    fn folder(names: &[&str]) -> (tempfile::TempDir, FeatureFolder) {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            features(4).write(&folder.path().join(format!("{name}.safetensors"))).unwrap();
        }
        let found = FeatureFolder::scan(folder.path()).unwrap();
        (folder, found)
    }

    fn join(text: &str, question: SlideQuestion, settings: &CohortSettings) -> Result<Cohort> {
        let (_folder, features) = folder(&["a", "b", "c"]);
        let table = Table::parse(text, "labels.csv".into())?;
        let table = LabelTable::of(&table, question, &LabelColumns::default())?;
        Cohort::join(&table, &features, question, settings)
    }

    #[test]
    fn slides_are_joined_by_name_and_patient() {
        let text = "slide,patient,label\nc.svs,p2,x\na,p1,y\nb,p2,\n";
        let cohort = join(text, SlideQuestion::Class, &CohortSettings::default()).unwrap();
        assert_eq!((cohort.features, cohort.patient_of), (vec![2, 0], vec![1, 0]));
        assert_eq!(cohort.targets, [SlideTarget::Class(0), SlideTarget::Class(1)]);
        assert_eq!(cohort.warnings.len(), 1);
        let text = "slide,patient,time,event\na,p,3,1\nb,q,4,0\n";
        let cohort = join(text, SlideQuestion::Survival, &CohortSettings::default()).unwrap();
        assert_eq!(cohort.strata(), [1, 0]);
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_what_to_do() {
        let plain = CohortSettings::default();
        let other = CohortSettings { classes: vec!["x".into(), "z".into()], ..plain.clone() };
        let class = SlideQuestion::Class;
        let cases = [
            ("slide,patient,label\na,p,x\nd,q,y\n", class, &plain, "--allow-missing"),
            ("slide,patient,label\na,p,x\nb,q,x\n", class, &plain, "one class (x)"),
            ("slide,patient,label\na,p,x\nb,q,y\n", class, &other, "'z'; the labels are x, y"),
            ("slide,patient,label\na,p,x\nb,q,y\n", SlideQuestion::Value, &plain, "line 2"),
            ("slide,patient,label\na,p,x\na.svs,q,y\n", class, &plain, "same features file"),
            ("slide,patient,time,event\na,p,3,0\n", SlideQuestion::Survival, &plain, "no event"),
        ];
        for (text, question, settings, part) in cases {
            let error = join(text, question, settings).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        let missing = CohortSettings { allow_missing: true, ..plain };
        let text = "slide,patient,label\na,p,x\nb,q,y\nd,r,y\n";
        assert_eq!(join(text, class, &missing).unwrap().rows.len(), 2);
    }
}
