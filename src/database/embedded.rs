//! A Postgres of our own: on a Unix socket only, in a folder that outlives us.
//!
//! One thread keeps it. It holds the folder's lock, starts Postgres, waits for its end, and starts it
//! again unless we are stopping. Where another process holds the lock, its Postgres is used, and the
//! thread waits to take over: whichever of us ends first, the other goes on.

use std::{
    fs::{self, File, TryLockError},
    hash::{DefaultHasher, Hash, Hasher},
    io,
    os::unix::{net::UnixStream, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, SendError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use nix::{sys::signal, unistd::Pid};
use sqlx::postgres::PgConnectOptions;

use super::{Error, account::Account, binaries::Binaries};
use crate::sync;

/// How long Postgres may take to start: it replays what a crash left over.
const START: Duration = Duration::from_mins(2);
/// How long it may take to stop.
const STOP: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);
/// The longest path that a socket can have everywhere.
const LONGEST_SOCKET_PATH: usize = 100;
const SOCKET: &str = ".s.PGSQL.5432";

/// What a crash may cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Durability {
    /// Nothing that was acknowledged.
    Durable,
    /// Everything: for tests.
    Scratch,
}

/// A Postgres that we started, or share with the process that did.
#[derive(Debug)]
pub struct Postgres {
    socket_folder: PathBuf,
    keeper: Arc<Mutex<Keeping>>,
    ended: Mutex<Receiver<()>>,
}

/// What the thread that keeps Postgres and the rest of us tell each other.
#[derive(Debug, Default)]
struct Keeping {
    stopping: bool,
    /// Of our own postmaster, while it runs.
    pid: Option<Pid>,
}

impl Postgres {
    /// Starts Postgres on the data in `root`, creating it the first time.
    pub fn start(root: &Path, pg_bin: Option<&Path>, durability: Durability) -> Result<Self, Error> {
        let account = Account::for_postgres();
        let root = std::path::absolute(root).map_err(|error| Error::folder(root, &error))?;
        account.reaches(&root.join("data")).map_err(|reason| {
            Error::Embedded(format!("DATA_DIR {}: {reason}; choose another DATA_DIR", root.display()))
        })?;
        account.own(&root).map_err(|error| Error::folder(&root, &error))?;
        let socket_folder = socket_folder(&root, account)?;
        let keeper = Keeper {
            account,
            pg_bin: pg_bin.map(Path::to_owned),
            durability,
            socket: socket_folder.join(SOCKET),
            root,
            keeping: Arc::default(),
        };
        let keeping = keeper.keeping.clone();
        let (ready, started) = mpsc::channel();
        let (ends, ended) = mpsc::channel();
        // One thread from first to last: Linux ends the child of a thread with the thread.
        thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || {
                keeper.keep(&ready);
                drop(ends);
            })
            .map_err(|error| Error::Embedded(error.to_string()))?;
        started.recv().unwrap_or_else(|_| Err(Error::Embedded("its keeper ended".to_owned())))?;
        Ok(Postgres { socket_folder, keeper: keeping, ended: Mutex::new(ended) })
    }

    /// How to connect to one of its databases.
    pub fn connect_options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket_folder)
            .port(5432)
            .username("postgres")
            .database(database)
    }

    /// The folder of its socket, for addresses.
    pub fn socket_folder(&self) -> &Path {
        &self.socket_folder
    }

    /// Stops Postgres if it is ours, once what was acknowledged is on disk.
    pub fn stop(&self) {
        let mut keeping = sync::lock(&self.keeper);
        keeping.stopping = true;
        let Some(pid) = keeping.pid else { return };
        // Fast shutdown: transactions that run are given up, connections closed.
        let _ = signal::kill(pid, signal::SIGINT);
        drop(keeping);
        let _ = sync::lock(&self.ended).recv_timeout(STOP);
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The folder of the socket: beside the data, or where that path is too long, a short one whose name
/// follows from it, so that everybody on the same data finds the same.
fn socket_folder(root: &Path, account: Account) -> Result<PathBuf, Error> {
    let beside = root.join("socket");
    let folder = if beside.join(SOCKET).as_os_str().len() <= LONGEST_SOCKET_PATH {
        beside
    } else {
        let mut hasher = DefaultHasher::new();
        root.hash(&mut hasher);
        Path::new("/tmp").join(format!("dossier-{:016x}", hasher.finish()))
    };
    let owned = match fs::symlink_metadata(&folder) {
        Ok(_) => account.owns(&folder),
        Err(_) => account.own(&folder).map(|()| true),
    };
    match owned {
        Ok(true) => Ok(folder),
        Ok(false) => Err(Error::Embedded(format!(
            "{} belongs to somebody else, or is open to others",
            folder.display()
        ))),
        Err(error) => Err(Error::folder(&folder, &error)),
    }
}

struct Keeper {
    account: Account,
    pg_bin: Option<PathBuf>,
    durability: Durability,
    root: PathBuf,
    socket: PathBuf,
    keeping: Arc<Mutex<Keeping>>,
}

impl Keeper {
    fn keep(&self, ready: &Sender<Result<(), Error>>) {
        let lock = match self.lock_or_share(ready) {
            Ok(lock) => lock,
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        let mut crashes = 0;
        loop {
            let started = self.start_postgres();
            let failed = started.is_err();
            match started {
                Ok(mut postgres) => {
                    let since = Instant::now();
                    let _ = ready.send(Ok(()));
                    let _ = postgres.wait();
                    crashes = if since.elapsed() > START { 0 } else { crashes + 1 };
                }
                Err(error) => {
                    // Nobody waits any more: it had been started before.
                    if let Err(SendError(Err(error))) = ready.send(Err(error)) {
                        tracing::error!(%error, "Postgres can't be started again");
                    }
                }
            }
            let mut keeping = sync::lock(&self.keeping);
            keeping.pid = None;
            if keeping.stopping || failed || crashes > 5 {
                break;
            }
            drop(keeping);
            tracing::warn!("Postgres ended unexpectedly; it is started again");
        }
        drop(lock);
    }

    /// The folder's lock. While another process has it, its Postgres is ours too; this returns when
    /// that process has ended.
    fn lock_or_share(&self, ready: &Sender<Result<(), Error>>) -> Result<File, Error> {
        let path = self.root.join("lock");
        let lock = File::create(&path).map_err(|error| Error::folder(&path, &error))?;
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(Error::folder(&path, &error)),
        }
        let since = Instant::now();
        loop {
            if self.is_ready(None) && UnixStream::connect(&self.socket).is_ok() {
                tracing::info!("using the Postgres that another Dossier started in {}", self.root.display());
                let _ = ready.send(Ok(()));
                lock.lock().map_err(|error| Error::folder(&path, &error))?;
                return Ok(lock);
            }
            // The other one may have failed, or may still be creating the data.
            if lock.try_lock().is_ok() {
                return Ok(lock);
            }
            if since.elapsed() > START {
                let reason = "another Dossier has this folder, and its Postgres doesn't answer";
                return Err(Error::Embedded(format!("{}: {reason}", self.root.display())));
            }
            thread::sleep(POLL);
        }
    }

    fn start_postgres(&self) -> Result<Child, Error> {
        let data = self.data();
        let version = fs::read_to_string(data.join("PG_VERSION")).ok();
        let version = version.and_then(|text| text.trim().parse().ok());
        let binaries = Binaries::find(self.pg_bin.as_deref(), version)?;
        if version.is_none() {
            self.create(&binaries, &data)?;
        }
        self.stop_orphan(&data);
        let since = Instant::now();
        loop {
            let mut child = self.spawn(&binaries, &data)?;
            if self.until_ready(&mut child)? {
                return Ok(child);
            }
            let log = fs::read_to_string(self.log()).unwrap_or_default();
            let told = log.lines().find(|line| line.contains("FATAL")).unwrap_or("it ended at once");
            // After a kill of the postmaster its children take a moment to notice.
            let passing = ["pre-existing shared memory block", "FATAL:  lock file"];
            let passing = passing.iter().any(|reason| log.contains(reason));
            if !passing || since.elapsed() > STOP {
                let folder = self.root.display();
                return Err(Error::Embedded(format!(
                    "in {folder}: {told} (all of it in {})",
                    self.log().display()
                )));
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Makes the data folder, whole or not at all.
    fn create(&self, binaries: &Binaries, data: &Path) -> Result<(), Error> {
        tracing::info!("creating the database in {}", self.root.display());
        let unfinished = self.root.join("data.unfinished");
        let failed = |error: io::Error| Error::folder(&unfinished, &error);
        let mut complaint = String::new();
        // Some systems lack the first locale.
        for locale in ["C.UTF-8", "C"] {
            if unfinished.exists() {
                fs::remove_dir_all(&unfinished).map_err(failed)?;
            }
            self.account.own(&unfinished).map_err(failed)?;
            let mut initdb = self.account.command(&binaries.folder.join("initdb"));
            initdb.arg("-D").arg(&unfinished).args(["-U", "postgres", "--auth=trust", "--encoding=UTF8"]);
            initdb.arg(format!("--locale={locale}"));
            if self.durability == Durability::Scratch {
                initdb.arg("--no-sync");
            }
            let output = initdb.stdin(Stdio::null()).output().map_err(failed)?;
            if output.status.success() {
                return fs::rename(&unfinished, data).map_err(failed);
            }
            complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        }
        let _ = fs::remove_dir_all(&unfinished);
        let told = complaint.lines().find(|line| line.contains("error") || line.contains("FATAL"));
        Err(Error::Embedded(format!(
            "initdb in {}: {}",
            self.root.display(),
            told.unwrap_or(complaint.trim())
        )))
    }

    /// Stops a postmaster whose Dossier was killed, so that the next one is our child.
    fn stop_orphan(&self, data: &Path) {
        let pid_file = data.join("postmaster.pid");
        let pid =
            || fs::read_to_string(&pid_file).ok()?.lines().next()?.trim().parse().ok().map(Pid::from_raw);
        if pid().is_some_and(is_dead) {
            // Postgres takes what nobody has buried for alive. Whether children of it still write is seen by
            // their shared memory, not by this file.
            let _ = fs::remove_file(&pid_file);
            let _ = fs::remove_file(self.socket.with_file_name(format!("{SOCKET}.lock")));
        }
        let Some(orphan) = pid().filter(|_| UnixStream::connect(&self.socket).is_ok()) else { return };
        tracing::info!("stopping the Postgres that a Dossier before us left behind");
        let _ = signal::kill(orphan, signal::SIGINT);
        let since = Instant::now();
        while pid() == Some(orphan) && since.elapsed() < STOP {
            thread::sleep(POLL);
        }
    }

    fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    fn log(&self) -> PathBuf {
        self.root.join("postgres.log")
    }

    fn spawn(&self, binaries: &Binaries, data: &Path) -> Result<Child, Error> {
        let failed = |error: io::Error| Error::folder(&self.log(), &error);
        let _ = fs::rename(self.log(), self.root.join("postgres.log.1"));
        let log = File::create(self.log()).map_err(failed)?;
        let socket_folder = self.socket.parent().unwrap_or(&self.root);
        let durable = if self.durability == Durability::Durable { "on" } else { "off" };
        let mut postgres = self.account.command(&binaries.folder.join("postgres"));
        postgres.arg("-D").arg(data);
        let settings = [
            ("listen_addresses", ""),
            ("unix_socket_directories", &socket_folder.to_string_lossy()),
            ("unix_socket_permissions", "0700"),
            ("port", "5432"),
            ("max_connections", "100"),
            // Taken as it fills: a small base costs no more memory for it.
            ("shared_buffers", "512MB"),
            ("timezone", "UTC"),
            ("fsync", durable),
            ("synchronous_commit", durable),
            ("full_page_writes", durable),
        ];
        for (name, value) in settings {
            postgres.arg("-c").arg(format!("{name}={value}"));
        }
        // In a process group of its own: Ctrl-C is for us, and we tell Postgres.
        postgres.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        stop_with_us(&mut postgres);
        let mut keeping = sync::lock(&self.keeping);
        if keeping.stopping {
            return Err(Error::Embedded("stopped before it was started".to_owned()));
        }
        let child = postgres.spawn().map_err(|error| Error::Embedded(error.to_string()))?;
        keeping.pid = Some(Pid::from_raw(child.id().cast_signed()));
        Ok(child)
    }

    /// Whether the postmaster, or the one of this process id, takes connections.
    fn is_ready(&self, pid: Option<u32>) -> bool {
        // The first line of its file is its process id, the eighth tells its state.
        let file = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let mut lines = file.lines();
        let first = lines.next().and_then(|line| line.trim().parse().ok());
        pid.is_none_or(|pid| first == Some(pid)) && lines.nth(6).is_some_and(|state| state.trim() == "ready")
    }

    /// Waits until Postgres takes connections; false where it ended before.
    fn until_ready(&self, child: &mut Child) -> Result<bool, Error> {
        let since = Instant::now();
        let mut told = false;
        loop {
            if self.is_ready(Some(child.id())) {
                return Ok(true);
            }
            if child.try_wait().map_err(|error| Error::Embedded(error.to_string()))?.is_some() {
                return Ok(false);
            }
            if since.elapsed() > START {
                let _ = signal::kill(Pid::from_raw(child.id().cast_signed()), signal::SIGINT);
                return Err(Error::Embedded(format!("it did not start within {} s", START.as_secs())));
            }
            if !told && since.elapsed() > Duration::from_secs(1) {
                told = true;
                tracing::info!("waiting for Postgres in {}", self.root.display());
            }
            thread::sleep(POLL);
        }
    }
}

/// Whether a process has ended, and waits for whoever started it to notice.
fn is_dead(process: Pid) -> bool {
    let state = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    state.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('Z'))
}

/// Has Linux stop Postgres when we end in whatever way. Elsewhere the next start stops the orphan.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn stop_with_us(postgres: &mut Command) {
    // Between fork and exec only async-signal-safe calls are allowed; prctl is one.
    unsafe {
        postgres.pre_exec(|| nix::sys::prctl::set_pdeathsig(signal::SIGINT).map_err(io::Error::from));
    }
}

#[cfg(not(target_os = "linux"))]
fn stop_with_us(_: &mut Command) {}
