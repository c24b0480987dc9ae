//! Reading ahead: while one bag is computed on, the next is read.

use std::sync::{atomic::AtomicBool, mpsc::sync_channel};

use super::{bags::Bags, train::stopped};
use crate::{error::Result, matrix::FeatureMatrix};

/// Bags that are read ahead.
const AHEAD: usize = 2;

/// Reads bags in order, each whole or by some of its tiles, and hands them on one by one.
pub(super) fn stream(
    bags: &dyn Bags,
    jobs: Vec<(usize, Option<Vec<usize>>)>,
    stop: &AtomicBool,
    mut work: impl FnMut(usize, FeatureMatrix) -> Result<()>,
) -> Result<()> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(AHEAD);
        scope.spawn(move || {
            for (slide, rows) in jobs {
                let bag = bags.read(slide, rows.as_deref());
                let failed = bag.is_err();
                // The other side hangs up when it was stopped or failed.
                if sender.send((slide, bag)).is_err() || failed {
                    break;
                }
            }
        });
        for (slide, bag) in receiver {
            stopped(stop)?;
            work(slide, bag?)?;
        }
        Ok(())
    })
}
