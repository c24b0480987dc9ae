//! Weights from any bytes, safetensors or a file of `torch.save` with its pickle: reading every
//! tensor never panics, hangs or takes memory that the bytes cannot justify, and runs nothing.
#![no_main]

use bianque_vision::inspect_bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = inspect_bytes(bytes.to_vec());
});
