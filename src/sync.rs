//! Locks, and heavy work outside of the async threads.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Handle, RuntimeFlavor};

/// Texts of at least this many bytes are parsed as heavy work.
pub const LARGE: usize = 16 * 1024;

/// Runs heavy work without blocking other tasks of this thread; light work runs directly.
pub fn heavy<T>(is_heavy: bool, work: impl FnOnce() -> T) -> T {
    if is_heavy && may_block() { tokio::task::block_in_place(work) } else { work() }
}

/// A single-threaded runtime can't move other tasks.
fn may_block() -> bool {
    Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
}

/// Locks a mutex, also a poisoned one: nothing panics while it is held.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
