//! What a model is used for, and where it computes.

use bianque_vision::{Device, Purpose};
use clap::{Args, ValueEnum};

/// What a run is for.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum RunPurpose {
    /// Finding things out; no patient's care depends on it.
    #[default]
    Research,
    /// The care of a patient.
    Clinical,
}

impl From<RunPurpose> for Purpose {
    fn from(purpose: RunPurpose) -> Self {
        match purpose {
            RunPurpose::Research => Self::Research,
            RunPurpose::Clinical => Self::Clinical,
        }
    }
}

/// How a task is used.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct UseArguments {
    /// What the result is for; a clinical use needs an encoder whose licence allows it, a task whose
    /// signer is trusted here, and slides that the task's card covers.
    #[arg(long, value_enum, default_value_t = RunPurpose::Research)]
    pub(crate) purpose: RunPurpose,
    /// Where the encoder computes: cpu, cuda (bfloat16), cuda:f16, cuda:f32, or auto, which takes a
    /// GPU where one can be used and says so. Features of a GPU and of a CPU are kept apart. A GPU
    /// encodes whole tiles: outlines by tokens and the encoder's attention need the CPU.
    #[arg(long, default_value = "cpu", value_name = "DEVICE")]
    pub(crate) device: Device,
}
