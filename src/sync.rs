//! What threads share.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks what is whole even where somebody panicked: nothing panics while it is held.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
