//! A network's tensors in a weight file.

use super::{
    dialect::{Names, Spelling},
    layer::Form,
    network::{Block, Linear, Norm},
    pooler::PoolerLayers,
    position::{Rotation, periods},
    resample::resampled,
};
use crate::{
    error::{Result, VisionError},
    recipe::{Dialect, Ffn, Pooler, PoolerWeights, Position, PrefixRows, Published, Vit},
    weights::Weights,
};

/// Tensors that training leaves in a file and inference does not need, by how they begin.
const TRAINING_ONLY: [&str; 9] = [
    "head.",
    "mask_token",
    "embeddings.mask_token",
    "local_cls_norm.",
    "dino_head.",
    "ibot_head.",
    "pooler.",
    "fc_norm.",
    "vision_embed.mask_token",
];

/// What a multiway file holds beside the encoder of images: its branch for text, and what brings
/// both together.
const OTHER_BRANCH: [&str; 4] = ["text_embed.", "vision_head.", "language_head.", "logit_scale"];

/// Takes tensors by the names that their file has for them.
pub(super) struct Tensors<'a> {
    weights: &'a mut Weights,
    spelling: Spelling,
    names: &'static Names,
    /// The names that the recipe was written for.
    stated: Option<Dialect>,
}

impl<'a> Tensors<'a> {
    /// Finds the encoder in the file.
    ///
    /// # Errors
    /// When there is none, or several.
    pub(super) fn new(weights: &'a mut Weights, published: Option<&Published>) -> Result<Self> {
        let prefix = published.and_then(|published| published.prefix.as_deref());
        let spelling = match Spelling::of(weights, prefix) {
            Ok(spelling) => spelling,
            Err(what) => {
                return Err(VisionError::Weights { path: weights.path().to_owned(), what });
            }
        };
        weights.set_prefix(&spelling.prefix);
        let names = spelling.names();
        let stated = published.map(|published| published.keys);
        Ok(Self { weights, spelling, names, stated })
    }

    pub(super) fn into_spelling(self) -> Spelling {
        self.spelling
    }

    pub(super) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        self.weights.take(&format!("{}{name}", self.spelling.prefix), shape)
    }

    fn has(&self, name: &str) -> bool {
        self.weights.has(&format!("{}{name}", self.spelling.prefix))
    }

    /// Of several spellings the one that the file has, else the first, for a message.
    fn spelled(&self, names: &[&'static str]) -> &'static str {
        let found = names.iter().find(|name| self.has(name));
        found.or(names.first()).copied().unwrap_or("")
    }

    fn wrong(&self, what: String) -> VisionError {
        VisionError::Weights { path: self.weights.path().to_owned(), what }
    }

    /// The layer that makes tokens of patches.
    pub(super) fn embedding(&mut self, vit: &Vit) -> Result<Linear> {
        let (patch, channels) = (vit.patch as usize, vit.depth_of_patch());
        let there = |name: &&&str| self.has(&format!("{name}.weight"));
        let name = self.names.patch.iter().find(there).unwrap_or(&self.names.patch[0]);
        let weight = self.take(&format!("{name}.weight"), &[vit.dim, channels, patch, patch])?;
        let bias = self.take(&format!("{name}.bias"), &[vit.dim])?;
        Ok(Linear::new(weight, bias, channels * patch * patch))
    }

    /// The norm after the last block.
    pub(super) fn last_norm(&mut self, dim: usize) -> Result<Norm> {
        self.norm(self.names.norm, dim)
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
        let mut seed = self.take(self.names.class_token, &[1, 1, dim])?;
        if vit.registers > 0 {
            let name = self.spelled(self.names.registers);
            seed.extend(self.take(name, &[1, vit.registers, dim])?);
        }
        for _ in 0..grid * grid {
            seed.extend_from_slice(bias);
        }
        if let Position::Learned { prefix_rows, resample } = vit.position {
            let prefix = vit.table_prefix(self.rows_in_file(prefix_rows));
            let (table, edge) = self.position_table(prefix, dim)?;
            let (head, table) = table.split_at(prefix * dim);
            let table = resampled(table, edge, grid, dim, resample);
            let (prefix_tokens, patch_tokens) = seed.split_at_mut(vit.prefix() * dim);
            crate::rows::add(prefix_tokens, head);
            crate::rows::add(patch_tokens, &table);
        }
        Ok(seed)
    }

    /// The rows at the head of the position table as this file has them. DINOv2 keeps one for the
    /// class token; its networks with registers in timm's names have it added to the token.
    fn rows_in_file(&self, recipe: PrefixRows) -> PrefixRows {
        let is_dinov2 = |dialect| matches!(dialect, Dialect::Dinov2 | Dialect::HfDinov2);
        match (self.stated, self.spelling.dialect, recipe) {
            (Some(stated), Dialect::Timm, PrefixRows::Class)
                if is_dinov2(stated) && self.has("reg_token") =>
            {
                PrefixRows::None
            }
            (Some(Dialect::Timm), found, PrefixRows::None) if is_dinov2(found) => PrefixRows::Class,
            _ => recipe,
        }
    }

    /// A learned position table of any square number of patches, and their number along an edge.
    fn position_table(&mut self, prefix: usize, dim: usize) -> Result<(Vec<f32>, usize)> {
        let name = self.names.positions;
        if !self.has(name) {
            let table = self.take(name, &[1, prefix + 1, dim])?;
            return Ok((table, 1));
        }
        let unused = self.names.unused_positions;
        let shape = self.weights.shape(&format!("{}{name}", self.spelling.prefix))?;
        let patches = match shape[..] {
            [1, rows, width] | [rows, width] if width == dim => {
                rows.saturating_sub(unused + prefix)
            }
            _ => 0,
        };
        let edge = patches.isqrt();
        if edge == 0 || edge * edge != patches {
            return Err(self.wrong(format!(
                "tensor '{name}' has shape {shape:?}: not [1, {prefix} + a square, {dim}]"
            )));
        }
        let mut table = self.take(name, &shape)?;
        table.drain(..unused * dim);
        Ok((table, edge))
    }

    /// The rotation of rotary positions; periods in the file must be those of the recipe.
    pub(super) fn rotation(&mut self, vit: &Vit, grid: usize) -> Result<Option<Rotation>> {
        let Position::Rope { base, precision } = vit.position else {
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
        Ok(Some(Rotation::new(base, grid, width, precision)))
    }

    pub(super) fn block<L: Form>(&mut self, vit: &Vit, index: usize) -> Result<Block<L>> {
        let (dim, names) = (vit.dim, self.names);
        let begin = self.spelling.block(self.weights, index);
        let norm1 = self.norm(&format!("{begin}{}", names.norm1), dim)?;
        let qkv = self.qkv(&begin, vit)?;
        let mut project = self.linear(&format!("{begin}{}", names.project), dim, dim)?;
        let norm2 = self.norm(&format!("{begin}{}", names.norm2), dim)?;
        let between = self.norms_between(&begin, vit)?;
        let (up, mut down) = self.feed_forward(&begin, vit)?;
        if vit.layer_scale {
            project = project.scaled(&self.scale(&begin, names.scales[0], dim)?);
            down = down.scaled(&self.scale(&begin, names.scales[1], dim)?);
        }
        Ok(Block {
            norm1,
            qkv: L::from_linear(qkv),
            project: L::from_linear(project),
            norm2,
            between,
            up: L::from_linear(up),
            down: L::from_linear(down),
        })
    }

    /// The norms before the last layer of each branch, where the recipe has them.
    fn norms_between(&mut self, begin: &str, vit: &Vit) -> Result<Option<[Norm; 2]>> {
        let Some([attended, widened]) = self.names.between.filter(|_| vit.sub_norm) else {
            let what = "is of a family without norms inside the branches, the recipe has sub_norm";
            return if vit.sub_norm { Err(self.wrong(what.into())) } else { Ok(None) };
        };
        Ok(Some([
            self.norm(&format!("{begin}{attended}"), vit.dim)?,
            self.norm(&format!("{begin}{widened}"), vit.hidden())?,
        ]))
    }

    fn scale(&mut self, begin: &str, names: &[&'static str], dim: usize) -> Result<Vec<f32>> {
        let there = |name: &&&str| self.has(&format!("{begin}{name}"));
        let Some(name) = names.iter().find(there).or(names.first()) else {
            return Err(self.wrong("is of a family without layer scale, the recipe has it".into()));
        };
        self.take(&format!("{begin}{name}"), &[dim])
    }

    /// Queries, keys and values in one layer, whatever the file does.
    fn qkv(&mut self, begin: &str, vit: &Vit) -> Result<Linear> {
        let (dim, outputs) = (vit.dim, 3 * vit.dim);
        let separate = self.names.separate.map(|name| format!("{begin}{name}"));
        let fused = match self.names.fused {
            Some(name) if !self.has(&format!("{}.weight", separate[0])) => format!("{begin}{name}"),
            _ => return self.separate_qkv(&separate, vit),
        };
        let weight = self.take(&format!("{fused}.weight"), &[outputs, dim])?;
        let mut bias = vec![0.0; outputs];
        // timm's Eva has keys without a bias, and the two others apart.
        let parts = [("attn.q_bias", 0), ("attn.v_bias", 2)];
        if vit.qkv_bias && parts.iter().all(|(name, _)| self.has(&format!("{begin}{name}"))) {
            for (name, part) in parts {
                let values = self.take(&format!("{begin}{name}"), &[dim])?;
                bias[part * dim..(part + 1) * dim].copy_from_slice(&values);
            }
        } else if vit.qkv_bias {
            bias = self.take(&format!("{fused}.bias"), &[outputs])?;
        }
        // DINOv3 may hold the keys' bias at zero by a mask stored beside it.
        let mask = format!("{fused}.bias_mask");
        if self.has(&mask) {
            let mask = self.take(&mask, &[outputs])?;
            for (value, mask) in bias.iter_mut().zip(mask) {
                *value *= mask;
            }
        }
        Ok(Linear::new(weight, bias, dim))
    }

    fn separate_qkv(&mut self, names: &[String; 3], vit: &Vit) -> Result<Linear> {
        let dim = vit.dim;
        let (mut weight, mut bias) = (Vec::with_capacity(3 * dim * dim), Vec::new());
        for (part, name) in names.iter().enumerate() {
            weight.extend(self.take(&format!("{name}.weight"), &[dim, dim])?);
            let name = format!("{name}.bias");
            let keyless = part == 1 && !self.has(&name) && self.spelling.has_keys_without_bias();
            if vit.qkv_bias && !keyless {
                bias.extend(self.take(&name, &[dim])?);
            } else {
                bias.resize(bias.len() + dim, 0.0);
            }
        }
        Ok(Linear::new(weight, bias, dim))
    }

    /// The two layers of a feed-forward network; gate and value packed, whatever the file does.
    fn feed_forward(&mut self, begin: &str, vit: &Vit) -> Result<(Linear, Linear)> {
        let (dim, names) = (vit.dim, self.names);
        let full = |name: &str| format!("{begin}{name}");
        let has = |tensors: &Self, name: &str| tensors.has(&format!("{begin}{name}.weight"));
        match vit.ffn {
            Ffn::Gelu { hidden } => {
                let [up, down] = names.plain[0];
                Ok((self.linear(&full(up), dim, hidden)?, self.linear(&full(down), hidden, dim)?))
            }
            Ffn::SwiGlu { hidden } => {
                let split = names.split.iter().find(|[gate, ..]| has(self, gate));
                if let Some([gate, value, down]) = split {
                    let mut up = self.linear(&full(gate), dim, hidden)?;
                    let value = self.linear(&full(value), dim, hidden)?;
                    up.weight.extend(value.weight);
                    up.bias.extend(value.bias);
                    up.outputs = 2 * hidden;
                    return Ok((up, self.linear(&full(down), hidden, dim)?));
                }
                let packed = names.packed.iter().find(|[up, _]| has(self, up));
                let Some([up, down]) = packed.or(names.packed.last()).copied() else {
                    return Err(
                        self.wrong("is of a family without gates, the recipe has one".into())
                    );
                };
                Ok((
                    self.linear(&full(up), dim, 2 * hidden)?,
                    self.linear(&full(down), hidden, dim)?,
                ))
            }
        }
    }

    /// The layers of attentional pooling, which stand beside the trunk (CoCa's names).
    pub(super) fn pooler(&mut self, pooler: &Pooler, context: usize) -> Result<PoolerLayers> {
        let tower = match self.spelling.prefix.strip_suffix("trunk.") {
            Some(tower) => tower.to_owned(),
            None => return Err(self.wrong("has no image tower with a pooler beside it".into())),
        };
        let dim = pooler.dim;
        let mut take =
            |name: &str, shape: &[usize]| self.weights.take(&format!("{tower}{name}"), shape);
        let mut norm = |name: &str, dim: usize| -> Result<Norm> {
            let name = |part| format!("{name}.{part}");
            Ok(Norm { weight: take(&name("weight"), &[dim])?, bias: take(&name("bias"), &[dim])? })
        };
        let norm_query = norm("attn_pool_contrast.ln_q", dim)?;
        let norm_tokens = norm("attn_pool_contrast.ln_k", context)?;
        let norm_last = norm("ln_contrast", dim)?;
        let query = take("attn_pool_contrast.query", &[1, dim])?;
        let (to_query, keys_values, project) = match pooler.weights {
            PoolerWeights::Torch => {
                let name = |part: &str| format!("attn_pool_contrast.attn.{part}");
                let query = take(&name("q_proj_weight"), &[dim, dim])?;
                let mut both = take(&name("k_proj_weight"), &[dim, context])?;
                both.extend(take(&name("v_proj_weight"), &[dim, context])?);
                let bias = take(&name("in_proj_bias"), &[3 * dim])?;
                let (first, others) = bias.split_at(dim);
                let project = Linear::new(
                    take(&name("out_proj.weight"), &[dim, dim])?,
                    take(&name("out_proj.bias"), &[dim])?,
                    dim,
                );
                (
                    Linear::new(query, first.to_vec(), dim),
                    Linear::new(both, others.to_vec(), context),
                    project,
                )
            }
            PoolerWeights::Linear => {
                let mut layer = |name: &str, outputs: usize, inputs: usize| -> Result<Linear> {
                    let name = format!("attn_pool_contrast.{name}.weight");
                    let weight = take(&name, &[outputs, inputs])?;
                    Ok(Linear::new(weight, vec![0.0; outputs], inputs))
                };
                (
                    layer("to_q", dim, dim)?,
                    layer("to_kv", 2 * dim, context)?,
                    layer("to_out", dim, dim)?,
                )
            }
        };
        Ok(PoolerLayers::new(
            pooler,
            &query,
            &norm_query,
            &to_query,
            norm_tokens,
            keys_values,
            project,
            norm_last,
        ))
    }

    /// Leaves out what only training needs.
    pub(super) fn drop_training_only(&mut self) {
        let prefix = &self.spelling.prefix;
        let multiway = self.spelling.dialect == Dialect::Torchscale;
        let known = |name: &&str| {
            let short = name.strip_prefix(prefix.as_str()).unwrap_or(name);
            let other = short.contains(".B.") || OTHER_BRANCH.iter().any(|b| short.starts_with(b));
            multiway && other
                || TRAINING_ONLY
                    .iter()
                    .any(|begin| short.starts_with(begin) || name.starts_with(begin))
        };
        let names: Vec<_> = self.weights.untaken().filter(known).map(str::to_owned).collect();
        for name in names {
            self.weights.ignore(&name);
        }
    }
}
