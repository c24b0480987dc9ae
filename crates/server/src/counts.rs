//! What is counted for whoever watches the machine. No name, no id.

use std::{
    fmt::Write,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::case_list::Standing;

/// Upper ends of the classes of an answer's duration, in seconds.
const CLASSES: [f64; 8] = [0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0];

/// Counters since the start.
#[derive(Default)]
pub(crate) struct Counts {
    by_class: [AtomicU64; 5],
    by_duration: [AtomicU64; CLASSES.len()],
    answers: AtomicU64,
    microseconds: AtomicU64,
    pub(crate) examined: AtomicU64,
    pub(crate) failed: AtomicU64,
}

impl Counts {
    /// Counts an answer.
    pub(crate) fn answered(&self, status: u16, took: Duration) {
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        if let Some(count) = self.by_class.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let seconds = took.as_secs_f64();
        for (limit, count) in CLASSES.iter().zip(&self.by_duration) {
            if seconds <= *limit {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.answers.fetch_add(1, Ordering::Relaxed);
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(took, Ordering::Relaxed);
    }

    /// Prometheus' text format, version 0.0.4.
    pub(crate) fn text(&self, slides: usize, list: &Standing) -> String {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let mut text = String::new();
        let mut line = |what: &str| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{what}");
        };
        line("# TYPE bianque_answers_total counter");
        for (class, count) in (1..).zip(&self.by_class) {
            line(&format!("bianque_answers_total{{status=\"{class}xx\"}} {}", read(count)));
        }
        line("# TYPE bianque_answer_seconds histogram");
        for (limit, count) in CLASSES.iter().zip(&self.by_duration) {
            line(&format!("bianque_answer_seconds_bucket{{le=\"{limit}\"}} {}", read(count)));
        }
        let answers = read(&self.answers);
        line(&format!("bianque_answer_seconds_bucket{{le=\"+Inf\"}} {answers}"));
        line(&format!("bianque_answer_seconds_sum {}", read(&self.microseconds) as f64 / 1e6));
        line(&format!("bianque_answer_seconds_count {answers}"));
        line("# TYPE bianque_slides gauge");
        line(&format!("bianque_slides {slides}"));
        line("# TYPE bianque_case_list_problems gauge");
        line(&format!("bianque_case_list_problems {}", list.problems.len()));
        line("# TYPE bianque_case_list_waiting gauge");
        line(&format!("bianque_case_list_waiting {}", list.waiting));
        line("# TYPE bianque_examinations_total counter");
        line(&format!("bianque_examinations_total{{end=\"done\"}} {}", read(&self.examined)));
        line(&format!("bianque_examinations_total{{end=\"failed\"}} {}", read(&self.failed)));
        text
    }
}
