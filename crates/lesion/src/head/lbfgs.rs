//! Minimises a smooth function by L-BFGS (Nocedal and Wright, Numerical Optimization, 2nd
//! edition, algorithm 7.5) with a weak Wolfe line search by bisection (Lewis and Overton 2013).

/// When to stop.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Limits {
    /// Most steps.
    pub(crate) iterations: usize,
    /// The largest gradient entry at which the minimum counts as found.
    pub(crate) gradient: f64,
}

/// Where the search ended.
#[derive(Clone, Debug)]
pub(crate) struct Minimum {
    /// The place.
    pub(crate) place: Vec<f64>,
    /// Steps taken.
    pub(crate) iterations: usize,
    /// Whether the gradient fell below the limit, or no further descent was possible.
    pub(crate) converged: bool,
}

/// Pairs of steps and gradient changes kept to model the curvature.
const MEMORY: usize = 10;

struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    inverse: f64,
}

/// Minimises `function(place, gradient) -> value` from `start`.
pub(crate) fn minimise(
    mut function: impl FnMut(&[f64], &mut [f64]) -> f64,
    start: Vec<f64>,
    limits: Limits,
) -> Minimum {
    let mut place = start;
    let mut gradient = vec![0.0; place.len()];
    let mut value = function(&place, &mut gradient);
    let mut pairs: Vec<Pair> = Vec::new();
    for iteration in 0..limits.iterations {
        if largest(&gradient) <= limits.gradient {
            return Minimum { place, iterations: iteration, converged: true };
        }
        let mut direction = descent(&gradient, &pairs);
        let mut slope = dot(&direction, &gradient);
        if slope >= 0.0 {
            // Rounding has spoilt the curvature model: begin again along the gradient.
            pairs.clear();
            direction = gradient.iter().map(|g| -g).collect();
            slope = dot(&direction, &gradient);
        }
        let first = if pairs.is_empty() { 1.0 / largest(&gradient).max(1.0) } else { 1.0 };
        let found = line_search(&mut function, &place, value, &direction, slope, first);
        let Some((next, next_value, next_gradient)) = found else {
            return Minimum { place, iterations: iteration, converged: pairs.is_empty() };
        };
        let step: Vec<f64> = next.iter().zip(&place).map(|(a, b)| a - b).collect();
        let change: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        let curvature = dot(&step, &change);
        if curvature > 1e-14 * dot(&change, &change).max(f64::MIN_POSITIVE) {
            if pairs.len() == MEMORY {
                pairs.remove(0);
            }
            pairs.push(Pair { step, change, inverse: 1.0 / curvature });
        }
        let gain = value - next_value;
        (place, value, gradient) = (next, next_value, next_gradient);
        if gain <= 1e-13 * value.abs().max(1.0) {
            return Minimum { place, iterations: iteration + 1, converged: true };
        }
    }
    Minimum { place, iterations: limits.iterations, converged: false }
}

/// The two-loop recursion: minus the approximate inverse Hessian times the gradient.
fn descent(gradient: &[f64], pairs: &[Pair]) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut shares = Vec::with_capacity(pairs.len());
    for pair in pairs.iter().rev() {
        let share = pair.inverse * dot(&pair.step, &direction);
        add_scaled(&mut direction, -share, &pair.change);
        shares.push(share);
    }
    if let Some(last) = pairs.last() {
        let scale = 1.0 / (last.inverse * dot(&last.change, &last.change));
        direction.iter_mut().for_each(|d| *d *= scale);
    }
    for (pair, share) in pairs.iter().zip(shares.iter().rev()) {
        let back = pair.inverse * dot(&pair.change, &direction);
        add_scaled(&mut direction, share - back, &pair.step);
    }
    direction
}

type Landing = (Vec<f64>, f64, Vec<f64>);

/// A step that lowers the value enough and flattens the slope enough.
fn line_search(
    function: &mut impl FnMut(&[f64], &mut [f64]) -> f64,
    place: &[f64],
    value: f64,
    direction: &[f64],
    slope: f64,
    first: f64,
) -> Option<Landing> {
    let (mut low, mut high, mut length) = (0.0, f64::INFINITY, first);
    let mut best: Option<Landing> = None;
    for _ in 0..40 {
        let mut next = place.to_vec();
        add_scaled(&mut next, length, direction);
        let mut gradient = vec![0.0; place.len()];
        let next_value = function(&next, &mut gradient);
        // Written so that a value that is no number counts as too far.
        let lower = next_value <= value + 1e-4 * length * slope;
        if !lower {
            high = length;
        } else {
            let flat = dot(&gradient, direction) >= 0.9 * slope;
            best = Some((next, next_value, gradient));
            if flat {
                return best;
            }
            low = length;
        }
        length = if high.is_finite() { f64::midpoint(low, high) } else { 2.0 * low };
    }
    best
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add_scaled(to: &mut [f64], scale: f64, what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += scale * what);
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| value.abs().max(largest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { iterations: 500, gradient: 1e-8 };

    #[test]
    fn a_quadratic_bowl_ends_at_its_bottom() {
        let bowl = |x: &[f64], g: &mut [f64]| {
            let mut value = 0.0;
            for (index, (x, g)) in x.iter().zip(g).enumerate() {
                let (weight, bottom) = (10f64.powi(index as i32 % 5), index as f64);
                value += weight * (x - bottom).powi(2);
                *g = 2.0 * weight * (x - bottom);
            }
            value
        };
        let minimum = minimise(bowl, vec![50.0; 20], LIMITS);
        assert!(minimum.converged);
        for (index, x) in minimum.place.iter().enumerate() {
            assert!((x - index as f64).abs() < 1e-6, "{index}: {x}");
        }
    }

    #[test]
    fn rosenbrocks_valley_is_followed() {
        let valley = |x: &[f64], g: &mut [f64]| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            g[0] = -2.0 * a - 400.0 * x[0] * b;
            g[1] = 200.0 * b;
            a * a + 100.0 * b * b
        };
        let minimum = minimise(valley, vec![-1.2, 1.0], LIMITS);
        assert!((minimum.place[0] - 1.0).abs() < 1e-5, "{minimum:?}");
    }

    #[test]
    fn too_few_steps_are_said() {
        let slow = |x: &[f64], g: &mut [f64]| {
            g[0] = 4.0 * x[0].powi(3) + 1e4 * x[1] * 2.0;
            g[1] = 2e4 * x[0] + 4e4 * x[1] + 4.0 * x[1].powi(3);
            x[0].powi(4) + 2e4 * x[0] * x[1] + 2e4 * x[1] * x[1] + x[1].powi(4)
        };
        let limits = Limits { iterations: 1, gradient: 1e-12 };
        assert!(!minimise(slow, vec![100.0, 3.0], limits).converged);
    }
}
