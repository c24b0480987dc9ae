//! Kernels alone, where a whole network does not show them.

use bianque_testkit::surroundings;

use super::transformers;
use crate::{
    cuda::{
        constants::bytes,
        device::Device,
        emulated::Emulator,
        layout::value_bytes,
        plan::{Argument, Buffer, Kernel, Kind, Launch, Place, Product},
        shape::Shape,
    },
    recipe::{Architecture, Precision},
    rows::numbers,
};

const PRECISION: Precision = Precision::Bf16;

/// Width of the heads: neither 16 nor 8 nor 4 divides it.
const HEAD: usize = 13;

/// A device whose kernels are compiled for such heads.
fn emulator() -> Option<Emulator> {
    let compiler = surroundings::cxx()?;
    let mut recipe = transformers().remove(0);
    if let Architecture::Vit(vit) = &mut recipe.architecture {
        (vit.heads, vit.dim) = (8, 8 * HEAD);
    }
    Some(Emulator::new(&compiler, &Shape::new(&recipe, PRECISION).unwrap(), PRECISION))
}

/// Puts values into a new buffer of the device.
fn put(device: &mut Emulator, number: usize, kind: Kind, values: &[f32]) -> Place {
    let width = value_bytes(PRECISION, kind);
    let buffer = Buffer { name: "test".into(), kind, length: values.len(), width };
    device.allocate(&buffer).unwrap();
    let place = Place { buffer: number, bytes: 0 };
    device.upload(place, &bytes(values, kind, PRECISION)).unwrap();
    place
}

fn get(device: &mut Emulator, place: Place, count: usize) -> Vec<f32> {
    let mut bytes = vec![0; count * 2];
    device.download(place, &mut bytes).unwrap();
    let halves = bytes.as_chunks::<2>().0;
    halves.iter().map(|half| half::bf16::from_le_bytes(*half).to_f32()).collect()
}

/// A bias added afterwards is the bias of the product, but for one rounding more; what lies between
/// rows stays.
#[test]
fn a_bias_that_the_library_leaves_undone() {
    let Some(mut device) = emulator() else { return };
    let (rows, outputs, inputs, stride) = (5, 24, 16, 32);
    let input = put(&mut device, 0, Kind::Element, &numbers(rows * inputs, 1));
    let weight = put(&mut device, 1, Kind::Element, &numbers(outputs * inputs, 2));
    let bias = put(&mut device, 2, Kind::Element, &numbers(outputs, 3));
    let blank = vec![7.0; rows * stride];
    let whole = put(&mut device, 3, Kind::Element, &blank);
    let later = put(&mut device, 4, Kind::Element, &blank);
    let product = |output, bias| Product {
        rows,
        outputs,
        inputs,
        input,
        input_stride: inputs,
        weight,
        weight_stride: inputs,
        output,
        output_stride: stride,
        output_kind: Kind::Element,
        bias,
        gelu: false,
        accumulate: false,
        batch: None,
    };
    device.multiply(&product(whole, Some(bias))).unwrap();
    device.multiply(&product(later, None)).unwrap();
    let launch = crate::cuda::products::bias_launch(&product(later, Some(bias)), bias);
    assert_eq!(launch.kernel, Kernel::AddBias);
    device.launch(&launch).unwrap();
    let (whole, later) =
        (get(&mut device, whole, rows * stride), get(&mut device, later, rows * stride));
    for (index, (whole, later)) in whole.iter().zip(&later).enumerate() {
        if index % stride < outputs {
            assert!((whole - later).abs() <= 0.03, "{index}: {whole}, {later}");
        } else {
            assert_eq!([*whole, *later], [7.0; 2]);
        }
    }
}

/// The emulation ends where a kernel writes one value too many, or is given other arguments.
#[test]
fn mistakes_are_found() {
    for (count, last) in [(9, Argument::Int(4)), (8, Argument::Float(4.0))] {
        let Some(mut device) = emulator() else { return };
        let seed = put(&mut device, 0, Kind::Full, &numbers(4, 1));
        let stream = put(&mut device, 1, Kind::Full, &numbers(8, 1));
        let (from, to) = (Argument::Place(seed), Argument::Place(stream));
        let arguments = vec![from, to, Argument::Long(count), last];
        device.launch(&Launch::over(Kernel::SeedTokens, 9, arguments)).unwrap();
        let answer = device.download(stream, &mut [0; 4]);
        assert!(answer.unwrap_err().to_string().contains("ended"), "{count} values");
    }
}

/// Several blocks of queries and of keys.
#[test]
fn attention_of_odd_heads_by_definition() {
    let head = HEAD;
    let Some(mut device) = emulator() else { return };
    let (heads, tokens, queries) = (8, 70, 66);
    let dim = heads * head;
    let rounded = |values: Vec<f32>| -> Vec<f32> {
        values.into_iter().map(|value| half::bf16::from_f32(value).to_f32()).collect()
    };
    let qkv = rounded(numbers(tokens * 3 * dim, 5).iter().map(|v| 2.0 * v).collect());
    let from = put(&mut device, 0, Kind::Element, &qkv);
    let to = put(&mut device, 1, Kind::Element, &vec![7.0; queries * dim]);
    let stride = head.next_multiple_of(16) + 8;
    let scale = std::f32::consts::LOG2_E / (head as f32).sqrt();
    let launch = Launch {
        kernel: Kernel::Attend,
        grid: [2, heads as u32, 1],
        block: 128,
        shared: (2 * 64 * stride * 2) as u32,
        arguments: vec![
            Argument::Place(from),
            Argument::Place(to),
            Argument::Int(tokens as i32),
            Argument::Int(queries as i32),
            Argument::Float(scale),
        ],
    };
    device.launch(&launch).unwrap();
    let forwards = get(&mut device, to, queries * dim);
    device.backwards = true;
    device.launch(&launch).unwrap();
    assert_eq!(get(&mut device, to, queries * dim), forwards, "order of threads");
    for (query, which) in [(0, 0), (15, 3), (63, 7), (64, 1), (65, 7)] {
        let part =
            |token: usize, part: usize| &qkv[(token * 3 + part) * dim + which * head..][..head];
        let score = |token: usize| {
            let dot: f32 = part(query, 0).iter().zip(part(token, 1)).map(|(a, b)| a * b).sum();
            f64::from(dot / (head as f32).sqrt()).exp()
        };
        let total: f64 = (0..tokens).map(score).sum();
        for i in 0..head {
            let sum: f64 = (0..tokens).map(|t| score(t) * f64::from(part(t, 2)[i])).sum();
            let actual = f64::from(forwards[query * dim + which * head + i]);
            let error = (actual - sum / total).abs();
            assert!(error < 0.02, "query {query}, head {which}, value {i}: {error}");
        }
    }
}
