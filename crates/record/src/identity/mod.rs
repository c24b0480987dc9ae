//! Values that the rest of the crate need not check again: ids, pseudonyms, texts, moments, tokens.

mod ids;
mod moment;
mod texts;
mod token;

pub use ids::{
    BlockId, CaseId, DecisionId, DiscrepancyId, HeadId, ProposalId, ServiceTokenId, SlideId,
    SpecimenId, UserId,
};
pub use moment::{Clock, Moment, system_clock};
pub use texts::{CaseNumber, InstanceUid, Label, LoginName, Pseudonym, Reason, RequestKey};
pub use token::{Token, TokenDigest};
