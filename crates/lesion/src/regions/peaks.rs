//! The places for which a region speaks: its surest one, and further ones that stand for
//! themselves.

use std::collections::{HashMap, HashSet, VecDeque};

use super::morphology::Size;

/// Values this close are one plateau.
const PLATEAU: f64 = 0.02;

/// Local maxima at or above `least` that rise by at least `prominence` over the highest pass to a
/// higher one; the highest is always there. Each is moved to the middle of its plateau: the cell
/// that lies deepest in it. First the highest.
///
/// Prominence is the topographer's: cells are added from the highest down, and where two summits
/// meet, the lower one ends there.
pub(crate) fn prominent_peaks(
    values: &HashMap<usize, f64>,
    size: Size,
    least: f64,
    prominence: f64,
) -> Vec<(f64, usize)> {
    let mut order: Vec<(usize, f64)> = values.iter().map(|(at, value)| (*at, *value)).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut summits = Summits::default();
    let mut kept: Vec<(f64, usize)> = Vec::new();
    for (at, value) in &order {
        summits.add(*at);
        for neighbour in size.neighbours(*at, true) {
            let Some((winner, loser)) = summits.meet(*at, neighbour, values) else { continue };
            summits.parent.insert(loser, winner);
            let height = values[&loser];
            if loser != *at && height >= least && height - value >= prominence {
                kept.push((height, loser));
            }
        }
    }
    // What nobody beat: one summit, or several where the region touches itself at no cell.
    let roots = order.iter().map(|(at, _)| *at).filter(|at| summits.parent[at] == *at);
    kept.extend(roots.map(|at| (values[&at], at)).filter(|(height, _)| *height >= least));
    if kept.is_empty() {
        kept.extend(order.first().map(|(at, value)| (*value, *at)));
    }
    kept.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    kept.into_iter().map(|(height, at)| (height, middle_of_plateau(values, size, at))).collect()
}

/// Disjoint sets of cells, each named by its highest cell.
#[derive(Default)]
struct Summits {
    parent: HashMap<usize, usize>,
}

impl Summits {
    fn add(&mut self, at: usize) {
        self.parent.insert(at, at);
    }

    fn summit(&mut self, at: usize) -> usize {
        let mut root = at;
        while self.parent[&root] != root {
            root = self.parent[&root];
        }
        let mut next = at;
        while next != root {
            next = self.parent.insert(next, root).unwrap_or(root);
        }
        root
    }

    /// The higher and the lower of the summits of two cells, if they are two.
    fn meet(
        &mut self,
        at: usize,
        neighbour: usize,
        values: &HashMap<usize, f64>,
    ) -> Option<(usize, usize)> {
        if !self.parent.contains_key(&neighbour) {
            return None;
        }
        let (a, b) = (self.summit(at), self.summit(neighbour));
        if a == b {
            return None;
        }
        let a_wins = values[&a].total_cmp(&values[&b]).then(b.cmp(&a)).is_ge();
        Some(if a_wins { (a, b) } else { (b, a) })
    }
}

/// The cell farthest from the rim of the plateau around a summit; of several the first.
fn middle_of_plateau(values: &HashMap<usize, f64>, size: Size, summit: usize) -> usize {
    let least = values[&summit] - PLATEAU;
    let mut plateau = HashSet::from([summit]);
    let mut open = vec![summit];
    while let Some(at) = open.pop() {
        for neighbour in size.neighbours(at, false) {
            let on = values.get(&neighbour).is_some_and(|value| *value >= least);
            if on && plateau.insert(neighbour) {
                open.push(neighbour);
            }
        }
    }
    let depths = depths(&plateau, size);
    let deepest = depths.iter().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)));
    deepest.map_or(summit, |(at, _)| *at)
}

/// How many cells each of some cells lies from the rim of their part; 0 on the rim.
pub(crate) fn depths(cells: &HashSet<usize>, size: Size) -> HashMap<usize, u32> {
    let on_rim = |at: &usize| {
        let inside = size.neighbours(*at, false).filter(|n| cells.contains(n));
        inside.count() < 4
    };
    let mut depths: HashMap<usize, u32> =
        cells.iter().filter(|at| on_rim(at)).map(|at| (*at, 0)).collect();
    let mut queue: VecDeque<usize> = depths.keys().copied().collect();
    while let Some(at) = queue.pop_front() {
        let deeper = depths[&at] + 1;
        for neighbour in size.neighbours(at, false).filter(|n| cells.contains(n)) {
            depths.entry(neighbour).or_insert_with(|| {
                queue.push_back(neighbour);
                deeper
            });
        }
    }
    depths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peaks(rows: &[&str], least: f64, prominence: f64) -> Vec<(f64, usize)> {
        let size = Size { columns: rows[0].len(), rows: rows.len() };
        let cells = rows.iter().flat_map(|row| row.bytes()).enumerate();
        let values = cells
            .filter(|(_, letter)| letter.is_ascii_digit())
            .map(|(at, letter)| (at, f64::from(letter - b'0') / 10.0))
            .collect();
        prominent_peaks(&values, size, least, prominence)
    }

    #[test]
    fn a_ripple_is_no_peak_and_a_second_hill_is_one() {
        assert_eq!(peaks(&["7898987"], 0.6, 0.2), [(0.9, 2)]);
        assert_eq!(peaks(&["793796"], 0.6, 0.2), [(0.9, 1), (0.9, 4)]);
        assert_eq!(peaks(&["794584"], 0.6, 0.2), [(0.9, 1), (0.8, 4)]);
        assert_eq!(peaks(&["794554"], 0.6, 0.0), [(0.9, 1)]);
    }

    #[test]
    fn a_plateau_has_its_peak_in_the_middle() {
        assert_eq!(peaks(&["99999", "99999", "99999"], 0.6, 0.1), [(0.9, 6)]);
        assert_eq!(
            peaks(&["5555555", "5999995", "5999995", "5999995", "5555555"], 0.6, 0.1),
            [(0.9, 2 * 7 + 2)]
        );
    }

    #[test]
    fn the_highest_is_there_however_low() {
        assert_eq!(peaks(&["345"], 0.6, 0.1), [(0.5, 2)]);
        assert_eq!(peaks(&["   "], 0.6, 0.1), []);
    }

    #[test]
    fn parts_that_do_not_touch_have_a_peak_each() {
        assert_eq!(peaks(&["79 97"], 0.6, 0.1), [(0.9, 1), (0.9, 3)]);
    }
}
