//! What researchers know of their slides: one line a slide.

use std::{collections::BTreeMap, path::Path, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{cohort::SlideQuestion, table::Table};
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
    /// Until the event, or until the patient was last seen; read where survival is asked for.
    pub time: Option<f64>,
    /// Whether the event happened; read where survival is asked for.
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

/// What a column says.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Slide,
    Patient,
    Label,
    Site,
    Scanner,
    Time,
    Event,
}

impl Role {
    const ALL: [Self; 7] = [
        Self::Slide,
        Self::Patient,
        Self::Label,
        Self::Site,
        Self::Scanner,
        Self::Time,
        Self::Event,
    ];

    /// Names of columns, as tables of other programs call them too; the first is its own.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Slide => {
                &["slide", "slide_id", "slideid", "slide_name", "filename", "file", "wsi"]
            }
            Self::Patient => {
                &["patient", "patient_id", "patientid", "case_id", "case", "submitter_id"]
            }
            Self::Label => &["label", "target", "class", "grade", "diagnosis", "value"],
            Self::Site => &["site", "center", "centre", "hospital", "institution"],
            Self::Scanner => &["scanner", "scanner_model", "device"],
            Self::Time => &[
                "time",
                "survival_time",
                "survival_months",
                "survival_days",
                "os_months",
                "os_days",
                "os_time",
                "os.time",
                "followup",
                "days",
            ],
            Self::Event => &["event", "status", "death", "os_event", "os_status", "vital_status"],
        }
    }
}

/// Which column says what, where names do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelColumns(BTreeMap<Role, String>);

impl LabelColumns {
    /// Reads `label=msi_status` and the like; the roles are slide, patient, label, site, scanner,
    /// time and event.
    ///
    /// # Errors
    /// When a role is not known or named twice.
    pub fn parse(pairs: &[String]) -> Result<Self> {
        let mut columns = BTreeMap::new();
        for pair in pairs {
            let (role, column) = pair.split_once('=').unwrap_or((pair, ""));
            let role = Role::from_str(role.trim())?;
            if column.trim().is_empty() || columns.insert(role, column.trim().to_owned()).is_some()
            {
                let what = format!("column '{pair}': expected one ROLE=COLUMN a role");
                return Err(LesionError::Setting(what));
            }
        }
        Ok(Self(columns))
    }

    fn find(&self, table: &Table, role: Role) -> Result<Option<usize>> {
        let Some(name) = self.0.get(&role) else { return table.column(role.names()) };
        table.column(&[name.as_str()])?.map(Some).ok_or_else(|| {
            let heading = table.heading.join(", ");
            let what = format!("{}: no column '{name}' (the heading is {heading})", table.name);
            LesionError::Data(what)
        })
    }
}

impl FromStr for Role {
    type Err = LesionError;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|role| role.names()[0] == text).ok_or_else(|| {
            let names = Self::ALL.map(|role| role.names()[0]).join(", ");
            LesionError::Setting(format!("no column says '{text}': name one of {names}"))
        })
    }
}

/// What stands for "not known".
const NOTHING: &[&str] = &["", "na", "n/a", "nan", "none", "null", "?"];

impl LabelTable {
    /// Reads a table `slide,patient,label[,site][,scanner][,time,event]`, in any order and beside
    /// any other columns; separated by comma, semicolon or tab.
    ///
    /// # Errors
    /// When it cannot be read, a column that the question needs is missing, a slide stands in it
    /// twice, or, for survival, a time is no positive number or an event is unclear.
    pub fn read(path: &Path, question: SlideQuestion, columns: &LabelColumns) -> Result<Self> {
        Self::of(&Table::read(path)?, question, columns)
    }

    pub(crate) fn of(
        table: &Table,
        question: SlideQuestion,
        columns: &LabelColumns,
    ) -> Result<Self> {
        let find = |role: Role| columns.find(table, role);
        let needed = |role: Role, why: &str| {
            find(role)?.ok_or_else(|| {
                LesionError::Data(format!(
                    "{}: no column '{}'{why} (the heading is {}; --column {}=NAME names another)",
                    table.name,
                    role.names()[0],
                    table.heading.join(", "),
                    role.names()[0]
                ))
            })
        };
        let slide = needed(Role::Slide, "")?;
        let patient = needed(
            Role::Patient,
            ": slides of one patient must not be divided; where every slide is of another patient, \
             repeat the slide's name there",
        )?;
        let (mut label, mut survival) = (None, None);
        if question == SlideQuestion::Survival {
            let why = ", which survival needs";
            survival = Some((needed(Role::Time, why)?, needed(Role::Event, why)?));
        } else {
            label = Some(needed(Role::Label, "")?);
        }
        let (site, scanner) = (find(Role::Site)?, find(Role::Scanner)?);
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
                label: own(label).map(str::to_owned),
                site: own(site).map(str::to_owned),
                scanner: own(scanner).map(str::to_owned),
                time: own(survival.map(|s| s.0)).map(time).transpose().map_err(wrong)?,
                event: own(survival.map(|s| s.1)).map(event).transpose().map_err(wrong)?,
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
    let time = number(text).filter(|time| *time >= 0.0);
    time.ok_or_else(|| format!("the time '{text}' is no number of 0 or more"))
}

fn event(text: &str) -> std::result::Result<bool, String> {
    // cBioPortal writes `1:DECEASED`.
    let lower = text.to_ascii_lowercase();
    match lower.split(':').next().unwrap_or_default() {
        "1" | "1.0" | "true" | "yes" | "dead" | "deceased" => Ok(true),
        "0" | "0.0" | "false" | "no" | "alive" | "living" | "censored" => Ok(false),
        _ => Err(format!("the event '{text}' is neither 1 (happened) nor 0 (last seen without)")),
    }
}

/// A finite number, also with a comma for its point, as spreadsheets of many countries write it.
pub(crate) fn number(text: &str) -> Option<f64> {
    let with_point =
        || (text.matches(',').count() == 1 && !text.contains('.')).then(|| text.replace(',', "."));
    let value = text.parse().ok().or_else(|| with_point()?.parse().ok());
    value.filter(|value: &f64| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<LabelTable> {
        let survival = text.lines().next().is_some_and(|heading| heading.contains("time"));
        let question = if survival { SlideQuestion::Survival } else { SlideQuestion::Class };
        LabelTable::of(
            &Table::parse(text, "labels.csv".into())?,
            question,
            &LabelColumns::default(),
        )
    }

    #[test]
    fn columns_are_named_where_their_names_do_not_say_it() {
        let text = "slide,patient,status,msi\na,p,frozen,high\n";
        let table = Table::parse(text, "labels.csv".into()).unwrap();
        let named = |pair: &str| LabelColumns::parse(&[pair.to_owned()]);
        let class = |columns| LabelTable::of(&table, SlideQuestion::Class, &columns);
        let rows = class(named("label=msi").unwrap()).unwrap().rows;
        assert_eq!((rows[0].label.as_deref(), rows[0].event), (Some("high"), None));
        let error = class(named("label=mss").unwrap()).unwrap_err().to_string();
        assert!(error.contains("'mss'") && error.contains("msi"), "{error}");
        let error = class(LabelColumns::default()).unwrap_err().to_string();
        assert!(error.contains("--column label=NAME"), "{error}");
        assert!(named("labels=msi").is_err() && named("label").is_err());
    }

    #[test]
    fn survival_is_read_as_registries_write_it() {
        let table =
            read("slide;patient;os_time;os_status\na;p;12,5;1:DECEASED\nb;q;3;0:LIVING\n").unwrap();
        let found: Vec<_> = table.rows.iter().map(|row| (row.time, row.event)).collect();
        assert_eq!(found, [(Some(12.5), Some(true)), (Some(3.0), Some(false))]);
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
            ("slide,patient\na,b\n", "'label'"),
            ("slide,patient,time\na,b,1\n", "'event'"),
            ("slide,patient,label,label\na,b,x,y\n", "twice"),
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
