//! What the user typed after `bianque model`.

use std::path::PathBuf;

use bianque_vision::Pooling;
use clap::{Args, Subcommand, ValueEnum};

/// What is done with encoders.
#[derive(Subcommand)]
#[command(after_help = "Examples:
  bianque model list
  bianque model verify pytorch_model.bin --recipe uni
  bianque model add pytorch_model.bin --recipe uni
  bianque model licence virchow2
  bianque train tiles colon-tiles --encoder uni --lesions tumour --name mine --organ colon")]
pub(crate) enum ModelCommand {
    /// The encoders that are installed, and the recipes of those whose weights you may have.
    #[command(after_help = "Examples:
  bianque model list
  bianque model list --json --models /srv/models")]
    List,
    /// All that is known of one.
    Show(NameArguments),
    /// What its licence allows.
    Licence(NameArguments),
    /// Compare a weight file with a recipe, tensor by tensor, and encode the test tiles.
    Verify(VerifyArguments),
    /// Install a weight file: verified, copied, named by its digest.
    Add(AddArguments),
}

/// The arithmetic of a vision transformer on a processor.
#[derive(Copy, Clone, Debug, ValueEnum)]
pub(crate) enum ModelPrecision {
    /// 32-bit floats.
    F32,
    /// 8-bit integers: faster, a quarter of the memory; features differ a little and carry another
    /// digest, so that they are not mixed with others.
    Int8,
}

/// What of a vision transformer's tokens becomes a tile's vector.
#[derive(Copy, Clone, Debug, ValueEnum)]
pub(crate) enum ModelPooling {
    /// The class token.
    Class,
    /// The class token and the mean of the patch tokens, one after the other: twice as long. Heads
    /// that are trained on it can say something of each patch (`run --outlines tokens`).
    ClassAndMean,
    /// The mean of the patch tokens, of which a head can say something too.
    Mean,
}

impl ModelPooling {
    /// What the recipe has for it, and what its name gets.
    pub(super) fn chosen(self) -> (Pooling, &'static str) {
        match self {
            Self::Class => (Pooling::Class, "class"),
            Self::ClassAndMean => (Pooling::ClassAndMean, "class-and-mean"),
            Self::Mean => (Pooling::Mean, "mean"),
        }
    }
}

#[derive(Args)]
#[command(after_help = "Examples:
  bianque model show uni2-h
  bianque model show my-encoder/recipe.json --json
  bianque model licence bianque-lite")]
pub(crate) struct NameArguments {
    /// A recipe or an installed encoder by its name, or a recipe's file.
    pub(crate) name: String,
}

#[derive(Args)]
#[command(after_help = "Examples:
  bianque model verify pytorch_model.bin --recipe uni
  bianque model verify teacher_checkpoint.pth --recipe ruipath --json
  bianque model verify model.safetensors --recipe phikon-v2 --features tiles.safetensors
  bianque model verify model.safetensors --recipe phikon-v2 --device cuda

Reads safetensors and files of torch.save (.pt, .pth, .bin); nothing in a file is ever run. Exit code
1 when the file does not fit. The digest is that of the features of 16 built-in test tiles; it is the
same on machines with the same vector instructions, and --features writes the values for others.")]
pub(crate) struct VerifyArguments {
    /// The weight file.
    pub(crate) file: PathBuf,
    /// A recipe or an installed encoder by its name, or a recipe's file.
    #[arg(long, value_name = "NAME")]
    pub(crate) recipe: String,
    /// Encode the test tiles on a GPU as well and compare: cuda (bfloat16), cuda:f16, cuda:f32, or
    /// auto.
    #[arg(long, default_value = "cpu", value_name = "DEVICE")]
    pub(crate) device: bianque_vision::Device,
    /// Arithmetic of a vision transformer on a processor [default: the recipe's, f32 unless stated].
    #[arg(long, value_name = "ARITHMETIC")]
    pub(crate) precision: Option<ModelPrecision>,
    /// Write the features of the test tiles, one row a tile.
    #[arg(long, value_name = "SAFETENSORS")]
    pub(crate) features: Option<PathBuf>,
}

#[derive(Args)]
#[command(after_help = "Examples:
  bianque model add pytorch_model.bin --recipe uni
  bianque model add GPFM.pth --recipe gpfm --name gpfm-2024 --into my-models/encoders
  bianque model add pytorch_model.bin --recipe uni --precision int8 --name uni-int8
  bianque model add teacher_checkpoint.pth --recipe ruipath --pooling class-and-mean
                                     as ruipath-class-and-mean, for outlines finer than tiles

Makes the folder NAME with recipe.json and the file; the recipe then names the file's digest, and no
other file is loaded with it. What an agreement of your own allows you state there: `licence` (such as
LicenseRef-agreement) and `terms`.")]
pub(crate) struct AddArguments {
    /// The weight file.
    pub(crate) file: PathBuf,
    /// The recipe, by its name or its file.
    #[arg(long, value_name = "NAME")]
    pub(crate) recipe: String,
    /// Arithmetic of a vision transformer on a processor [default: the recipe's, f32 unless stated].
    #[arg(long, value_name = "ARITHMETIC")]
    pub(crate) precision: Option<ModelPrecision>,
    /// What becomes a tile's vector [default: as the recipe says]. Features and heads of one way are
    /// not taken for those of another.
    #[arg(long, value_enum, value_name = "POOLING")]
    pub(crate) pooling: Option<ModelPooling>,
    /// Name under which it is installed [default: the recipe's, with --pooling its name and that].
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Folder in which its folder is made [default: `encoders` of the models folder].
    #[arg(long, value_name = "DIR")]
    pub(crate) into: Option<PathBuf>,
}
