//! A bounded queue between threads that read and threads that compute.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// A queue of at most `capacity` things. Who would add one more waits, who finds none waits.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    capacity: usize,
    changed: Condvar,
}

struct State<T> {
    waiting: VecDeque<T>,
    /// Writers that may still add something.
    writers: usize,
    closed: bool,
}

impl<T> Queue<T> {
    /// A queue that ends when so many writers have said that they are done.
    pub(super) fn new(capacity: usize, writers: usize) -> Self {
        let state = State { waiting: VecDeque::new(), writers, closed: false };
        Self { state: Mutex::new(state), capacity: capacity.max(1), changed: Condvar::new() }
    }

    /// Adds something, waiting for room. False when the queue was closed: then there is no use in
    /// making more.
    pub(super) fn push(&self, item: T) -> bool {
        let mut state = self.lock();
        while state.waiting.len() >= self.capacity && !state.closed {
            state = self.wait(state);
        }
        if state.closed {
            return false;
        }
        state.waiting.push_back(item);
        self.changed.notify_all();
        true
    }

    /// Takes the first thing and those right behind it that belong to it, as many as `most` says
    /// of the first at the most; waits while there is none. Nothing once the queue is closed, or
    /// empty and without writers.
    pub(super) fn take(
        &self,
        most: impl Fn(&T) -> usize,
        belong: impl Fn(&T, &T) -> bool,
    ) -> Vec<T> {
        let mut state = self.lock();
        while state.waiting.is_empty() && state.writers > 0 && !state.closed {
            state = self.wait(state);
        }
        let mut taken: Vec<T> = Vec::new();
        while let Some(next) = state.waiting.front() {
            let fits = |first: &T| taken.len() < most(first) && belong(first, next);
            if !taken.first().is_none_or(fits) {
                break;
            }
            taken.extend(state.waiting.pop_front());
        }
        self.changed.notify_all();
        taken
    }

    /// One of the writers has nothing more to add.
    pub(super) fn writer_done(&self) {
        let mut state = self.lock();
        state.writers = state.writers.saturating_sub(1);
        self.changed.notify_all();
    }

    /// Drops what waits and lets every thread go: something failed, or a person stopped the run.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.waiting.clear();
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says that a writer is done when its thread ends, however it ends.
pub(super) struct Writer<'a, T>(pub(super) &'a Queue<T>);

impl<T> Drop for Writer<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close();
        }
        self.0.writer_done();
    }
}

/// Closes the queue when a reader's thread panics, so that no writer waits for it for ever.
pub(super) struct Reader<'a, T>(pub(super) &'a Queue<T>);

impl<T> Drop for Reader<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_full_queue_holds_its_writers_back() {
        let queue = Queue::new(3, 2);
        let made = AtomicUsize::new(0);
        let taken = std::thread::scope(|scope| {
            for start in [0, 100] {
                let (queue, made) = (&queue, &made);
                scope.spawn(move || {
                    let _writer = Writer(queue);
                    for item in start..start + 50 {
                        made.fetch_add(1, Ordering::SeqCst);
                        assert!(queue.push(item));
                    }
                });
            }
            let mut taken = Vec::new();
            loop {
                let some = queue.take(|_| 2, |a, b| (a < &100) == (b < &100));
                if some.is_empty() {
                    return taken;
                }
                assert!(some.len() <= 2 && some.iter().all(|i| (i < &100) == (some[0] < 100)));
                taken.extend(some);
                // Two in the writers' hands, three in the queue.
                assert!(made.load(Ordering::SeqCst) <= taken.len() + 5);
            }
        });
        let mut sorted = taken;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).chain(100..150).collect::<Vec<_>>());
    }

    #[test]
    fn closing_lets_everybody_go() {
        let queue = Queue::new(1, 1);
        assert!(queue.push(1));
        std::thread::scope(|scope| {
            let blocked = scope.spawn(|| queue.push(2));
            queue.close();
            assert!(!blocked.join().unwrap());
        });
        assert!(queue.take(|_| 1, |_, _| true).is_empty());
    }

    #[test]
    fn a_writer_that_panics_ends_the_queue() {
        let queue = Queue::<u8>::new(1, 1);
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let _writer = Writer(&queue);
                panic!("on purpose");
            });
            assert!(writer.join().is_err());
            assert!(queue.take(|_| 1, |_, _| true).is_empty());
        });
    }
}
