//! Predictions of tiles in the form that predictions of slides are measured in.
//!
//! Tiles of one patient are alike, so intervals that take them as independent are too narrow: what
//! belongs together is drawn together, where somebody has said what does.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

use super::slides::EvaluationUnit;
use crate::{
    error::{LesionError, Result},
    matrix::Probabilities,
    slide_head::{SlidePurpose, SlideTarget},
    slide_training::{PredictedSlide, Predictions, Table},
};

/// How it is known which tiles belong together.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TileGrouping {
    /// It is not: each tile stands alone.
    Tiles,
    /// By the folder below the class's that each lies in.
    Folders,
    /// By a table.
    Table,
}

/// Whose each tile is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileGroups {
    by: TileGrouping,
    members: Vec<Member>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Member {
    patient: String,
    site: Option<String>,
    scanner: Option<String>,
}

impl TileGroups {
    /// By the tiles' names, `class/group/file`; the same group may have tiles of several classes. A
    /// tile that lies in its class's folder stands alone.
    #[must_use]
    pub fn of_names(names: &[String]) -> Self {
        let group = |name: &str| name.split('/').nth_back(1).map(str::to_owned);
        let nested = |name: &&String| name.split('/').count() > 2;
        let by = match names.iter().any(|name| nested(&name)) {
            true => TileGrouping::Folders,
            false => TileGrouping::Tiles,
        };
        let members = names.iter().map(|name| {
            let own = nested(&name).then(|| group(name)).flatten();
            let patient = own.unwrap_or_else(|| name.clone());
            Member { patient, site: None, scanner: None }
        });
        Self { by, members: members.collect() }
    }

    /// By a table `file,patient[,site][,scanner]` with the tiles' names.
    ///
    /// # Errors
    /// When it cannot be read, a column is missing, or a tile is not in it or twice.
    pub fn read(path: &Path, names: &[String]) -> Result<Self> {
        let table = Table::read(path)?;
        let column = |names: &[&str]| {
            table.column(names)?.ok_or_else(|| {
                LesionError::Data(format!("{}: no column '{}'", table.name, names[0]))
            })
        };
        let (file, patient) =
            (column(&["file", "tile", "name"])?, column(&["patient", "case", "group", "slide"])?);
        let (site, scanner) = (table.column(&["site", "hospital"])?, table.column(&["scanner"])?);
        let mut listed = BTreeMap::new();
        for (line, fields) in &table.rows {
            let optional = |column: Option<usize>| {
                column.map(|column| fields[column].clone()).filter(|text| !text.is_empty())
            };
            let member = Member {
                patient: fields[patient].clone(),
                site: optional(site),
                scanner: optional(scanner),
            };
            let wrong =
                |what: &str| LesionError::Data(format!("{}, line {line}: {what}", table.name));
            if member.patient.is_empty() {
                return Err(wrong("the patient is missing"));
            }
            if listed.insert(fields[file].as_str(), member).is_some() {
                return Err(wrong("the tile is listed a second time"));
            }
        }
        let missing = names.iter().filter(|name| !listed.contains_key(name.as_str()));
        if let Some(first) = missing.clone().next() {
            return Err(LesionError::Data(format!(
                "{}: {} tiles are not listed, the first is '{first}' (names are below the folder of \
                 tiles, as in 'class/1.png')",
                table.name,
                missing.count()
            )));
        }
        let members = names.iter().filter_map(|name| listed.get(name.as_str()).cloned()).collect();
        Ok(Self { by: TileGrouping::Table, members })
    }

    /// How it is known.
    #[must_use]
    pub fn by(&self) -> TileGrouping {
        self.by
    }

    /// What intervals resample, in words.
    #[must_use]
    pub fn unit(&self) -> EvaluationUnit {
        let groups = match self.by {
            TileGrouping::Tiles => "tiles",
            TileGrouping::Folders => "folders",
            TileGrouping::Table => "patients",
        };
        EvaluationUnit { items: "tiles".into(), groups: groups.into() }
    }

    /// What a head says of the tiles, whose true classes are `labels`.
    ///
    /// # Errors
    /// When numbers do not fit.
    pub fn predictions(
        &self,
        names: &[String],
        labels: &[usize],
        probabilities: &Probabilities,
        classes: &[String],
    ) -> Result<Predictions> {
        let count = self.members.len();
        if names.len() != count || labels.len() != count || probabilities.rows() != count {
            return Err(LesionError::Data("tiles, labels and probabilities do not fit".into()));
        }
        let slides = self.members.iter().enumerate().map(|(tile, member)| PredictedSlide {
            slide: names[tile].clone(),
            patient: member.patient.clone(),
            site: member.site.clone(),
            scanner: member.scanner.clone(),
            fold: None,
            truth: SlideTarget::Class(labels[tile]),
            said: probabilities.row(tile).iter().map(|p| f64::from(*p)).collect(),
        });
        let purpose = SlidePurpose::Classification { classes: classes.to_vec() };
        Ok(Predictions { purpose, slides: slides.collect(), encoder: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{SlideEvaluation, SlideEvaluationSettings};

    fn names() -> Vec<String> {
        (0..80)
            .map(|tile| format!("{}/p{}/{tile}.png", ["no", "yes"][tile % 2], tile / 4))
            .collect()
    }

    fn evaluation(groups: &TileGroups, names: &[String]) -> SlideEvaluation {
        let labels: Vec<usize> = (0..names.len()).map(|tile| tile % 2).collect();
        // All tiles of a group are right or wrong together.
        let logit = |tile: usize| if (tile / 4).is_multiple_of(3) { -1.0 } else { 1.0 };
        let logits = (0..names.len())
            .flat_map(|tile| [0.0, if tile % 2 == 1 { logit(tile) } else { -logit(tile) }])
            .collect();
        let probabilities = Probabilities::from_logits(2, logits, 1.0).unwrap();
        let classes = ["no".to_owned(), "yes".to_owned()];
        let predictions = groups.predictions(names, &labels, &probabilities, &classes).unwrap();
        let settings =
            SlideEvaluationSettings { rounds: 200, ..SlideEvaluationSettings::default() };
        SlideEvaluation::measure_as(&predictions, &settings, groups.unit()).unwrap()
    }

    #[test]
    fn tiles_in_folders_are_drawn_together() {
        let names = names();
        let groups = TileGroups::of_names(&names);
        assert_eq!(groups.by(), TileGrouping::Folders);
        let together = evaluation(&groups, &names);
        assert_eq!((together.slides, together.patients), (80, 20));
        assert_eq!((&*together.unit.items, &*together.unit.groups), ("tiles", "folders"));
        assert!(together.calibration.is_some());
        let flat: Vec<String> = names.iter().map(|name| name.replace("/p", "-")).collect();
        let groups = TileGroups::of_names(&flat);
        assert_eq!(groups.by(), TileGrouping::Tiles);
        let alone = evaluation(&groups, &flat);
        assert_eq!(alone.patients, 80);
        let width = |evaluation: &SlideEvaluation| {
            let estimate = evaluation.get("accuracy").unwrap();
            estimate.high.unwrap() - estimate.low.unwrap()
        };
        assert!(width(&together) > 1.4 * width(&alone));
        assert!(together.warnings[0].contains("20 folders only"), "{:?}", together.warnings);
    }

    #[test]
    fn an_order_is_only_measured_where_it_is_meant() {
        let names = names();
        let mut measured = evaluation(&TileGroups::of_names(&names), &names);
        for name in ["auroc", "auprc", "weighted_f1", "quadratic_kappa"] {
            assert!(measured.get(name).is_some(), "{name}");
        }
        measured.forget_order();
        assert!(measured.get("quadratic_kappa").is_none() && measured.get("auroc").is_some());
    }

    #[test]
    fn a_table_names_patients_and_every_tile() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tiles.csv");
        let names = ["a/1.png".to_owned(), "b/2.png".to_owned()];
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            TileGroups::read(&path, &names)
        };
        let groups =
            read("file,patient,site\na/1.png,p,north\nb/2.png,p,\nother,q,south\n").unwrap();
        assert_eq!(groups.unit().groups, "patients");
        assert_eq!(groups.members[0].site.as_deref(), Some("north"));
        assert_eq!((&*groups.members[1].patient, &groups.members[1].site), ("p", &None));
        for (text, part) in [
            ("tile,who\na/1.png,p\n", "no column 'patient'"),
            ("file,patient\na/1.png,p\n", "1 tiles are not listed, the first is 'b/2.png'"),
            ("file,patient\na/1.png,p\na/1.png,q\n", "line 3: the tile is listed a second time"),
            ("file,patient\na/1.png,\n", "the patient is missing"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
