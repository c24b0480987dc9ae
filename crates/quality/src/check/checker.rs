//! Takes every measure and holds it against its threshold.

use std::time::Instant;

use bianque_core::{Level0, PixelRect};

use super::{
    border, coding, exposure,
    fault::Fault,
    fields::Fields,
    focus_map, missing,
    on_tissue::OnTissue,
    recoding,
    run::{Check, CheckSettings, Flawed, rectangle, sort_by_gravity},
    scene::Scene,
    seam_lines,
    stain::Stain,
    thresholds::Thresholds,
    verdict::{Finding, Measures, Verdict},
};
use crate::{QualityError, Result, coverage::CoverageTable, plane::Mask};

/// Gathers measures and findings.
pub(super) struct Checker<'a> {
    scene: &'a Scene<'a>,
    thresholds: &'a Thresholds,
    measures: Measures,
    findings: Vec<Finding>,
    notes: Vec<String>,
    flawed: Mask,
    seconds: Vec<(&'static str, f64)>,
    last: Instant,
}

impl<'a> Checker<'a> {
    pub(super) fn new(scene: &'a Scene<'a>, settings: &'a CheckSettings, started: Instant) -> Self {
        let mut checker = Self {
            scene,
            thresholds: &settings.thresholds,
            measures: Measures::new(),
            findings: Vec::new(),
            notes: Vec::new(),
            flawed: scene.empty(),
            seconds: Vec::new(),
            last: started,
        };
        checker.lap("tissue");
        checker
    }

    pub(super) fn measure(&mut self) -> Result<()> {
        self.facts();
        self.coding();
        self.light();
        if self.scene.tissue_pixels() > 0 {
            self.stain();
            self.border();
            self.on_tissue();
            self.lap("low_power");
            self.fields()?;
            self.lap("fields");
            self.recoding();
            self.lap("recoding");
        }
        self.macro_image();
        self.lap("macro");
        Ok(())
    }

    pub(super) fn finish(mut self) -> Check {
        sort_by_gravity(&mut self.findings);
        let table = CoverageTable::new(&self.flawed.data, self.flawed.width, |set| set != 0);
        Check {
            verdict: Verdict::of(&self.findings),
            findings: self.findings,
            notes: self.notes,
            measures: self.measures,
            flawed: Flawed { table: Some(table), scale: self.scene.overview.scale },
            seconds: self.seconds,
            tissue: Some(self.scene.tissue.clone()),
        }
    }

    fn lap(&mut self, name: &'static str) {
        self.seconds.push((name, self.last.elapsed().as_secs_f64()));
        self.last = Instant::now();
    }

    /// Holds a measure of the whole slide against its threshold.
    fn judge(&mut self, fault: Fault, name: &'static str, value: f64, note: String) {
        self.measures.insert(name, value);
        self.findings.extend(self.thresholds.judge(fault, value, note));
    }

    /// Holds the share of tissue that a mask takes against its threshold, and keeps the place.
    fn judge_mask(&mut self, fault: Fault, name: &'static str, mask: &Mask, note: &str) {
        let share = self.scene.share_of_tissue(mask);
        self.judge_places(fault, name, share, share, mask, note);
    }

    fn judge_places(
        &mut self,
        fault: Fault,
        name: &'static str,
        value: f64,
        share: f64,
        mask: &Mask,
        note: &str,
    ) {
        self.measures.insert(name, value);
        let Some(mut finding) = self.thresholds.judge(fault, value, note.to_owned()) else {
            return;
        };
        let areas = self.scene.outlines(mask);
        finding.crop = self.scene.crop(&areas);
        finding.areas = areas;
        finding.tissue_share = Some(share);
        // Where edges are blurred nothing can be seen; other places are lost only when they fail.
        if fault == Fault::OutOfFocus || (finding.fails && fault != Fault::CutTissue) {
            self.flawed = self.flawed.zip(mask, |a, b| a | b);
        }
        self.findings.push(finding);
    }

    fn facts(&mut self) {
        let scene = self.scene;
        let bounds = scene.overview.bounds;
        let longest = f64::from(bounds.width.max(bounds.height)) * scene.level0_um();
        let say = format!("the scan is {longest:.0} um long: too small to judge");
        self.judge(Fault::TooSmall, "slide.length_um", longest, say);
        let share = scene.tissue.fraction;
        let say = "no tissue was found on the scan".to_owned();
        self.judge(Fault::NoTissue, "tissue.share", share, say);
        self.measures.insert("tissue.fragments", scene.tissue.fragments as f64);
        if let Some(area) = scene.tissue.area {
            self.measures.insert("tissue.area_mm2", area.0);
        }
        if !scene.um_known {
            let say = "the file states no microns per pixel: lengths are assumed; give --mpp";
            self.findings.extend(self.thresholds.judge(Fault::NoScale, 1.0, say.to_owned()));
        }
        let blocks = f64::from(scene.overview.unreadable_blocks);
        if blocks > 0.0 {
            let say = format!("{blocks} blocks of the low-power view do not decode");
            self.findings.extend(self.thresholds.judge(Fault::BrokenTiles, blocks, say));
        }
    }

    fn coding(&mut self) {
        if let Some(quality) = coding::jpeg_quality(self.scene.slide) {
            let say = format!("JPEG quality {quality:.0}: fine structure is lost");
            self.judge(Fault::Compression, "coding.jpeg_quality", quality, say);
        }
    }

    fn recoding(&mut self) {
        let codec = coding::codec(self.scene.slide);
        if let Some(ratio) = recoding::foreign_grid(self.scene, codec) {
            let say = format!("blocks of an earlier JPEG coding show ({ratio:.2} times the usual)");
            self.judge(Fault::Recompressed, "coding.foreign_grid_ratio", ratio, say);
        }
    }

    fn light(&mut self) {
        let black = exposure::black_share(self.scene);
        let say = format!("{:.0} % of the scan is black", 100.0 * black);
        self.judge(Fault::Underexposed, "light.black_share", black, say);
        for (name, value) in ["light.glass_red", "light.glass_green", "light.glass_blue"]
            .iter()
            .zip(self.scene.tissue.glass.rgb)
        {
            self.measures.insert(name, f64::from(value));
        }
        let tint = exposure::glass_tint(self.scene);
        let say = format!("empty glass is tinted by {:.0} %", 100.0 * tint);
        self.judge(Fault::WhiteBalance, "light.glass_tint", tint, say);
    }

    fn stain(&mut self) {
        let stain = Stain::of(self.scene);
        self.measures.insert("stain.haematoxylin_od", stain.haematoxylin);
        self.measures.insert("stain.eosin_od", stain.eosin);
        let density = stain.density;
        let say = format!("mean optical density of tissue is {density:.2}: too pale");
        self.judge(Fault::TooPale, "stain.density_od", density, say);
        let unexplained = stain.unexplained;
        self.measures.insert("stain.unexplained_share", unexplained);
        let say = "the colours are not those of H&E: its proportion was not judged".to_owned();
        let other = self.thresholds.judge(Fault::OtherStain, unexplained, say);
        if let Some(other) = other {
            self.findings.push(other);
            return;
        }
        let say = format!(
            "haematoxylin {:.2}, eosin {:.2} (optical density)",
            stain.haematoxylin, stain.eosin
        );
        self.judge(Fault::WrongHue, "stain.imbalance_ratio", stain.imbalance(), say);
    }

    fn border(&mut self) {
        let (mask, share) = border::cut_tissue(self.scene);
        let facts = self.scene.slide.facts();
        let description = facts.properties.get("tiff.ImageDescription");
        let say = format!("tissue runs out of the scan along {:.0} % of its border", 100.0 * share);
        // A part of a scan ends in tissue by intent; only a whole slide's scan should not.
        if description.is_some_and(|text| border::is_cut_out(text)) {
            self.measures.insert("border.cut_share", share);
            if share >= self.thresholds.limits(Fault::CutTissue).mark {
                self.notes.push(format!("{say}: the file says that it is a part of a larger scan"));
            }
            return;
        }
        let of_tissue = self.scene.share_of_tissue(&mask);
        let before = self.findings.len();
        self.judge_places(Fault::CutTissue, "border.cut_share", share, of_tissue, &mask, &say);
        if !facts.associated.iter().any(|name| name == "macro") {
            let limit = self.thresholds.limits(Fault::CutTissue).mark;
            for finding in self.findings.iter_mut().skip(before) {
                (finding.fails, finding.threshold) = (false, limit);
            }
        }
    }

    fn on_tissue(&mut self) {
        let found = OnTissue::find(self.scene);
        let note = "the tissue lies double";
        self.judge_mask(Fault::Fold, "fold.share", &found.folds, note);
        self.judge_mask(Fault::Tear, "tear.share", &found.tears, "the tissue is torn");
        let note = "air under the cover slip";
        self.judge_mask(Fault::Bubble, "bubble.share", &found.bubbles, note);
        let note = "dense colourless matter on tissue";
        self.judge_mask(Fault::Dirt, "dirt.share", &found.dirt, note);
        let note = "the cover slip's edge crosses tissue";
        self.judge_mask(Fault::CoverSlipEdge, "cover_slip_edge.share", &found.edges, note);
        let colours: Vec<String> = found.ink_colours.iter().map(ToString::to_string).collect();
        let note = format!("{} ink on or beside tissue", colours.join(", "));
        self.judge_mask(Fault::Ink, "ink.share", &found.ink, &note);
        let share = self.scene.share_of_tissue(&found.coloured_ink);
        self.measures.insert("ink.on_glass_share", share);
    }

    fn fields(&mut self) -> Result<()> {
        let threshold_um = focus_map::threshold_um(self.scene, self.thresholds.edge_um);
        let fields = Fields::look(self.scene, threshold_um).map_err(QualityError::from)?;
        self.measures.insert("fields.with_tissue", fields.with_tissue as f64);
        self.measures.insert("fields.looked_at", fields.fields.len() as f64);
        self.broken(&fields.broken);
        self.nuclear_stain(&fields);
        let focus = focus_map::FocusMap::of(self.scene, &fields, threshold_um);
        self.measures.insert("focus.judged_share", focus.judged_share);
        if let Some(edge_um) = focus.median_um {
            self.measures.insert("focus.edge_width_um", edge_um);
        }
        let note = format!(
            "edges are wider than {threshold_um:.1} um on {:.1} % of the tissue that can be judged",
            100.0 * focus.blurred_share
        );
        self.judge_places(
            Fault::OutOfFocus,
            "focus.blurred_share",
            focus.blurred_share,
            self.scene.share_of_tissue(&focus.mask),
            &focus.mask,
            &note,
        );
        let burnt = exposure::overexposed(&fields);
        let say = format!("{:.0} % of stained pixels are burnt out", 100.0 * burnt);
        self.judge(Fault::Overexposed, "light.burnt_share", burnt, say);
        self.seams(&fields);
        Ok(())
    }

    fn nuclear_stain(&mut self, fields: &Fields) {
        let Some(stain) = fields.stain.nuclear_stain() else { return };
        self.measures.insert("stain.nuclear_haematoxylin_od", stain.nuclei);
        self.measures.insert("stain.ground_haematoxylin_od", stain.ground);
        self.measures.insert("stain.cytoplasm_eosin_od", stain.cytoplasm);
        let darkest = stain.darkest;
        let say = format!("the darkest of tissue has an optical density of {darkest:.2}: too dark");
        self.judge(Fault::TooDark, "stain.darkest_od", darkest, say);
        self.measures.insert("stain.nuclear_proportion_ratio", stain.proportion());
    }

    fn broken(&mut self, broken: &[PixelRect<Level0>]) {
        let count = broken.len() as f64;
        self.measures.insert("coding.broken_fields", count);
        let say = format!("{count} fields of the tissue hold tiles that do not decode");
        if let Some(mut finding) = self.thresholds.judge(Fault::BrokenTiles, count, say) {
            finding.areas = broken.iter().map(rectangle).collect();
            finding.crop = broken.first().copied();
            self.findings.push(finding);
        }
    }

    fn seams(&mut self, fields: &Fields) {
        let lines = seam_lines::SeamLines::of(self.scene, fields, self.thresholds);
        self.measures.insert("seams.largest_step_grey", lines.largest_step);
        self.measures.insert("seams.largest_roughness_ratio", lines.largest_roughness);
        self.findings.extend(lines.findings);
    }

    fn macro_image(&mut self) {
        match missing::missing_tissue(self.scene) {
            missing::Macro::Absent => {
                let say = "no macro image: whether tissue is missing was not judged".to_owned();
                self.findings.extend(self.thresholds.judge(Fault::MacroAbsent, 1.0, say));
            }
            missing::Macro::NotJudged(why) => {
                let say = format!("the macro image was not judged: {why}");
                self.findings.extend(self.thresholds.judge(Fault::MacroAbsent, 1.0, say));
            }
            missing::Macro::CutOut => {}
            missing::Macro::Judged { missing_mm2, pieces } => {
                let say = format!(
                    "the macro image shows {missing_mm2:.1} mm2 of tissue in {pieces} pieces outside \
                     the scan"
                );
                let name = "missing_tissue.area_mm2";
                self.judge(Fault::MissingTissue, name, missing_mm2, say);
            }
        }
    }
}
