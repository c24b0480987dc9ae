//! `bianque model`: encoders by recipe, their weights and what their licences allow.

mod add;
mod arguments;
mod device;
mod list;
mod show;
mod verify;

use bianque_vision::{Architecture, Arithmetic, Permission, Purpose, Recipe};

pub(crate) use self::arguments::ModelCommand;
use self::arguments::ModelPrecision;
use super::Outcome;
use crate::{models::Models, terminal::Terminal};

pub(crate) fn run(
    command: &ModelCommand,
    models: &Models,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    match command {
        ModelCommand::List => list::run(models, terminal),
        ModelCommand::Show(arguments) => show::show(arguments, models, terminal),
        ModelCommand::Licence(arguments) => show::licence(arguments, models, terminal),
        ModelCommand::Verify(arguments) => verify::run(arguments, models, terminal),
        ModelCommand::Add(arguments) => add::run(arguments, models, terminal),
    }
}

/// The recipe in the arithmetic that the user asks for, else in its own.
fn in_arithmetic(recipe: Recipe, asked: Option<ModelPrecision>) -> anyhow::Result<Recipe> {
    let arithmetic = match asked {
        None => return Ok(recipe),
        Some(ModelPrecision::F32) => Arithmetic::F32,
        Some(ModelPrecision::Int8) => Arithmetic::Int8,
    };
    recipe.with_arithmetic(arithmetic).map_err(anyhow::Error::msg)
}

/// A network in a few words.
fn architecture(recipe: &Recipe) -> String {
    match &recipe.architecture {
        Architecture::Vit(vit) => {
            let arithmetic = match vit.arithmetic {
                Arithmetic::F32 => "",
                Arithmetic::Int8 => " int8",
            };
            format!("ViT {}x{}/{}{arithmetic}", vit.dim, vit.depth, vit.patch)
        }
        Architecture::ConvNet(network) => format!("convolutional, {} stages", network.stages.len()),
        Architecture::Onnx(_) => "ONNX model".to_owned(),
    }
}

/// Values in a feature vector.
fn dimension(recipe: &Recipe) -> usize {
    match &recipe.architecture {
        Architecture::Vit(vit) => vit.output(),
        Architecture::ConvNet(network) => network.head,
        Architecture::Onnx(model) => model.dimension,
    }
}

/// Whether a run for patients may use it, in a word and a reason.
fn clinical(recipe: &Recipe) -> (&'static str, Option<String>) {
    match recipe.permits(Purpose::Clinical) {
        Permission::Allowed => ("allowed", None),
        Permission::Forbidden(why) => ("forbidden", Some(why)),
        Permission::NotStated(why) => ("not stated", Some(why)),
    }
}
