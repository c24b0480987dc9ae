//! One image in frames: a level or an associated image, in one instance or a concatenation.

use crate::{error::Result, file::SlideFile, slide::RawTile};

use super::{
    frames::Frames,
    instance::Instance,
    layout::{Grid, Layout, Placement},
    pixels::PixelFormat,
};

/// A tiled image whose frames may lie in several files.
#[derive(Debug)]
pub(super) struct TiledImage {
    pub(super) grid: Grid,
    format: PixelFormat,
    placement: Placement,
    /// In the order of their frames.
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    file: SlideFile,
    frames: Frames,
    first_frame: u32,
}

impl TiledImage {
    /// The image of the parts of one concatenation, or of a single instance. `warn` takes what a
    /// person should know.
    ///
    /// # Errors
    /// Broken where frames are missing or parts contradict each other.
    pub(super) fn new(
        first: Instance,
        others: Vec<Instance>,
        warn: &mut impl FnMut(String),
    ) -> Result<Self> {
        let (grid, format) = (first.grid, first.format);
        let mut instances = vec![first];
        instances.extend(others);
        instances.sort_by_key(|part| part.concatenation.as_ref().map(|c| c.first_frame));
        let mut parts = Vec::new();
        let mut layouts = Vec::new();
        let mut next_frame = 0_u32;
        for instance in instances {
            let file = &instance.file;
            let stated = instance.concatenation.as_ref().map_or(0, |part| part.first_frame);
            if stated != next_frame {
                let what = format!(
                    "it is a part that begins at frame {stated}, but the parts before it end at \
                     {next_frame}: is one missing?"
                );
                return Err(file.broken(what));
            }
            if (instance.grid, instance.format) != (grid, format) {
                return Err(file.broken("its tiles differ from those of the level's other parts"));
            }
            next_frame = next_frame
                .checked_add(instance.frames.count())
                .ok_or_else(|| file.broken("more frames than can be counted"))?;
            layouts.push(instance.layout);
            parts.push(Part { file: instance.file, frames: instance.frames, first_frame: stated });
        }
        let placement = place(&parts, layouts, grid, next_frame, warn)?;
        Ok(Self { grid, format, placement, parts })
    }

    /// A tile's coded bytes; `None` where the image leaves it out or has no such tile.
    pub(super) fn tile(&self, column: u32, row: u32) -> Result<Option<RawTile<'static>>> {
        let tile = self.grid.tile(column, row);
        let Some(frame) = tile.and_then(|tile| self.placement.frame(tile)) else {
            return Ok(None);
        };
        let after = self.parts.partition_point(|part| part.first_frame <= frame);
        let Some(part) = after.checked_sub(1).and_then(|at| self.parts.get(at)) else {
            return Ok(None);
        };
        let coded = part.frames.read(&part.file, frame - part.first_frame)?;
        let (bytes, codec) = self.format.tile(coded);
        let (width, height) = (self.grid.tile_width, self.grid.tile_height);
        Ok(Some(RawTile { bytes, codec, width, height }))
    }

    /// The first file, for messages.
    pub(super) fn file(&self) -> Option<&SlideFile> {
        self.parts.first().map(|part| &part.file)
    }

    /// Tiles that the image leaves out.
    pub(super) fn absent_tiles(&self) -> u64 {
        match &self.placement {
            Placement::Full => 0,
            Placement::Sparse(pairs) => self.grid.tiles().saturating_sub(pairs.len() as u64),
        }
    }
}

/// Full where the parts say so or nothing contradicts it, else by the stated positions.
fn place(
    parts: &[Part],
    layouts: Vec<Layout>,
    grid: Grid,
    frames: u32,
    warn: &mut impl FnMut(String),
) -> Result<Placement> {
    let Some(Part { file, .. }) = parts.first() else { return Ok(Placement::Full) };
    if layouts.iter().all(|layout| matches!(layout, Layout::Placed(_))) {
        let tiles = layouts.into_iter().flat_map(|layout| match layout {
            Layout::Placed(tiles) => tiles,
            Layout::Full | Layout::Unstated => Vec::new(),
        });
        return Placement::sparse(file, grid, tiles);
    }
    if layouts.iter().any(|layout| matches!(layout, Layout::Placed(_))) {
        return Err(file.broken("some parts of a level place their frames and others do not"));
    }
    let unstated = layouts.contains(&Layout::Unstated);
    if u64::from(frames) != grid.tiles() {
        let (columns, rows) = (grid.columns(), grid.rows());
        let hint = if unstated { ", and says not where they lie" } else { "" };
        let what = format!("it has {frames} frames for {columns} x {rows} tiles{hint}");
        return Err(file.broken(what));
    }
    // One frame has only one place.
    if unstated && frames > 1 {
        warn(format!("it says not where its {frames} frames lie: taken row by row"));
    }
    Ok(Placement::Full)
}
