//! What every verb does that begins with a folder of tiles: encode it and say what was left out.

use bianque_lesion::{ExtractSettings, TileFeatures, TileFolder, tile_features};
use bianque_vision::Encoder;

use crate::{
    interrupt,
    terminal::{Terminal, shown_on},
};

/// Features of a folder's tiles. Tiles that cannot be read are named and left out.
pub(crate) fn encode_tiles(
    folder: &TileFolder,
    encoder: &dyn Encoder,
    settings: &ExtractSettings<'_>,
    terminal: &Terminal,
) -> anyhow::Result<TileFeatures> {
    let bar = terminal.progress("tiles", 0);
    let flag = interrupt::flag()?;
    let tiles = tile_features(folder, encoder, settings, &shown_on(&bar), &flag)?;
    bar.finish_and_clear();
    for broken in &tiles.broken {
        terminal.note(&format!("left out {}: {}", broken.name, broken.why));
    }
    tiles.warnings.iter().for_each(|warning| terminal.note(warning));
    Ok(tiles)
}
