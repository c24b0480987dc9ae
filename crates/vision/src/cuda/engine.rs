//! Batches on the GPU: two at a time, so that one is uploaded while the other is computed.

use std::sync::Arc;

use cudarc::driver::{
    CudaEvent, CudaGraph, CudaStream, PinnedHostSlice, result,
    sys::{CUgraphInstantiate_flags, CUstreamCaptureMode},
};

use super::{
    device::{Device, Resident, carry_out},
    gpu::{Gpu, driver, runtime},
    layout::Layout,
    plan::{Argument, Buffer, Kind, Place, Plan},
    shape::Shape,
    worker::{Batches, SLOTS},
};
use crate::{
    error::Result,
    recipe::{Normalise, Precision},
    vit::Parts,
};

/// Tiles of the largest batch, where memory allows it.
const MOST: usize = 256;
/// From one size of batch to the next smaller one.
const STEP: usize = 4;
/// Parts of ten of the free memory that may be used.
const SHARE: usize = 9;

/// Batches of a few sizes.
pub(super) struct Engine {
    // Dropped before the GPU that they belong to.
    sizes: Vec<Size>,
    slots: Vec<Slot>,
    copies: Arc<CudaStream>,
    resident: Resident<Gpu>,
}

/// A number of tiles for which there is a plan.
struct Size {
    tiles: usize,
    plan: Plan,
    /// The plan's steps as the device keeps them; none before the first batch of the size.
    graph: Option<CudaGraph>,
}

/// Where one of the batches in flight lies.
struct Slot {
    /// Tiles and tables on the way up, features on the way down: memory that is never moved.
    pixels: PinnedHostSlice<u8>,
    tables: PinnedHostSlice<u8>,
    features: PinnedHostSlice<f32>,
    /// Tiles and tables on the device.
    tiles_place: Place,
    tables_place: Place,
    uploaded: CudaEvent,
    done: CudaEvent,
}

impl Engine {
    /// Brings a network to the GPU; says what GPU it is.
    pub(super) fn new(
        shape: Shape,
        precision: Precision,
        normalise: &Normalise,
        parts: Parts,
    ) -> Result<(Self, String)> {
        let gpu = Gpu::new(&shape, precision)?;
        let name = gpu.name()?;
        let most = most_tiles(&shape, precision, gpu.free()? / 10 * SHARE)?;
        let mut resident = Resident::new(gpu, shape, precision, most, normalise, parts)?;
        let copies = resident.device.context().new_stream().map_err(driver("make a stream"))?;
        let slots = (0..SLOTS)
            .map(|index| Slot::new(&mut resident, most, index))
            .collect::<Result<Vec<_>>>()?;
        let sizes = std::iter::successors(Some(most), |tiles| Some(tiles / STEP))
            .take_while(|tiles| *tiles > 0)
            .take(3)
            .map(|tiles| Size { tiles, plan: resident.plan(tiles), graph: None })
            .collect();
        Ok((Self { sizes, slots, copies, resident }, name))
    }

    /// The number of the smallest size that holds so many tiles.
    fn size(&self, tiles: usize) -> usize {
        self.sizes.iter().rposition(|size| size.tiles >= tiles).unwrap_or(0)
    }

    /// Records the steps of a size. They run once before, since what a library or a kernel does at
    /// its first use cannot be recorded.
    fn record(&mut self, size: usize) -> Result<()> {
        let stream = self.resident.device.stream().clone();
        let steps = &self.sizes[size].plan.steps;
        carry_out(&mut self.resident.device, steps)?;
        stream.synchronize().map_err(driver("run the network"))?;
        let mode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        stream.begin_capture(mode).map_err(driver("record a graph"))?;
        let recorded = carry_out(&mut self.resident.device, steps);
        // Recording ends whatever came of it.
        let graph = stream.end_capture(CUgraphInstantiate_flags(0));
        recorded?;
        let graph = graph.map_err(driver("record a graph"))?;
        self.sizes[size].graph = Some(graph.ok_or_else(|| runtime("an empty graph".into()))?);
        Ok(())
    }
}

/// The largest batch that memory allows.
fn most_tiles(shape: &Shape, precision: Precision, memory: usize) -> Result<usize> {
    let sizes = std::iter::successors(Some(MOST), |tiles| Some(tiles / 2));
    let mut sizes = sizes.take_while(|tiles| *tiles > 0);
    let fits = |tiles: &usize| Layout::new(shape, precision, *tiles).bytes() <= memory;
    sizes.find(fits).ok_or_else(|| {
        let needed = Layout::new(shape, precision, 1).bytes() >> 20;
        runtime(format!("{needed} MiB are needed, {} MiB may be used", memory >> 20))
    })
}

impl Slot {
    #[allow(unsafe_code)]
    fn new(resident: &mut Resident<Gpu>, most: usize, index: usize) -> Result<Self> {
        let (shape, layout) = (&resident.shape, &resident.layout);
        let count = layout.buffers.len() + 2 * index.saturating_sub(1);
        let tables = if shape.per_tile { most * 3 * 256 * 4 } else { 1 };
        let pixels = most * shape.size * shape.size * 3;
        let output = most * shape.output;
        let begin = |buffer| Place { buffer, bytes: 0 };
        let (mut tiles_place, mut tables_place) = (begin(layout.tiles), begin(layout.tables));
        if index > 0 {
            // The layout's own are the first slot's.
            let more = |name: &str, bytes| Buffer {
                name: format!("{name} {index}"),
                kind: Kind::Byte,
                length: bytes,
                width: 1,
            };
            resident.device.allocate(&more("tiles", pixels))?;
            resident.device.allocate(&more("tables", tables))?;
            tiles_place = begin(count);
            if resident.shape.per_tile {
                tables_place = begin(count + 1);
            }
        }
        let context = resident.device.context();
        let event = || context.new_event(None).map_err(driver("make an event"));
        let memory = driver("lock memory");
        // SAFETY: what is read of this memory was written before: pixels and tables by `submit`,
        // features by the device, for which `finish` waits. Bytes and floats have no invalid bits.
        let slot = unsafe {
            Self {
                pixels: context.alloc_pinned(pixels).map_err(&memory)?,
                tables: context.alloc_pinned(tables).map_err(&memory)?,
                features: context.alloc_pinned_with_flags(output, 0).map_err(&memory)?,
                tiles_place,
                tables_place,
                uploaded: event()?,
                done: event()?,
            }
        };
        Ok(slot)
    }
}

impl Batches for Engine {
    fn most(&self) -> usize {
        self.sizes.first().map_or(0, |size| size.tiles)
    }

    #[allow(unsafe_code)]
    fn submit(&mut self, slot: usize, pieces: &[(&[u8], &[u8])], tiles: usize) -> Result<()> {
        let size = self.size(tiles);
        if self.sizes[size].graph.is_none() {
            self.record(size)?;
        }
        let gpu = &mut self.resident.device;
        let slot = &mut self.slots[slot];
        let upload = driver("copy to the GPU");
        let filled = slot.pixels.as_mut_slice().map_err(&upload)?;
        let pixels = place_all(filled, pieces.iter().map(|(pixels, _)| *pixels))?;
        let filled = slot.tables.as_mut_slice().map_err(&upload)?;
        let tables = place_all(filled, pieces.iter().map(|(_, tables)| *tables))?;
        let to = gpu.address(slot.tiles_place, pixels)?;
        let copies = self.copies.cu_stream();
        let bytes = &slot.pixels.as_slice().map_err(&upload)?[..pixels];
        // SAFETY: the place holds so many bytes, as `address` has checked. The locked memory is not
        // touched before `finish` has waited for `done`, which comes after this copy.
        unsafe { result::memcpy_htod_async(to, bytes, copies) }.map_err(&upload)?;
        if tables > 0 {
            let to = gpu.address(slot.tables_place, tables)?;
            let bytes = &slot.tables.as_slice().map_err(&upload)?[..tables];
            // SAFETY: as above.
            unsafe { result::memcpy_htod_async(to, bytes, copies) }.map_err(&upload)?;
        }
        slot.uploaded.record(&self.copies).map_err(&upload)?;

        let stream = gpu.stream().clone();
        stream.wait(&slot.uploaded).map_err(&upload)?;
        let size = &self.sizes[size];
        let mut unfold = size.plan.unfold.clone();
        unfold.arguments[0] = Argument::Place(slot.tiles_place);
        unfold.arguments[1] = Argument::Place(slot.tables_place);
        gpu.launch(&unfold)?;
        if let Some(graph) = &size.graph {
            graph.launch().map_err(driver("run the network"))?;
        }
        let values = tiles * self.resident.shape.output;
        let from = gpu.address(Layout::begin(self.resident.layout.features), values * 4)?;
        let download = driver("copy from the GPU");
        let to = &mut slot.features.as_mut_slice().map_err(&download)?[..values];
        // SAFETY: the buffer holds so many values; the locked memory is read only by `finish`,
        // which waits for `done`.
        unsafe { result::memcpy_dtoh_async(to, from, stream.cu_stream()) }.map_err(&download)?;
        slot.done.record(&stream).map_err(&download)
    }

    fn finish(&mut self, slot: usize) -> Result<&[f32]> {
        let slot = &self.slots[slot];
        slot.done.synchronize().map_err(driver("run the network"))?;
        slot.features.as_slice().map_err(driver("copy from the GPU"))
    }
}

/// Puts pieces one after the other; says how many bytes they are.
fn place_all<'a>(to: &mut [u8], pieces: impl Iterator<Item = &'a [u8]>) -> Result<usize> {
    let mut end = 0;
    for piece in pieces {
        let place = to.get_mut(end..end + piece.len());
        place.ok_or_else(|| runtime("a batch is too large".into()))?.copy_from_slice(piece);
        end += piece.len();
    }
    Ok(end)
}
