//! The plans of all shipped recipes: every access within its buffer, every launch within what a
//! device allows.

use super::transformers;
use crate::{
    cuda::{
        forward::plan,
        layout::Layout,
        plan::{Argument, Kind, Launch, Place, Product, Step},
        shape::{SHARED, Shape},
    },
    recipe::{Architecture, Precision, Recipe},
};

#[test]
fn every_recipe_is_supported_in_every_precision() {
    for recipe in transformers() {
        for precision in [Precision::Bf16, Precision::F16, Precision::F32] {
            let shape = Shape::new(&recipe, precision);
            assert!(shape.is_ok(), "{}: {:?}", recipe.name, shape.err());
        }
    }
}

#[test]
fn every_plan_stays_within_its_buffers() {
    for recipe in transformers() {
        for (precision, most) in [(Precision::Bf16, 256), (Precision::F32, 8)] {
            let shape = Shape::new(&recipe, precision).unwrap();
            let layout = Layout::new(&shape, precision, most);
            for tiles in [1, most] {
                let plan = plan(&shape, &layout, tiles);
                check_launch(&recipe.name, &layout, &plan.unfold);
                for step in &plan.steps {
                    match step {
                        Step::Launch(launch) => check_launch(&recipe.name, &layout, launch),
                        Step::Product(product) => check_product(&recipe.name, &layout, product),
                    }
                }
            }
        }
    }
}

fn check_launch(name: &str, layout: &Layout, launch: &Launch) {
    let kernel = launch.kernel.name();
    let [x, y, z] = launch.grid;
    assert!(x >= 1 && x <= i32::MAX as u32, "{name}, {kernel}: {x} blocks");
    assert!((1..=65_535).contains(&y) && (1..=65_535).contains(&z), "{name}, {kernel}");
    assert!(launch.block.is_multiple_of(32) && (32..=1024).contains(&launch.block));
    assert!(launch.shared as usize <= SHARED, "{name}, {kernel}: {} shared", launch.shared);
    for argument in &launch.arguments {
        match *argument {
            Argument::Place(place) => {
                assert!(place.bytes < layout.buffers[place.buffer].bytes(), "{name}, {kernel}");
            }
            Argument::Int(value) => assert!(value >= 0, "{name}, {kernel}: overflow"),
            Argument::Long(value) => assert!(value >= 0, "{name}, {kernel}: overflow"),
            Argument::Float(value) => assert!(value > 0.0 && value.is_finite()),
        }
    }
}

fn check_product(name: &str, layout: &Layout, product: &Product) {
    let batch = product.batch;
    let count = batch.map_or(1, |batch| batch.count);
    let [input_step, output_step] = batch.map_or([0; 2], |b| [b.input_step, b.output_step]);
    let extents = [
        (product.input, product.input_stride, product.rows, product.inputs, input_step),
        (product.weight, product.weight_stride, product.outputs, product.inputs, 0),
        (product.output, product.output_stride, product.rows, product.outputs, output_step),
    ];
    for (place, stride, rows, columns, step) in extents {
        let buffer = &layout.buffers[place.buffer];
        assert!(columns <= stride, "{name}, {}: rows overlap", buffer.name);
        let last = (count - 1) * step + (rows - 1) * stride + columns;
        let end = place.bytes + last * buffer.width;
        assert!(end <= buffer.bytes(), "{name}, {}: {end} of {}", buffer.name, buffer.bytes());
        // What matrix units take: places, rows and steps at multiples of 16 bytes.
        for bytes in [place.bytes, stride * buffer.width, step * buffer.width] {
            assert!(bytes.is_multiple_of(16), "{name}, {}: {bytes}", buffer.name);
        }
        assert!(rows <= i32::MAX as usize && stride <= i32::MAX as usize);
    }
    let kind = |place: Place| layout.buffers[place.buffer].kind;
    assert_eq!([kind(product.input), kind(product.weight)], [Kind::Element; 2], "{name}");
    assert_eq!(kind(product.output), product.output_kind, "{name}");
    if let Some(bias) = product.bias {
        let buffer = &layout.buffers[bias.buffer];
        assert_eq!(buffer.kind, product.output_kind, "{name}, {}", buffer.name);
        assert!(bias.bytes + product.outputs * buffer.width <= buffer.bytes(), "{name}");
    }
    assert_ne!(product.input.buffer, product.output.buffer, "{name}");
}

/// Every value of the patches, tokens and features is written, and of nothing more.
#[test]
fn buffers_have_the_size_that_the_plan_fills() {
    for recipe in transformers() {
        let shape = Shape::new(&recipe, Precision::Bf16).unwrap();
        let layout = Layout::new(&shape, Precision::Bf16, 3);
        let length = |buffer: usize| layout.buffers[buffer].length;
        let images = 3 * shape.passes;
        assert_eq!(length(layout.tiles), 3 * 3 * shape.size * shape.size);
        assert_eq!(length(layout.stream), images * shape.tokens() * shape.dim);
        assert_eq!(length(layout.features), 3 * shape.output);
        let plan = plan(&shape, &layout, 3);
        let [x, ..] = plan.unfold.grid;
        let threads = x as usize * plan.unfold.block as usize;
        assert!(threads >= length(layout.patches) && threads - length(layout.patches) < 256);
    }
}

#[test]
fn what_cannot_run_is_refused_with_its_reason() {
    let mut recipe = transformers().remove(0);
    let change = |recipe: &mut Recipe, dim: usize, heads: usize| {
        let Architecture::Vit(vit) = &mut recipe.architecture else { return };
        (vit.dim, vit.heads) = (dim, heads);
    };
    change(&mut recipe, 1024, 4);
    let said = Shape::new(&recipe, Precision::Bf16).unwrap_err();
    assert!(said.contains("256 wide"), "{said}");
    change(&mut recipe, 1020, 15);
    let said = Shape::new(&recipe, Precision::Bf16).unwrap_err();
    assert!(said.contains("multiples of 8"), "{said}");
}
