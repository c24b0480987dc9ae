//! What machines say, whatever it is about: content of some kind, with evidence and its producer.

mod bulk_points;
mod content;
mod evidence;
mod lesion_region;
mod proposal;
mod quality_verdict;
mod queue;
mod state;
mod stored_instance;

pub use bulk_points::BulkPoints;
pub use content::{Content, Field, ModelConfidence, ProposalContent};
pub use evidence::Evidence;
pub use lesion_region::{LesionRegion, LesionShape};
pub(crate) use proposal::proposal_digest;
pub use proposal::{NewProposal, Proposal, ProposalWithState};
pub use quality_verdict::{QualityReason, QualityVerdict, Verdict as SlideVerdict};
pub use queue::{QueueItem, QueueQuery};
pub use state::{Deed, Settled, State};
pub use stored_instance::{NewInstance, StoredInstance};
