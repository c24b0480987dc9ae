//! Ctrl-C, or the system's wish that the program ends: the first one asks the work to end cleanly, the second one ends the program.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// The flag that long work watches; set by Ctrl-C and SIGTERM. The handler is installed on first use.
pub(crate) fn flag() -> anyhow::Result<Arc<AtomicBool>> {
    if let Some(flag) = FLAG.get() {
        return Ok(Arc::clone(flag));
    }
    let flag = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&flag);
    ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    })?;
    Ok(Arc::clone(FLAG.get_or_init(|| flag)))
}

/// Whether Ctrl-C was pressed.
pub(crate) fn requested() -> bool {
    FLAG.get().is_some_and(|flag| flag.load(Ordering::SeqCst))
}
