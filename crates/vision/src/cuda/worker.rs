//! The one thread that asks the device, and the bounded queue in front of it.
//!
//! Callers of any number wait in the queue; requests that come together are computed together.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
};

use crate::error::{Result, VisionError};

/// Batches in flight: one is uploaded while the other is computed.
pub(super) const SLOTS: usize = 2;
/// Requests that wait in the queue.
const WAITING: usize = 4;

/// What computes batches. Each slot is submitted, then finished.
pub(super) trait Batches {
    /// Tiles of the largest batch.
    fn most(&self) -> usize;

    /// Begins a batch of tiles that come in pieces: pixels, and tables of normalisation.
    fn submit(&mut self, slot: usize, pieces: &[(&[u8], &[u8])], tiles: usize) -> Result<()>;

    /// Waits for a batch; features tile after tile.
    fn finish(&mut self, slot: usize) -> Result<&[f32]>;
}

/// A caller's tiles, no more than the largest batch.
pub(super) struct Request {
    pub(super) pixels: Vec<u8>,
    pub(super) tables: Vec<u8>,
    pub(super) tiles: usize,
    /// Where the features go.
    pub(super) answer: SyncSender<Result<Vec<f32>>>,
}

/// The queue's other end, and the thread.
pub(super) struct Worker {
    queue: Mutex<Option<SyncSender<Request>>>,
    thread: Option<JoinHandle<()>>,
    /// Tiles of the largest request.
    pub(super) most: usize,
}

impl Worker {
    /// Starts the thread, which makes the device itself; `T` is what is to be known of it.
    ///
    /// # Errors
    /// Those of `make`.
    pub(super) fn start<B: Batches, T: Send + 'static>(
        dimension: usize,
        make: impl FnOnce() -> Result<(B, T)> + Send + 'static,
    ) -> Result<(Self, T)> {
        let (queue, requests) = sync_channel(WAITING);
        let (made, ready) = sync_channel(1);
        let work = move || match make() {
            Ok((batches, facts)) => {
                if made.send(Ok((batches.most(), facts))).is_ok() {
                    Loop { batches, requests, dimension, held: None, flying: VecDeque::new() }
                        .run();
                }
            }
            // Nobody waits any more where this cannot be sent.
            Err(error) => drop(made.send(Err(error))),
        };
        let thread = std::thread::Builder::new().name("gpu".into()).spawn(work);
        let thread = thread.map_err(|error| ended(&error.to_string()))?;
        let (most, facts) = ready.recv().map_err(|_| ended("it ended while it began"))??;
        Ok((Self { queue: Mutex::new(Some(queue)), thread: Some(thread), most }, facts))
    }

    /// Puts a request into the queue; waits while it is full.
    pub(super) fn ask(&self, request: Request) -> Result<()> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(queue) = queue else { return Err(ended("it was stopped")) };
        queue.send(request).map_err(|_| ended("it ended"))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.thread.take() {
            // It has answered each of its callers with what went wrong.
            let _ = thread.join();
        }
    }
}

pub(super) fn ended(why: &str) -> VisionError {
    VisionError::Runtime { what: format!("the GPU's thread: {why}") }
}

/// What the thread does.
struct Loop<B> {
    batches: B,
    requests: Receiver<Request>,
    dimension: usize,
    /// A request that did not fit the last batch.
    held: Option<Request>,
    /// Batches in flight, the oldest first.
    flying: VecDeque<(usize, Vec<Request>)>,
}

impl<B: Batches> Loop<B> {
    fn run(mut self) {
        let mut slot = 0;
        loop {
            let batch = self.gather();
            if batch.is_empty() {
                if self.flying.is_empty() {
                    return;
                }
                self.finish_oldest();
                continue;
            }
            if self.flying.len() == SLOTS {
                self.finish_oldest();
            }
            if let Some(batch) = self.submit(slot, batch) {
                self.flying.push_back((slot, batch));
                slot = (slot + 1) % SLOTS;
            }
        }
    }

    /// Requests for the next batch. Waits for the first one only where nothing is in flight; none
    /// then means that nobody can ask any more.
    fn gather(&mut self) -> Vec<Request> {
        let mut batch: Vec<Request> = self.held.take().into_iter().collect();
        let mut tiles = batch.iter().map(|request| request.tiles).sum::<usize>();
        loop {
            let next = if batch.is_empty() && self.flying.is_empty() {
                self.requests.recv().ok()
            } else {
                self.requests.try_recv().ok()
            };
            let Some(next) = next else { return batch };
            if !batch.is_empty() && tiles + next.tiles > self.batches.most() {
                self.held = Some(next);
                return batch;
            }
            tiles += next.tiles;
            batch.push(next);
        }
    }

    /// Begins a batch; answers its callers where it cannot.
    fn submit(&mut self, slot: usize, batch: Vec<Request>) -> Option<Vec<Request>> {
        let pieces: Vec<(&[u8], &[u8])> =
            batch.iter().map(|request| (&request.pixels[..], &request.tables[..])).collect();
        let tiles = batch.iter().map(|request| request.tiles).sum();
        match self.batches.submit(slot, &pieces, tiles) {
            Ok(()) => Some(batch),
            Err(error) => {
                refuse(batch, &error);
                None
            }
        }
    }

    fn finish_oldest(&mut self) {
        let Some((slot, batch)) = self.flying.pop_front() else { return };
        match self.batches.finish(slot) {
            Ok(features) => {
                let mut rest = features;
                for request in batch {
                    let (own, others) = rest.split_at(request.tiles * self.dimension);
                    rest = others;
                    // A caller that went away needs no answer.
                    let _ = request.answer.send(Ok(own.to_vec()));
                }
            }
            Err(error) => refuse(batch, &error),
        }
    }
}

fn refuse(batch: Vec<Request>, error: &VisionError) {
    for request in batch {
        let what = error.to_string();
        let _ = request.answer.send(Err(VisionError::Runtime { what }));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    /// Gives the first byte of each tile of 4 bytes, twice; refuses a tile that begins with 255.
    struct Echo {
        slots: [Option<Vec<f32>>; SLOTS],
        done: Vec<f32>,
        batches: Arc<AtomicUsize>,
    }

    impl Batches for Echo {
        fn most(&self) -> usize {
            8
        }

        fn submit(&mut self, slot: usize, pieces: &[(&[u8], &[u8])], tiles: usize) -> Result<()> {
            assert!(self.slots[slot].is_none(), "a slot in flight is filled again");
            assert!(tiles <= 8);
            self.batches.fetch_add(1, Ordering::Relaxed);
            let pixels = pieces.iter().flat_map(|(pixels, _)| pixels.chunks_exact(4));
            let values: Vec<f32> = pixels.flat_map(|tile| [f32::from(tile[0]); 2]).collect();
            assert_eq!(values.len(), tiles * 2);
            if values.contains(&255.0) {
                return Err(VisionError::Runtime { what: "out of memory".into() });
            }
            self.slots[slot] = Some(values);
            Ok(())
        }

        fn finish(&mut self, slot: usize) -> Result<&[f32]> {
            self.done = self.slots[slot].take().unwrap();
            Ok(&self.done)
        }
    }

    fn worker() -> (Worker, Arc<AtomicUsize>) {
        let batches = Arc::new(AtomicUsize::new(0));
        let counter = batches.clone();
        let make = move || Ok((Echo { slots: [None, None], done: vec![], batches }, ()));
        (Worker::start(2, make).unwrap().0, counter)
    }

    fn ask(worker: &Worker, first: u8, tiles: usize) -> Receiver<Result<Vec<f32>>> {
        let (answer, answers) = sync_channel(1);
        let pixels = (0..tiles).flat_map(|tile| [first + tile as u8; 4]).collect();
        worker.ask(Request { pixels, tables: vec![], tiles, answer }).unwrap();
        answers
    }

    #[test]
    fn each_caller_gets_its_own() {
        let (worker, batches) = worker();
        std::thread::scope(|scope| {
            for thread in 0..6_u8 {
                let worker = &worker;
                scope.spawn(move || {
                    for turn in 0..20_u8 {
                        let tiles = usize::from(1 + (thread + turn) % 8);
                        let first = thread * 30;
                        let answer = ask(worker, first, tiles).recv().unwrap().unwrap();
                        let expected = (0..tiles).flat_map(|i| [f32::from(first + i as u8); 2]);
                        assert_eq!(answer, expected.collect::<Vec<_>>());
                    }
                });
            }
        });
        let count = batches.load(Ordering::Relaxed);
        assert!((1..=120).contains(&count), "{count} batches for 120 requests");
    }

    #[test]
    fn an_error_reaches_its_caller_and_the_thread_goes_on() {
        let (worker, _) = worker();
        let error = ask(&worker, 255, 1).recv().unwrap().unwrap_err();
        assert!(error.to_string().contains("out of memory"));
        assert_eq!(ask(&worker, 3, 1).recv().unwrap().unwrap(), [3.0, 3.0]);
    }

    #[test]
    fn a_device_that_cannot_be_made_says_why() {
        let make = || Err::<(Echo, ()), _>(VisionError::Runtime { what: "no GPU".into() });
        let error = Worker::start(2, make).err().unwrap();
        assert_eq!(error.to_string(), "no GPU");
    }
}
