//! What is said of a pickle that asks for a name which no file of tensors needs.

use super::pickle::{allowed, shown};

/// What training programs leave beside the tensors and what does no harm; all else may.
fn harmless(module: &str, name: &str) -> bool {
    matches!(
        (module, name),
        ("argparse", "Namespace")
            | ("numpy", "dtype" | "ndarray")
            | ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar" | "_reconstruct")
            | ("_codecs", "encode")
            | ("collections", "defaultdict" | "Counter")
            | ("pathlib", "PosixPath" | "WindowsPath")
            | ("torch", "device")
    )
}

/// Why a name is refused, and what to do. Only where it and all names in the `rest` of the pickle
/// are harmless is there a way with PyTorch.
pub(super) fn told(module: &str, name: &str, rest: &[u8]) -> String {
    let asked = format!("it asks for '{}', which is not allowed", shown(module, name));
    if harmless(module, name) && !Rest(rest).may_ask_for_more() {
        return format!(
            "{asked}: settings of the training stand beside its tensors. Where you trust who made \
             it, load it in PyTorch and save its tensors alone: torch.save(state_dict)"
        );
    }
    format!(
        "{asked}: no file of tensors needs it, and loading it elsewhere may run code. Ask its \
         source for the tensors alone (safetensors)"
    )
}

/// Instructions that are only passed over; their operands are as Python's `pickletools` has them.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// Whether any instruction asks for a name that is neither allowed nor harmless, or for one
    /// that cannot be told by passing over; so does what is no instruction.
    fn may_ask_for_more(mut self) -> bool {
        loop {
            match self.take(1).map(|code| code[0]) {
                None => return true,
                Some(b'.') => return false,
                Some(b'c' | b'i') => {
                    let (module, name) = (self.line(), self.line());
                    let (Some(module), Some(name)) = (module, name) else { return true };
                    if !harmless(module, name) && allowed(module, name).is_none() {
                        return true;
                    }
                }
                Some(code) => {
                    if self.pass(code).is_none() {
                        return true;
                    }
                }
            }
        }
    }

    /// Passes over an instruction's operand.
    fn pass(&mut self, code: u8) -> Option<()> {
        let length = match code {
            b'('
            | b'0'
            | b'1'
            | b'2'
            | b'N'
            | b')'
            | b']'
            | b'}'
            | b't'
            | b'a'
            | b'e'
            | b's'
            | b'u'
            | b'R'
            | b'b'
            | b'Q'
            | b'o'
            | b'l'
            | b'd'
            | 0x81
            | 0x85..=0x89
            | 0x8f..=0x92
            | 0x94 => 0,
            b'K' | b'q' | b'h' | 0x80 => 1,
            b'M' => 2,
            b'J' | b'r' | b'j' => 4,
            b'G' | 0x95 => 8,
            b'C' | b'U' | 0x8a | 0x8c => self.number(1)?,
            b'B' | b'T' | b'X' | 0x8b => self.number(4)?,
            0x8d | 0x8e | 0x96 => self.number(8)?,
            b'I' | b'L' | b'F' | b'S' | b'V' | b'p' | b'g' => return self.line().map(drop),
            _ => return None,
        };
        self.take(length).map(drop)
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        let taken = self.take(bytes)?;
        let number = taken.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        usize::try_from(number).ok()
    }

    fn line(&mut self) -> Option<&'a str> {
        let length = self.0.iter().position(|byte| *byte == b'\n')?;
        let line = self.take(length + 1)?;
        std::str::from_utf8(&line[..length]).ok()
    }
}
