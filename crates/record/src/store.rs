//! The record's front: connections, transactions, and the rule that a deed and its audit entry are
//! one transaction.

use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::{Value as Json, json};

use crate::{
    RecordError, Result,
    audit::{Event, Object, Outcome, Recent},
    database::{Database, Location, Row, Value},
    identity::{Clock, Moment, system_clock},
    migration,
    people::{Action, Actor, LoginPolicy, PasswordCost, Role},
};

/// How a record is kept.
#[derive(Clone)]
pub struct Settings {
    /// How dear passwords are to guess.
    pub password_cost: PasswordCost,
    /// How logins are guarded.
    pub login: LoginPolicy,
    /// Tells the time.
    pub clock: Clock,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            password_cost: PasswordCost::default(),
            login: LoginPolicy::default(),
            clock: system_clock(),
        }
    }
}

/// Makes a connection.
pub type Connector = Box<dyn Fn() -> Result<Box<dyn Database>> + Send + Sync>;

/// A record: everything that is kept in one database. Methods may be called from many threads; each
/// takes a connection of its own and blocks until it is done.
pub struct Record {
    connect: Connector,
    idle: Mutex<Vec<Box<dyn Database>>>,
    settings: Settings,
    decoy: OnceLock<String>,
    recent: Recent,
}

/// Connections that are kept open while nobody uses them.
const IDLE_CONNECTIONS: usize = 8;

impl Record {
    /// Opens a record, which is made when it is not there, and brings its schema up to date.
    ///
    /// # Errors
    /// When the database cannot be reached, or when a newer program has written it.
    pub fn open(location: &Location, settings: Settings) -> Result<Self> {
        let location = location.clone();
        Self::over(Box::new(move || location.connect()), settings)
    }

    /// Opens a record over connections made by the caller.
    ///
    /// # Errors
    /// As [`Record::open`].
    pub fn over(connect: Connector, settings: Settings) -> Result<Self> {
        let mut database = connect()?;
        migration::bring_up_to_date(database.as_mut(), (settings.clock)())?;
        let idle = Mutex::new(vec![database]);
        Ok(Self { connect, idle, settings, decoy: OnceLock::new(), recent: Recent::default() })
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn decoy(&self) -> &OnceLock<String> {
        &self.decoy
    }

    pub(crate) fn now(&self) -> Moment {
        (self.settings.clock)()
    }

    /// Does a deed: looks whether the actor may, does the work, and appends the entry, all in one
    /// transaction. A refusal is an entry too.
    pub(crate) fn deed<T>(
        &self,
        actor: &Actor,
        action: Action,
        event: Event,
        work: impl FnOnce(&mut Unit<'_>) -> Result<Audited<T>>,
    ) -> Result<T> {
        let done = self.writing(|unit| {
            unit.require(actor, action)?;
            let audited = work(unit)?;
            audited.append(unit, actor, event)
        });
        if let Err(error) = &done
            && let Some(why) = refusal(error)
        {
            self.note_refusal(event, Some(actor), actor.role(), &why)?;
        }
        done
    }

    /// Does a reading that pages repeat: its entry is appended in its transaction once in ten
    /// minutes by reader and object, which is named beforehand.
    pub(crate) fn reading_deed<T>(
        &self,
        actor: &Actor,
        action: Action,
        event: Event,
        about: &Object,
        work: impl FnOnce(&mut Unit<'_>) -> Result<Audited<T>>,
    ) -> Result<T> {
        let now = self.now();
        if !self.recent.has(now, actor, event, about) {
            let value = self.deed(actor, action, event, work)?;
            self.recent.remember(now, actor, event, about);
            return Ok(value);
        }
        let done = self.reading(|unit| {
            unit.require(actor, action)?;
            work(unit).map(|audited| audited.value)
        });
        if let Err(error) = &done
            && let Some(why) = refusal(error)
        {
            self.note_refusal(event, Some(actor), actor.role(), &why)?;
        }
        done
    }

    /// Does what no role is needed for, such as logging in; the work says who did it.
    pub(crate) fn audited<T>(
        &self,
        event: Event,
        work: impl FnOnce(&mut Unit<'_>) -> Result<(Actor, Audited<T>)>,
    ) -> Result<T> {
        self.writing(|unit| {
            let (actor, audited) = work(unit)?;
            audited.append(unit, &actor, event)
        })
    }

    /// Notes that somebody was turned away before a deed was begun, once in a minute and with the
    /// number of tries since.
    ///
    /// # Errors
    /// When the database fails.
    pub fn note_refused(&self, actor: &Actor, action: Action) -> Result<()> {
        let why = format!("a {} may not {action}", actor.role());
        self.note_refusal(Event::ActionRefused, Some(actor), actor.role(), &why)
    }

    pub(crate) fn note_refusal(
        &self,
        event: Event,
        actor: Option<&Actor>,
        role: Role,
        why: &str,
    ) -> Result<()> {
        let who = actor.map_or("unknown".to_owned(), |actor| actor.user().to_string());
        let mut detail = json!({ "why": why });
        // Logins have a pace of their own; whatever else is refused could be tried without end.
        if event != Event::Login {
            match self.recent.refusal(self.now(), &who, event, why) {
                None => return Ok(()),
                Some(0) => {}
                Some(more) => detail["more_since_the_last"] = json!(more),
            }
        }
        self.writing(|unit| {
            let object = Object::new("record", "refused");
            unit.append_entry(&who, role, event, Outcome::Refused, &object, &detail)
        })
    }

    /// A transaction that may write. An error leaves nothing behind.
    pub(crate) fn writing<T>(&self, work: impl FnOnce(&mut Unit<'_>) -> Result<T>) -> Result<T> {
        self.transaction(true, work)
    }

    /// A transaction that only reads what is no patient's data.
    pub(crate) fn reading<T>(&self, work: impl FnOnce(&mut Unit<'_>) -> Result<T>) -> Result<T> {
        self.transaction(false, work)
    }

    fn transaction<T>(
        &self,
        writes: bool,
        work: impl FnOnce(&mut Unit<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut database = self.connection()?;
        if writes {
            database.begin_writing()?
        } else {
            database.begin_reading()?
        }
        let mut unit = Unit { database: database.as_mut(), now: self.now() };
        let done = work(&mut unit).and_then(|value| database.batch("COMMIT").map(|()| value));
        // A connection that cannot even roll back is dropped, which rolls back.
        if done.is_ok() || database.batch("ROLLBACK").is_ok() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < IDLE_CONNECTIONS {
                idle.push(database);
            }
        }
        done
    }

    fn connection(&self) -> Result<Box<dyn Database>> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.map_or_else(|| (self.connect)(), Ok)
    }
}

/// Why somebody was turned away, when that is what an error says.
fn refusal(error: &RecordError) -> Option<String> {
    matches!(error, RecordError::Forbidden { .. } | RecordError::NoConsent { .. })
        .then(|| error.to_string())
}

/// One transaction.
pub(crate) struct Unit<'a> {
    database: &'a mut dyn Database,
    now: Moment,
}

impl<'a> Unit<'a> {
    pub(crate) fn new(database: &'a mut dyn Database, now: Moment) -> Self {
        Self { database, now }
    }

    pub(crate) fn now(&self) -> Moment {
        self.now
    }

    pub(crate) fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64> {
        self.database.execute(sql, values)
    }

    pub(crate) fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
        self.database.query(sql, values)
    }

    /// The first row, if there is one.
    pub(crate) fn one(&mut self, sql: &str, values: &[Value]) -> Result<Option<Row>> {
        Ok(self.query(sql, values)?.into_iter().next())
    }
}

/// What a deed gives, with what the audit says of it. A deed cannot end without one.
#[derive(Debug)]
pub(crate) struct Audited<T> {
    value: T,
    outcome: Outcome,
    object: Object,
    detail: Json,
}

impl<T> Audited<T> {
    pub(crate) fn new(value: T, object: Object, detail: Json) -> Self {
        Self { value, outcome: Outcome::Done, object, detail }
    }

    pub(crate) fn refused(value: T, object: Object, detail: Json) -> Self {
        Self { value, outcome: Outcome::Refused, object, detail }
    }

    /// Says what an export is for.
    pub(crate) fn for_purpose(mut self, purpose: crate::cases::Purpose) -> Self {
        self.detail["purpose"] = json!(purpose);
        self
    }

    pub(crate) fn value(&self) -> &T {
        &self.value
    }

    /// Appends the entry; gives what the deed gives.
    pub(crate) fn append(self, unit: &mut Unit<'_>, actor: &Actor, event: Event) -> Result<T> {
        let who = actor.user().to_string();
        unit.append_entry(&who, actor.role(), event, self.outcome, &self.object, &self.detail)?;
        Ok(self.value)
    }
}
