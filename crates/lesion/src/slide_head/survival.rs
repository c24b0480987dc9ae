//! Cox's loss over several slides, and its way back through a head.

use super::{Seed, SlideGradient, SlideHead, SlideTarget, loss::cox, without_dropout};
use crate::{
    error::{LesionError, Result},
    matrix::FeatureMatrix,
    tape::Array,
};

/// A slide of a batch: its bag, the seed of what is dropped, how long it was followed.
pub(crate) type FollowedSlide<'a> = (&'a Array, u64, SlideTarget);

impl SlideHead {
    /// Gives Cox's loss over slides and adds its slopes to `gradients`. It hangs on all of them at
    /// once, so each goes through the head twice: for its hazard, then back with its slope.
    pub(crate) fn survival_step(
        &self,
        slides: &[FollowedSlide<'_>],
        gradients: &mut [Array],
    ) -> Result<f64> {
        let hazards = slides.iter().map(|(bag, drops, _)| self.hazard(bag, *drops));
        let hazards = hazards.collect::<Result<Vec<f32>>>()?;
        let (loss, slopes) = survival_loss(&hazards, slides.iter().map(|(.., target)| *target))?;
        for ((bag, drops, _), slope) in slides.iter().zip(slopes) {
            self.step(bag, Seed::Slope(slope), *drops, gradients)?;
        }
        Ok(loss)
    }

    /// Cox's loss over bags and its slopes by every parameter, without dropout: for checks against
    /// other implementations.
    ///
    /// # Errors
    /// As [`SlideHead::predict`], and when a target is not one of survival.
    pub fn survival_gradient(
        &self,
        bags: &[FeatureMatrix],
        targets: &[SlideTarget],
    ) -> Result<SlideGradient> {
        let still = Self { kind: without_dropout(&self.kind), ..self.clone() };
        let bags = bags.iter().map(|bag| self.bag(bag)).collect::<Result<Vec<_>>>()?;
        let slides: Vec<FollowedSlide<'_>> =
            bags.iter().zip(targets).map(|(bag, target)| (bag, 0, *target)).collect();
        let mut gradients = self.parameters.zeros_alike();
        let loss = still.survival_step(&slides, &mut gradients)?;
        Ok(SlideGradient { loss, slopes: self.by_name(gradients) })
    }
}

/// Cox's loss of hazards and its slopes by them.
///
/// # Errors
/// When a target is not one of survival.
pub(crate) fn survival_loss(
    hazards: &[f32],
    targets: impl Iterator<Item = SlideTarget>,
) -> Result<(f64, Vec<f32>)> {
    let (mut times, mut events) = (Vec::new(), Vec::new());
    for target in targets {
        let SlideTarget::Survival { time, event } = target else {
            let what = format!("a head for survival cannot be trained on {target:?}");
            return Err(LesionError::Data(what));
        };
        times.push(time);
        events.push(event);
    }
    Ok(cox(hazards, &times, &events))
}
