//! A slide's own JPEG tiles, handed out as they lie in the file.

use bianque_core::Level0;
use bianque_core::Point;
use bianque_slide::{Codec, Level, Slide, TileIndex};

use super::{ImageFormat, Picture, Piece};
use crate::answer::Refusal;

/// The tile of which `piece` is the whole, if there is one whose bytes a browser can show.
pub(crate) fn tile(slide: &dyn Slide, piece: &Piece) -> Result<Option<Picture>, Refusal> {
    let levels = &slide.facts().levels;
    let found = levels.iter().enumerate().find_map(|(index, level)| {
        let tile = tile_of(level, piece.origin, piece)?;
        Some((index, tile))
    });
    let Some((level, tile)) = found else { return Ok(None) };
    Ok(match slide.raw_tile(level, tile)? {
        Some(raw) if raw.codec == Codec::Jpeg => Some(Picture {
            bytes: raw.bytes.into_owned().into(),
            format: ImageFormat::Jpeg,
            as_in_the_file: true,
        }),
        _ => None,
    })
}

/// The tile of a level that covers exactly the piece. Tiles that reach beyond the level are left
/// out: they are larger than what is shown of them.
fn tile_of(level: &Level, origin: Point<Level0>, piece: &Piece) -> Option<TileIndex> {
    // Over a whole slide a difference of this size stays below a pixel.
    let same_step = (level.downsample / piece.step - 1.0).abs()
        * f64::from(level.width.max(level.height))
        < 1.0;
    if !same_step || (piece.width, piece.height) != (level.tile_width, level.tile_height) {
        return None;
    }
    let index = |at: f64, edge: u32, length: u32| {
        let pixels = (at / piece.step).round();
        let number = (pixels / f64::from(edge)).round();
        let starts_here = number >= 0.0 && (number * f64::from(edge) - pixels).abs() < 0.5;
        let ends_inside = (number + 1.0) * f64::from(edge) <= f64::from(length);
        (starts_here && ends_inside).then_some(number as u32)
    };
    Some(TileIndex {
        column: index(origin.x, level.tile_width, level.width)?,
        row: index(origin.y, level.tile_height, level.height)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVEL: Level =
        Level { width: 1000, height: 600, tile_width: 256, tile_height: 256, downsample: 4.0 };

    fn piece(x: f64, y: f64, step: f64, width: u32) -> Piece {
        Piece { origin: Point::new(x, y), step, width, height: 256 }
    }

    fn at(piece: &Piece) -> Option<(u32, u32)> {
        tile_of(&LEVEL, piece.origin, piece).map(|tile| (tile.column, tile.row))
    }

    #[test]
    fn only_a_whole_tile_inside_its_level_is_passed_through() {
        assert_eq!(at(&piece(1024.0, 1024.0, 4.0, 256)), Some((1, 1)));
        assert_eq!(at(&piece(1024.0, 1024.0, 4.0001, 256)), Some((1, 1)));
        // Column 3 ends at 1,024, beyond the level's 1,000.
        assert_eq!(at(&piece(3072.0, 0.0, 4.0, 256)), None);
        assert_eq!(at(&piece(1028.0, 1024.0, 4.0, 256)), None);
        assert_eq!(at(&piece(1024.0, 1024.0, 4.0, 255)), None);
        assert_eq!(at(&piece(1024.0, 1024.0, 2.0, 256)), None);
        assert_eq!(at(&piece(-1024.0, 0.0, 4.0, 256)), None);
    }
}
