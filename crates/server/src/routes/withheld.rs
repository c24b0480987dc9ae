//! What is kept from a reader until they have looked themselves. Every address that tells of a
//! case's findings asks here, so that none says what another withholds.

use bianque_core::Digest;
use bianque_record::{
    Actor, Record,
    cases::Case,
    identity::{CaseId, UserId},
    proposals::{Field, ProposalContent, QualityVerdict},
    reading::ReadFinding,
};

use super::{findings::is_by_person, site::SiteSettings};
use crate::answer::Refusal;

/// Whether chance has picked a case to be read without machines by this reader, the same each time.
fn is_drawn(settings: &SiteSettings, actor: &Actor, case: CaseId) -> bool {
    let digest = Digest::of(format!("unaided {case} {}", actor.user()).as_bytes()).to_string();
    let digits = digest.rsplit(':').next().and_then(|digits| digits.get(..8));
    let drawn = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(u32::MAX);
    f64::from(drawn) / f64::from(u32::MAX) < settings.unaided_share
}

/// What a reader may know of a case's machine findings.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Standing {
    /// Whether the reader looks before machines speak: where the site says so, or chance.
    pub(crate) read_first: bool,
    pub(crate) revealed: bool,
    /// Whether the reader has said to be done with looking alone.
    asked: bool,
    /// Whether chance has picked this reading to be compared with others: then it is fixed first.
    pub(crate) drawn: bool,
    /// Whether the reader has fixed it.
    pub(crate) committed: bool,
}

impl Standing {
    pub(crate) fn of(record: &Record, actor: &Actor, case: CaseId) -> bianque_record::Result<Self> {
        let settings = SiteSettings::read(record)?;
        let drawn = is_drawn(&settings, actor, case);
        let read_first = settings.read_first || drawn;
        let asked = record.is_revealed(actor, case)?;
        let committed = read_first && record.has_committed_reading(actor, case)?;
        Ok(Self { read_first, revealed: !read_first || asked, asked, drawn, committed })
    }

    /// How many proposals of a case wait, as far as this reader may know.
    pub(crate) fn undecided(
        self,
        record: &Record,
        actor: &Actor,
        case: &Case,
    ) -> bianque_record::Result<Option<u64>> {
        record.undecided_seen(actor, case, !self.revealed)
    }

    /// Whether machines may speak only after the reader has fixed what was found alone.
    pub(crate) fn must_commit(self) -> bool {
        self.drawn && !self.revealed && !self.committed
    }
}

/// What a reader is told who wants more of a drawn case than to read it.
pub(crate) fn must_fix() -> Refusal {
    let what = "this case was drawn to be read without machines: fix your reading first";
    Refusal::Conflict(what.to_owned())
}

/// The findings of a case that a reader may know of now.
pub(crate) struct Shown {
    pub(crate) standing: Standing,
    pub(crate) findings: Vec<ReadFinding>,
    /// Whether something may be left out until the reader asks. It says nothing of whether there is.
    pub(crate) hidden: bool,
}

impl Shown {
    pub(crate) fn to(record: &Record, actor: &Actor, case: CaseId) -> bianque_record::Result<Self> {
        let standing = Standing::of(record, actor, case)?;
        let mut findings = record.findings(actor, case)?;
        // Judged by all findings, before any is left out: a hidden one is one that still waits.
        let looking = looks_alone(&findings, standing);
        let waits_for_word = looking == Looking::UntilAsking && record.reads_blind(actor, case)?;
        if looking != Looking::Done {
            findings.retain(|finding| !is_drawn_by_other(finding, actor.user()));
        }
        if !standing.revealed {
            findings.retain(|finding| !is_hidden(finding));
        }
        Ok(Self { standing, findings, hidden: !standing.revealed || waits_for_word })
    }
}

/// How long a reader in a case that two read is kept from what the other drew: earlier it would say
/// what the other saw.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Looking {
    /// Until the rest is decided.
    UntilDecided,
    /// Until the reader says so: there is nothing else to decide about.
    UntilAsking,
    Done,
}

fn looks_alone(findings: &[ReadFinding], standing: Standing) -> Looking {
    let mut others = findings.iter().filter(|finding| {
        let proposal = &finding.proposal.proposal;
        proposal.field == Field::Diagnosis && !is_by_person(&proposal.producer)
    });
    let Some(first) = others.next() else {
        return if standing.asked { Looking::Done } else { Looking::UntilAsking };
    };
    let waits =
        |finding: &ReadFinding| finding.proposal.state.is_undecided() && finding.own.is_none();
    match waits(first) || others.any(waits) {
        true => Looking::UntilDecided,
        false => Looking::Done,
    }
}

fn is_drawn_by_other(finding: &ReadFinding, reader: UserId) -> bool {
    let proposal = &finding.proposal.proposal;
    is_by_person(&proposal.producer) && proposal.proposed_by != reader && finding.read_once
}

/// What a reader who looks first is not shown: what a machine says of the diagnosis.
pub(crate) fn is_hidden(finding: &ReadFinding) -> bool {
    let proposal = &finding.proposal.proposal;
    proposal.kind != QualityVerdict::KIND && !is_by_person(&proposal.producer)
}
