//! What people decide about proposals: kept whole, one by one, never averaged.

mod agreement;
mod amend;
mod decide;
mod decision;
mod difference;
mod kappa;
mod overlap;

pub use agreement::{PairAgreement, PointDistance, REFUSED, ReadingPair};
pub(crate) use decision::decision_digest;
pub use decision::{Decision, Judgement, Manner, NewDecision, Verdict, Viewed};
pub use difference::{Change, apply, difference};
pub use kappa::{Kappa, cohens_kappa};
pub use overlap::{Overlap, overlap};
