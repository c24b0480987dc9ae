//! A request that a client sends again, because it never saw the answer, counts once.

use std::{fmt::Display, str::FromStr};

use crate::{Record, RecordError, Result, identity::RequestKey, people::Actor, store::Unit};

impl Record {
    /// The earlier answer to a request, or else what `work` gives, which must
    /// [remember](Unit::remember) it in its own transaction.
    pub(crate) fn once<T: FromStr<Err = RecordError>>(
        &self,
        actor: &Actor,
        request: Option<&RequestKey>,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let Some(request) = request else { return work() };
        let answered = || self.reading(|unit| unit.answer(actor, request));
        if let Some(answer) = answered()? {
            return Ok(answer);
        }
        // The same request may have been answered between the look and the work.
        work().or_else(|error| answered()?.ok_or(error))
    }
}

impl Unit<'_> {
    fn answer<T: FromStr<Err = RecordError>>(
        &mut self,
        actor: &Actor,
        request: &RequestKey,
    ) -> Result<Option<T>> {
        let sql = "SELECT answer FROM request_answer WHERE account = ?1 AND request = ?2";
        let row = self.one(sql, &[actor.user().into(), request.into()])?;
        row.map(|row| row.parsed(0)).transpose()
    }

    /// Keeps the answer to a request.
    pub(crate) fn remember(
        &mut self,
        actor: &Actor,
        request: Option<&RequestKey>,
        answer: impl Display,
    ) -> Result<()> {
        let Some(request) = request else { return Ok(()) };
        self.execute(
            "INSERT INTO request_answer (account, request, answer, at) VALUES (?1, ?2, ?3, ?4)",
            &[actor.user().into(), request.into(), answer.to_string().into(), self.now().into()],
        )?;
        Ok(())
    }
}
