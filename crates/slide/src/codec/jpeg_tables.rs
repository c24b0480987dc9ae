//! Which tables a JPEG stream brings along (ITU-T T.81, B.2.4).
//!
//! A decompressor that is kept from tile to tile keeps their tables too. A stream that lacks its
//! own would silently be decoded by those of another tile, even of another slide.

/// The tables defined before the first scan, a bit for each destination.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct Tables {
    quantization: u16,
    huffman_dc: u16,
    huffman_ac: u16,
}

impl Tables {
    /// A DQT segment: precision and destination, then 64 elements of one or two bytes, repeated.
    pub(super) fn define_quantization(&mut self, mut body: &[u8]) {
        while let Some((&head, rest)) = body.split_first() {
            let length = if head >> 4 == 0 { 64 } else { 128 };
            let Some(rest) = rest.get(length..) else { return };
            self.quantization |= 1 << (head & 15);
            body = rest;
        }
    }

    /// A DHT segment: class and destination, 16 counts of codes, the codes' values, repeated.
    pub(super) fn define_huffman(&mut self, mut body: &[u8]) {
        while let Some((&head, rest)) = body.split_first() {
            let Some((counts, rest)) = rest.split_at_checked(16) else { return };
            let length = counts.iter().map(|&count| usize::from(count)).sum();
            let Some(rest) = rest.get(length..) else { return };
            let class = if head >> 4 == 0 { &mut self.huffman_dc } else { &mut self.huffman_ac };
            *class |= 1 << (head & 15);
            body = rest;
        }
    }

    /// Whether nothing is missing that the stream's first and only scan uses. `quantization` lists
    /// the frame's destinations, `scan` is the body of the SOS segment: count, then component and
    /// its two Huffman destinations, repeated. A stream of several scans is not complete here:
    /// tables may follow between them.
    pub(super) fn complete(self, quantization: &[u8], scan: &[u8]) -> bool {
        let Some((&count, rest)) = scan.split_first() else { return false };
        let Some(selectors) = rest.get(..2 * usize::from(count)) else { return false };
        let defined = |mask: u16, destination: u8| mask & (1 << (destination & 15)) != 0;
        usize::from(count) == quantization.len()
            && quantization.iter().all(|&destination| defined(self.quantization, destination))
            && selectors.chunks_exact(2).all(|pair| {
                defined(self.huffman_dc, pair[1] >> 4) && defined(self.huffman_ac, pair[1])
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> Tables {
        let mut tables = Tables::default();
        tables.define_quantization(&[[0].as_slice(), &[1; 64], &[1], &[1; 64]].concat());
        for head in [0x00, 0x10, 0x01, 0x11] {
            let mut counts = [0; 16];
            counts[0] = 1;
            tables.define_huffman(&[[head].as_slice(), &counts, &[5]].concat());
        }
        tables
    }

    #[test]
    fn every_table_in_use_must_be_there() {
        let scan = [3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0];
        assert!(tables().complete(&[0, 1, 1], &scan));
        assert!(!tables().complete(&[0, 1, 2], &scan), "a quantization table");
        assert!(!tables().complete(&[0, 1, 1], &[3, 1, 0x00, 2, 0x12, 3, 0x11]), "an AC table");
        assert!(!tables().complete(&[0, 1, 1], &[3, 1, 0x00, 2, 0x21, 3, 0x11]), "a DC table");
        assert!(!tables().complete(&[0, 1, 1], &[1, 1, 0x00, 0, 63, 0]), "one scan of three");
        assert!(!Tables::default().complete(&[0], &[1, 1, 0x00]));
    }

    #[test]
    fn cut_segments_define_nothing() {
        let mut tables = Tables::default();
        tables.define_quantization(&[0; 64]);
        tables.define_huffman(&[0; 16]);
        tables.define_huffman(&[[0].as_slice(), &[1; 16], &[0; 15]].concat());
        assert!(!tables.complete(&[0], &[1, 1, 0x00]));
        assert!(!tables.complete(&[0], &[]) && !tables.complete(&[0], &[200]));
    }
}
