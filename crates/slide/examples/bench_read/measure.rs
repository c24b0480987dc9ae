//! Wall and processor time of a piece of work in this process; its peak memory.

use std::time::Instant;

use crate::Failure;

/// What a piece of work took, in seconds.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Cost {
    pub(crate) wall: f64,
    pub(crate) processor: f64,
}

impl Cost {
    /// The smaller of both in each respect: other programs only ever add time.
    pub(crate) fn best(self, other: Self) -> Self {
        Self { wall: self.wall.min(other.wall), processor: self.processor.min(other.processor) }
    }
}

/// Seconds that all threads of this process have run, finished ones included.
fn processor_seconds() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // User and system time are the 14th and 15th field; the second may hold blanks.
    let fields: Vec<&str> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| -> Result<f64, Failure> {
        Ok(fields.get(index).ok_or("no time in /proc/self/stat")?.parse()?)
    };
    const TICKS_PER_SECOND: f64 = 100.0;
    Ok((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}

/// Runs work once and says what it took.
pub(crate) fn cost(work: impl FnOnce() -> Result<(), Failure>) -> Result<Cost, Failure> {
    let (start, processor) = (Instant::now(), processor_seconds()?);
    work()?;
    Ok(Cost { wall: start.elapsed().as_secs_f64(), processor: processor_seconds()? - processor })
}

/// The largest resident size of this process so far, in megabytes.
pub(crate) fn peak_memory() -> Result<f64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: f64 =
        line.and_then(|l| l.split_whitespace().next()).ok_or("no VmHWM")?.parse()?;
    Ok(kilobytes / 1024.0)
}
