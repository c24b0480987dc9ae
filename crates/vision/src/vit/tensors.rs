//! A network's tensors in a weight file, by the names of timm or of DINOv2 and DINOv3.

use super::{
    network::{Block, Linear, Norm},
    position::{Rotation, periods},
    resample::resampled,
};
use crate::{
    error::{Result, VisionError},
    recipe::{Ffn, Position, Vit},
    weights::Weights,
};

/// Tensors that training leaves in a file and inference does not need, by how they begin.
const TRAINING_ONLY: [&str; 5] =
    ["head.", "mask_token", "local_cls_norm.", "dino_head.", "ibot_head."];

/// What registers are called in timm, DINOv2 and DINOv3.
const REGISTERS: [&str; 3] = ["reg_token", "register_tokens", "storage_tokens"];

/// Takes tensors whose names may all begin with a prefix such as `backbone.`.
pub(super) struct Tensors<'a> {
    weights: &'a mut Weights,
    prefix: String,
}

impl<'a> Tensors<'a> {
    pub(super) fn new(weights: &'a mut Weights) -> Self {
        let prefix = weights.untaken().find_map(|name| name.strip_suffix("cls_token"));
        let prefix = prefix.unwrap_or("").to_owned();
        Self { weights, prefix }
    }

    pub(super) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        self.weights.take(&format!("{}{name}", self.prefix), shape)
    }

    fn has(&self, name: &str) -> bool {
        self.weights.has(&format!("{}{name}", self.prefix))
    }

    fn wrong(&self, what: String) -> VisionError {
        VisionError::Weights { path: self.weights.path().to_owned(), what }
    }

    pub(super) fn norm(&mut self, name: &str, dim: usize) -> Result<Norm> {
        Ok(Norm {
            weight: self.take(&format!("{name}.weight"), &[dim])?,
            bias: self.take(&format!("{name}.bias"), &[dim])?,
        })
    }

    fn linear(&mut self, name: &str, inputs: usize, outputs: usize) -> Result<Linear> {
        let weight = self.take(&format!("{name}.weight"), &[outputs, inputs])?;
        Ok(Linear::new(weight, self.take(&format!("{name}.bias"), &[outputs])?, inputs))
    }

    /// What stands in each token before patches are added: the class token, registers, the
    /// embedding's bias in every patch token, and learned positions.
    pub(super) fn seed(&mut self, vit: &Vit, grid: usize, bias: &[f32]) -> Result<Vec<f32>> {
        let dim = vit.dim;
        let mut seed = self.take("cls_token", &[1, 1, dim])?;
        if vit.registers > 0 {
            let name = REGISTERS.into_iter().find(|name| self.has(name)).unwrap_or(REGISTERS[0]);
            seed.extend(self.take(name, &[1, vit.registers, dim])?);
        }
        for _ in 0..grid * grid {
            seed.extend_from_slice(bias);
        }
        if let Position::Learned { prefix_rows, resample } = vit.position {
            let prefix = vit.table_prefix(prefix_rows);
            let (table, edge) = self.position_table(prefix, dim)?;
            let (head, table) = table.split_at(prefix * dim);
            let table = resampled(table, edge, grid, dim, resample);
            let (prefix_tokens, patch_tokens) = seed.split_at_mut(vit.prefix() * dim);
            crate::rows::add(prefix_tokens, head);
            crate::rows::add(patch_tokens, &table);
        }
        Ok(seed)
    }

    /// A learned position table of any square number of patches, and their number along an edge.
    fn position_table(&mut self, prefix: usize, dim: usize) -> Result<(Vec<f32>, usize)> {
        let shape = self.weights.shape(&format!("{}pos_embed", self.prefix))?;
        let patches = match shape[..] {
            [1, rows, width] if width == dim => rows.saturating_sub(prefix),
            _ => 0,
        };
        let edge = patches.isqrt();
        if edge == 0 || edge * edge != patches {
            return Err(self.wrong(format!(
                "tensor 'pos_embed' has shape {shape:?}: not [1, {prefix} + a square, {dim}]"
            )));
        }
        Ok((self.take("pos_embed", &shape)?, edge))
    }

    /// The rotation of rotary positions; periods in the file must be those of the recipe.
    pub(super) fn rotation(&mut self, vit: &Vit, grid: usize) -> Result<Option<Rotation>> {
        let Position::Rope { base } = vit.position else {
            return Ok(None);
        };
        let width = vit.dim / vit.heads;
        if self.has("rope_embed.periods") {
            let stored = self.take("rope_embed.periods", &[width / 4])?;
            // Files keep the periods in 16 bits.
            let close = |(a, b): (&f32, f32)| (a - b).abs() <= 0.01 * b;
            if !stored.iter().zip(periods(base, width)).all(close) {
                return Err(self.wrong(format!(
                    "'rope_embed.periods' {stored:?} are not those of base {base} in the recipe"
                )));
            }
        }
        Ok(Some(Rotation::new(base, grid, width)))
    }

    pub(super) fn block(&mut self, vit: &Vit, index: usize) -> Result<Block> {
        let dim = vit.dim;
        let name = |part: &str| format!("blocks.{index}.{part}");
        let norm1 = self.norm(&name("norm1"), dim)?;
        let qkv = self.qkv(&name("attn.qkv"), vit)?;
        let mut project = self.linear(&name("attn.proj"), dim, dim)?;
        let norm2 = self.norm(&name("norm2"), dim)?;
        let (up, mut down) = self.feed_forward(&name("mlp"), vit)?;
        if vit.layer_scale {
            project = project.scaled(&self.take(&name("ls1.gamma"), &[dim])?);
            down = down.scaled(&self.take(&name("ls2.gamma"), &[dim])?);
        }
        Ok(Block {
            norm1,
            qkv: qkv.spread(),
            project: project.spread(),
            norm2,
            up: up.spread(),
            down: down.spread(),
        })
    }

    fn qkv(&mut self, name: &str, vit: &Vit) -> Result<Linear> {
        let (inputs, outputs) = (vit.dim, 3 * vit.dim);
        let weight = self.take(&format!("{name}.weight"), &[outputs, inputs])?;
        let mut bias = vec![0.0; outputs];
        if vit.qkv_bias {
            bias = self.take(&format!("{name}.bias"), &[outputs])?;
        }
        // DINOv3 may hold the keys' bias at zero by a mask stored beside it.
        let mask = format!("{name}.bias_mask");
        if self.has(&mask) {
            let mask = self.take(&mask, &[outputs])?;
            for (value, mask) in bias.iter_mut().zip(mask) {
                *value *= mask;
            }
        }
        Ok(Linear::new(weight, bias, inputs))
    }

    /// The two layers of a feed-forward network; gate and value packed, whatever the file does.
    fn feed_forward(&mut self, name: &str, vit: &Vit) -> Result<(Linear, Linear)> {
        let dim = vit.dim;
        let has = |tensors: &Self, part: &str| tensors.has(&format!("{name}.{part}.weight"));
        match vit.ffn {
            Ffn::Gelu { hidden } => Ok((
                self.linear(&format!("{name}.fc1"), dim, hidden)?,
                self.linear(&format!("{name}.fc2"), hidden, dim)?,
            )),
            Ffn::SwiGlu { hidden } if has(self, "w1") => {
                let mut up = self.linear(&format!("{name}.w1"), dim, hidden)?;
                let value = self.linear(&format!("{name}.w2"), dim, hidden)?;
                up.weight.extend(value.weight);
                up.bias.extend(value.bias);
                up.outputs = 2 * hidden;
                Ok((up, self.linear(&format!("{name}.w3"), hidden, dim)?))
            }
            Ffn::SwiGlu { hidden } => {
                let (up, down) = if has(self, "w12") { ("w12", "w3") } else { ("fc1", "fc2") };
                Ok((
                    self.linear(&format!("{name}.{up}"), dim, 2 * hidden)?,
                    self.linear(&format!("{name}.{down}"), hidden, dim)?,
                ))
            }
        }
    }

    /// Leaves out what only training needs.
    pub(super) fn drop_training_only(&mut self) {
        let known = |name: &&str| {
            let short = name.strip_prefix(self.prefix.as_str()).unwrap_or(name);
            TRAINING_ONLY.iter().any(|begin| short.starts_with(begin) || name.starts_with(begin))
        };
        let names: Vec<_> = self.weights.untaken().filter(known).map(str::to_owned).collect();
        for name in names {
            self.weights.ignore(&name);
        }
    }
}
