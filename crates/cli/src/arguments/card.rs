//! What the user typed for the card of what is trained.

use bianque_lesion::CardWords;
use clap::Args;

/// What only a person can say of a training. It stands in the task's `card.json`.
#[derive(Args)]
pub(crate) struct StatedArguments {
    /// The cancers that the task speaks to, by their keys in the coverage table, each whole or a
    /// part of it as KEY:PART.
    #[arg(long, value_delimiter = ',', value_name = "KEY[:PART]")]
    pub(crate) cancers: Vec<String>,
    /// The stain.
    #[arg(long, default_value = "H&E")]
    pub(crate) stain: String,
    /// The hospital, laboratory or public source of the material.
    #[arg(long, default_value = "the training material's own, not stated")]
    pub(crate) site: String,
    /// Licence of the training material, as an SPDX expression.
    #[arg(long, default_value = "NOASSERTION", value_name = "SPDX")]
    pub(crate) training_licence: String,
    /// Who said what is what, in words.
    #[arg(long, value_name = "WHO")]
    pub(crate) labelled_by: Option<String>,
}

impl StatedArguments {
    /// The same in the form that a card takes.
    pub(crate) fn words(&self) -> CardWords {
        CardWords {
            stain: self.stain.clone(),
            cancers: self.cancers.clone(),
            site: self.site.clone(),
            training_licence: self.training_licence.clone(),
            labelled_by: self.labelled_by.clone(),
        }
    }
}
