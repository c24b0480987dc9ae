//! A version of a case as it was signed.

use bianque_core::{Digest, Producer};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    RecordError, Result,
    canonical::canonical,
    database::Database,
    decisions::{Manner, Verdict},
    identity::{CaseId, CaseNumber, DecisionId, ProposalId, Pseudonym, Reason, SlideId, UserId},
    people::Role,
    store::Unit,
};

/// Who confirmed a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The decision.
    pub decision: DecisionId,
    /// How it came about.
    pub manner: Manner,
    /// What it says.
    pub verdict: Verdict,
    /// Who decided.
    pub reader: UserId,
    /// In which role.
    pub role: Role,
    /// When, in microseconds since 1970-01-01 00:00 UTC.
    pub at: i64,
}

/// A confirmed finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The proposal that it was.
    pub proposal: ProposalId,
    /// The kind of its content.
    pub kind: String,
    /// The version of that kind.
    pub kind_version: u32,
    /// What was confirmed.
    pub content: Json,
    /// Whether a person changed it before confirming.
    pub corrected: bool,
    /// What proposed it.
    pub producer: Producer,
    /// The encoder whose features that judged, where it judged features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<Producer>,
    /// Every decision that was made about it, the oldest first; the last but for amendments stands.
    pub confirmations: Vec<Confirmation>,
}

/// A version of a case: confirmed findings and nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseVersion {
    /// `bianque.case-version/1`.
    pub schema: String,
    /// The case.
    pub case: CaseId,
    /// The laboratory's number; absent where it leaves for more than care ([`super::Released`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<CaseNumber>,
    /// Whose material it is.
    pub patient: Pseudonym,
    /// From 1.
    pub version: u32,
    /// The digest of the version that this one takes the place of.
    pub amends: Option<Digest>,
    /// What the person who signs says in words.
    pub conclusion: Reason,
    /// The slides and the digests of their files.
    pub slides: Vec<(SlideId, Digest)>,
    /// What was confirmed.
    pub findings: Vec<Finding>,
    /// What was proposed and refused.
    pub refused: Vec<ProposalId>,
    /// What was proposed and left undecided, knowingly.
    pub undecided: Vec<ProposalId>,
    /// Who signed.
    pub signed_by: UserId,
    /// In which role.
    pub role: Role,
    /// When, in microseconds since 1970-01-01 00:00 UTC.
    pub signed_at: i64,
}

impl CaseVersion {
    pub(super) const SCHEMA: &'static str = "bianque.case-version/1";

    /// Its text in the one spelling that is digested: JSON, keys sorted, no spaces.
    ///
    /// # Errors
    /// When a content does not serialise.
    pub fn canonical_text(&self) -> Result<String> {
        let json = serde_json::to_value(self)
            .map_err(|error| RecordError::damaged("case version", self.case, error))?;
        Ok(canonical(&json))
    }
}

impl Unit<'_> {
    /// The newest version of a case, or a certain one, with its digest. Its text must have that
    /// digest.
    pub(super) fn case_version(
        &mut self,
        case: CaseId,
        version: Option<u32>,
    ) -> Result<Option<(CaseVersion, Digest)>> {
        let last = version.map_or(i64::MAX, i64::from);
        let sql = "SELECT content, digest, version FROM case_version \
                   WHERE laboratory_case = ?1 AND version <= ?2 ORDER BY version DESC LIMIT 1";
        let Some(row) = self.one(sql, &[case.into(), last.into()])? else { return Ok(None) };
        if version.is_some_and(|version| row.integer(2).ok() != Some(version.into())) {
            return Ok(None);
        }
        let (text, digest) = (row.text(0)?, Digest::of(row.text(0)?.as_bytes()));
        if row.text(1)? != digest.to_string() {
            return Err(RecordError::damaged("case version", case, "it has another digest"));
        }
        let content = serde_json::from_str(text)
            .map_err(|error| RecordError::damaged("case version", case, error))?;
        Ok(Some((content, digest)))
    }
}

/// The digest of a signed version as it is stored now, by `case/version`; `None` when it is gone.
pub(crate) fn version_digest(database: &mut dyn Database, id: &str) -> Result<Option<String>> {
    let (case, version) = id.split_once('/').unwrap_or((id, ""));
    let number: i64 = version.parse().unwrap_or(0);
    let sql = "SELECT content FROM case_version WHERE laboratory_case = ?1 AND version = ?2";
    let rows = database.query(sql, &[case.into(), number.into()])?;
    let digest = |row: &crate::database::Row| Ok(Digest::of(row.text(0)?.as_bytes()).to_string());
    rows.first().map(digest).transpose()
}
