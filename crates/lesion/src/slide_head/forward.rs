//! The forward passes.

use super::{
    SlideHeadKind,
    kind::{SEQUENCE_REACH, SQUARE_REACHES},
};
use crate::tape::{Activation, FilterPlan, LandmarkPlan, Node, Parameters, Tape};

/// What a forward pass leaves on the tape.
pub(super) struct Forward {
    /// Rows of outputs, `1 x outputs` each; the head's output is their mean, and each has its
    /// share in the loss.
    pub(super) outputs: Vec<Node>,
    /// Classifications of single tiles that training adds to the loss.
    pub(super) instances: Vec<Instances>,
    /// Share of the instance loss in the whole.
    pub(super) instance_weight: f32,
    /// Branches x tiles; every row sums to 1.
    pub(super) attention: Option<Node>,
}

impl Forward {
    fn of(outputs: Vec<Node>, attention: Option<Node>) -> Self {
        Self { outputs, instances: Vec::new(), instance_weight: 0.0, attention }
    }
}

/// Tiles that are classified one by one in training.
pub(super) struct Instances {
    /// Tiles x 2.
    pub(super) logits: Node,
    /// One a tile.
    pub(super) labels: Vec<usize>,
}

/// One pass of a network over a bag.
pub(super) struct Pass<'t, 'a> {
    pub(super) tape: &'t mut Tape<'a>,
    pub(super) parameters: &'a Parameters,
    /// Tiles x features.
    pub(super) bag: Node,
    /// The slide's class, in training of a classification.
    pub(super) label: Option<usize>,
}

impl Pass<'_, '_> {
    pub(super) fn run(&mut self, kind: &SlideHeadKind) -> Forward {
        match kind {
            SlideHeadKind::Mean => {
                let pooled = self.tape.mean_rows(self.bag);
                Forward::of(vec![self.layer("output", pooled, Activation::None)], None)
            }
            SlideHeadKind::Max => {
                let pooled = self.tape.max_rows(self.bag);
                Forward::of(vec![self.layer("output", pooled, Activation::None)], None)
            }
            SlideHeadKind::Abmil { hidden, branches, dropout, .. } => {
                let (_, attention, pooled) = self.gated(*dropout);
                let pooled = self.tape.reshape(pooled, 1, hidden * branches);
                let output = self.layer("output", pooled, Activation::None);
                Forward::of(vec![output], Some(attention))
            }
            SlideHeadKind::Clam {
                branch_per_class, instances, instance_weight, dropout, ..
            } => self.clam(*branch_per_class, *instances, *instance_weight, *dropout),
            SlideHeadKind::Dsmil { query } => self.dsmil(*query),
            SlideHeadKind::Transmil { heads, landmarks, dropout, .. } => {
                let plan = LandmarkPlan { heads: *heads, landmarks: *landmarks };
                self.transmil(plan, *dropout)
            }
        }
    }

    fn parameter(&mut self, name: &str) -> Node {
        // A head's parameters are made, or checked when read, by its kind: the name is there.
        let index = self.parameters.index(name).unwrap_or(usize::MAX);
        self.tape.parameter(index)
    }

    fn layer(&mut self, name: &str, input: Node, activation: Activation) -> Node {
        let weight = self.parameter(&format!("{name}.weight"));
        let bias = self.parameter(&format!("{name}.bias"));
        self.tape.linear(input, weight, Some(bias), activation)
    }

    /// Gated attention: the hidden layer (tiles x hidden), the attention (branches x tiles), and
    /// what each branch pools (branches x hidden).
    fn gated(&mut self, dropout: f32) -> (Node, Node, Node) {
        let hidden = self.layer("hidden", self.bag, Activation::Relu);
        let hidden = self.tape.dropout(hidden, dropout);
        let tanh = self.layer("attention.tanh", hidden, Activation::Tanh);
        let tanh = self.tape.dropout(tanh, dropout);
        let sigmoid = self.layer("attention.sigmoid", hidden, Activation::Sigmoid);
        let sigmoid = self.tape.dropout(sigmoid, dropout);
        let gated = self.tape.multiply(tanh, sigmoid);
        let score = self.parameter("attention.score.weight");
        let scores = self.tape.product((score, false), (gated, true));
        let attention = self.tape.softmax_rows(scores);
        let pooled = self.tape.product((attention, false), (hidden, false));
        (hidden, attention, pooled)
    }

    fn clam(
        &mut self,
        branch_per_class: bool,
        instances: usize,
        instance_weight: f32,
        dropout: f32,
    ) -> Forward {
        let (hidden, attention, pooled) = self.gated(dropout);
        let output = if branch_per_class {
            // Each class's score is read from its own branch by its own weights.
            let weight = self.parameter("output.weight");
            let classes = self.tape.value(weight).rows;
            let weighted = self.tape.multiply(pooled, weight);
            let sums = self.tape.row_sums(weighted);
            let sums = self.tape.reshape(sums, 1, classes);
            let bias = self.parameter("output.bias");
            self.tape.add(sums, bias)
        } else {
            self.layer("output", pooled, Activation::None)
        };
        let mut forward = Forward::of(vec![output], Some(attention));
        if let Some(label) = self.label.filter(|_| self.tape.is_training()) {
            let classes = self.tape.value(output).columns;
            forward.instance_weight = instance_weight;
            forward.instances = (0..classes)
                .filter(|class| *class == label || classes > 2)
                .filter_map(|class| {
                    let branch = if branch_per_class { class } else { 0 };
                    self.instances(hidden, attention, (class, branch), instances, class == label)
                })
                .collect();
        }
        forward
    }

    /// The tiles that a branch attends to most, which are of the slide's class, and those that it
    /// attends to least, which are not. For another class only the first, which are not of it.
    fn instances(
        &mut self,
        hidden: Node,
        attention: Node,
        (class, branch): (usize, usize),
        count: usize,
        own: bool,
    ) -> Option<Instances> {
        let scores = self.tape.value(attention).row(branch);
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        let count = count.min(order.len() / 2);
        if count == 0 {
            return None;
        }
        let mut rows = order[..count].to_vec();
        let mut labels = vec![usize::from(own); count];
        if own {
            rows.extend(&order[order.len() - count..]);
            labels.extend(vec![0; count]);
        }
        let chosen = self.tape.gather(hidden, rows);
        let logits = self.layer(&format!("instance.{class}"), chosen, Activation::None);
        Some(Instances { logits, labels })
    }

    fn dsmil(&mut self, query: usize) -> Forward {
        let scores = self.layer("instance", self.bag, Activation::None);
        let most = self.tape.max_rows(scores);
        let critical = self.largest_rows(scores);
        let queries = self.queries(self.bag);
        let critical = self.tape.gather(self.bag, critical);
        let critical = self.queries(critical);
        let likeness = self.tape.product((critical, false), (queries, true));
        let likeness = self.tape.scale(likeness, 1.0 / (query as f32).sqrt());
        let attention = self.tape.softmax_rows(likeness);
        let pooled = self.tape.product((attention, false), (self.bag, false));
        let (rows, columns) = {
            let value = self.tape.value(pooled);
            (value.rows, value.columns)
        };
        let pooled = self.tape.reshape(pooled, 1, rows * columns);
        let output = self.layer("output", pooled, Activation::None);
        Forward::of(vec![most, output], Some(attention))
    }

    fn queries(&mut self, input: Node) -> Node {
        let first = self.layer("query.first", input, Activation::Relu);
        self.layer("query.second", first, Activation::Tanh)
    }

    /// The tile with the largest score, per class; of equals the first.
    fn largest_rows(&self, scores: Node) -> Vec<usize> {
        let scores = self.tape.value(scores);
        let largest = |class: usize| {
            (1..scores.rows).fold(0, |best, row| {
                if scores.row(row)[class] > scores.row(best)[class] { row } else { best }
            })
        };
        (0..scores.columns).map(largest).collect()
    }

    fn transmil(&mut self, plan: LandmarkPlan, dropout: f32) -> Forward {
        let hidden = self.layer("hidden", self.bag, Activation::Relu);
        let token = self.parameter("class_token");
        let tokens = self.tape.join_rows(token, hidden);
        let tokens = self.transformer("first", tokens, plan, dropout);
        let tokens = self.positions(tokens);
        let tokens = self.transformer("second", tokens, plan, dropout);
        let token = self.tape.gather(tokens, vec![0]);
        let token = self.normalised("norm", token);
        Forward::of(vec![self.layer("output", token, Activation::None)], None)
    }

    fn normalised(&mut self, name: &str, input: Node) -> Node {
        let scale = self.parameter(&format!("{name}.scale"));
        let shift = self.parameter(&format!("{name}.shift"));
        self.tape.normalise_rows(input, scale, shift)
    }

    /// Attention by landmarks, the values' neighbours along the sequence, and the input itself.
    fn transformer(&mut self, name: &str, input: Node, plan: LandmarkPlan, dropout: f32) -> Node {
        let normal = self.normalised(&format!("{name}.norm"), input);
        let [query, key, value] = ["query", "key", "value"].map(|part| {
            let weight = self.parameter(&format!("{name}.{part}.weight"));
            self.tape.linear(normal, weight, None, Activation::None)
        });
        let attended = self.tape.attend_by_landmarks((query, key, value), plan);
        let weight = self.parameter(&format!("{name}.sequence.weight"));
        let sequence = FilterPlan { width: 1, reach: (SEQUENCE_REACH, 1) };
        let near = self.tape.filter(value, weight, sequence);
        let sum = self.tape.add(attended, near);
        let result = self.layer(&format!("{name}.result"), sum, Activation::None);
        let result = self.tape.dropout(result, dropout);
        self.tape.add(input, result)
    }

    /// Tells tiles where they lie: filters over the square that they are laid into.
    fn positions(&mut self, tokens: Node) -> Node {
        let count = self.tape.value(tokens).rows;
        let token = self.tape.gather(tokens, vec![0]);
        let tiles = self.tape.gather(tokens, (1..count).collect());
        let width = ((count - 1) as f64).sqrt().ceil() as usize;
        let mut sum = tiles;
        for reach in SQUARE_REACHES {
            let weight = self.parameter(&format!("position.{reach}.weight"));
            let bias = self.parameter(&format!("position.{reach}.bias"));
            let plan = FilterPlan { width, reach: (reach, reach) };
            let filtered = self.tape.filter(tiles, weight, plan);
            let filtered = self.tape.add_row(filtered, bias);
            sum = self.tape.add(sum, filtered);
        }
        self.tape.join_rows(token, sum)
    }
}
