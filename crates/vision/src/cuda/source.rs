//! The kernels' source, and the numbers that it is compiled with.

use bianque_core::Digest;

use super::shape::Shape;
use crate::recipe::Precision;

/// What only the processor itself can do; the tests' emulation has a file of its own for it.
pub(super) const MACHINE: (&str, &str) = ("machine.cuh", include_str!("kernels/machine.cuh"));

/// The kernels, in the order in which they are compiled.
pub(super) const KERNELS: [(&str, &str); 7] = [
    ("element.cuh", include_str!("kernels/element.cuh")),
    ("input.cu", include_str!("kernels/input.cu")),
    ("layer_norm.cu", include_str!("kernels/layer_norm.cu")),
    ("feed_forward.cu", include_str!("kernels/feed_forward.cu")),
    ("rotate.cu", include_str!("kernels/rotate.cu")),
    ("attention.cu", include_str!("kernels/attention.cu")),
    ("pooling.cu", include_str!("kernels/pooling.cu")),
];

/// All files one after the other; messages of the compiler name file and line.
pub(super) fn source(machine: (&str, &str)) -> String {
    let mut all = String::new();
    for (name, text) in std::iter::once(machine).chain(KERNELS) {
        all.push_str(&format!("#line 1 \"{name}\"\n{text}"));
    }
    all
}

/// The numbers that are fixed when kernels are compiled, as `NAME=value`.
pub(super) fn definitions(shape: &Shape, precision: Precision) -> Vec<String> {
    let element = match precision {
        Precision::F32 => "ELEMENT_F32",
        Precision::F16 => "ELEMENT_F16",
        Precision::Bf16 => "ELEMENT_BF16",
    };
    vec![
        format!("{element}=1"),
        format!("HEAD={}", shape.head()),
        format!("HEADS={}", shape.heads),
        format!("ROW_VALUES={}", shape.widest_norm().div_ceil(128) * 4),
    ]
}

/// What a compiled module depends on: source, numbers and options.
pub(super) fn digest(source: &str, options: &[String]) -> Digest {
    let mut digest = Digest::builder();
    for part in std::iter::once(source).chain(options.iter().map(String::as_str)) {
        digest.update(&(part.len() as u64).to_le_bytes());
        digest.update(part.as_bytes());
    }
    digest.finish()
}
