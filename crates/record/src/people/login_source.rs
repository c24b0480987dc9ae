//! From where an account is opened. A place from which it was opened before is known, and is locked
//! by failures of its own alone: whoever guesses from elsewhere cannot lock the owner out.

use super::LoginPolicy;
use crate::{
    Result,
    identity::{Moment, UserId},
    store::Unit,
};

/// Unknown places are forgotten after a day without a try.
const FORGOTTEN: i64 = 86_400_000_000;

/// What is known of a place.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct Source {
    /// Whether the account was opened from there before.
    pub(super) known: bool,
    failures: i64,
    /// Until when nothing is opened from there.
    pub(super) locked_until: Option<Moment>,
}

impl Unit<'_> {
    pub(super) fn login_source(&mut self, user: UserId, source: &str) -> Result<Source> {
        let sql = "SELECT known, failures, locked_until FROM login_source \
                   WHERE account = ?1 AND source = ?2";
        let Some(row) = self.one(sql, &[user.into(), source.into()])? else {
            return Ok(Source::default());
        };
        Ok(Source {
            known: row.integer(0)? == 1,
            failures: row.integer(1)?,
            locked_until: row.optional_integer(2)?.map(Moment::from_microseconds),
        })
    }

    /// Counts a failure: against the place, and, where it is not known, against all such places of
    /// the account together, more slowly.
    pub(super) fn count_failure(
        &mut self,
        policy: LoginPolicy,
        user: UserId,
        source: &str,
        elsewhere: i64,
    ) -> Result<()> {
        let now = self.now();
        let seen = self.login_source(user, source)?;
        let counted = |failures: i64, most: u32| {
            let failures = failures.saturating_add(1);
            let locks = failures >= i64::from(most.max(1));
            (if locks { 0 } else { failures }, locks.then(|| now.after(policy.lock)))
        };
        let (failures, until) = counted(seen.failures, policy.failures);
        self.keep_source(user, source, Source { failures, locked_until: until, ..seen })?;
        if seen.known {
            return Ok(());
        }
        let (failures, until) = counted(elsewhere, policy.failures_elsewhere);
        self.execute(
            "UPDATE account SET failures = ?2, locked_until = ?3 WHERE id = ?1",
            &[user.into(), failures.into(), until.into()],
        )?;
        let before = now.microseconds() - FORGOTTEN;
        self.execute(
            "DELETE FROM login_source WHERE account = ?1 AND known = 0 AND at < ?2",
            &[user.into(), before.into()],
        )?;
        Ok(())
    }

    /// The account was opened from there.
    pub(super) fn know_source(&mut self, user: UserId, source: &str) -> Result<()> {
        self.keep_source(user, source, Source { known: true, ..Source::default() })
    }

    fn keep_source(&mut self, user: UserId, place: &str, source: Source) -> Result<()> {
        self.execute(
            "INSERT INTO login_source (account, source, known, failures, locked_until, at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (account, source) \
             DO UPDATE SET known = ?3, failures = ?4, locked_until = ?5, at = ?6",
            &[
                user.into(),
                place.into(),
                source.known.into(),
                source.failures.into(),
                source.locked_until.into(),
                self.now().into(),
            ],
        )?;
        Ok(())
    }

    /// An administrator or a new password lifts every lock.
    pub(super) fn forget_sources(&mut self, user: UserId) -> Result<()> {
        self.execute("DELETE FROM login_source WHERE account = ?1", &[user.into()]).map(drop)
    }
}
