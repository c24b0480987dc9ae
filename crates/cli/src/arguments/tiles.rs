//! What the user typed of cutting tiles.

use std::path::PathBuf;

use clap::Args;

#[derive(Args)]
#[command(after_help = "Examples:
  bianque tiles slide.svs --out slide.npy
  bianque tiles slide.svs --tile 256 --mpp 0.5 --most 2000 --out slide.npy

Writes the tissue's tiles as one NumPy array [tiles, height, width, 3] of 8-bit RGB, and beside it
NAME.json with where each lies in level-0 pixels, the resolution and the slide's digest. The Python
package under python/ packs such arrays into RuiPath's training bundles.")]
pub(crate) struct TilesArguments {
    /// The slide: a file, or a folder with one DICOM pyramid.
    pub(crate) slide: PathBuf,
    /// Microns per level-0 pixel, where the file states none or a wrong one.
    #[arg(long, value_name = "UM")]
    pub(crate) slide_mpp: Option<f64>,
    /// Edge of a tile in pixels.
    #[arg(long, default_value_t = 224, value_parser = clap::value_parser!(u32).range(16..=2048))]
    pub(crate) tile: u32,
    /// Microns per pixel of a tile.
    #[arg(long, default_value_t = 0.5, value_name = "UM")]
    pub(crate) mpp: f64,
    /// Smallest share of tissue in a tile.
    #[arg(long, default_value_t = 0.35)]
    pub(crate) tissue: f64,
    /// Most tiles; of more a random choice.
    #[arg(long, value_name = "N")]
    pub(crate) most: Option<usize>,
    /// Seed of the choice.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// The array to write: .npy.
    #[arg(long, value_name = "NPY")]
    pub(crate) out: PathBuf,
}
