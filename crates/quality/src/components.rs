//! Connected components (8-connected), with what the rules ask of them.

use crate::plane::{Mask, Plane};

/// One connected component.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Component {
    /// Number of pixels.
    pub(crate) area: usize,
    /// Left, top, inclusive.
    pub(crate) min: (usize, usize),
    /// Right, bottom, inclusive.
    pub(crate) max: (usize, usize),
    /// Number of its pixels on the image's border.
    pub(crate) border: usize,
}

impl Component {
    /// The longer side of its bounding box.
    pub(crate) fn length(&self) -> usize {
        (self.max.0 - self.min.0).max(self.max.1 - self.min.1) + 1
    }
}

/// All components of a mask; label 0 is the background, label `n` is `list[n - 1]`.
pub(crate) struct Components {
    pub(crate) labels: Plane<u32>,
    pub(crate) list: Vec<Component>,
}

impl Components {
    /// Labels a mask. Numbers follow raster order of the first pixel.
    pub(crate) fn of(mask: &Mask) -> Self {
        let mut forest = Forest::default();
        let mut labels = provisional(mask, &mut forest);
        let names = forest.names();
        let mut list: Vec<Component> = Vec::new();
        for y in 0..mask.height {
            let edge_row = y == 0 || y + 1 == mask.height;
            let row = &mut labels.data[y * mask.width..][..mask.width];
            let mut x = 0;
            while let Some(skip) = row[x..].iter().position(|label| *label != 0) {
                let (start, label) = (x + skip, row[x + skip]);
                let length = row[start..].iter().position(|other| *other != label);
                x = length.map_or(mask.width, |length| start + length);
                let name = names[label as usize];
                row[start..x].fill(name);
                note(&mut list, name as usize - 1, y, (start, x - 1), edge_row, mask.width);
            }
        }
        Self { labels, list }
    }

    /// The pixels of the components that are wanted.
    pub(crate) fn keep(&self, wanted: impl Fn(usize, &Component) -> bool) -> Mask {
        let kept: Vec<u8> = std::iter::once(0)
            .chain(self.list.iter().enumerate().map(|(index, c)| u8::from(wanted(index, c))))
            .collect();
        self.labels.map(|label| kept[label as usize])
    }

    /// For each component the sum of a plane over its pixels.
    pub(crate) fn sums<T: Copy + Into<u64>>(&self, plane: &Plane<T>) -> Vec<u64> {
        let mut sums = vec![0_u64; self.list.len() + 1];
        for (label, value) in self.labels.data.iter().zip(&plane.data) {
            sums[*label as usize] += (*value).into();
        }
        sums.remove(0);
        sums
    }
}

/// Those components of `weak` that hold a pixel of `strong`.
pub(crate) fn reached(weak: &Mask, strong: &Mask) -> Mask {
    let components = Components::of(weak);
    let seeds = components.sums(strong);
    components.keep(|index, _| seeds[index] > 0)
}

/// Leaves out islands with fewer pixels than `least`.
pub(crate) fn without_small_islands(mask: &Mask, least: usize) -> Mask {
    Components::of(mask).keep(|_, component| component.area >= least)
}

/// Fills holes with fewer pixels than `least`. What touches the image's border is no hole.
pub(crate) fn without_small_holes(mask: &Mask, least: usize) -> Mask {
    let outside = mask.map(|value| 1 - value);
    let kept = Components::of(&outside).keep(|_, c| c.area >= least || c.border > 0);
    kept.map(|value| 1 - value)
}

/// Adds a run of one row, from the first to the last column.
fn note(
    list: &mut Vec<Component>,
    index: usize,
    y: usize,
    (first, last): (usize, usize),
    edge_row: bool,
    width: usize,
) {
    if index == list.len() {
        list.push(Component { area: 0, min: (first, y), max: (last, y), border: 0 });
    }
    let component = &mut list[index];
    let length = last - first + 1;
    let ends = usize::from(first == 0) + usize::from(last + 1 == width && last > 0);
    component.area += length;
    component.border += if edge_row { length } else { ends };
    component.min = (component.min.0.min(first), component.min.1.min(y));
    component.max = (component.max.0.max(last), component.max.1.max(y));
}

/// Labels runs row by row; runs that touch a run above are joined in the forest.
fn provisional(mask: &Mask, forest: &mut Forest) -> Plane<u32> {
    let width = mask.width;
    let mut labels = Plane::filled(width, mask.height, 0_u32);
    for y in 0..mask.height {
        let (done, rest) = labels.data.split_at_mut(y * width);
        let above: &[u32] = if y == 0 { &[] } else { &done[(y - 1) * width..] };
        let (pixels, out) = (mask.row(y), &mut rest[..width]);
        let mut x = 0;
        while x < width {
            if pixels[x] == 0 {
                x += 1;
                continue;
            }
            let end = pixels[x..].iter().position(|p| *p == 0).map_or(width, |run| x + run);
            let mut label = 0;
            if !above.is_empty() {
                for other in &above[x.saturating_sub(1)..(end + 1).min(width)] {
                    if *other != 0 && *other != label {
                        label = if label == 0 { *other } else { forest.join(label, *other) };
                    }
                }
            }
            if label == 0 {
                label = forest.add();
            }
            out[x..end].fill(label);
            x = end;
        }
    }
    labels
}

/// Sets of labels that turned out to be one component. Label 0 is not used.
#[derive(Default)]
struct Forest(Vec<u32>);

impl Forest {
    fn add(&mut self) -> u32 {
        if self.0.is_empty() {
            self.0.push(0);
        }
        let label = self.0.len() as u32;
        self.0.push(label);
        label
    }

    fn root(&mut self, mut label: u32) -> u32 {
        while self.0[label as usize] != label {
            self.0[label as usize] = self.0[self.0[label as usize] as usize];
            label = self.0[label as usize];
        }
        label
    }

    fn join(&mut self, a: u32, b: u32) -> u32 {
        let (a, b) = (self.root(a), self.root(b));
        let (low, high) = (a.min(b), a.max(b));
        self.0[high as usize] = low;
        low
    }

    /// For each label its final name, counted from 1 without gaps.
    fn names(mut self) -> Vec<u32> {
        let mut names = vec![0_u32; self.0.len()];
        let mut next = 0;
        for label in 1..self.0.len() as u32 {
            let root = self.root(label);
            if root == label {
                next += 1;
                names[label as usize] = next;
            } else {
                names[label as usize] = names[root as usize];
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(rows: &[&str]) -> Mask {
        let data = rows.iter().flat_map(|row| row.bytes().map(|b| u8::from(b == b'#'))).collect();
        Mask { width: rows[0].len(), height: rows.len(), data }
    }

    #[test]
    fn arms_that_meet_late_are_one() {
        let components = Components::of(&mask(&["#.#.#", "#.#.#", "###.#", "....#"]));
        let areas: Vec<usize> = components.list.iter().map(|c| c.area).collect();
        assert_eq!(areas, [7, 4]);
        assert_eq!(components.list[1].max, (4, 3));
        assert_eq!(components.list[1].border, 4);
    }

    #[test]
    fn corners_connect() {
        assert_eq!(Components::of(&mask(&["#.#", ".#.", "#.#"])).list.len(), 1);
    }

    #[test]
    fn weak_is_kept_where_strong_reaches_it() {
        let weak = mask(&["##.##", "##.##"]);
        let strong = mask(&["#....", "....."]);
        assert_eq!(reached(&weak, &strong), mask(&["##...", "##..."]));
    }

    #[test]
    fn small_holes_fill_and_bays_stay() {
        let ring = mask(&["####.", "#..#.", "####.", "....."]);
        assert_eq!(without_small_holes(&ring, 3).count(), 12);
        assert_eq!(without_small_holes(&ring, 2).count(), 10);
        assert_eq!(without_small_islands(&ring, 11).count(), 0);
    }

    #[test]
    fn an_empty_mask_has_none() {
        assert!(Components::of(&Mask::filled(0, 0, 0)).list.is_empty());
        assert!(Components::of(&Mask::filled(4, 4, 0)).list.is_empty());
    }
}
