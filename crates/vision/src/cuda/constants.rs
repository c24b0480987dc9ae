//! A network's tensors as bytes for the device's buffers.

use half::{bf16, f16};

use super::{
    layout::{Layout, Pair},
    plan::Kind,
    shape::Shape,
};
use crate::{
    recipe::Precision,
    vit::{LayerParts, NormParts, Parts},
};

/// Hands every constant to `upload`, with the buffer that it belongs in, and drops it then: memory
/// for the network as it was read and for one tensor more is enough.
pub(super) fn upload_constants<E>(
    parts: Parts,
    shape: &Shape,
    layout: &Layout,
    mut upload: impl FnMut(usize, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let precision = layout.precision();
    let mut put = |buffer: usize, values: &[f32]| {
        upload(buffer, &bytes(values, layout.buffers[buffer].kind, precision))
    };
    put(layout.embed, &padded(&parts.embed, shape.patch_padded()))?;
    put(layout.seed, &parts.seed)?;
    if let (Some((cosine, sine)), Some((cosines, sines))) = (layout.rotation, parts.rotation) {
        put(cosine, &cosines)?;
        put(sine, &sines)?;
    }
    for (buffers, block) in layout.blocks.iter().zip(parts.blocks) {
        put_norm(&mut put, buffers.norm1, &block.norm1)?;
        put_layer(&mut put, buffers.qkv, &block.qkv)?;
        put_layer(&mut put, buffers.project, &block.project)?;
        put_norm(&mut put, buffers.norm2, &block.norm2)?;
        for (buffers, norm) in buffers.between.iter().flatten().zip(block.between.iter().flatten())
        {
            put_norm(&mut put, *buffers, norm)?;
        }
        put_layer(&mut put, buffers.up, &block.up)?;
        put_layer(&mut put, buffers.down, &block.down)?;
    }
    put_norm(&mut put, layout.norm, &parts.norm)?;
    if let (Some(buffers), Some(pooler)) = (&layout.pooler, parts.pooler) {
        put(buffers.query, &pooler.query)?;
        put_norm(&mut put, buffers.norm_tokens, &pooler.norm_tokens)?;
        put_layer(&mut put, buffers.keys_values, &pooler.keys_values)?;
        put_layer(&mut put, buffers.project, &pooler.project)?;
        put_norm(&mut put, buffers.norm_last, &pooler.norm_last)?;
    }
    Ok(())
}

fn put_layer<E>(
    put: &mut impl FnMut(usize, &[f32]) -> Result<(), E>,
    buffers: Pair,
    layer: &LayerParts,
) -> Result<(), E> {
    put(buffers.weight, &layer.weight)?;
    put(buffers.bias, &layer.bias)
}

fn put_norm<E>(
    put: &mut impl FnMut(usize, &[f32]) -> Result<(), E>,
    buffers: Pair,
    norm: &NormParts,
) -> Result<(), E> {
    put(buffers.weight, &norm.weight)?;
    put(buffers.bias, &norm.bias)
}

/// The layer's rows with zeros up to `width` values.
fn padded(layer: &LayerParts, width: usize) -> Vec<f32> {
    let rows = layer.weight.chunks_exact(layer.inputs);
    rows.flat_map(|row| row.iter().copied().chain(std::iter::repeat_n(0.0, width - row.len())))
        .collect()
}

/// Values as a buffer keeps them.
pub(super) fn bytes(values: &[f32], kind: Kind, precision: Precision) -> Vec<u8> {
    let values = values.iter().copied();
    match (kind, precision) {
        (Kind::Element, Precision::Bf16) => {
            values.flat_map(|value| bf16::from_f32(value).to_le_bytes()).collect()
        }
        (Kind::Element, Precision::F16) => {
            values.flat_map(|value| f16::from_f32(value).to_le_bytes()).collect()
        }
        _ => values.flat_map(f32::to_le_bytes).collect(),
    }
}
