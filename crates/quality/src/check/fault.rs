//! What can be wrong with a slide, and who mends it.

use std::fmt;

use serde::Serialize;

/// Who mends a fault, and how.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// Nobody needs to: the place is marked.
    Mark,
    /// The scanner: scan the same glass again.
    Rescan,
    /// The stainer: stain again, or another section.
    Restain,
    /// The bench: cut, mount or clean again, then scan.
    Recut,
    /// Whoever stores files: the file itself is broken.
    Restore,
}

macro_rules! faults {
    ($($(#[$doc:meta])* $variant:ident, $name:literal, $remedy:ident, $unit:literal;)*) => {
        /// What can be wrong with a slide.
        #[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault { $($(#[$doc])* $variant,)* }

        impl Fault {
            /// Every fault.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Stable name, as thresholds, files and `--explain` use it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Who mends it once it is beyond its `fail` threshold.
            #[must_use]
            pub fn remedy(self) -> Remedy {
                match self { $(Self::$variant => Remedy::$remedy,)* }
            }

            /// The unit of its measure and thresholds.
            #[must_use]
            pub fn unit(self) -> &'static str {
                match self { $(Self::$variant => $unit,)* }
            }
        }
    };
}

faults! {
    /// Tissue whose edges are wider than optics in focus make them.
    OutOfFocus, "out-of-focus", Rescan, "share of judged tissue";
    /// Lines along which brightness steps from one scan line or field to the next.
    Stripes, "stripes", Rescan, "grey levels";
    /// Lines along which what lies left and right does not continue.
    Stitching, "stitching", Rescan, "times the usual gradient";
    /// Tissue on the macro image that the scan lacks.
    MissingTissue, "missing-tissue", Rescan, "mm2";
    /// Tissue that runs out of the scan.
    CutTissue, "cut-tissue", Rescan, "share of the scan's border";
    /// No tissue at all.
    NoTissue, "no-tissue", Rescan, "share of the slide";
    /// Tissue burnt out to white.
    Overexposed, "overexposed", Rescan, "share of tissue pixels";
    /// Tissue, or the whole scan, drowned in black.
    Underexposed, "underexposed", Rescan, "share of pixels";
    /// Glass that is not neutral.
    WhiteBalance, "white-balance", Rescan, "share of the brightest channel";
    /// JPEG coded so coarsely that structure is lost.
    Compression, "compression", Rescan, "JPEG quality";
    /// Coded twice, on another grid or by another table.
    Recompressed, "recompressed", Mark, "times the usual gradient";
    /// Tiles that do not decode.
    BrokenTiles, "broken-tiles", Rescan, "tiles";
    /// Tissue lying double.
    Fold, "fold", Recut, "share of tissue";
    /// Tissue torn, cracked or scored by the knife.
    Tear, "tear", Recut, "share of tissue";
    /// Air under the cover slip.
    Bubble, "bubble", Recut, "share of tissue";
    /// Dust, hairs, pigment or dirt on tissue.
    Dirt, "dirt", Recut, "share of tissue";
    /// The cover slip's edge over tissue.
    CoverSlipEdge, "cover-slip-edge", Recut, "share of tissue";
    /// Pen or margin ink.
    Ink, "ink", Recut, "share of tissue";
    /// Stain too weak.
    TooPale, "too-pale", Restain, "optical density";
    /// Stain too strong.
    TooDark, "too-dark", Restain, "optical density";
    /// Haematoxylin and eosin out of proportion.
    WrongHue, "wrong-hue", Restain, "times the usual proportion";
    /// Stain that departs from what the site's own slides have.
    UnlikeSite, "unlike-site", Restain, "robust deviations";
    /// Colours that are not those of haematoxylin and eosin: another stain, or a wrong one.
    OtherStain, "other-stain", Mark, "share of density";
    /// No macro image to hold the scan against.
    MacroAbsent, "macro-absent", Mark, "";
    /// The file states no scale: lengths are assumed.
    NoScale, "no-scale", Mark, "";
    /// Too small to be judged.
    TooSmall, "too-small", Restore, "um";
    /// The file cannot be read.
    Unreadable, "unreadable", Restore, "";
}

impl Fault {
    /// The fault of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Fault {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found_again() {
        for fault in Fault::ALL {
            assert_eq!(Fault::from_name(fault.name()), Some(*fault));
        }
        assert_eq!(Fault::from_name("fine"), None);
    }
}
