//! Which entries somebody asks for, and what the things in them are called.

use std::collections::{BTreeMap, btree_map};

use super::Entry;
use crate::{
    Record, Result,
    database::Value,
    identity::{Moment, UserId},
    people::{Action, Actor},
    store::Unit,
};

/// Which entries are asked for.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Only those of an account.
    pub actor: Option<UserId>,
    /// Only those about a thing: its kind and id.
    pub object: Option<(String, String)>,
    /// Only those about what a person knows by this: an id or its end, a case's number, a login.
    pub about: Option<String>,
    /// Only those of this event.
    pub event: Option<String>,
    /// Only those of this moment or later.
    pub since: Option<Moment>,
    /// Only those before this moment.
    pub until: Option<Moment>,
    /// Only those before this number.
    pub before: Option<u64>,
    /// At most so many; never more than 500.
    pub limit: u32,
}

/// What a person knows a thing by, `{}` being the place of the words.
const ABOUT: &str = " AND (object = {} OR object LIKE {end} ESCAPE '!' \
     OR object IN (SELECT id FROM laboratory_case WHERE number = {}) \
     OR object IN (SELECT p.id FROM proposal p JOIN laboratory_case c ON c.id = p.laboratory_case \
                   WHERE c.number = {}) \
     OR object IN (SELECT id FROM account WHERE login = {}))";

impl AuditQuery {
    /// What stands after `WHERE`, with its values.
    pub(super) fn condition(&self) -> (String, Vec<Value>) {
        let before = self.before.map_or(i64::MAX, |n| i64::try_from(n).unwrap_or(i64::MAX));
        let mut sql = "sequence < ?1".to_owned();
        let mut values: Vec<Value> =
            vec![before.into(), i64::from(self.limit.clamp(1, 500)).into()];
        let mut put = |value: Value| {
            values.push(value);
            format!("?{}", values.len())
        };
        if let Some(user) = self.actor {
            sql += &format!(" AND actor = {}", put(user.into()));
        }
        if let Some((kind, id)) = &self.object {
            sql += &format!(" AND object_kind = {}", put(kind.as_str().into()));
            sql += &format!(" AND object = {}", put(id.as_str().into()));
        }
        if let Some(event) = &self.event {
            sql += &format!(" AND event = {}", put(event.as_str().into()));
        }
        if let Some(since) = self.since {
            sql += &format!(" AND at >= {}", put(since.microseconds().into()));
        }
        if let Some(until) = self.until {
            sql += &format!(" AND at < {}", put(until.microseconds().into()));
        }
        if let Some(about) = &self.about {
            let words = put(about.as_str().into());
            let end = put(format!("%{}", literal(about)).into());
            sql += &ABOUT.replace("{}", &words).replace("{end}", &end);
        }
        (format!("{sql} ORDER BY sequence DESC LIMIT ?2"), values)
    }
}

/// Words that `LIKE` takes as they are.
fn literal(words: &str) -> String {
    words.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

impl Record {
    /// What the things of entries are called, in their order: a case's number, for a proposal or a
    /// slide too, and an account's login. Of a case nothing else is told.
    ///
    /// # Errors
    /// When the actor may not read the audit.
    pub fn audit_names(&self, actor: &Actor, entries: &[Entry]) -> Result<Vec<Option<String>>> {
        self.reading(|unit| {
            unit.require(actor, Action::ReadAudit)?;
            let mut known = BTreeMap::new();
            for Entry { object_kind, object, .. } in entries {
                let thing = (object_kind.as_str(), object.as_str());
                if let btree_map::Entry::Vacant(place) = known.entry(thing) {
                    place.insert(unit.name_of(object_kind, object)?);
                }
            }
            let name = |entry: &Entry| {
                known.get(&(entry.object_kind.as_str(), entry.object.as_str())).cloned().flatten()
            };
            Ok(entries.iter().map(name).collect())
        })
    }
}

impl Unit<'_> {
    fn name_of(&mut self, kind: &str, id: &str) -> Result<Option<String>> {
        let sql = match kind {
            "account" => "SELECT login FROM account WHERE id = ?1",
            "case" => "SELECT number FROM laboratory_case WHERE id = ?1",
            "proposal" => {
                "SELECT c.number FROM proposal p JOIN laboratory_case c ON c.id = p.laboratory_case \
                 WHERE p.id = ?1"
            }
            "slide" => {
                "SELECT c.number FROM slide s JOIN laboratory_case c ON c.id = s.laboratory_case \
                 WHERE s.id = ?1"
            }
            _ => return Ok(None),
        };
        let row = self.one(sql, &[id.into()])?;
        row.map(|row| row.text(0).map(str::to_owned)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_types_is_never_a_pattern_nor_sql() {
        assert_eq!(literal("100%_!'"), "100!%!_!!'");
        let hostile = AuditQuery { about: Some("' OR 1=1 --".into()), ..AuditQuery::default() };
        let (sql, values) = hostile.condition();
        assert!(!sql.contains("1=1"), "{sql}");
        assert_eq!(values.len(), 4);
    }

    #[test]
    fn each_value_has_a_place_of_its_own() {
        let all = AuditQuery {
            object: Some(("case".into(), "x".into())),
            about: Some("x".into()),
            event: Some("login".into()),
            since: Some(Moment::from_microseconds(1)),
            until: Some(Moment::from_microseconds(2)),
            ..AuditQuery::default()
        };
        let (sql, values) = all.condition();
        for place in 1..=values.len() {
            assert!(sql.contains(&format!("?{place}")), "?{place} in {sql}");
        }
        assert!(!sql.contains('{'), "{sql}");
    }
}
