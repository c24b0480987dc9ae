//! The worklist: bad slides first, then urgency, then who waits longest.

use std::{fmt, str::FromStr};

use serde::Serialize;
use serde_json::json;

use super::{
    Case, Slide, Status, Urgency,
    case::{COLUMNS, case_of},
};
use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    database::{Row, Value},
    identity::{CaseId, SlideId, UserId},
    people::{Action, Actor, Role},
    store::{Audited, Unit},
};

/// Which cases are asked for.
#[derive(Clone, Debug)]
pub struct WorklistQuery {
    /// Where they stand.
    pub status: Status,
    /// Only these, if given.
    pub urgency: Option<Urgency>,
    /// Only those of a reader, if given.
    pub assigned: Option<UserId>,
    /// Only those with a slide that is not fit for diagnosis.
    pub only_bad_slides: bool,
    /// Only those with this in their number or in the patient's pseudonym, if given.
    pub named: Option<SearchText>,
    /// Only those behind this place.
    pub after: Option<Cursor>,
    /// At most so many; never more than 100.
    pub limit: u32,
}

impl Default for WorklistQuery {
    /// The first 50 open cases.
    fn default() -> Self {
        Self {
            status: Status::Open,
            urgency: None,
            assigned: None,
            only_bad_slides: false,
            named: None,
            after: None,
            limit: 50,
        }
    }
}

/// A part of a case's number or of a pseudonym, as a person types it or a label's barcode has it;
/// whether letters are small does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchText(String);

impl SearchText {
    /// Characters that it may have.
    const MOST: usize = 64;

    /// What finds it anywhere in a column, by `LIKE … ESCAPE '!'`.
    fn pattern(&self) -> String {
        let mut pattern = "%".to_owned();
        for character in self.0.chars() {
            if matches!(character, '%' | '_' | '!') {
                pattern.push('!');
            }
            pattern.push(character);
        }
        pattern.push('%');
        pattern
    }
}

impl FromStr for SearchText {
    type Err = RecordError;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        if !(1..=Self::MOST).contains(&text.chars().count()) || text.chars().any(char::is_control) {
            let why = "1 to 64 characters of a case's number or of a pseudonym are needed";
            return Err(RecordError::invalid("search", why));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

/// A place in the worklist, which stays right when cases come and go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    quality_rank: i64,
    urgency_rank: i64,
    created: i64,
    id: CaseId,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { quality_rank, urgency_rank, created, id } = self;
        write!(f, "{quality_rank}.{urgency_rank}.{created}.{id}")
    }
}

impl FromStr for Cursor {
    type Err = RecordError;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || RecordError::invalid("worklist place", "it is not one that was given out");
        let parts: Vec<&str> = text.split('.').collect();
        let [quality, urgency, created, id] = parts.as_slice() else { return Err(wrong()) };
        Ok(Self {
            quality_rank: quality.parse().map_err(|_| wrong())?,
            urgency_rank: urgency.parse().map_err(|_| wrong())?,
            created: created.parse().map_err(|_| wrong())?,
            id: id.parse().map_err(|_| wrong())?,
        })
    }
}

/// A line of the worklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorklistItem {
    /// The case.
    #[serde(flatten)]
    pub case: Case,
    /// What is wrong with its worst slide, when one is not fit for diagnosis.
    pub bad_slide: Option<String>,
    /// Which slide that is.
    pub bad_slide_id: Option<SlideId>,
    /// Its slides.
    pub slides: Vec<Slide>,
}

/// A page of the worklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorklistPage {
    /// Its lines.
    pub items: Vec<WorklistItem>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

impl Record {
    /// A page of the worklist.
    ///
    /// # Errors
    /// When the actor may not.
    pub fn worklist(&self, actor: &Actor, query: &WorklistQuery) -> Result<WorklistPage> {
        self.deed(actor, Action::ReadWorklist, Event::WorklistRead, |unit| {
            let limit = query.limit.clamp(1, 100);
            let (sql, values) = statement(query, actor.role() == Role::SecondReader, limit);
            let rows = unit.query(&sql, &values)?;
            let mut items =
                rows.iter().map(|row| unit.worklist_item(row)).collect::<Result<Vec<_>>>()?;
            let more = items.len() > limit as usize;
            items.truncate(limit as usize);
            let next = items.last().filter(|_| more).map(|item| Cursor {
                quality_rank: i64::from(!item.case.has_bad_slide),
                urgency_rank: item.case.urgency.rank(),
                created: item.case.created.microseconds(),
                id: item.case.id,
            });
            let seen: Vec<CaseId> = items.iter().map(|item| item.case.id).collect();
            let object = Object::new("worklist", query.status);
            Ok(Audited::new(WorklistPage { items, next }, object, json!({ "cases": seen })))
        })
    }
}

impl Unit<'_> {
    fn worklist_item(&mut self, row: &Row) -> Result<WorklistItem> {
        let case = case_of(row)?;
        let bad_slide_id = match case.has_bad_slide {
            true => self.bad_slide_of(case.id)?,
            false => None,
        };
        let bad_slide = row.optional_text(12)?.map(str::to_owned);
        Ok(WorklistItem { slides: self.slides(case.id)?, case, bad_slide, bad_slide_id })
    }

    fn bad_slide_of(&mut self, case: CaseId) -> Result<Option<SlideId>> {
        let sql = "SELECT p.slide FROM proposal_state s JOIN proposal p ON p.id = s.proposal \
                   WHERE s.laboratory_case = ?1 AND s.bad_slide = 1 ORDER BY s.proposal LIMIT 1";
        let row = self.one(sql, &[case.into()])?;
        let slide = row.as_ref().map(|row| row.optional_text(0)).transpose()?.flatten();
        slide.map(str::parse).transpose()
    }
}

/// One row more than the page has, to know whether another page follows. Columns that the filter
/// fixes are left out of the order, so that every filter finds its index.
fn statement(query: &WorklistQuery, only_double: bool, limit: u32) -> (String, Vec<Value>) {
    let mut values: Vec<Value> = vec![query.status.name().into(), (limit + 1).into()];
    let mut conditions = vec!["c.status = ?1".to_owned(), "c.emptied IS NULL".to_owned()];
    let mut bind = |value: Value| {
        values.push(value);
        format!("?{}", values.len())
    };
    let after = query.after.as_ref();
    let mut order: Vec<(&str, Option<Value>)> = Vec::new();
    if let Some(reader) = query.assigned {
        conditions.push(format!("c.assigned = {}", bind(reader.into())));
    }
    if query.only_bad_slides {
        conditions.push("c.quality_rank = 0".to_owned());
    } else {
        order.push(("c.quality_rank", after.map(|after| after.quality_rank.into())));
    }
    if let Some(urgency) = query.urgency {
        conditions.push(format!("c.urgency_rank = {}", bind(urgency.rank().into())));
    } else {
        order.push(("c.urgency_rank", after.map(|after| after.urgency_rank.into())));
    }
    if let Some(wanted) = &query.named {
        let pattern = bind(wanted.pattern().into());
        let has = |column: &str| format!("lower(c.{column}) LIKE {pattern} ESCAPE '!'");
        conditions.push(format!("({} OR {})", has("number"), has("pseudonym")));
    }
    if only_double {
        conditions.push("c.reading = 'double'".to_owned());
    }
    order.push(("c.created", after.map(|after| after.created.into())));
    order.push(("c.id", after.map(|after| after.id.into())));
    let columns = order.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    if after.is_some() {
        let places: Vec<String> =
            order.into_iter().filter_map(|(_, value)| value).map(bind).collect();
        conditions.push(format!("({columns}) > ({})", places.join(", ")));
    }
    let sql = format!(
        "SELECT {COLUMNS}, (SELECT s.headline FROM proposal_state s \
         WHERE s.laboratory_case = c.id AND s.bad_slide = 1 ORDER BY s.proposal LIMIT 1) \
         FROM laboratory_case c WHERE {} ORDER BY {columns} LIMIT ?2",
        conditions.join(" AND ")
    );
    (sql, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        database::{Database, SqliteDatabase},
        identity::Moment,
        migration,
    };

    fn cursor() -> Cursor {
        Cursor {
            quality_rank: 1,
            urgency_rank: 2,
            created: 5,
            id: CaseId::fresh(Moment::from_microseconds(5)).unwrap(),
        }
    }

    #[test]
    fn a_place_comes_back_and_nonsense_is_refused() {
        let place = cursor();
        assert_eq!(place.to_string().parse::<Cursor>().unwrap(), place);
        for text in ["", "1.2.3", "1.2.3.x", "1.2.3.4.5"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_searched_for_is_no_pattern() {
        let pattern = |text: &str| text.parse::<SearchText>().map(|wanted| wanted.pattern());
        assert_eq!(pattern(" S26_1%! ").unwrap(), "%s26!_1!%!!%");
        for text in ["", "  ", "a\u{7}b", &"9".repeat(65)] {
            assert!(pattern(text).is_err(), "{text:?}");
        }
    }

    /// At 100,000 cases a page must cost what it costs at 100: found by an index in the order in
    /// which it is shown, never sorted.
    #[test]
    fn every_filter_finds_an_index_in_the_order_of_the_page() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = SqliteDatabase::open(&folder.path().join("record.db")).unwrap();
        migration::bring_up_to_date(&mut database, Moment::from_microseconds(1)).unwrap();
        for filter in 0..32_u8 {
            let query = WorklistQuery {
                urgency: (filter & 1 > 0).then_some(Urgency::Urgent),
                assigned: (filter & 2 > 0).then_some(UserId::CONSOLE),
                only_bad_slides: filter & 4 > 0,
                named: (filter & 16 > 0).then(|| "s26-12".parse().unwrap()),
                after: (filter & 8 > 0).then(cursor),
                ..WorklistQuery::default()
            };
            let (sql, values) = statement(&query, false, 50);
            let rows = database.query(&format!("EXPLAIN QUERY PLAN {sql}"), &values).unwrap();
            let plan: Vec<&str> = rows.iter().map(|row| row.text(3).unwrap()).collect();
            // The bad slides of one case are few: what finds the worst may sort them.
            let plan = plan.join("\n");
            let plan = plan.split("CORRELATED").next().unwrap_or_default();
            assert!(plan.contains("SEARCH c USING INDEX worklist"), "{sql}\n{plan}");
            assert!(!plan.contains("SCAN") && !plan.contains("B-TREE"), "{sql}\n{plan}");
        }
    }
}
