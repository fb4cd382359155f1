//! What threads share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Handle, RuntimeFlavor};

/// Bytes from which on a text is heavy work to read.
pub const LARGE: usize = 16 * 1024;

/// Does heavy work without holding a thread that others are served by; light work is done at once.
pub fn heavy<T>(is_heavy: bool, work: impl FnOnce() -> T) -> T {
    if is_heavy && may_block() { tokio::task::block_in_place(work) } else { work() }
}

/// Whether another thread takes over meanwhile: a runtime of one thread has none.
fn may_block() -> bool {
    Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
}

/// Locks what is whole even where somebody panicked: nothing panics while it is held.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
