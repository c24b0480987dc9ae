//! What a model says of slides whose truth is known, as a table that any program can make.

use std::{fmt::Write, path::Path};

use bianque_core::{Digest, Producer};

use super::{
    cohort::SlideQuestion,
    labels::{LabelColumns, LabelRow, LabelTable, number},
    table::{Table, field},
};
use crate::{
    error::{LesionError, Result},
    files::write_whole,
    slide_head::{SlidePurpose, SlideTarget},
};

/// A slide whose truth is known, and what was said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictedSlide {
    /// Its name.
    pub slide: String,
    /// Whose it is.
    pub patient: String,
    /// The hospital, where known.
    pub site: Option<String>,
    /// The scanner, where known.
    pub scanner: Option<String>,
    /// The part of a cross-validation in which it was held out.
    pub fold: Option<String>,
    /// What is true.
    pub truth: SlideTarget,
    /// Probabilities by class; the value; or the risk, of which more means sooner.
    pub said: Vec<f64>,
}

/// Predictions of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    /// What was asked.
    pub purpose: SlidePurpose,
    /// A slide each.
    pub slides: Vec<PredictedSlide>,
    /// Whose features these rest on, where the table says so.
    pub encoder: Option<Producer>,
}

/// Before a class's name in the heading of its probabilities.
const PROBABILITY: [&str; 3] = ["p:", "prob_", "p_"];
/// The columns that name the encoder. Columns and no comment: every program reads them.
const ENCODER: [&str; 4] = ["encoder", "encoder_version", "encoder_digest", "encoder_licence"];

impl Predictions {
    /// Reads a table `slide,patient,label,p:CLASS,p:CLASS…[,site][,scanner][,fold]` of a
    /// classification, `…,label,predicted` of values or `…,time,event,risk` of survival. Columns
    /// `encoder`, `encoder_version`, `encoder_digest` and `encoder_licence`, the same in every line,
    /// name what it rests on.
    ///
    /// # Errors
    /// When it cannot be read, a column is missing, a truth is not known or none of the classes,
    /// probabilities do not sum to 1, or lines name several encoders.
    pub fn read(path: &Path) -> Result<Self> {
        let table = Table::read(path)?;
        let (purpose, columns) = purpose(&table)?;
        let question = match purpose {
            SlidePurpose::Classification { .. } => SlideQuestion::Class,
            SlidePurpose::Regression { .. } => SlideQuestion::Value,
            SlidePurpose::Survival => SlideQuestion::Survival,
        };
        let labels = LabelTable::of(&table, question, &LabelColumns::default())?;
        let fold = table.column(&["fold", "part"])?;
        let slides = labels.rows.into_iter().zip(&table.rows).map(|(row, (line, fields))| {
            let wrong =
                |what: String| LesionError::Data(format!("{}, line {line}: {what}", table.name));
            let number = |column: &usize| {
                let value = number(&fields[*column]);
                let name = &table.heading[*column];
                value
                    .ok_or_else(|| wrong(format!("'{}' in '{name}' is no number", fields[*column])))
            };
            let said = columns.iter().map(number).collect::<Result<Vec<f64>>>()?;
            if purpose.is_classification() {
                let sum: f64 = said.iter().sum();
                if said.iter().any(|p| !(-1e-9..=1.001).contains(p)) || (sum - 1.0).abs() > 1e-3 {
                    return Err(wrong(format!("the probabilities sum to {sum}, not to 1")));
                }
            }
            let fold = fold.map(|column| fields[column].clone()).filter(|fold| !fold.is_empty());
            let truth = truth(&row, &purpose).map_err(wrong)?;
            let LabelRow { slide, patient, site, scanner, .. } = row;
            Ok(PredictedSlide { slide, patient, site, scanner, fold, truth, said })
        });
        let encoder = encoder(&table)?;
        Ok(Self { slides: slides.collect::<Result<_>>()?, purpose, encoder })
    }

    /// The table as text.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut text = String::from("slide,patient,site,scanner,fold,");
        match &self.purpose {
            SlidePurpose::Classification { classes } => {
                text.push_str("label");
                classes
                    .iter()
                    .for_each(|c| text.push_str(&format!(",{}", field(&format!("p:{c}")))));
            }
            SlidePurpose::Regression { .. } => text.push_str("label,predicted"),
            SlidePurpose::Survival => text.push_str("time,event,risk"),
        }
        if self.encoder.is_some() {
            ENCODER.iter().for_each(|name| text.push_str(&format!(",{name}")));
        }
        let encoder = self.encoder.as_ref().map(encoder_fields).unwrap_or_default();
        text.push('\n');
        for slide in &self.slides {
            let or_empty = |text: &Option<String>| field(text.as_deref().unwrap_or_default());
            let truth = match (&slide.truth, &self.purpose) {
                (SlideTarget::Class(class), SlidePurpose::Classification { classes }) => {
                    field(classes.get(*class).map_or("", String::as_str))
                }
                (SlideTarget::Class(class), _) => class.to_string(),
                (SlideTarget::Value(value), _) => value.to_string(),
                (SlideTarget::Survival { time, event }, _) => {
                    format!("{time},{}", u8::from(*event))
                }
            };
            // Writing to a text cannot fail.
            let _ = write!(
                text,
                "{},{},{},{},{},{truth}",
                field(&slide.slide),
                field(&slide.patient),
                or_empty(&slide.site),
                or_empty(&slide.scanner),
                or_empty(&slide.fold)
            );
            slide.said.iter().for_each(|value| text.push_str(&format!(",{value}")));
            text.push_str(&encoder);
            text.push('\n');
        }
        text
    }

    /// Writes the table, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_whole(path, self.to_csv().as_bytes())
    }
}

fn encoder_fields(encoder: &Producer) -> String {
    let digest = encoder.digest.map(|digest| digest.to_string()).unwrap_or_default();
    let licence = encoder.licence.as_deref().unwrap_or_default();
    [&encoder.name, &encoder.version, digest.as_str(), licence]
        .map(|text| format!(",{}", field(text)))
        .concat()
}

/// The encoder that every line names; `None` where no column does.
fn encoder(table: &Table) -> Result<Option<Producer>> {
    let wrong = |what: &str| LesionError::Data(format!("{}: {what}", table.name));
    let mut columns = Vec::new();
    for name in ENCODER {
        columns.push(table.column(&[name])?);
    }
    let (Some(_), Some((_, first))) = (columns[0], table.rows.first()) else { return Ok(None) };
    let of = |fields: &[String], at: usize| columns[at].map(|column| fields[column].clone());
    let same = |fields: &[String]| (0..ENCODER.len()).all(|at| of(fields, at) == of(first, at));
    if !table.rows.iter().all(|(_, fields)| same(fields)) {
        return Err(wrong("its lines name several encoders: give predictions of one each"));
    }
    let said = |at: usize| of(first, at).filter(|text| !text.is_empty());
    let Some(name) = said(0) else { return Ok(None) };
    let digest = said(2).map(|text| text.parse::<Digest>()).transpose();
    Ok(Some(Producer {
        name,
        version: said(1).unwrap_or_default(),
        digest: digest.map_err(|_| wrong("'encoder_digest' is no digest (blake3:…)"))?,
        licence: said(3),
    }))
}

/// What the heading says was asked, and the columns of what was said.
fn purpose(table: &Table) -> Result<(SlidePurpose, Vec<usize>)> {
    for prefix in PROBABILITY {
        let columns: Vec<usize> =
            (0..table.heading.len()).filter(|c| table.heading[*c].starts_with(prefix)).collect();
        if columns.len() > 1 {
            let name = |column: &usize| table.heading[*column][prefix.len()..].to_owned();
            let classes = columns.iter().map(name).collect();
            return Ok((SlidePurpose::Classification { classes }, columns));
        }
    }
    if let Some(column) = table.column(&["risk", "hazard"])? {
        return Ok((SlidePurpose::Survival, vec![column]));
    }
    if let Some(column) = table.column(&["predicted", "prediction"])? {
        return Ok((SlidePurpose::Regression { mean: 0.0, deviation: 1.0 }, vec![column]));
    }
    Err(LesionError::Data(format!(
        "{}: no predictions: give a column p:CLASS for every class, or 'predicted' for values, or \
         'risk' for survival (the heading is {})",
        table.name,
        table.heading.join(", ")
    )))
}

fn truth(row: &LabelRow, purpose: &SlidePurpose) -> std::result::Result<SlideTarget, String> {
    let label = row.label.as_deref();
    match purpose {
        SlidePurpose::Classification { classes } => {
            let label = label.ok_or("the slide has no label")?;
            let class = classes.iter().position(|class| class == label);
            class.map(SlideTarget::Class).ok_or_else(|| {
                format!("the label '{label}' is none of the classes {}", classes.join(", "))
            })
        }
        SlidePurpose::Regression { .. } => {
            let value = label.and_then(number);
            value.map(SlideTarget::Value).ok_or_else(|| "the label is no number".into())
        }
        SlidePurpose::Survival => match (row.time, row.event) {
            (Some(time), Some(event)) => Ok(SlideTarget::Survival { time, event }),
            _ => Err("time or event is missing".into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slide(truth: SlideTarget, said: Vec<f64>) -> PredictedSlide {
        PredictedSlide {
            slide: "a, b".into(),
            patient: "p".into(),
            site: Some("x".into()),
            scanner: None,
            fold: Some("1".into()),
            truth,
            said,
        }
    }

    fn producer() -> Producer {
        Producer {
            name: "lite, small".into(),
            version: "2".into(),
            digest: Some(Digest::of(b"weights")),
            licence: Some("CC-BY-4.0".into()),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let classes = vec!["benign".to_owned(), "carcinoma, in situ".to_owned()];
        let cases = [
            (SlidePurpose::Classification { classes }, SlideTarget::Class(1), vec![0.25, 0.75]),
            (
                SlidePurpose::Regression { mean: 0.0, deviation: 1.0 },
                SlideTarget::Value(2.5),
                vec![3.0],
            ),
            (SlidePurpose::Survival, SlideTarget::Survival { time: 3.5, event: true }, vec![-0.1]),
        ];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("predictions.csv");
        for (purpose, truth, said) in cases {
            for encoder in [None, Some(producer())] {
                let slides = vec![slide(truth, said.clone())];
                let predictions = Predictions { purpose: purpose.clone(), slides, encoder };
                predictions.write(&path).unwrap();
                assert_eq!(Predictions::read(&path).unwrap(), predictions);
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.csv");
        for (text, part) in [
            ("slide,patient,label\na,p,x\n", "p:CLASS"),
            ("slide,patient,label,p:x,p:y\na,p,x,0.5,0.6\n", "sum to 1.1"),
            ("slide,patient,label,p:x,p:y\na,p,z,0.5,0.5\n", "none of the classes x, y"),
            ("slide,patient,label,p:x,p:y\na,p,x,0.5,high\n", "line 2: 'high'"),
            ("slide,patient,time,event,risk\na,p,1,,0.5\n", "event is missing"),
            ("slide,patient,label,predicted,encoder\na,p,1,1,x\nb,q,1,1,y\n", "several encoders"),
            (
                "slide,patient,label,predicted,encoder,encoder_digest\na,p,1,1,x,12\n",
                "is no digest",
            ),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Predictions::read(&path).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
