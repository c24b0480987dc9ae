//! Outlines lesions in a probability map.

use std::collections::HashMap;

use bianque_core::{
    GrayImage, Level0, PixelRect, Point, Polygon, SquareMillimetres, geometry::trace_mask,
};

use super::{
    map::ProbabilityMap,
    morphology::{Size, components, fill_holes, hysteresis},
    peaks::{depths, prominent_peaks},
    settings::RegionSettings,
};
use crate::{
    error::{LesionError, Result},
    matrix::Probabilities,
    slide_features::Cell,
};

/// How far a simplified outline may leave the stairs of its cells, in cells.
const OUTLINE_TOLERANCE: f64 = 0.75;

/// A gap in the tissue is closed where it is no larger than one part in so many of a grid's cell.
const GAP: usize = 4;

/// Most peaks of one region.
const MAX_PEAKS: usize = 64;

/// A place of highest probability.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Peak {
    /// The centre of the grid cell.
    pub point: Point<Level0>,
    /// Smoothed calibrated probability of the region's class there.
    pub score: f64,
}

/// A tile that speaks for a region.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The tile's index among the slide's tiles.
    pub tile: usize,
    /// What it covers; may reach outside the slide.
    pub rect: PixelRect<Level0>,
    /// Its calibrated probabilities, by class.
    pub probabilities: Vec<f32>,
}

/// An outlined lesion: a proposal, until a person confirms it.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Which of the task's labels.
    pub class: usize,
    /// The outline; one polygon with holes.
    pub polygons: Vec<Polygon<Level0>>,
    /// The highest smoothed calibrated probability of the class in the region.
    pub score: f64,
    /// The mean of the class's probability over the region.
    pub mean_probability: f64,
    /// The mean over the region of the probability that it is any lesion.
    pub lesion_probability: f64,
    /// Area on the glass.
    pub area: SquareMillimetres,
    /// Number of tiles that lie in it by at least half.
    pub tiles: usize,
    /// Where it is surest, first; then further peaks at a distance.
    pub peaks: Vec<Peak>,
    /// The tiles of highest probability of the class, first the highest.
    pub evidence: Vec<Evidence>,
}

/// Outlines the lesions of a map.
///
/// The probability of any lesion (the sum over lesion classes) is smoothed and thresholded with
/// hysteresis; small holes in it are filled, but not where there is no tissue; each cell takes its
/// most probable lesion class. A part of one class that never reaches the high threshold by itself,
/// or is too small, joins the class beside it: a rim of "adenoma" around a carcinoma is a mixed tile, no finding. Regions come
/// gravest class first (labels are ordered from harmless to grave), then by score, then by area.
///
/// # Errors
/// When the settings are out of range, or `lesion` and tiles do not fit the map.
pub fn find_regions(
    map: &ProbabilityMap,
    tiles: &[Cell],
    probabilities: &Probabilities,
    lesion: &[bool],
    settings: &RegionSettings,
) -> Result<Vec<Region>> {
    settings.check()?;
    if lesion.len() != map.classes() || probabilities.rows() != tiles.len() {
        let what = "labels, tiles and probabilities do not fit the map";
        return Err(LesionError::Data(what.into()));
    }
    let grid = map.grid();
    let finder = Finder {
        map: map.smoothed(settings.smoothing_um / grid.cell_um()),
        size: Size { columns: grid.columns() as usize, rows: grid.rows() as usize },
        lesion,
        settings,
        cell_um2: grid.cell_um() * grid.cell_um(),
    };
    let parts = finder.parts();
    let members = finder.members(&parts, tiles);
    let mut regions: Vec<Region> = parts
        .iter()
        .zip(&members)
        .map(|((class, part), members)| finder.region(*class, part, members, tiles, probabilities))
        .collect();
    regions.sort_by(|a, b| {
        (b.class.cmp(&a.class))
            .then(b.score.total_cmp(&a.score))
            .then(b.area.0.total_cmp(&a.area.0))
    });
    Ok(regions)
}

struct Finder<'a> {
    map: ProbabilityMap,
    size: Size,
    lesion: &'a [bool],
    settings: &'a RegionSettings,
    cell_um2: f64,
}

impl Finder<'_> {
    /// The parts of the slide that are regions, each with its class.
    fn parts(&self) -> Vec<(usize, Vec<usize>)> {
        let lesion: Vec<Option<f64>> =
            (0..self.map.cells()).map(|at| self.lesion_probability(at)).collect();
        let mut mask = hysteresis(&lesion, self.size, self.settings.low, self.settings.high);
        self.fill_holes(&mut mask);
        let mut labels: Vec<Option<usize>> =
            (0..mask.len()).map(|at| mask[at].then(|| self.best_class(at)).flatten()).collect();
        self.label_filled(&mask, &mut labels);
        self.join_unsure(&mut labels);
        components(&labels, self.size, false)
            .into_iter()
            .filter(|part| self.is_large(part))
            .filter_map(|part| Some((labels[*part.first()?]?, part)))
            .collect()
    }

    /// Fills small holes, but not with glass: what has no probability is no lesion, however it is
    /// surrounded.
    fn fill_holes(&self, mask: &mut [bool]) {
        let before = mask.to_vec();
        let hole = (self.settings.hole_area_um2 / self.cell_um2).floor();
        fill_holes(mask, self.size, hole as usize);
        let absent = |at: usize| mask[at] && !before[at] && self.map.value(at).is_none();
        let absent: Vec<Option<usize>> =
            (0..mask.len()).map(|at| absent(at).then_some(0)).collect();
        let fineness = self.map.fineness() as usize;
        let most = fineness * fineness / GAP;
        for gap in components(&absent, self.size, true) {
            if gap.len() > most {
                gap.iter().for_each(|at| mask[*at] = false);
            }
        }
    }

    /// For each part the indices of the tiles at least half of whose cells belong to it.
    fn members(&self, parts: &[(usize, Vec<usize>)], tiles: &[Cell]) -> Vec<Vec<usize>> {
        let mut owner = vec![usize::MAX; self.map.cells()];
        for (index, (_, part)) in parts.iter().enumerate() {
            part.iter().for_each(|at| owner[*at] = index);
        }
        let steps = self.map.grid().steps() as usize;
        let half = (steps * steps).div_ceil(2);
        let mut members = vec![Vec::new(); parts.len()];
        for (index, tile) in tiles.iter().enumerate() {
            let (left, top) = (tile.column as usize, tile.row as usize);
            let mut owners: Vec<usize> = (top..(top + steps).min(self.size.rows))
                .flat_map(|row| {
                    (left..(left + steps).min(self.size.columns)).map(move |c| (row, c))
                })
                .map(|(row, column)| owner[row * self.size.columns + column])
                .filter(|owner| *owner != usize::MAX)
                .collect();
            owners.sort_unstable();
            for same in owners.chunk_by(|a, b| a == b).filter(|same| same.len() >= half) {
                members[same[0]].push(index);
            }
        }
        members
    }

    fn lesion_probability(&self, at: usize) -> Option<f64> {
        let values = self.map.value(at)?;
        Some(
            values.iter().zip(self.lesion).filter(|(_, is)| **is).map(|(p, _)| f64::from(*p)).sum(),
        )
    }

    /// The most probable lesion class of a cell; of equals the gravest.
    fn best_class(&self, at: usize) -> Option<usize> {
        let values = self.map.value(at)?;
        (0..values.len())
            .filter(|class| self.lesion[*class])
            .max_by(|a, b| values[*a].total_cmp(&values[*b]))
    }

    /// Filled cells without probabilities take the class of the cells around them.
    fn label_filled(&self, mask: &[bool], labels: &mut [Option<usize>]) {
        let mut open: Vec<usize> =
            (0..mask.len()).filter(|at| mask[*at] && labels[*at].is_none()).collect();
        while !open.is_empty() {
            let found: Vec<(usize, usize)> = open
                .iter()
                .filter_map(|at| {
                    let around = self.size.neighbours(*at, true).filter_map(|n| labels[n]);
                    Some((*at, self.commonest(around)?))
                })
                .collect();
            if found.is_empty() {
                return;
            }
            found.iter().for_each(|(at, class)| labels[*at] = Some(*class));
            open.retain(|at| labels[*at].is_none());
        }
    }

    /// The commonest of some classes; of equals the gravest.
    fn commonest(&self, classes: impl Iterator<Item = usize>) -> Option<usize> {
        let mut counts = vec![0_usize; self.lesion.len()];
        classes.for_each(|class| counts[class] += 1);
        let best = (0..counts.len()).max_by_key(|class| counts[*class])?;
        (counts[best] > 0).then_some(best)
    }

    fn is_large(&self, part: &[usize]) -> bool {
        part.len() as f64 * self.cell_um2 >= self.settings.minimum_area_um2 * (1.0 - 1e-9)
    }

    /// Parts that are small or never sure of their class take the class beside them.
    fn join_unsure(&self, labels: &mut [Option<usize>]) {
        let mut parts = components(labels, self.size, false);
        parts.sort_by_key(Vec::len);
        for part in parts {
            let Some(class) = part.first().and_then(|at| labels[*at]) else { continue };
            let sure = part.iter().any(|at| {
                self.map.value(*at).is_some_and(|p| f64::from(p[class]) >= self.settings.high)
            });
            if sure && self.is_large(&part) {
                continue;
            }
            let beside = part
                .iter()
                .flat_map(|at| self.size.neighbours(*at, false))
                .filter_map(|at| labels[at])
                .filter(|other| *other != class);
            if let Some(other) = self.commonest(beside) {
                part.iter().for_each(|at| labels[*at] = Some(other));
            }
        }
    }

    fn region(
        &self,
        class: usize,
        part: &[usize],
        members: &[usize],
        tiles: &[Cell],
        probabilities: &Probabilities,
    ) -> Region {
        let own = |at: &usize| self.map.value(*at).map(|p| f64::from(p[class]));
        let peaks = self.peaks(class, part);
        Region {
            class,
            polygons: self.outline(part),
            score: peaks.first().map_or(0.0, |peak| peak.score),
            mean_probability: mean(part.iter().filter_map(own)),
            lesion_probability: mean(part.iter().filter_map(|at| self.lesion_probability(*at))),
            area: SquareMillimetres(part.len() as f64 * self.cell_um2 / 1e6),
            tiles: members.len(),
            peaks,
            evidence: self.evidence(class, members, tiles, probabilities),
        }
    }

    /// The outline of a part, traced on a mask just large enough for it.
    fn outline(&self, part: &[usize]) -> Vec<Polygon<Level0>> {
        let place = |at: &usize| (at % self.size.columns, at / self.size.columns);
        let columns = part.iter().map(|at| place(at).0);
        let rows = part.iter().map(|at| place(at).1);
        let (Some(left), Some(right)) = (columns.clone().min(), columns.max()) else {
            return Vec::new();
        };
        let (Some(top), Some(bottom)) = (rows.clone().min(), rows.max()) else {
            return Vec::new();
        };
        let mut mask = GrayImage::filled((right - left + 1) as u32, (bottom - top + 1) as u32, [0]);
        for (column, row) in part.iter().map(place) {
            mask.set_pixel((column - left) as u32, (row - top) as u32, [255]);
        }
        let grid = self.map.grid();
        let to_slide = |p: Point<_>| grid.point_on_slide(p.x + left as f64, p.y + top as f64);
        // The stairs of interpolated cells say nothing.
        let smooth = |polygon: &Polygon<_>| {
            if self.map.fineness() > 1 {
                polygon.simplified(OUTLINE_TOLERANCE)
            } else {
                polygon.clone()
            }
        };
        trace_mask(&mask).iter().map(|polygon| smooth(polygon).map(to_slide)).collect()
    }

    /// The surest place, further ones that stand for themselves, and for large regions places
    /// deep inside: a region may cover several lesions that touch. All keep a distance.
    fn peaks(&self, class: usize, part: &[usize]) -> Vec<Peak> {
        let value = |at: &usize| Some(f64::from(self.map.value(*at)?[class]));
        let values: HashMap<usize, f64> =
            part.iter().filter_map(|at| Some((*at, value(at)?))).collect();
        let (high, prominence) = (self.settings.high, self.settings.peak_prominence);
        let mut places = prominent_peaks(&values, self.size, high, prominence);
        let half_tile = self.map.grid().steps().div_ceil(2);
        let depths = depths(&part.iter().copied().collect(), self.size);
        let mut deep: Vec<(u32, usize)> = depths
            .into_iter()
            .filter(|(at, depth)| {
                *depth >= half_tile && values.get(at).is_some_and(|value| *value >= high)
            })
            .map(|(at, depth)| (depth, at))
            .collect();
        deep.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        places.extend(deep.into_iter().map(|(_, at)| (values[&at], at)));
        self.apart(&places)
    }

    /// The first of some places, and each further one that keeps its distance from all before.
    fn apart(&self, places: &[(f64, usize)]) -> Vec<Peak> {
        let grid = self.map.grid();
        let distance = (self.settings.peak_distance_um / grid.cell_um()).max(1.0);
        let mut kept: Vec<(f64, usize, usize)> = Vec::new();
        for (score, at) in places {
            let (column, row) = (at % self.size.columns, at / self.size.columns);
            let far = |(_, c, r): &(f64, usize, usize)| {
                (c.abs_diff(column) as f64).hypot(r.abs_diff(row) as f64) >= distance
            };
            if kept.iter().all(far) {
                kept.push((*score, column, row));
            }
            if kept.len() == MAX_PEAKS {
                break;
            }
        }
        let peak = |(score, column, row): (f64, usize, usize)| Peak {
            point: grid.point_on_slide(column as f64 + 0.5, row as f64 + 0.5),
            score,
        };
        kept.into_iter().map(peak).collect()
    }

    fn evidence(
        &self,
        class: usize,
        members: &[usize],
        tiles: &[Cell],
        probabilities: &Probabilities,
    ) -> Vec<Evidence> {
        let mut order = members.to_vec();
        let score = |tile: usize| probabilities.row(tile)[class];
        order.sort_by(|a, b| score(*b).total_cmp(&score(*a)).then(a.cmp(b)));
        order.truncate(self.settings.evidence_tiles);
        let evidence = |tile: usize| Evidence {
            tile,
            rect: self.map.grid().tile_rect(tiles[tile]),
            probabilities: probabilities.row(tile).to_vec(),
        };
        order.into_iter().map(evidence).collect()
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), v| (sum + v, count + 1));
    if count == 0 { 0.0 } else { sum / count as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slide_features::{TileGrid, grid_tests::grid};

    /// Rows of letters, one a tile: `.` healthy, `a` and `A` weak and strong adenoma, `c` and `C`
    /// carcinoma, space: no tissue.
    fn scene(rows: &[&str]) -> (TileGrid, Vec<Cell>, Probabilities) {
        let grid = grid(448 * rows[0].len() as u32, 448 * rows.len() as u32, 1);
        let (mut tiles, mut logits) = (Vec::new(), Vec::new());
        for (cell, letter) in grid.cells().zip(rows.iter().flat_map(|row| row.bytes())) {
            let p: [f32; 3] = match letter {
                b'.' => [0.9, 0.06, 0.04],
                b'a' => [0.45, 0.45, 0.1],
                b'A' => [0.1, 0.8, 0.1],
                b'c' => [0.45, 0.1, 0.45],
                b'C' => [0.05, 0.05, 0.9],
                _ => continue,
            };
            tiles.push(cell);
            logits.extend(p.map(f32::ln));
        }
        (grid, tiles, Probabilities::from_logits(3, logits, 1.0).unwrap())
    }

    fn settings() -> RegionSettings {
        RegionSettings { smoothing_um: 0.0, ..RegionSettings::for_tile(224.0) }
    }

    fn regions(rows: &[&str], settings: &RegionSettings) -> Vec<Region> {
        let (grid, tiles, probabilities) = scene(rows);
        let map = ProbabilityMap::from_tiles(&grid, &tiles, &probabilities, |_| true).unwrap();
        find_regions(&map, &tiles, &probabilities, &[false, true, true], settings).unwrap()
    }

    #[test]
    fn a_carcinoma_comes_before_a_larger_adenoma() {
        let found = regions(&["AAAA...", "AAAA...", ".......", "....CC."], &settings());
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].class, found[0].tiles), (2, 2));
        assert_eq!((found[1].class, found[1].tiles), (1, 8));
        assert!((found[0].score - 0.9).abs() < 1e-5);
        // Two tiles of 224 um.
        assert!((found[0].area.0 - 2.0 * 0.224 * 0.224).abs() < 1e-12);
        assert!((found[0].polygons[0].area() - 2.0 * 448.0 * 448.0).abs() < 1e-6);
        assert!(found[0].polygons[0].contains(found[0].peaks[0].point));
    }

    #[test]
    fn weak_parts_belong_to_a_strong_neighbour_only() {
        let found = regions(&["..cC...aa."], &settings());
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].class, found[0].tiles), (2, 2));
    }

    #[test]
    fn a_weak_rim_of_another_class_joins() {
        let found = regions(&["aaaaa", "aCCCa", "aCCCa", "aaaaa"], &settings());
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].class, found[0].tiles), (2, 20));
    }

    #[test]
    fn a_focus_in_an_adenoma_is_its_own_region_unless_too_small() {
        let scene = ["AAAAA", "AACAA", "AAAAA"];
        let found = regions(&scene, &settings());
        assert_eq!(found.iter().map(|r| r.class).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(found[1].polygons[0].holes.len(), 1);
        let coarse = RegionSettings { minimum_area_um2: 2.0 * 224.0 * 224.0, ..settings() };
        let found = regions(&scene, &coarse);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].class, found[0].tiles), (1, 15));
    }

    #[test]
    fn holes_of_unsure_tissue_are_filled_and_holes_of_glass_are_not() {
        let found = regions(&["CCC", "C.C", "CCC"], &settings());
        assert_eq!((found[0].tiles, found[0].polygons[0].holes.len()), (9, 0));
        assert!((found[0].area.0 - 9.0 * 0.224 * 0.224).abs() < 1e-12);
        let glass = regions(&["CCC", "C C", "CCC"], &settings());
        assert_eq!((glass[0].tiles, glass[0].polygons[0].holes.len()), (8, 1));
        assert!((glass[0].area.0 - 8.0 * 0.224 * 0.224).abs() < 1e-12);
        let open = RegionSettings { hole_area_um2: 0.0, ..settings() };
        assert_eq!(regions(&["CCC", "C.C", "CCC"], &open)[0].polygons[0].holes.len(), 1);
    }

    #[test]
    fn gaps_within_tissue_are_closed_where_they_are_very_small() {
        let (grid, tiles, probabilities) = scene(&["CCC", "CCC", "CCC"]);
        let map = ProbabilityMap::from_tiles(&grid, &tiles, &probabilities, |_| true).unwrap();
        for (edge, holes) in [(2, 0), (3, 1)] {
            let gap = 5..5 + edge;
            let fine =
                map.refined(4, |_, cell| !(gap.contains(&cell.row) && gap.contains(&cell.column)));
            let fine_tiles: Vec<_> = tiles.iter().map(|tile| tile.refined(4)).collect();
            let lesion = [false, true, true];
            let found =
                find_regions(&fine, &fine_tiles, &probabilities, &lesion, &settings()).unwrap();
            assert_eq!(found[0].polygons[0].holes.len(), holes, "{edge}");
        }
    }

    #[test]
    fn regions_below_the_minimum_area_are_left_out() {
        let coarse = RegionSettings { minimum_area_um2: 3.0 * 224.0 * 224.0, ..settings() };
        assert!(regions(&["C..CC."], &coarse).is_empty());
        assert_eq!(regions(&["C..CCC"], &coarse).len(), 1);
    }

    #[test]
    fn a_region_has_a_peak_for_each_hill_and_bounded_evidence() {
        let found = regions(&["CCCCCCCCCC"], &settings());
        assert_eq!(found[0].peaks.len(), 1);
        assert_eq!(regions(&["CCCcCCCCCC"], &settings())[0].peaks.len(), 2);
        assert_eq!(found[0].evidence.len(), 6);
        assert_eq!(found[0].evidence[0].rect, PixelRect::new(0, 0, 448, 448));
    }

    #[test]
    fn nothing_found_and_nothing_there() {
        assert!(regions(&["...", "..."], &settings()).is_empty());
        assert!(regions(&["   "], &settings()).is_empty());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (grid, tiles, probabilities) = scene(&["C."]);
        let map = ProbabilityMap::from_tiles(&grid, &tiles, &probabilities, |_| true).unwrap();
        let find = |tiles: &[Cell], lesion: &[bool], settings: &RegionSettings| {
            find_regions(&map, tiles, &probabilities, lesion, settings)
        };
        assert!(find(&tiles, &[true], &settings()).is_err());
        assert!(find(&[], &[false, true, true], &settings()).is_err());
        let wrong = RegionSettings { low: 0.9, ..settings() };
        assert!(find(&tiles, &[false, true, true], &wrong).is_err());
    }
}
