//! Child processes: they stop with us, and are reaped by the thread that waits for them.

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

/// How often progress is reported.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// Process ids that a thread waits for. Locked while a process starts, so that `reap_orphans` can't reap it before
/// it is listed.
static WAITED_FOR: Mutex<Option<HashSet<i32>>> = Mutex::new(None);

fn waited_for() -> MutexGuard<'static, Option<HashSet<i32>>> {
    sync::lock(&WAITED_FOR)
}

/// Runs one process at a time.
#[derive(Debug, Default)]
pub struct Subprocess {
    state: Mutex<State>,
    stopping: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stopping: bool,
    running: Option<Pid>,
}

impl Subprocess {
    pub fn is_stopping(&self) -> bool {
        sync::lock(&self.state).stopping
    }

    /// Stops the running process and refuses new ones; returns whether one was running.
    pub fn stop(&self, signal: Signal) -> bool {
        let mut state = sync::lock(&self.state);
        state.stopping = true;
        self.stopping.notify_all();
        let Some(pid) = state.running else { return false };
        let _ = signal::kill(pid, signal);
        // A suspended process receives the signal only after SIGCONT.
        let _ = signal::kill(pid, Signal::SIGCONT);
        true
    }

    /// Sleeps; wakes up early to stop.
    pub fn sleep(&self, pause: Duration) {
        let state = sync::lock(&self.state);
        let _ = self.stopping.wait_timeout_while(state, pause, |state| !state.stopping);
    }

    /// Starts a process in its own process group, so that Ctrl-C reaches only us.
    pub fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        command.process_group(0);
        stop_with_parent(command);
        let mut state = sync::lock(&self.state);
        if state.stopping {
            return Err(io::ErrorKind::Interrupted.into());
        }
        debug_assert_eq!(state.running, None, "a second process would hide the first one from `stop`");
        let mut waited_for = waited_for();
        let child = command.spawn()?;
        waited_for.get_or_insert_default().insert(child.id().cast_signed());
        state.running = Some(Pid::from_raw(child.id().cast_signed()));
        Ok(child)
    }

    /// Call after waiting for the process.
    pub fn waited(&self, child: &Child) {
        self.ended(child.id().cast_signed());
    }

    fn ended(&self, process: i32) {
        sync::lock(&self.state).running = None;
        if let Some(waited_for) = waited_for().as_mut() {
            waited_for.remove(&process);
        }
    }

    /// The output of a process. While it runs, `report` is called with the elapsed time.
    pub fn output(&self, command: &mut Command, mut report: impl FnMut(Duration)) -> io::Result<Output> {
        let child = self.spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))?;
        let pid = Pid::from_raw(child.id().cast_signed());
        let since = Instant::now();
        let (ends, ended) = mpsc::channel();
        // Read its output while it runs, or it would block on a full pipe.
        let waiting = thread::spawn(move || {
            let output = child.wait_with_output();
            let _ = ends.send(());
            output
        });
        while ended.recv_timeout(REPORT_INTERVAL) == Err(mpsc::RecvTimeoutError::Timeout) {
            report(since.elapsed());
            if self.is_stopping() {
                // Kill its children too.
                let _ = signal::killpg(pid, Signal::SIGKILL);
            }
        }
        let output = waiting.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
        self.ended(pid.as_raw());
        if self.is_stopping() { Err(io::ErrorKind::Interrupted.into()) } else { output }
    }
}

/// Reaps orphaned processes, which the kernel assigns to process 1 of a container. Skips processes that a thread
/// waits for.
#[cfg(target_os = "linux")]
pub fn reap_orphans() {
    use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};

    loop {
        // Blocks starting new processes.
        let waited_for = waited_for();
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        let Ok(WaitStatus::Exited(dead, _) | WaitStatus::Signaled(dead, ..)) = waitid(Id::All, flags) else {
            return;
        };
        if waited_for.as_ref().is_some_and(|waited_for| waited_for.contains(&dead.as_raw())) {
            // `waitid` returns the same process until it is reaped.
            drop(waited_for);
            thread::sleep(Duration::from_millis(10));
            continue;
        }
        let _ = waitpid(dead, Some(WaitPidFlag::WNOHANG));
    }
}

#[cfg(not(target_os = "linux"))]
pub fn reap_orphans() {}

/// Linux stops the process if we are killed. On other systems the next start stops an orphaned Postgres.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn stop_with_parent(command: &mut Command) {
    // Only async-signal-safe calls are allowed between fork and exec; prctl is one.
    unsafe {
        command.pre_exec(|| nix::sys::prctl::set_pdeathsig(signal::SIGINT).map_err(io::Error::from));
    }
}

#[cfg(not(target_os = "linux"))]
fn stop_with_parent(_: &mut Command) {}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_program_that_runs_ends_when_we_stop_with_all_that_it_started() {
        let subprocess = Arc::new(Subprocess::default());
        let stopping = thread::spawn({
            let subprocess = subprocess.clone();
            move || {
                while sync::lock(&subprocess.state).running.is_none() {
                    thread::sleep(Duration::from_millis(10));
                }
                subprocess.stop(Signal::SIGINT)
            }
        });
        let since = Instant::now();
        // A shell that doesn't forward signals.
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' INT; sleep 60 & wait; wait"]);
        let ended = subprocess.output(&mut command, |_| {}).map_err(|error| error.kind());
        assert_eq!(ended.err(), Some(io::ErrorKind::Interrupted));
        assert!(since.elapsed() < Duration::from_secs(30));
        assert!(stopping.join().expect("no panic"), "it ran");
    }
}
