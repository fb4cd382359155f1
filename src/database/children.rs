//! The programs that we start: each is stopped with us, whatever we are doing, and buried by whoever waits
//! for it.

use std::{
    collections::HashSet,
    io,
    os::unix::process::CommandExt,
    process::{Child, Command, Output, Stdio},
    sync::{Condvar, Mutex, MutexGuard, mpsc},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{self, Signal},
    unistd::Pid,
};

use crate::sync;

/// How often somebody is told who waits for a program.
const TELL: Duration = Duration::from_secs(1);

/// The process ids of all programs that somebody waits for. Held while one is started, so that nobody else
/// buries it before it is known.
static AWAITED: Mutex<Option<HashSet<i32>>> = Mutex::new(None);

fn awaited() -> MutexGuard<'static, Option<HashSet<i32>>> {
    sync::lock(&AWAITED)
}

/// Programs of one purpose, of which one runs at a time.
#[derive(Debug, Default)]
pub struct Children {
    state: Mutex<State>,
    stopping: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stopping: bool,
    running: Option<Pid>,
}

impl Children {
    pub fn is_stopping(&self) -> bool {
        sync::lock(&self.state).stopping
    }

    /// Has the program that runs end, and starts no more. Whether one runs.
    pub fn stop(&self, signal: Signal) -> bool {
        let mut state = sync::lock(&self.state);
        state.stopping = true;
        self.stopping.notify_all();
        let Some(pid) = state.running else { return false };
        let _ = signal::kill(pid, signal);
        // One that is suspended hears nothing.
        let _ = signal::kill(pid, Signal::SIGCONT);
        true
    }

    /// Sleeps, unless we are stopping.
    pub fn sleep(&self, pause: Duration) {
        let state = sync::lock(&self.state);
        let _ = self.stopping.wait_timeout_while(state, pause, |state| !state.stopping);
    }

    /// Starts a program, in a process group of its own: Ctrl-C is for us, and we tell it.
    pub fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        command.process_group(0);
        stop_with_us(command);
        let mut state = sync::lock(&self.state);
        if state.stopping {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let mut awaited = awaited();
        let child = command.spawn()?;
        awaited.get_or_insert_default().insert(child.id().cast_signed());
        state.running = Some(Pid::from_raw(child.id().cast_signed()));
        Ok(child)
    }

    /// It has ended, and was waited for.
    pub fn forget(&self, child: &Child) {
        sync::lock(&self.state).running = None;
        if let Some(awaited) = awaited().as_mut() {
            awaited.remove(&child.id().cast_signed());
        }
    }

    /// What a program prints until it ends. While it runs, `tell` is called with the time it took so far.
    pub fn output(&self, command: &mut Command, mut tell: impl FnMut(Duration)) -> io::Result<Output> {
        let child = self.spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))?;
        let pid = Pid::from_raw(child.id().cast_signed());
        let since = Instant::now();
        let (ends, ended) = mpsc::channel();
        // What it prints must be read while it runs.
        let waiting = thread::spawn(move || {
            let output = child.wait_with_output();
            let _ = ends.send(());
            output
        });
        while ended.recv_timeout(TELL) == Err(mpsc::RecvTimeoutError::Timeout) {
            tell(since.elapsed());
            if self.is_stopping() {
                // What it started itself goes along.
                let _ = signal::killpg(pid, Signal::SIGKILL);
            }
        }
        let output = waiting.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
        sync::lock(&self.state).running = None;
        if let Some(awaited) = awaited().as_mut() {
            awaited.remove(&pid.as_raw());
        }
        if self.is_stopping() { Err(io::ErrorKind::Interrupted.into()) } else { output }
    }
}

/// Buries what was left to us: as the first process of a container, or a subreaper, we are given the children
/// of programs that ended before them. Those that somebody waits for are theirs.
#[cfg(target_os = "linux")]
pub fn bury_orphans() {
    use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};

    loop {
        // Whoever starts a program waits meanwhile.
        let awaited = awaited();
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        let Ok(WaitStatus::Exited(dead, _) | WaitStatus::Signaled(dead, ..)) = waitid(Id::All, look) else {
            return;
        };
        if awaited.as_ref().is_some_and(|awaited| awaited.contains(&dead.as_raw())) {
            // Until it is buried, those behind it can't be seen.
            drop(awaited);
            thread::sleep(Duration::from_millis(10));
            continue;
        }
        let _ = waitpid(dead, Some(WaitPidFlag::WNOHANG));
    }
}

#[cfg(not(target_os = "linux"))]
pub fn bury_orphans() {}

/// Has Linux stop a program when we end in whatever way. Elsewhere the next start stops an orphaned Postgres.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn stop_with_us(command: &mut Command) {
    // Between fork and exec only async-signal-safe calls are allowed; prctl is one.
    unsafe {
        command.pre_exec(|| nix::sys::prctl::set_pdeathsig(signal::SIGINT).map_err(io::Error::from));
    }
}

#[cfg(not(target_os = "linux"))]
fn stop_with_us(_: &mut Command) {}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_program_that_runs_ends_when_we_stop_with_all_that_it_started() {
        let children = Arc::new(Children::default());
        let stopping = thread::spawn({
            let children = children.clone();
            move || {
                while sync::lock(&children.state).running.is_none() {
                    thread::sleep(Duration::from_millis(10));
                }
                children.stop(Signal::SIGINT)
            }
        });
        let since = Instant::now();
        // A shell that passes nothing on.
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' INT; sleep 60 & wait; wait"]);
        let ended = children.output(&mut command, |_| {}).map_err(|error| error.kind());
        assert_eq!(ended.err(), Some(io::ErrorKind::Interrupted));
        assert!(since.elapsed() < Duration::from_secs(30));
        assert!(stopping.join().expect("no panic"), "it ran");
    }
}
