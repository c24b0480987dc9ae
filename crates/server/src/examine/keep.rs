//! Puts what an examination found before people: proposals into the record, pictures among the
//! objects. Done again after an interruption it puts nothing twice.

use bianque_core::{Digest, Level0, PixelRect, Producer};
use bianque_record::{
    Actor, RecordError, Result,
    cases::Purpose,
    identity::{Label, RequestKey},
    proposals::{
        Content, Evidence, LesionRegion, LesionShape, ModelConfidence, NewProposal,
        ProposalContent, QualityReason, QualityVerdict,
    },
    site::PlacedSlide,
};

use super::{Examined, FoundLesion, Heatmap};
use crate::routes::{
    State,
    cases::{HeatmapFacts, KeptHeatmap, Outputs},
};

/// Places that a proposal rests on.
const MOST_EVIDENCE: usize = 16;
/// Regions of one slide that are put before a person.
const MOST_LESIONS: usize = 10_000;

/// That not all regions are put before a person, where there are so many.
fn too_many(examined: &Examined) -> Option<String> {
    let found = examined.lesions.len();
    (found > MOST_LESIONS).then(|| {
        format!(
            "{found} regions were found; the first {MOST_LESIONS} are listed, the heatmap shows them all"
        )
    })
}

/// What said something, and of whose features.
#[derive(Copy, Clone)]
struct By<'a> {
    producer: &'a Producer,
    encoder: Option<&'a Producer>,
}

/// Keeps everything; gives where the pictures lie.
pub(super) fn keep(
    state: &State,
    slide: &PlacedSlide,
    producer: &Label,
    examined: &Examined,
) -> Result<Outputs> {
    let crop = examined.quality.crop.as_ref();
    let crop = crop.map(|bytes| state.objects.put(&mut bytes.as_slice())).transpose()?;
    let heatmap = examined.heatmap.as_ref().map(|map| keep_heatmap(state, map)).transpose()?;
    let mut number = 0;
    let mut put = |content: Content, evidence: &[PixelRect<Level0>], by: &By<'_>, score| {
        let By { producer: by, encoder } = *by;
        let key = key(slide, producer, by, number)?;
        number += 1;
        let features = encoder.map(|encoder| Evidence::Features { encoder: encoder.clone() });
        let place = |region: &PixelRect<Level0>| Evidence::SlideRegion {
            slide: slide.slide,
            region: *region,
        };
        let new = NewProposal {
            case: slide.case,
            slide: Some(slide.slide),
            content,
            evidence: evidence.iter().take(MOST_EVIDENCE).map(place).chain(features).collect(),
            producer: by.clone(),
            confidence: score,
            purpose: Purpose::Care,
            consent_tags: Vec::new(),
        };
        state.record.propose_once(&Actor::console_program(), &new, Some(&key)).map(drop)
    };
    let reasons = &examined.quality.reasons;
    let verdict = QualityVerdict {
        slide: slide.slide,
        verdict: examined.quality.verdict,
        reasons: reasons
            .iter()
            .map(|(fault, region)| QualityReason { fault: fault.clone(), region: *region })
            .collect(),
    };
    let places: Vec<_> = reasons.iter().filter_map(|(_, region)| *region).collect();
    let check = By { producer: &examined.quality.by, encoder: None };
    put(Content::of(&verdict)?, &places, &check, None)?;
    let task = By { producer: &examined.lesions_by, encoder: examined.features_by.as_ref() };
    for lesion in examined.lesions.iter().take(MOST_LESIONS) {
        let score = ModelConfidence::new(lesion.score)?;
        let content = Content::of(&region(slide, lesion))?;
        put(content, &lesion.evidence, &task, Some(score))?;
    }
    Ok(Outputs {
        heatmap,
        crop,
        error: examined.nothing_sought.clone().or_else(|| too_many(examined)),
    })
}

fn region(slide: &PlacedSlide, lesion: &FoundLesion) -> LesionRegion {
    let region = LesionRegion {
        slide: slide.slide,
        label: lesion.label.clone(),
        shape: LesionShape::Outline(lesion.outline.clone()),
    };
    if region.check().is_ok() {
        return region;
    }
    // An outline of more points than are kept loses every second one, until it fits.
    let mut region = region;
    for _ in 0..8 {
        if region.check().is_ok() {
            break;
        }
        let LesionShape::Outline(parts) = &mut region.shape else { break };
        for part in parts {
            for ring in std::iter::once(&mut part.outer).chain(&mut part.holes) {
                if ring.len() >= 8 {
                    let mut keep = false;
                    ring.retain(|_| {
                        keep = !keep;
                        keep
                    });
                }
            }
        }
    }
    region
}

/// Names the number-th proposal of a producer about a slide. The head counts: an examination that
/// broke off may be finished by another one, whose regions are others.
fn key(slide: &PlacedSlide, producer: &Label, by: &Producer, number: u64) -> Result<RequestKey> {
    let head = by.digest.map_or_else(String::new, |digest| format!(" {digest}"));
    let text = format!("proposal {} {producer} {number}{head}", slide.slide);
    let digest = Digest::of(text.as_bytes()).to_string();
    digest.rsplit(':').next().unwrap_or_default().get(..40).unwrap_or_default().parse()
}

fn keep_heatmap(state: &State, map: &Heatmap) -> Result<KeptHeatmap> {
    let failed = |source| RecordError::File {
        doing: "write",
        path: "a heatmap".into(),
        source: std::io::Error::other(source),
    };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, map.width, map.height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&map.values).map_err(failed)?;
    drop(writer);
    let object = state.objects.put(&mut bytes.as_slice())?;
    let facts = HeatmapFacts {
        url: String::new(),
        width: map.width,
        height: map.height,
        downsample: map.downsample,
        label: map.label.clone(),
    };
    Ok(KeptHeatmap { object, facts })
}
