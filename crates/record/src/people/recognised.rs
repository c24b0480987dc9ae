//! Single sign-on: people whom another system of the site recognised, and the accounts that they open.

use serde_json::json;

use super::{Actor, OpenedSession, Role};
use crate::{
    Record, RecordError, Result,
    audit::{self, Event, Object},
    identity::UserId,
    store::{Audited, Unit},
};

/// Somebody whom a provider of identities vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecognisedPerson {
    /// The provider, by its address.
    pub issuer: String,
    /// What the provider calls the person for ever; a name may be given to somebody else one day,
    /// this is not.
    pub subject: String,
    /// The name under which the provider knows the person now.
    pub name: String,
}

/// What a provider and a record may write down of a person.
const LONGEST: usize = 512;

impl Record {
    /// Opens a session for somebody whom the site's provider recognised, in `role` or else in the
    /// first of the account's roles in the order of [`Role::ALL`].
    ///
    /// The first time, the account with the person's name is theirs from then on, if an
    /// administrator has made it and nobody has set a password for it; later the provider's subject
    /// decides and the name no longer matters. Closing the account takes that back.
    ///
    /// # Errors
    /// [`RecordError::LoginRefused`] when nobody has made an account for this name, it opens by a
    /// password, is another person's or closed, or has not the role.
    pub fn log_in_by_provider(
        &self,
        person: &RecognisedPerson,
        role: Option<Role>,
    ) -> Result<OpenedSession> {
        let long = [&person.issuer, &person.subject, &person.name];
        if long.iter().any(|text| text.is_empty() || text.len() > LONGEST) {
            self.note_refusal(Event::Login, None, role.unwrap_or(Role::Program), "single sign-on")?;
            return Err(RecordError::LoginRefused);
        }
        self.audited(Event::Login, |unit| {
            let (user, bound) = match unit.account_of_person(person)? {
                Some(user) => (Some(user), true),
                None => (unit.account_open_to(person)?, false),
            };
            let Some(user) = user else {
                let object = Object::new("account", "unknown");
                let why = json!({ "why": "single sign-on: no account is open to this person" });
                let refused = Audited::refused(Err(RecordError::LoginRefused), object, why);
                return Ok((Actor::console(), refused));
            };
            let role = role.map_or_else(|| unit.usual_role(user), Ok)?;
            let (actor, object) = (Actor::new(user, role), Object::new("account", user));
            if !unit.holds_role(&actor)? {
                let why = json!({ "why": "closed, or not this role" });
                return Ok((actor, Audited::refused(Err(RecordError::LoginRefused), object, why)));
            }
            if !bound {
                unit.bind(person, user)?;
            }
            let session = unit.open_session(self.settings().login, &actor)?;
            let mut detail = json!({ "by": "single sign-on", "first": !bound });
            if !bound {
                detail["person"] = json!(audit::person(&person.issuer, &person.subject));
            }
            Ok((actor, Audited::new(Ok(session), object, detail)))
        })?
    }
}

impl Unit<'_> {
    fn account_of_person(&mut self, person: &RecognisedPerson) -> Result<Option<UserId>> {
        let sql = "SELECT account FROM recognised_person WHERE issuer = ?1 AND subject = ?2";
        let known = [person.issuer.as_str().into(), person.subject.as_str().into()];
        self.one(sql, &known)?.map(|row| row.parsed(0)).transpose()
    }

    /// The account that waits for somebody of this name.
    fn account_open_to(&mut self, person: &RecognisedPerson) -> Result<Option<UserId>> {
        let sql = "SELECT a.id FROM account a WHERE a.login = ?1 AND a.password IS NULL \
                   AND NOT EXISTS (SELECT 1 FROM recognised_person p \
                                   WHERE p.account = a.id AND p.issuer = ?2) \
                   AND NOT EXISTS (SELECT 1 FROM service_token t WHERE t.account = a.id)";
        let names = [person.name.as_str().into(), person.issuer.as_str().into()];
        let user: Option<UserId> = self.one(sql, &names)?.map(|row| row.parsed(0)).transpose()?;
        Ok(user.filter(|user| *user != UserId::CONSOLE))
    }

    fn bind(&mut self, person: &RecognisedPerson, user: UserId) -> Result<()> {
        let now = self.now();
        self.execute(
            "INSERT INTO recognised_person (issuer, subject, account, at) VALUES (?1, ?2, ?3, ?4)",
            &[
                person.issuer.as_str().into(),
                person.subject.as_str().into(),
                user.into(),
                now.into(),
            ],
        )?;
        Ok(())
    }

    /// Lets an account be another person's at the provider.
    pub(super) fn forget_person(&mut self, user: UserId) -> Result<()> {
        self.execute("DELETE FROM recognised_person WHERE account = ?1", &[user.into()])?;
        Ok(())
    }

    fn usual_role(&mut self, user: UserId) -> Result<Role> {
        let roles = self.account(user)?.roles;
        let usual = Role::ALL.into_iter().find(|role| roles.contains(role));
        Ok(usual.unwrap_or(Role::Program))
    }
}
