//! Dilation, erosion and closing of masks with a disk.

use crate::plane::Mask;

/// The largest disk: beyond it a filter would change the meaning of a mask, and its cost.
const LARGEST_RADIUS: usize = 32;

/// Sets every pixel within `radius` pixels of a set one.
pub(crate) fn dilated(mask: &Mask, radius: usize) -> Mask {
    let radius = radius.min(LARGEST_RADIUS);
    if radius == 0 || mask.data.is_empty() {
        return mask.clone();
    }
    let above = column_distances(mask, radius);
    let mut out = Mask::filled(mask.width, mask.height, 0);
    for y in 0..mask.height {
        let distances = above.row(y);
        let row = &mut out.data[y * mask.width..][..mask.width];
        for dx in 0..=radius.min(mask.width - 1) {
            // A disk's half height at column offset dx; 0.5 makes small disks round.
            let half = ((radius as f64 + 0.5).powi(2) - (dx * dx) as f64).sqrt() as u8;
            let reach = mask.width - dx;
            set_within(&mut row[..reach], &distances[dx..], half);
            set_within(&mut row[dx..], &distances[..reach], half);
        }
    }
    out
}

/// Unsets every pixel within `radius` pixels of an unset one; outside counts as set.
pub(crate) fn eroded(mask: &Mask, radius: usize) -> Mask {
    dilated(&mask.map(|value| 1 - value), radius).map(|value| 1 - value)
}

/// Bridges gaps narrower than twice the radius. The image is padded first: its border is no wall
/// that a region could be bridged to.
pub(crate) fn closed(mask: &Mask, radius: usize) -> Mask {
    let radius = radius.min(LARGEST_RADIUS);
    let mut padded = Mask::filled(mask.width + 2 * radius, mask.height + 2 * radius, 0);
    let inside = |width: usize, y: usize| (y + radius) * width + radius;
    for y in 0..mask.height {
        let at = inside(padded.width, y);
        padded.data[at..at + mask.width].copy_from_slice(mask.row(y));
    }
    let padded = eroded(&dilated(&padded, radius), radius);
    let mut out = Mask::filled(mask.width, mask.height, 0);
    for y in 0..mask.height {
        let at = inside(padded.width, y);
        out.data[y * mask.width..][..mask.width].copy_from_slice(&padded.data[at..at + mask.width]);
    }
    out
}

fn set_within(row: &mut [u8], distances: &[u8], half: u8) {
    row.iter_mut().zip(distances).for_each(|(out, d)| *out |= u8::from(*d <= half));
}

/// For each pixel the distance to the next set pixel in its column, up to `limit + 1`.
fn column_distances(mask: &Mask, limit: usize) -> Mask {
    let far = limit as u8 + 1;
    let width = mask.width;
    let mut out = mask.map(|value| if value != 0 { 0 } else { far });
    for y in 1..mask.height {
        let (before, row) = out.data.split_at_mut(y * width);
        nearer(&mut row[..width], &before[(y - 1) * width..]);
    }
    for y in (0..mask.height - 1).rev() {
        let (before, after) = out.data.split_at_mut((y + 1) * width);
        nearer(&mut before[y * width..], &after[..width]);
    }
    out
}

fn nearer(row: &mut [u8], neighbour: &[u8]) {
    row.iter_mut().zip(neighbour).for_each(|(d, n)| *d = (*d).min(n.saturating_add(1)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(size: usize) -> Mask {
        let mut mask = Mask::filled(size, size, 0);
        mask.data[size / 2 * size + size / 2] = 1;
        mask
    }

    #[test]
    fn a_dot_becomes_a_disk() {
        for radius in [1_usize, 3, 6] {
            let disk = dilated(&dot(31), radius);
            for y in 0..31_i64 {
                for x in 0..31_i64 {
                    let inside =
                        (x - 15).pow(2) + (y - 15).pow(2) <= ((radius as f64 + 0.5).powi(2)) as i64;
                    let column = (y - 15).abs() <= radius as i64 && (x - 15).abs() <= radius as i64;
                    assert_eq!(disk.row(y as usize)[x as usize] == 1, inside && column, "{x} {y}");
                }
            }
        }
    }

    #[test]
    fn erosion_undoes_dilation_and_keeps_the_border() {
        assert_eq!(closed(&dot(31), 4), dot(31));
        // Near a border, too.
        let mut corner = Mask::filled(9, 9, 0);
        corner.data[2 * 9 + 1] = 1;
        assert_eq!(closed(&corner, 4), corner);
        let full = Mask::filled(5, 4, 1);
        assert_eq!(eroded(&full, 9), full);
    }

    #[test]
    fn a_gap_is_bridged_up_to_twice_the_radius() {
        let mut mask = Mask::filled(20, 20, 1);
        for y in 0..20 {
            for x in 8..12 {
                mask.data[y * 20 + x] = 0;
            }
        }
        assert!(closed(&mask, 2).row(10).iter().all(|value| *value == 1));
        assert_eq!(closed(&mask, 1).count(), mask.count());
    }

    #[test]
    fn tiny_masks_do_not_panic() {
        for (width, height) in [(1, 1), (1, 7), (7, 1), (2, 2)] {
            for value in [0, 1] {
                let mask = Mask::filled(width, height, value);
                assert_eq!(closed(&mask, 40).count(), mask.count());
            }
        }
    }
}
