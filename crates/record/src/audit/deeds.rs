//! Whether what an entry testifies to is still as it was.

use serde_json::Value as Json;

use super::{Entry, Event};
use crate::{
    RecordError, Result,
    database::Database,
    decisions::decision_digest,
    improvement::{activation_digest, head_digest},
    proposals::proposal_digest,
    reading::reading_digest,
    release::version_digest,
};

/// What differs from the digest in the entry's detail, if anything. Deeds without a digest pass.
pub(super) fn verify_deed(database: &mut dyn Database, entry: &Entry) -> Result<Option<String>> {
    if entry.outcome != "done" {
        return Ok(None);
    }
    let digest_of: fn(&mut dyn Database, &str) -> Result<Option<String>> = match &entry.event {
        event if *event == Event::ProposalAdded.name() => proposal_digest,
        event
            if [Event::Decided, Event::Adjudicated, Event::Amended]
                .iter()
                .any(|known| known.name() == event) =>
        {
            decision_digest
        }
        event if *event == Event::SignedOut.name() => version_digest,
        event if *event == Event::ReadingCommitted.name() => reading_digest,
        event if *event == Event::HeadRefitted.name() => head_digest,
        event if *event == Event::HeadActivated.name() => activation_digest,
        _ => return Ok(None),
    };
    let detail: Json = serde_json::from_str(&entry.detail).unwrap_or_default();
    let (Some(id), Some(expected)) = (detail["id"].as_str(), detail["digest"].as_str()) else {
        return Ok(Some("the entry names no digest".to_owned()));
    };
    match digest_of(database, id) {
        Ok(Some(found)) if found == expected => Ok(None),
        Ok(Some(_)) => Ok(Some(format!("'{id}' has another content"))),
        Ok(None) => Ok(Some(format!("'{id}' is gone"))),
        Err(error @ RecordError::Damaged { .. }) => Ok(Some(error.to_string())),
        Err(error) => Err(error),
    }
}
