//! What tensors are called by those who publish them.

use crate::{recipe::Dialect, weights::Weights};

/// How a family of files spells its tensors' names. Where there are several spellings, a file has
/// the first that is found in it.
pub(super) struct Names {
    pub(super) class_token: &'static str,
    pub(super) registers: &'static [&'static str],
    pub(super) positions: &'static str,
    pub(super) patch: &'static [&'static str],
    /// What stands before a block's number.
    pub(super) block: &'static [&'static str],
    pub(super) norm1: &'static str,
    pub(super) norm2: &'static str,
    /// Queries, keys and values in one layer, if the family has that.
    pub(super) fused: Option<&'static str>,
    /// The same in three.
    pub(super) separate: [&'static str; 3],
    pub(super) project: &'static str,
    /// Feed-forward networks without a gate: both layers.
    pub(super) plain: &'static [[&'static str; 2]],
    /// Gated, gate and value in one layer: both layers.
    pub(super) packed: &'static [[&'static str; 2]],
    /// Gated, in layers of their own: gate, value, last layer.
    pub(super) split: &'static [[&'static str; 3]],
    pub(super) scales: [&'static [&'static str]; 2],
    /// Norms before the last layer of each branch, if the family knows them.
    pub(super) between: Option<[&'static str; 2]>,
    pub(super) norm: &'static str,
    /// Rows of the position table, before all others, that no token has.
    pub(super) unused_positions: usize,
}

/// timm, DINOv2 and DINOv3: one family, which differs in few names.
const NATIVE: Names = Names {
    class_token: "cls_token",
    registers: &["reg_token", "register_tokens", "storage_tokens"],
    positions: "pos_embed",
    patch: &["patch_embed.proj"],
    block: &["blocks."],
    norm1: "norm1",
    norm2: "norm2",
    fused: Some("attn.qkv"),
    separate: ["attn.q_proj", "attn.k_proj", "attn.v_proj"],
    project: "attn.proj",
    plain: &[["mlp.fc1", "mlp.fc2"]],
    packed: &[["mlp.w12", "mlp.w3"], ["mlp.fc1", "mlp.fc2"]],
    split: &[["mlp.w1", "mlp.w2", "mlp.w3"], ["mlp.fc1_g", "mlp.fc1_x", "mlp.fc2"]],
    scales: [&["ls1.gamma", "gamma_1"], &["ls2.gamma", "gamma_2"]],
    between: Some(["attn.norm", "mlp.norm"]),
    norm: "norm",
    unused_positions: 0,
};

const HF_ATTENTION: [&str; 3] =
    ["attention.attention.query", "attention.attention.key", "attention.attention.value"];

const HF_VIT: Names = Names {
    class_token: "embeddings.cls_token",
    registers: &[],
    positions: "embeddings.position_embeddings",
    patch: &["embeddings.patch_embeddings.projection"],
    block: &["encoder.layer."],
    norm1: "layernorm_before",
    norm2: "layernorm_after",
    fused: None,
    separate: HF_ATTENTION,
    project: "attention.output.dense",
    plain: &[["intermediate.dense", "output.dense"]],
    packed: &[],
    split: &[],
    scales: [&[], &[]],
    between: None,
    norm: "layernorm",
    unused_positions: 0,
};

const HF_DINOV2: Names = Names {
    registers: &["embeddings.register_tokens"],
    norm1: "norm1",
    norm2: "norm2",
    plain: &[["mlp.fc1", "mlp.fc2"]],
    packed: &[["mlp.weights_in", "mlp.weights_out"]],
    scales: [&["layer_scale1.lambda1"], &["layer_scale2.lambda1"]],
    ..HF_VIT
};

const HF_DINOV3: Names = Names {
    patch: &["embeddings.patch_embeddings"],
    block: &["layer.", "model.layer."],
    separate: ["attention.q_proj", "attention.k_proj", "attention.v_proj"],
    project: "attention.o_proj",
    plain: &[["mlp.up_proj", "mlp.down_proj"]],
    packed: &[],
    split: &[["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]],
    norm: "norm",
    ..HF_DINOV2
};

/// What stands before the class token of torchscale's encoder.
const TORCHSCALE: &str = "vision_embed.";

const BEIT3: Names = Names {
    class_token: "vision_embed.cls_token",
    registers: &[],
    positions: "encoder.embed_positions.A.weight",
    patch: &["vision_embed.proj"],
    block: &["encoder.layers."],
    norm1: "self_attn_layer_norm.A",
    norm2: "final_layer_norm.A",
    fused: None,
    separate: ["self_attn.q_proj.A", "self_attn.k_proj.A", "self_attn.v_proj.A"],
    project: "self_attn.out_proj.A",
    plain: &[["ffn.A.fc1", "ffn.A.fc2"]],
    packed: &[],
    split: &[],
    scales: [&[], &[]],
    between: Some(["self_attn.inner_attn_ln.A", "ffn.A.ffn_layernorm"]),
    norm: "encoder.layer_norm.A",
    // Its table counts as fairseq's: the first place is 2.
    unused_positions: 2,
};

/// Which names a file has, and what stands before all of them.
pub(crate) struct Spelling {
    pub(crate) dialect: Dialect,
    pub(crate) prefix: String,
}

impl Spelling {
    pub(super) fn names(&self) -> &'static Names {
        match self.dialect {
            Dialect::HfVit => &HF_VIT,
            Dialect::HfDinov2 => &HF_DINOV2,
            Dialect::HfDinov3 => &HF_DINOV3,
            Dialect::Torchscale => &BEIT3,
            _ => &NATIVE,
        }
    }

    /// Whether keys may have no bias where queries and values have one.
    pub(super) fn has_keys_without_bias(&self) -> bool {
        self.dialect == Dialect::HfDinov3
    }

    /// Finds the encoder in a file: by its class token, of which a file with several networks has
    /// several. `stated` is the prefix that the recipe gives.
    ///
    /// # Errors
    /// With what is ambiguous or absent, for a message.
    pub(super) fn of(weights: &Weights, stated: Option<&str>) -> Result<Self, String> {
        let mut prefixes: Vec<&str> = weights
            .names()
            .filter_map(|name| name.strip_suffix(NATIVE.class_token))
            .filter(|prefix| prefix.is_empty() || prefix.ends_with('.'))
            .collect();
        if let Some(stated) = stated
            && let Some(found) = prefixes.iter().find(|prefix| begins_here(prefix, stated))
        {
            prefixes = vec![*found];
        }
        if prefixes.len() > 1 {
            // Of student and teacher the teacher is what is published and measured.
            let is_teacher = |prefix: &&&str| prefix.split('.').any(|part| part == "teacher");
            let teachers: Vec<&str> = prefixes.iter().filter(is_teacher).copied().collect();
            if let [teacher] = teachers[..] {
                prefixes = vec![teacher];
            }
        }
        match prefixes[..] {
            [] => Err("has no class token under any name that is known: it is no vision \
                       transformer, or of a family that is not known"
                .to_owned()),
            [prefix] => Ok(Self::at(weights, prefix)),
            _ => Err(format!(
                "holds several encoders, under '{}': say which in the recipe, published.prefix",
                prefixes.join("', '")
            )),
        }
    }

    /// Which names are used, given what stands before `cls_token`.
    fn at(weights: &Weights, prefix: &str) -> Self {
        let has = |name: &str| weights.has(&format!("{prefix}{name}"));
        if let Some(outer) = prefix.strip_suffix(TORCHSCALE) {
            return Self { dialect: Dialect::Torchscale, prefix: outer.to_owned() };
        }
        if let Some(outer) = prefix.strip_suffix("embeddings.") {
            let has = |name: &str| weights.has(&format!("{outer}{name}"));
            let dialect = if has("encoder.layer.0.layernorm_before.weight") {
                Dialect::HfVit
            } else if has("encoder.layer.0.norm1.weight") {
                Dialect::HfDinov2
            } else {
                Dialect::HfDinov3
            };
            return Self { dialect, prefix: outer.to_owned() };
        }
        let any = |begin: &str| {
            weights.names().any(|name| name.strip_prefix(prefix).is_some_and(|n| n.contains(begin)))
        };
        let dialect = if prefix.ends_with("trunk.") {
            Dialect::ImageTower
        } else if has("storage_tokens") || any("mlp.w1.") || any("rope_embed.") {
            Dialect::Dinov3
        } else if has("register_tokens") || any("mlp.w12.") || chunks(weights, prefix).is_some() {
            Dialect::Dinov2
        } else {
            Dialect::Timm
        };
        Self { dialect, prefix: prefix.to_owned() }
    }

    /// What stands before the names of block `index`, number and all.
    pub(super) fn block(&self, weights: &Weights, index: usize) -> String {
        let names = self.names();
        let with = |begin: &str| format!("{begin}{index}.");
        let there = |begin: &&&str| {
            weights.has(&format!("{}{}{}.weight", self.prefix, with(begin), names.norm1))
        };
        if let Some(begin) = names.block.iter().find(there) {
            return with(begin);
        }
        if let Some(chunks) = chunks(weights, &self.prefix) {
            let norm = |chunk: &usize| {
                let prefix = &self.prefix;
                weights.has(&format!("{prefix}blocks.{chunk}.{index}.{}.weight", names.norm1))
            };
            if let Some(chunk) = (0..=chunks).find(norm) {
                return format!("blocks.{chunk}.{index}.");
            }
        }
        with(names.block[0])
    }
}

/// Whether a class token's prefix is that of an encoder under a stated one.
fn begins_here(prefix: &str, stated: &str) -> bool {
    let outer = |part: &str| prefix.strip_suffix(part) == Some(stated);
    prefix == stated || outer("embeddings.") || outer(TORCHSCALE)
}

/// The last chunk of blocks, where DINOv2 keeps them as `blocks.CHUNK.BLOCK.`; blocks are counted
/// through.
fn chunks(weights: &Weights, prefix: &str) -> Option<usize> {
    weights
        .names()
        .filter_map(|name| {
            let mut parts = name.strip_prefix(prefix)?.strip_prefix("blocks.")?.split('.');
            let chunk = parts.next()?.parse().ok()?;
            let _: usize = parts.next()?.parse().ok()?;
            Some(chunk)
        })
        .max()
        // A block's number, as large as the file says, is not looked for up to there.
        .map(|last: usize| last.min(256))
}
