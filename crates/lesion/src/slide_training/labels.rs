//! What researchers know of their slides: one line a slide.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

use super::table::Table;
use crate::error::{LesionError, Result};

/// One line of a table of labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelRow {
    /// The slide's name.
    pub slide: String,
    /// Whose it is: slides of one patient never part.
    pub patient: String,
    /// Its class or value as text.
    pub label: Option<String>,
    /// The hospital.
    pub site: Option<String>,
    /// The scanner.
    pub scanner: Option<String>,
    /// Until the event, or until the patient was last seen.
    pub time: Option<f64>,
    /// Whether the event happened.
    pub event: Option<bool>,
    /// The line of the file.
    pub line: usize,
}

/// A table of labels.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelTable {
    /// The file, for messages.
    pub name: String,
    /// The lines, a slide each.
    pub rows: Vec<LabelRow>,
}

/// Names of columns, as tables of other programs call them too.
const SLIDE: &[&str] = &["slide", "slide_id", "slideid", "slide_name", "filename", "file", "wsi"];
const PATIENT: &[&str] = &["patient", "patient_id", "patientid", "case_id", "case", "submitter_id"];
const LABEL: &[&str] = &["label", "target", "class", "grade", "diagnosis", "value"];
const SITE: &[&str] = &["site", "center", "centre", "hospital", "institution"];
const SCANNER: &[&str] = &["scanner", "scanner_model", "device"];
const TIME: &[&str] =
    &["time", "survival_time", "survival_months", "os_months", "followup", "days"];
const EVENT: &[&str] = &["event", "status", "death", "os_event"];

/// What stands for "not known".
const NOTHING: &[&str] = &["", "na", "n/a", "nan", "none", "null", "?"];

impl LabelTable {
    /// Reads a table `slide,patient,label[,site][,scanner][,time,event]`, in any order and beside
    /// any other columns; separated by comma, semicolon or tab.
    ///
    /// # Errors
    /// When it cannot be read, a column is missing, a slide stands in it twice, a time is no
    /// positive number or an event neither 0 nor 1.
    pub fn read(path: &Path) -> Result<Self> {
        Self::of(&Table::read(path)?)
    }

    pub(crate) fn of(table: &Table) -> Result<Self> {
        let needed = |names: &[&str], why: &str| {
            table.column(names).ok_or_else(|| {
                LesionError::Data(format!(
                    "{}: no column '{}'{why} (the heading is {})",
                    table.name,
                    names[0],
                    table.heading.join(", ")
                ))
            })
        };
        let slide = needed(SLIDE, "")?;
        let patient = needed(
            PATIENT,
            ": slides of one patient must not be divided; where every slide is of another patient, \
             repeat the slide's name there",
        )?;
        let columns = [LABEL, SITE, SCANNER, TIME, EVENT].map(|names| table.column(names));
        if columns[0].is_none() && (columns[3].is_none() || columns[4].is_none()) {
            let what = "neither a column 'label' nor the columns 'time' and 'event'";
            return Err(LesionError::Data(format!("{}: {what}", table.name)));
        }
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut rows = Vec::with_capacity(table.rows.len());
        for (line, fields) in &table.rows {
            let wrong =
                |what: String| LesionError::Data(format!("{}, line {line}: {what}", table.name));
            let own = |column: Option<usize>| column.and_then(|column| known(&fields[column]));
            let name = known(&fields[slide]).ok_or_else(|| wrong("no slide is named".into()))?;
            let patient = known(&fields[patient])
                .ok_or_else(|| wrong(format!("slide '{name}' has no patient")))?;
            if let Some(before) = seen.insert(name, *line) {
                let what = format!("slide '{name}' stands in line {before} already; keep one");
                return Err(wrong(what));
            }
            rows.push(LabelRow {
                slide: name.to_owned(),
                patient: patient.to_owned(),
                label: own(columns[0]).map(str::to_owned),
                site: own(columns[1]).map(str::to_owned),
                scanner: own(columns[2]).map(str::to_owned),
                time: own(columns[3]).map(time).transpose().map_err(wrong)?,
                event: own(columns[4]).map(event).transpose().map_err(wrong)?,
                line: *line,
            });
        }
        if rows.is_empty() {
            return Err(LesionError::Data(format!("{}: no slide is listed", table.name)));
        }
        Ok(Self { name: table.name.clone(), rows })
    }
}

fn known(text: &str) -> Option<&str> {
    (!NOTHING.iter().any(|nothing| text.eq_ignore_ascii_case(nothing))).then_some(text)
}

fn time(text: &str) -> std::result::Result<f64, String> {
    let time = text.parse::<f64>().ok().filter(|time| time.is_finite() && *time >= 0.0);
    time.ok_or_else(|| format!("the time '{text}' is no number of 0 or more"))
}

fn event(text: &str) -> std::result::Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "1.0" | "true" | "yes" => Ok(true),
        "0" | "0.0" | "false" | "no" => Ok(false),
        _ => Err(format!("the event '{text}' is neither 1 (happened) nor 0 (last seen without)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<LabelTable> {
        LabelTable::of(&Table::parse(text, "labels.csv".into())?)
    }

    #[test]
    fn tables_of_other_programs_are_read() {
        let table = read("case_id,slide_id,label\np1,s1.svs,tumor\np1,s2.svs,NA\n").unwrap();
        assert_eq!(table.rows[0].patient, "p1");
        assert_eq!(table.rows[0].label.as_deref(), Some("tumor"));
        assert_eq!(table.rows[1].label, None);
        let table = read("slide\tpatient\ttime\tevent\tsite\na\tb\t12.5\t1\tX\n").unwrap();
        let row = &table.rows[0];
        assert_eq!((row.time, row.event, row.site.as_deref()), (Some(12.5), Some(true), Some("X")));
    }

    #[test]
    fn what_is_missing_or_doubled_is_said() {
        let cases = [
            ("slide,label\na,b\n", "patient"),
            ("patient,label\na,b\n", "'slide'"),
            ("slide,patient\na,b\n", "'time' and 'event'"),
            ("slide,patient,label\na,p,x\na,p,x\n", "line 2 already"),
            ("slide,patient,label\na,,x\n", "has no patient"),
            ("slide,patient,label\n", "no slide is listed"),
            ("slide,patient,time,event\na,p,-1,1\n", "'-1'"),
            ("slide,patient,time,event\na,p,3,2\n", "neither 1"),
        ];
        for (text, part) in cases {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
