//! The small trait between a plan and what carries it out.

use bianque_core::RgbImage;

use super::{
    constants::{bytes, upload_constants},
    forward::plan,
    layout::Layout,
    plan::{Buffer, Kind, Launch, Place, Plan, Product, Step},
    shape::Shape,
};
use crate::{
    error::Result,
    normalise::table,
    recipe::{Normalise, Precision},
    vit::Parts,
};

/// Memory, kernels and products. Requests are carried out one after the other.
pub(crate) trait Device {
    /// Makes a buffer; they are numbered as they are made.
    fn allocate(&mut self, buffer: &Buffer) -> Result<()>;

    /// Copies bytes to a place; `bytes` may be changed as soon as this returns.
    fn upload(&mut self, place: Place, bytes: &[u8]) -> Result<()>;

    /// Copies bytes from a place.
    #[cfg(test)]
    fn download(&mut self, place: Place, bytes: &mut [u8]) -> Result<()>;

    /// Runs a kernel.
    fn launch(&mut self, launch: &Launch) -> Result<()>;

    /// Forms a product.
    fn multiply(&mut self, product: &Product) -> Result<()>;
}

/// Carries out steps one after the other.
pub(crate) fn carry_out(device: &mut impl Device, steps: &[Step]) -> Result<()> {
    steps.iter().try_for_each(|step| match step {
        Step::Launch(launch) => device.launch(launch),
        Step::Product(product) => device.multiply(product),
    })
}

/// A network on a device.
pub(crate) struct Resident<D> {
    pub(crate) device: D,
    pub(crate) shape: Shape,
    pub(crate) layout: Layout,
}

impl<D: Device> Resident<D> {
    /// Brings a network to a device, with working memory for `tiles` tiles at once.
    pub(crate) fn new(
        mut device: D,
        shape: Shape,
        precision: Precision,
        tiles: usize,
        normalise: &Normalise,
        parts: Parts,
    ) -> Result<Self> {
        let layout = Layout::new(&shape, precision, tiles);
        for buffer in &layout.buffers {
            device.allocate(buffer)?;
        }
        upload_constants(parts, &shape, &layout, |buffer, bytes| {
            device.upload(Layout::begin(buffer), bytes)
        })?;
        if let Normalise::Fixed { .. } = normalise {
            let any = RgbImage::filled(1, 1, [0; 3]);
            device.upload(Layout::begin(layout.tables), &table_bytes(normalise, &any))?;
        }
        Ok(Self { device, shape, layout })
    }

    /// The plan for so many tiles.
    pub(crate) fn plan(&self, tiles: usize) -> Plan {
        plan(&self.shape, &self.layout, tiles)
    }

    /// Features of up to the layout's number of tiles, all requests one after the other.
    #[cfg(test)]
    pub(crate) fn encode(&mut self, normalise: &Normalise, tiles: &[RgbImage]) -> Result<Vec<f32>> {
        let plan = self.plan(tiles.len());
        let pixels: Vec<u8> = tiles.iter().flat_map(|tile| tile.pixels()).copied().collect();
        self.device.upload(Layout::begin(self.layout.tiles), &pixels)?;
        if self.shape.per_tile {
            let tables: Vec<u8> =
                tiles.iter().flat_map(|tile| table_bytes(normalise, tile)).collect();
            self.device.upload(Layout::begin(self.layout.tables), &tables)?;
        }
        self.device.launch(&plan.unfold)?;
        carry_out(&mut self.device, &plan.steps)?;
        let mut bytes = vec![0; tiles.len() * self.shape.output * 4];
        self.device.download(Layout::begin(self.layout.features), &mut bytes)?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }
}

/// The network's input for each value of each channel of a tile, as the device has it.
pub(crate) fn table_bytes(normalise: &Normalise, tile: &RgbImage) -> Vec<u8> {
    bytes(table(normalise, tile).as_flattened(), Kind::Full, Precision::F32)
}
