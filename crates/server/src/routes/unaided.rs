//! `/api/v1/cases/{case}/reading` and `/cost/readings`: readings that are fixed before machines
//! speak, and how they compare with others.

use std::time::Duration;

use axum::{
    Json,
    extract::{self, Path},
};
use bianque_record::{
    identity::{CaseId, Reason},
    reading::CaseReading,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    State,
    bodies::{Body, parsed, text},
    withheld::Standing,
};
use crate::{access::Caller, answer::Refusal, events::Event};

/// A reading to be fixed: the regions that the reader has drawn belong to it by themselves.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct NewReading {
    /// What the reader makes of the case, without machines.
    conclusion: String,
    /// How long it took since the last decision, or since the case was opened.
    milliseconds: u64,
}

/// A reading that is fixed.
#[derive(Serialize, JsonSchema)]
pub(crate) struct FixedReading {
    regions: usize,
    milliseconds: u64,
    at: String,
}

/// Readings with and without machines.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ReadingsDocument {
    aided: Arm,
    unaided: Arm,
    /// Whether there are enough of both to say anything about the difference.
    enough: bool,
    /// How many of each are needed for that.
    needed: usize,
}

/// Readings of one sort.
#[derive(Serialize, JsonSchema)]
struct Arm {
    /// How many.
    readings: usize,
    /// By how many readers.
    readers: usize,
    /// What the middle one took; half of them took between the quartiles. Absent where there is none.
    median_milliseconds: Option<u64>,
    lower_quartile_milliseconds: Option<u64>,
    upper_quartile_milliseconds: Option<u64>,
    /// Regions that readers stood for, over all readings.
    regions: u64,
    /// What readers took over from machines once they spoke, over all readings.
    taken_over: u64,
    /// Readings after which something was taken over.
    changed: usize,
}

/// Fewer say nothing about a difference of reasonable size.
const NEEDED: usize = 20;
/// The longest time that counts: whoever left the screen did not read.
const LONGEST: u64 = 60 * 60 * 1000;

impl Arm {
    fn of(readings: &[CaseReading], aided: bool) -> Self {
        let of: Vec<&CaseReading> = readings.iter().filter(|one| one.aided == aided).collect();
        let mut times: Vec<u64> = of.iter().map(|one| one.milliseconds).collect();
        times.sort_unstable();
        let quantile = |numerator: usize| {
            let at = times.len().saturating_sub(1) * numerator / 4;
            times.get(at).copied()
        };
        let mut readers: Vec<_> = of.iter().map(|one| one.reader).collect();
        readers.sort_unstable();
        readers.dedup();
        Self {
            readings: of.len(),
            readers: readers.len(),
            median_milliseconds: quantile(2),
            lower_quartile_milliseconds: quantile(1),
            upper_quartile_milliseconds: quantile(3),
            regions: of.iter().map(|one| one.regions).sum(),
            taken_over: of.iter().map(|one| one.taken_over).sum(),
            changed: of.iter().filter(|one| one.taken_over > 0).count(),
        }
    }
}

/// Fixes what a reader has found without machines.
pub(crate) async fn commit(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(case): Path<String>,
    Body(new): Body<NewReading>,
) -> Result<Json<FixedReading>, Refusal> {
    let (id, conclusion): (CaseId, Reason) = (parsed(&case)?, parsed(&new.conclusion)?);
    let spent = Duration::from_millis(new.milliseconds.min(LONGEST));
    let fixed = state
        .record(move |record| {
            if Standing::of(record, &caller.actor, id)?.revealed {
                return Ok(None);
            }
            record.commit_reading(&caller.actor, id, &conclusion, spent).map(Some)
        })
        .await?;
    let fixed = fixed.ok_or_else(|| {
        Refusal::Conflict("what machines say is on the screen: the reading is not unaided".into())
    })?;
    state.events.tell(Event::Case { case: id });
    Ok(Json(FixedReading {
        regions: fixed.regions.len(),
        milliseconds: fixed.milliseconds,
        at: text(fixed.at),
    }))
}

/// How readings with and without machines compare.
pub(crate) async fn compare(
    extract::State(state): extract::State<State>,
    caller: Caller,
) -> Result<Json<ReadingsDocument>, Refusal> {
    let readings = state.record(move |record| record.case_readings(&caller.actor)).await?;
    let (aided, unaided) = (Arm::of(&readings, true), Arm::of(&readings, false));
    let enough = aided.readings >= NEEDED && unaided.readings >= NEEDED;
    Ok(Json(ReadingsDocument { aided, unaided, enough, needed: NEEDED }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arm_counts_its_own_readings_and_has_a_middle() {
        let reader = bianque_record::identity::UserId::CONSOLE;
        let one = |aided, milliseconds, taken_over| CaseReading {
            reader,
            aided,
            milliseconds,
            regions: 2,
            taken_over,
        };
        let readings = [one(false, 9, 1), one(false, 1, 0), one(false, 5, 3), one(true, 100, 0)];
        let arm = Arm::of(&readings, false);
        assert_eq!((arm.readings, arm.readers, arm.median_milliseconds), (3, 1, Some(5)));
        assert_eq!((arm.regions, arm.taken_over, arm.changed), (6, 4, 2));
        assert_eq!(Arm::of(&readings, true).upper_quartile_milliseconds, Some(100));
        assert_eq!(Arm::of(&[], true).median_milliseconds, None);
    }
}
