//! Every operation's slopes against finite differences.

use super::*;

fn array(rows: usize, columns: usize, seed: u64) -> Array {
    let value = |i: usize| (mixed(seed * 1000 + i as u64) % 2000) as f32 / 1000.0 - 1.0;
    Array::new(rows, columns, (0..rows * columns).map(value).collect())
}

fn parameters(extents: &[(usize, usize)]) -> Parameters {
    let entries = extents.iter().enumerate().map(|(index, (rows, columns))| Parameter {
        name: format!("p{index}"),
        value: array(*rows, *columns, index as u64 + 1),
        decays: true,
    });
    Parameters { entries: entries.collect() }
}

/// Compares the slopes of `sum(c * output)` with finite differences, for every value.
fn check(what: &str, extents: &[(usize, usize)], build: impl Fn(&mut Tape<'_>, &[Node]) -> Node) {
    let own = parameters(extents);
    let run = |parameters: &Parameters, gradients: Option<&mut Vec<Array>>| {
        let mut tape = Tape::new(parameters, Some(5));
        let nodes: Vec<Node> = (0..extents.len()).map(|index| tape.parameter(index)).collect();
        let output = build(&mut tape, &nodes);
        let value = tape.value(output);
        let factors = array(value.rows, value.columns, 99);
        let loss = value.values.iter().zip(&factors.values);
        let loss: f64 = loss.map(|(x, c)| f64::from(*x) * f64::from(*c)).sum();
        if let Some(gradients) = gradients {
            tape.backward(vec![(output, factors)], gradients);
        }
        loss
    };
    let mut gradients = own.zeros_alike();
    run(&own, Some(&mut gradients));
    for (index, gradient) in gradients.iter().enumerate() {
        for place in 0..gradient.values.len() {
            let moved = |by: f32| {
                let mut parameters = own.clone();
                parameters.entries[index].value.values[place] += by;
                run(&parameters, None)
            };
            let slope = (moved(4e-3) - moved(-4e-3)) / 8e-3;
            let found = f64::from(gradient.values[place]);
            assert!((slope - found).abs() < 4e-3, "{what} p{index}[{place}]: {slope} {found}");
        }
    }
}

#[test]
fn layers() {
    use Activation::{None as Nothing, Relu, Sigmoid, Tanh};
    for activation in [Nothing, Tanh, Sigmoid, Relu] {
        check("linear", &[(5, 4), (3, 4), (1, 3)], |tape, p| {
            tape.linear(p[0], p[1], Some(p[2]), activation)
        });
    }
    check("linear without bias", &[(5, 4), (3, 4)], |tape, p| tape.linear(p[0], p[1], None, Tanh));
    check("one value in two places", &[(4, 4)], |tape, p| {
        let y = tape.linear(p[0], p[0], None, Tanh);
        tape.add(y, p[0])
    });
}

#[test]
fn products() {
    for flags in 0..4 {
        let (ta, tb) = (flags & 1 == 1, flags & 2 == 2);
        let a = if ta { (4, 3) } else { (3, 4) };
        let b = if tb { (5, 4) } else { (4, 5) };
        check("product", &[a, b], |tape, p| tape.product((p[0], ta), (p[1], tb)));
    }
}

#[test]
fn values_and_rows() {
    check("multiply", &[(3, 4), (3, 4)], |tape, p| tape.multiply(p[0], p[1]));
    check("add, scale", &[(3, 4), (3, 4)], |tape, p| {
        let sum = tape.add(p[0], p[1]);
        tape.scale(sum, -1.5)
    });
    check("dropout", &[(30, 4)], |tape, p| tape.dropout(p[0], 0.5));
    check("softmax", &[(3, 7)], |tape, p| tape.softmax_rows(p[0]));
    check("mean", &[(6, 3)], |tape, p| tape.mean_rows(p[0]));
    check("max", &[(6, 3)], |tape, p| tape.max_rows(p[0]));
    check("row sums", &[(6, 3)], |tape, p| tape.row_sums(p[0]));
    check("gather", &[(6, 3)], |tape, p| tape.gather(p[0], vec![4, 1, 4]));
    check("reshape", &[(2, 6)], |tape, p| {
        let x = tape.reshape(p[0], 3, 4);
        tape.linear(x, x, None, Activation::None)
    });
}

#[test]
fn rows_of_a_transformer() {
    check("add row", &[(4, 3), (1, 3)], |tape, p| tape.add_row(p[0], p[1]));
    check("join", &[(2, 3), (4, 3)], |tape, p| tape.join_rows(p[0], p[1]));
    check("normalise", &[(4, 5), (1, 5), (1, 5)], |tape, p| tape.normalise_rows(p[0], p[1], p[2]));
    for (width, reach) in [(1, (5, 1)), (3, (3, 3)), (4, (5, 3))] {
        let plan = FilterPlan { width, reach };
        check("filter", &[(10, 4), (2, reach.0 * reach.1)], |tape, p| {
            tape.filter(p[0], p[1], plan)
        });
    }
    for landmarks in [1, 3, 9] {
        let plan = LandmarkPlan { heads: 2, landmarks };
        check("landmarks", &[(7, 4), (7, 4), (7, 4)], |tape, p| {
            tape.attend_by_landmarks((p[0], p[1], p[2]), plan)
        });
    }
}

#[test]
fn nothing_is_dropped_outside_training() {
    let own = parameters(&[(3, 4)]);
    let mut tape = Tape::new(&own, None);
    let x = tape.parameter(0);
    assert_eq!(tape.dropout(x, 0.5), x);
    assert!(!tape.is_training());
}
