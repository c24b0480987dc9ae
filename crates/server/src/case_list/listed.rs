//! What the rows of `cases.csv` say. A case of which one row is wrong is not taken at all, and where
//! a row does not say of which case it is, none is. Nothing of a row's text is repeated: it may name
//! a patient.

use std::collections::{BTreeMap, BTreeSet};

use bianque_record::{
    RecordError,
    cases::{SlidePath, SlidePlace, Urgency},
    identity::{CaseNumber, Pseudonym},
};

use super::rows::{self, Record};

/// What is wrong, and on which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) line: usize,
    pub(crate) what: String,
}

/// A slide of a listed case.
#[derive(Clone, Debug)]
pub(super) struct ListedSlide {
    pub(super) line: usize,
    /// Relative to the folder of slides.
    pub(super) file: SlidePath,
    pub(super) place: SlidePlace,
}

/// A case as the list has it.
#[derive(Clone, Debug)]
pub(super) struct ListedCase {
    pub(super) number: CaseNumber,
    pub(super) patient: Pseudonym,
    pub(super) urgency: Urgency,
    pub(super) slides: Vec<ListedSlide>,
}

/// What of a list can be taken, and what is wrong with the rest.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) cases: Vec<ListedCase>,
    pub(super) problems: Vec<Problem>,
}

const NEEDED: [&str; 8] =
    ["file", "case", "patient", "specimen", "organ", "block", "label", "stain"];
const URGENCY: &str = "urgency";
/// The most slides that a list may have.
const MOST_ROWS: usize = 100_000;
/// The most problems that are told and kept.
const MOST_PROBLEMS: usize = 500;
/// The most slides of one case.
const MOST_OF_A_CASE: usize = 200;

impl Listed {
    pub(super) fn read(text: &str) -> Self {
        let read = Self::try_read(text);
        let mut listed =
            read.unwrap_or_else(|found| Self { cases: Vec::new(), problems: vec![found] });
        let more = listed.problems.len().saturating_sub(MOST_PROBLEMS);
        if let Some(after) = listed.problems.get(MOST_PROBLEMS) {
            let line = after.line;
            listed.problems.truncate(MOST_PROBLEMS);
            listed.problems.push(problem(line, &format!("and {more} more from here on")));
        }
        listed
    }

    fn try_read(text: &str) -> Result<Self, Problem> {
        let unclosed = |line| problem(line, "a quote is never closed: nothing was taken");
        let mut records = rows::records(text).map_err(unclosed)?.into_iter();
        let columns = columns(records.next())?;
        let records: Vec<Record> = records.collect();
        if records.len() > MOST_ROWS {
            let what = format!("more than {MOST_ROWS} rows: nothing was taken");
            return Err(problem(1, &what));
        }
        let mut listed = Self::default();
        let mut groups: BTreeMap<CaseNumber, Vec<Record>> = BTreeMap::new();
        for record in records {
            let number = field(&columns, &record, "case").and_then(|text| {
                text.parse::<CaseNumber>().map_err(|error| wrong(record.line, "case", &error))
            });
            match number {
                Ok(number) => groups.entry(number).or_default().push(record),
                Err(found) => listed.problems.push(found),
            }
        }
        if !listed.problems.is_empty() {
            let what = "of which case a row is, cannot be told: nothing of the list was taken";
            let line = listed.problems.first().map_or(1, |found| found.line);
            listed.problems.push(problem(line, what));
            return Ok(listed);
        }
        let mut files = BTreeSet::new();
        for (number, records) in groups {
            match case(&columns, number, &records, &mut files) {
                Ok(case) => listed.cases.push(case),
                Err(found) => listed.problems.extend(found),
            }
        }
        Ok(listed)
    }
}

fn problem(line: usize, what: &str) -> Problem {
    Problem { line, what: what.to_owned() }
}

/// What is wrong with a field, in the record's words, which never repeat a text of the list.
fn wrong(line: usize, column: &str, error: &RecordError) -> Problem {
    let why = match error {
        RecordError::Invalid { what: "urgency", .. } => {
            "it is emergency, urgent, routine or low".to_owned()
        }
        RecordError::Invalid { why, .. } => why.clone(),
        _ => "it is not of its form".to_owned(),
    };
    problem(line, &format!("column '{column}': {why}"))
}

/// Where each column is.
fn columns(head: Option<Record>) -> Result<BTreeMap<String, usize>, Problem> {
    let head = head.ok_or_else(|| problem(1, "the list is empty"))?;
    let mut columns = BTreeMap::new();
    for (at, name) in head.fields.iter().enumerate() {
        let name = name.to_lowercase();
        if !NEEDED.contains(&name.as_str()) && name != URGENCY {
            let what = format!("column {} has a name that is not known", at + 1);
            return Err(problem(head.line, &what));
        }
        if columns.insert(name.clone(), at).is_some() {
            return Err(problem(head.line, &format!("there are two columns '{name}'")));
        }
    }
    match NEEDED.iter().find(|name| !columns.contains_key(**name)) {
        Some(name) => Err(problem(head.line, &format!("there is no column '{name}'"))),
        None => Ok(columns),
    }
}

fn field<'a>(
    columns: &BTreeMap<String, usize>,
    record: &'a Record,
    name: &str,
) -> Result<&'a str, Problem> {
    if record.fields.len() > columns.len() {
        return Err(problem(record.line, "the row has more fields than there are columns"));
    }
    let text = columns.get(name).and_then(|at| record.fields.get(*at));
    match text.filter(|text| !text.is_empty()) {
        Some(text) => Ok(text),
        None => Err(problem(record.line, &format!("column '{name}' is empty"))),
    }
}

/// A case of its rows, or all that is wrong with them.
fn case(
    columns: &BTreeMap<String, usize>,
    number: CaseNumber,
    records: &[Record],
    files: &mut BTreeSet<String>,
) -> Result<ListedCase, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut found: Option<ListedCase> = None;
    let mut labels = BTreeSet::new();
    for record in records {
        let (patient, urgency, slide) = match row(columns, record) {
            Ok(row) => row,
            Err(wrong) => {
                problems.push(wrong);
                continue;
            }
        };
        if !files.insert(slide.file.as_str().to_owned()) {
            problems.push(problem(record.line, "the file is listed twice"));
        }
        if !labels.insert(slide.place.label.clone()) {
            problems.push(problem(record.line, "the case has two slides of this label"));
        }
        let case = found.get_or_insert_with(|| ListedCase {
            number: number.clone(),
            patient: patient.clone(),
            urgency,
            slides: Vec::new(),
        });
        if case.patient != patient || case.urgency != urgency {
            let what = "patient and urgency differ from an earlier row of the same case";
            problems.push(problem(record.line, what));
        }
        case.slides.push(slide);
    }
    if records.len() > MOST_OF_A_CASE {
        let line = records.first().map_or(1, |record| record.line);
        problems.push(problem(line, "the case has more than 200 slides"));
    }
    match found {
        Some(case) if problems.is_empty() => Ok(case),
        _ => Err(problems),
    }
}

fn row(
    columns: &BTreeMap<String, usize>,
    record: &Record,
) -> Result<(Pseudonym, Urgency, ListedSlide), Problem> {
    let line = record.line;
    let label = |name: &str| {
        let text = field(columns, record, name)?;
        text.parse().map_err(|error| wrong(line, name, &error))
    };
    let file = field(columns, record, "file")?.replace('\\', "/");
    let file = file.parse().map_err(|error| wrong(line, "file", &error))?;
    let patient = field(columns, record, "patient")?;
    let patient = patient.parse().map_err(|error| wrong(line, "patient", &error))?;
    // Whether it is urgent is the one thing that a list may leave open.
    let urgency = match field(columns, record, URGENCY) {
        Ok(text) => text.parse().map_err(|error| wrong(line, URGENCY, &error))?,
        Err(_) => Urgency::Routine,
    };
    let place = SlidePlace {
        specimen: label("specimen")?,
        organ: label("organ")?,
        block: label("block")?,
        label: label("label")?,
        stain: label("stain")?,
    };
    Ok((patient, urgency, ListedSlide { line, file, place }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "file,case,patient,specimen,organ,block,label,stain,urgency\n";

    fn read(rows: &str) -> Listed {
        Listed::read(&format!("{HEAD}{rows}"))
    }

    #[test]
    fn rows_of_a_number_are_one_case() {
        let listed = read(
            "a.svs,H26-001,P-0007,A,colon,A1,A1-1,HE,urgent\n\
             day 2\\b.svs,H26-001,P-0007,A,colon,A2,A2-1,HE,urgent\n\
             c.svs,H26-002,P-0008,A,skin,A1,A1-1,HE,\n",
        );
        assert_eq!(listed.problems, []);
        let cases: Vec<(&str, Urgency, Vec<&str>)> = listed
            .cases
            .iter()
            .map(|case| {
                let files = case.slides.iter().map(|slide| slide.file.as_str()).collect();
                (case.number.as_str(), case.urgency, files)
            })
            .collect();
        let expected = [
            ("H26-001", Urgency::Urgent, vec!["a.svs", "day 2/b.svs"]),
            ("H26-002", Urgency::Routine, vec!["c.svs"]),
        ];
        assert_eq!(cases, expected);
    }

    #[test]
    fn a_case_with_one_wrong_row_is_left_out_whole() {
        let wrong = [
            ("b.svs,H26-001,Zhang San,A,colon,A1,A1-2,HE,", "column 'patient'"),
            ("b.svs,H26-001,P-0009,A,colon,A1,A1-2,HE,", "differ from an earlier row"),
            ("b.svs,H26-001,P-0007,A,colon,A1,A1-1,HE,", "two slides of this label"),
            ("a.svs,H26-001,P-0007,A,colon,A1,A1-2,HE,", "listed twice"),
            ("../b.svs,H26-001,P-0007,A,colon,A1,A1-2,HE,", "column 'file'"),
            ("b.svs,H26-001,P-0007,A,colon,A1,A1-2,HE,soon", "emergency, urgent"),
            ("b.svs,H26-001,P-0007,A,,A1,A1-2,HE,", "column 'organ' is empty"),
            ("b.svs,H26-001,P-0007,A", "column 'organ' is empty"),
        ];
        for (row, why) in wrong {
            let listed = read(&format!(
                "a.svs,H26-001,P-0007,A,colon,A1,A1-1,HE,\n{row}\n\
                 c.svs,H26-002,P-0008,A,skin,A1,A1-1,HE,\n"
            ));
            let numbers: Vec<&str> = listed.cases.iter().map(|case| case.number.as_str()).collect();
            assert_eq!(numbers, ["H26-002"], "{row}");
            assert_eq!((listed.problems.len(), listed.problems[0].line), (1, 3), "{row}");
            let what = &listed.problems[0].what;
            assert!(what.contains(why) && !what.contains("Zhang"), "{what}");
        }
    }

    #[test]
    fn where_a_row_names_no_case_nothing_is_taken() {
        let listed = read("a.svs,H26-001,P-0007,A,colon,A1,A1-1,HE,\nb.svs,?,P-0007,A,x,y,z,HE,\n");
        assert!(listed.cases.is_empty());
        assert_eq!((listed.problems.len(), listed.problems[0].line), (2, 3));
        for head in ["", "file,case\n", "file,name\n", &HEAD.replace("urgency", "stain")] {
            let listed = Listed::read(&format!("{head}a.svs,H26-001\n"));
            assert!(listed.cases.is_empty() && listed.problems.len() == 1, "{head}: {listed:?}");
        }
        let many = read(&",x,,,,,,,\n".repeat(2000));
        assert_eq!(many.problems.len(), MOST_PROBLEMS + 1);
        assert!(many.problems[MOST_PROBLEMS].what.contains("1501 more"));
        let listed = read("\"a.svs,H26-001,P-0007,A,colon,A1,A1-1,HE,\n");
        assert!(listed.cases.is_empty() && listed.problems[0].line == 2, "{listed:?}");
    }
}
