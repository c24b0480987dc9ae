//! Decoded tiles kept in memory: bounded by bytes, shared by all threads, each tile decoded once.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    codec::{Reduction, Size},
    slide::TileIndex,
};

/// Which tile, reduced by how much.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TileKey {
    pub(crate) level: usize,
    pub(crate) tile: TileIndex,
    pub(crate) reduction: Reduction,
}

/// A decoded tile, RGB without padding.
#[derive(Debug)]
pub(crate) struct DecodedTile {
    pub(crate) size: Size,
    pub(crate) pixels: Vec<u8>,
}

/// Least recently used tiles leave first. The lock is held for look-ups only, never while a tile
/// is decoded; a thread that wants a tile which another decodes waits for that one.
pub(crate) struct TileCache {
    state: Mutex<State>,
    bound: usize,
}

#[derive(Default)]
struct State {
    entries: HashMap<TileKey, Entry>,
    /// From the time of last use to the tile.
    order: BTreeMap<u64, TileKey>,
    clock: u64,
    bytes: usize,
}

struct Entry {
    slot: Slot,
    used: u64,
    bytes: usize,
}

/// Empty until its tile is decoded; locked while it is.
type Slot = Arc<Mutex<Option<Arc<DecodedTile>>>>;

/// What an entry takes beside its pixels, roughly: both maps, both counted pointers.
const ENTRY_OVERHEAD: usize = 256;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A poisoned lock means that a decoder panicked elsewhere; the maps are changed only in
    // steps that cannot panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TileCache {
    /// A cache that keeps at most `bound` bytes.
    pub(crate) fn new(bound: usize) -> Self {
        Self { state: Mutex::default(), bound }
    }

    /// A tile that is kept, or that another thread is about to finish.
    pub(crate) fn get(&self, key: TileKey) -> Option<Arc<DecodedTile>> {
        let slot = lock(&self.state).touch(key)?;
        lock(&slot).clone()
    }

    /// A tile that is kept, else the one that `decode` gives, which is kept from then on.
    pub(crate) fn get_or_decode<E>(
        &self,
        key: TileKey,
        decode: impl FnOnce() -> Result<Option<DecodedTile>, E>,
    ) -> Result<Option<Arc<DecodedTile>>, E> {
        let slot = lock(&self.state).touch_or_insert(key);
        let mut content = lock(&slot);
        if let Some(tile) = &*content {
            return Ok(Some(Arc::clone(tile)));
        }
        match decode() {
            Ok(Some(tile)) => {
                let tile = Arc::new(tile);
                *content = Some(Arc::clone(&tile));
                drop(content);
                lock(&self.state).account(key, &slot, tile.pixels.len(), self.bound);
                Ok(Some(tile))
            }
            nothing => {
                lock(&self.state).forget(key, &slot);
                nothing.map(|_| None)
            }
        }
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        lock(&self.state).bytes
    }
}

impl State {
    fn touch(&mut self, key: TileKey) -> Option<Slot> {
        let entry = self.entries.get_mut(&key)?;
        self.order.remove(&entry.used);
        self.clock += 1;
        entry.used = self.clock;
        self.order.insert(self.clock, key);
        Some(Arc::clone(&entry.slot))
    }

    fn touch_or_insert(&mut self, key: TileKey) -> Slot {
        if let Some(slot) = self.touch(key) {
            return slot;
        }
        self.clock += 1;
        let slot = Slot::default();
        let entry = Entry { slot: Arc::clone(&slot), used: self.clock, bytes: 0 };
        self.entries.insert(key, entry);
        self.order.insert(self.clock, key);
        slot
    }

    /// Counts a tile that was just decoded, after making room for it.
    fn account(&mut self, key: TileKey, slot: &Slot, pixels: usize, bound: usize) {
        let bytes = pixels.saturating_add(ENTRY_OVERHEAD);
        if bytes > bound {
            return self.forget(key, slot);
        }
        while self.bytes + bytes > bound {
            // Tiles that are being decoded count nothing yet and may leave as well: their
            // threads keep them alive.
            let Some((&oldest, &victim)) = self.order.first_key_value() else { break };
            self.order.remove(&oldest);
            if let Some(entry) = self.entries.remove(&victim) {
                self.bytes -= entry.bytes;
            }
        }
        if let Some(entry) = self.entries.get_mut(&key).filter(|e| Arc::ptr_eq(&e.slot, slot)) {
            self.bytes = self.bytes - entry.bytes + bytes;
            entry.bytes = bytes;
        }
    }

    fn forget(&mut self, key: TileKey, slot: &Slot) {
        if self.entries.get(&key).is_some_and(|entry| Arc::ptr_eq(&entry.slot, slot))
            && let Some(entry) = self.entries.remove(&key)
        {
            self.order.remove(&entry.used);
            self.bytes -= entry.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn key(column: u32) -> TileKey {
        TileKey { level: 0, tile: TileIndex { column, row: 0 }, reduction: Reduction::Full }
    }

    fn tile(side: u32) -> DecodedTile {
        DecodedTile { size: Size::new(side, side), pixels: vec![0; (side * side * 3) as usize] }
    }

    fn put(cache: &TileCache, column: u32, side: u32) {
        let got: Result<_, ()> = cache.get_or_decode(key(column), || Ok(Some(tile(side))));
        assert!(got.unwrap().is_some());
    }

    #[test]
    fn memory_stays_below_the_bound() {
        let bound = 10 * (3 * 16 * 16 + ENTRY_OVERHEAD);
        let cache = TileCache::new(bound);
        for column in 0..100 {
            put(&cache, column, 16);
            assert!(cache.bytes() <= bound);
        }
        assert_eq!(cache.bytes(), bound);
        assert!(cache.get(key(99)).is_some() && cache.get(key(90)).is_some());
        assert!(cache.get(key(89)).is_none());
    }

    #[test]
    fn the_least_recently_used_leaves_first() {
        let cache = TileCache::new(2 * (3 * 16 * 16 + ENTRY_OVERHEAD));
        put(&cache, 0, 16);
        put(&cache, 1, 16);
        assert!(cache.get(key(0)).is_some());
        put(&cache, 2, 16);
        assert!(cache.get(key(0)).is_some() && cache.get(key(1)).is_none());
    }

    #[test]
    fn what_does_not_fit_is_not_kept_and_evicts_nothing() {
        let cache = TileCache::new(4096);
        put(&cache, 0, 16);
        put(&cache, 1, 100);
        assert!(cache.get(key(1)).is_none());
        assert!(cache.get(key(0)).is_some());
    }

    #[test]
    fn errors_and_absent_tiles_are_not_kept() {
        let cache = TileCache::new(4096);
        assert!(cache.get_or_decode(key(0), || Err("broken")).is_err());
        assert!(cache.get_or_decode::<()>(key(0), || Ok(None)).unwrap().is_none());
        assert_eq!(cache.bytes(), 0);
        put(&cache, 0, 16);
        assert!(cache.get(key(0)).is_some());
    }

    #[test]
    fn many_threads_decode_a_tile_once_and_stay_below_the_bound() {
        let bound = 64 * (3 * 16 * 16 + ENTRY_OVERHEAD);
        let cache = TileCache::new(bound);
        let decoded = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for column in 0..64 {
                        let got: Result<_, ()> = cache.get_or_decode(key(column), || {
                            decoded.fetch_add(1, Ordering::Relaxed);
                            std::thread::yield_now();
                            Ok(Some(tile(16)))
                        });
                        assert_eq!(got.unwrap().unwrap().size, Size::new(16, 16));
                        assert!(cache.bytes() <= bound);
                    }
                });
            }
        });
        assert_eq!(decoded.into_inner(), 64);
    }
}
