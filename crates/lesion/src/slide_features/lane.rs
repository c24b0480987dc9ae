//! One encoder at work on a slide: what it still has to make, and how.

use std::time::Instant;

use bianque_core::{Digest, Producer, RgbImage};
use bianque_slide::SlideError;
use bianque_vision::{Encoder, Feeding, TokenGrid};

use super::{
    cut::{Cut, Unit},
    output::{Batch, Output},
    pass::{EncoderRequest, PassRequest, SlideExtraction, TokenRequest},
    store::{FeatureFacts, SlideFeatures},
    timing::{BusyClock, Timing},
};
use crate::{
    error::{LesionError, Result},
    matrix::FeatureMatrix,
    task::recipe_digest,
};

/// Warnings about single tiles that are spelled out.
const SPELLED_OUT: usize = 5;

/// An encoder at work on a slide.
pub(super) struct Lane<'a> {
    request: &'a EncoderRequest<'a>,
    features: Output<'a>,
    tokens: Vec<(TokenRequest<'a>, Output<'a>)>,
}

impl<'a> Lane<'a> {
    /// Looks for what earlier runs have made.
    ///
    /// # Errors
    /// When a head does not fit the encoder's tokens, or a file cannot be used.
    pub(super) fn open(
        pass: &PassRequest<'_>,
        request: &'a EncoderRequest<'a>,
        cut: &Cut,
    ) -> Result<Self> {
        let mpp = pass.slide.facts().mpp.clone().ok_or(SlideError::NoMpp)?;
        let facts = FeatureFacts {
            schema: 1,
            slide: pass.identity.to_owned(),
            mpp,
            grid: cut.grid.clone(),
            tissue: request.tissue_share,
            encoder: request.encoder.producer().clone(),
            recipe_digest: recipe_digest(request.encoder.recipe()),
            dimension: request.encoder.dimension(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            left_out: Vec::new(),
        };
        let open_tokens = |wish: &TokenRequest<'a>| {
            let facts = token_facts(request.encoder, wish, &facts)?;
            Ok((*wish, Output::open(facts, &cut.cells, wish.file)?))
        };
        let tokens = request.tokens.iter().map(open_tokens).collect::<Result<_>>()?;
        Ok(Self { request, features: Output::open(facts, &cut.cells, request.file)?, tokens })
    }

    /// Whether something of a stretch had still to be made when the pass began.
    pub(super) fn wants(&self, stretch: usize) -> bool {
        self.features.wants(stretch) || self.tokens.iter().any(|(_, tokens)| tokens.wants(stretch))
    }

    /// Tiles of which nothing had to be made.
    pub(super) fn tiles_done(&self) -> usize {
        let tokens = self.tokens.iter().map(|(_, tokens)| tokens.tiles_done());
        tokens.fold(self.features.tiles_done(), usize::min)
    }

    pub(super) fn feeding(&self) -> Feeding {
        self.request.encoder.feeding()
    }

    /// Encodes the tiles of some units, whose pictures lie in `images` one after the other.
    pub(super) fn encode(
        &self,
        units: &[Unit],
        images: &[RgbImage],
        busy: &BusyClock,
    ) -> Result<()> {
        let encoder = self.request.encoder;
        let dimension = encoder.dimension();
        let mut vectors = vec![0.0_f32; images.len() * dimension];
        let mut logits: Vec<Vec<f32>> = vec![Vec::new(); self.tokens.len()];
        if !images.is_empty() {
            logits = busy.during(|| match self.tokens.is_empty() {
                true => encoder.encode(images, &mut vectors).map(|()| logits).map_err(Into::into),
                false => self.token_logits(images, &mut vectors),
            })?;
        }
        let mut first = 0;
        for Unit { job, cells, left_out, .. } in units {
            let (from, to) = (first, first + cells.len());
            first = to;
            let vectors = &vectors[from * dimension..to * dimension];
            let batch = Batch::of(cells, vectors, left_out.clone());
            if self.features.wants(job.stretch) {
                self.features.add(job.stretch, job.unit, batch)?;
            }
            for ((_, output), logits) in self.tokens.iter().zip(&logits) {
                let each = logits.len() / images.len().max(1);
                let batch = Batch::of(cells, &logits[from * each..to * each], left_out.clone());
                if output.wants(job.stretch) {
                    output.add(job.stretch, job.unit, batch)?;
                }
            }
        }
        Ok(())
    }

    /// Encodes tiles, and applies each head to their tokens.
    fn token_logits(&self, images: &[RgbImage], vectors: &mut [f32]) -> Result<Vec<Vec<f32>>> {
        let encoder = self.request.encoder;
        let Some(grid) = encoder.tokens() else { return Ok(Vec::new()) };
        let mut tokens = vec![0.0; images.len() * grid.edge * grid.edge * grid.dimension];
        encoder.encode_with_tokens(images, vectors, &mut tokens)?;
        let tokens = FeatureMatrix::new(grid.dimension, tokens)?;
        self.tokens.iter().map(|(wish, _)| wish.head.logits(&tokens)).collect()
    }

    pub(super) fn finish(self, timing: Timing, start: Instant) -> Result<SlideExtraction> {
        let (features, reused, mut warnings) = self.features.finish()?;
        let tokens = self.tokens.into_iter().map(|(_, output)| Ok(output.finish()?.0));
        let tokens = tokens.collect::<Result<_>>()?;
        warnings.extend(about_left_out(&features));
        let tiles = features.cells.len().saturating_sub(reused);
        let wall_seconds = start.elapsed().as_secs_f64();
        let timing = Timing { tiles, wall_seconds, ..timing };
        Ok(SlideExtraction { features, tokens, timing, reused, warnings })
    }
}

/// What the file of token logits says of itself: it rests on encoder and head.
fn token_facts(
    encoder: &dyn Encoder,
    wish: &TokenRequest<'_>,
    features: &FeatureFacts,
) -> Result<FeatureFacts> {
    let producer = encoder.producer();
    let fits = |grid: &TokenGrid| grid.dimension == wish.head.dimension();
    let Some(grid) = encoder.tokens().filter(fits) else {
        return Err(LesionError::Setting(format!(
            "the parts of a tile, as {} gives them, cannot be judged by this head: it takes {} \
             values",
            producer.name,
            wish.head.dimension()
        )));
    };
    let both = format!("{:?} {}", producer.digest, wish.digest);
    Ok(FeatureFacts {
        encoder: Producer {
            name: format!("{}: logits of tokens", producer.name),
            digest: Some(Digest::of(both.as_bytes())),
            ..producer.clone()
        },
        dimension: grid.edge * grid.edge * wish.head.classes(),
        ..features.clone()
    })
}

fn about_left_out(features: &SlideFeatures) -> Vec<String> {
    let left_out = &features.facts.left_out;
    let mut warnings = Vec::new();
    for left in left_out.iter().take(SPELLED_OUT) {
        let rect = features.facts.grid.tile_rect(left.cell);
        warnings.push(format!("the tile at x {}, y {} was left out: {}", rect.x, rect.y, left.why));
    }
    if left_out.len() > SPELLED_OUT {
        warnings.push(format!("{} tiles were left out in all", left_out.len()));
    }
    if features.cells.is_empty() {
        warnings.push(if left_out.is_empty() {
            "no tile has enough tissue: nothing was judged".to_owned()
        } else {
            "no tile could be read: nothing was judged".to_owned()
        });
    }
    warnings
}
