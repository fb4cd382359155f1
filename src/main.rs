//! The program `dossier`.

use std::process::ExitCode;

/// Rows and responses are many small allocations, which this allocator makes sooner than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    dossier::cli::main()
}
