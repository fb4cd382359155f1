//! An embedded Postgres, on a Unix socket only.
//!
//! A supervisor thread holds the lock of the data folder, starts Postgres, and restarts it if it exits. If another
//! process holds the lock, its Postgres is shared, and the thread waits to take over.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read, Seek, SeekFrom},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use nix::{sys::signal, unistd::Pid};
use sqlx::postgres::PgConnectOptions;

use crate::{
    database::{Error, account::Account, binaries::Binaries, data_directories, subprocess::Subprocess},
    sync,
};

const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// How long to wait for another Dossier that is starting Postgres.
const START_TIMEOUT: Duration = Duration::from_mins(2);
/// After running for this long, the restart delay is reset.
const RESTART_DELAY_RESET: Duration = Duration::from_mins(2);
/// Delay before a restart; it doubles each time, up to the maximum.
const RESTART_DELAY: Duration = Duration::from_millis(100);
const MAX_RESTART_DELAY: Duration = Duration::from_secs(30);
/// How often waiting is logged.
const LOG_INTERVAL: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// How often the state of Postgres is checked.
const WATCH_INTERVAL: Duration = Duration::from_millis(100);
/// Maximum length of a socket path on all systems.
const MAX_SOCKET_PATH: usize = 100;
const SOCKET: &str = ".s.PGSQL.5432";
/// At this size the log is rotated.
const MAX_LOG_BYTES: u64 = 10 << 20;

/// Whether to create data in an empty folder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Create {
    /// Only existing data is used.
    Never,
    /// Unless the folder held data before: then its disk is probably not mounted.
    IfNew,
    /// Even if the folder held data before.
    Always,
}

/// What a crash may lose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Durability {
    /// Nothing that was committed.
    Durable,
    /// Everything: for tests.
    Scratch,
}

/// An embedded Postgres, started by us or shared with the process that did.
#[derive(Debug)]
pub struct Postgres {
    socket_folder: PathBuf,
    subprocess: Arc<Subprocess>,
    ended: Mutex<Receiver<()>>,
}

impl Postgres {
    /// Starts Postgres on the data in `root`, creating it if necessary.
    pub fn start(root: &Path, pg_bin: Option<&Path>, durability: Durability) -> Result<Self, Error> {
        let (postgres, started) = Self::begin(root, pg_bin, durability, Create::Always, None)?;
        started.recv().unwrap_or_else(|_| Err(ended()))?;
        Ok(postgres)
    }

    /// Like `start`; dropping the future stops Postgres.
    pub async fn open(root: &Path, pg_bin: Option<&Path>, create: Create) -> Result<Self, Error> {
        let (postgres, started) = Self::begin(root, pg_bin, Durability::Durable, create, None)?;
        postgres.until_started(started).await
    }

    /// Starts Postgres on existing data whose folder the caller has locked.
    pub async fn open_locked(root: &Path, pg_bin: &Path, lock: File) -> Result<Self, Error> {
        let (postgres, started) =
            Self::begin(root, Some(pg_bin), Durability::Durable, Create::Never, Some(lock))?;
        postgres.until_started(started).await
    }

    async fn until_started(self, started: Receiver<Result<(), Error>>) -> Result<Self, Error> {
        let started = tokio::task::spawn_blocking(move || started.recv()).await;
        started.ok().and_then(Result::ok).unwrap_or_else(|| Err(ended()))?;
        Ok(self)
    }

    fn begin(
        root: &Path,
        pg_bin: Option<&Path>,
        durability: Durability,
        create: Create,
        lock: Option<File>,
    ) -> Result<(Self, Receiver<Result<(), Error>>), Error> {
        let account = Account::for_postgres();
        let root = std::path::absolute(root).map_err(|error| Error::folder(root, &error))?;
        // The folder, or one of its parents, may be a file.
        if let Some(file) = root.ancestors().find(|above| above.exists()).filter(|above| !above.is_dir()) {
            return Err(Error::Embedded(format!(
                "DATA_DIR is {}, but {} is a file; DATA_DIR must be a directory",
                root.display(),
                file.display()
            )));
        }
        account.reaches(&root.join("data")).map_err(|reason| {
            Error::Embedded(format!("DATA_DIR {}: {reason}; choose another DATA_DIR", root.display()))
        })?;
        check_may_create(&root, durability, create)?;
        account
            .own(&root)
            .map_err(|error| Error::Embedded(format!("can't use DATA_DIR {}: {error}", root.display())))?;
        let socket_folder = socket_folder(&root, account)?;
        let subprocess = Arc::new(Subprocess::default());
        let supervisor = Supervisor {
            account,
            pg_bin: pg_bin.map(Path::to_owned),
            durability,
            socket: socket_folder.join(SOCKET),
            root,
            subprocess: subprocess.clone(),
        };
        let (ready, started) = mpsc::channel();
        let (ends, ended) = mpsc::channel();
        // One thread for its whole life: Linux stops the child when the thread that started it ends.
        thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || {
                supervisor.supervise(lock, &ready);
                drop(ends);
            })
            .map_err(|error| Error::Embedded(error.to_string()))?;
        Ok((Postgres { socket_folder, subprocess, ended: Mutex::new(ended) }, started))
    }

    pub fn connect_options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket_folder)
            .port(5432)
            .username("postgres")
            .database(database)
    }

    pub fn socket_folder(&self) -> &Path {
        &self.socket_folder
    }

    /// Whether the supervisor thread is running.
    pub fn is_supervised(&self) -> bool {
        let ended = sync::lock(&self.ended).try_recv();
        ended != Err(mpsc::TryRecvError::Disconnected)
    }

    /// Shuts Postgres down, if we started it.
    pub fn stop(&self) {
        // Fast shutdown: rolls back transactions, closes connections, and writes a checkpoint.
        if self.subprocess.stop(signal::SIGINT)
            && sync::lock(&self.ended).recv_timeout(STOP_TIMEOUT).is_err_and(is_timeout)
        {
            tracing::warn!(
                "Postgres did not shut down within {} s; forcing an immediate shutdown",
                STOP_TIMEOUT.as_secs()
            );
            self.subprocess.stop(signal::SIGQUIT);
            let _ = sync::lock(&self.ended).recv_timeout(STOP_TIMEOUT);
        }
    }
}

fn is_timeout(error: mpsc::RecvTimeoutError) -> bool {
    error == mpsc::RecvTimeoutError::Timeout
}

fn ended() -> Error {
    Error::Embedded("its supervisor thread ended".to_owned())
}

/// Fails if the folder is empty and must not be initialized.
fn check_may_create(root: &Path, durability: Durability, create: Create) -> Result<(), Error> {
    if data_directories::has_data(root) || create == Create::Always || durability == Durability::Scratch {
        return Ok(());
    }
    if let Some(system) = data_directories::system_of(root) {
        return Err(Error::Embedded(format!(
            "DATA_DIR {root} is empty, but it held the database {system} before. Mount its disk, or restore a backup; \
             to start with an empty database: dossier serve --new",
            root = root.display(),
        )));
    }
    if create == Create::Never { Err(Error::Empty) } else { Ok(()) }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Folder of the socket: next to the data, or if that path is too long, a short path with a hash of it, so that
/// every process finds the same.
fn socket_folder(root: &Path, account: Account) -> Result<PathBuf, Error> {
    let beside = root.join("socket");
    let folder = if beside.join(SOCKET).as_os_str().len() <= MAX_SOCKET_PATH {
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
            "{} belongs to another user, or other users can access it",
            folder.display()
        ))),
        Err(error) => Err(Error::folder(&folder, &error)),
    }
}

struct Supervisor {
    account: Account,
    pg_bin: Option<PathBuf>,
    durability: Durability,
    root: PathBuf,
    socket: PathBuf,
    subprocess: Arc<Subprocess>,
}

impl Supervisor {
    /// Restarts Postgres whenever it exits. If the first start fails, sends the error and ends.
    fn supervise(&self, lock: Option<File>, ready: &Sender<Result<(), Error>>) {
        let locked = lock.map_or_else(|| self.lock_or_share(ready), |lock| Ok((lock, false)));
        let (_lock, mut is_used) = match locked {
            Ok(locked) => locked,
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        if !is_used {
            self.tell_of_upgrade();
        }
        let mut delay = RESTART_DELAY;
        while !self.subprocess.is_stopping() {
            let since = Instant::now();
            match self.start_postgres() {
                Ok(mut postgres) => {
                    self.record_data_directory();
                    if is_used {
                        tracing::info!("Postgres is running again");
                    } else {
                        is_used = true;
                        let _ = ready.send(Ok(()));
                    }
                    let log_begins = self.log_length();
                    let ended = wait_for_exit(&mut postgres);
                    self.subprocess.waited(&postgres);
                    if self.subprocess.is_stopping() {
                        break;
                    }
                    if since.elapsed() > RESTART_DELAY_RESET {
                        delay = RESTART_DELAY;
                    }
                    let why = self.exit_reason(log_begins, ended);
                    tracing::warn!("Postgres exited unexpectedly: {why}; restarting in {delay:?}");
                }
                Err(error) if !is_used => {
                    let _ = ready.send(Err(error));
                    return;
                }
                Err(error) => {
                    tracing::error!("can't restart Postgres: {error}; retrying in {delay:?}");
                }
            }
            self.subprocess.sleep(delay);
            delay = (delay * 2).min(MAX_RESTART_DELAY);
        }
    }

    /// Locks the data folder. While another process holds the lock, its Postgres is shared; returns when that
    /// process ends, with whether Postgres was in use.
    fn lock_or_share(&self, ready: &Sender<Result<(), Error>>) -> Result<(File, bool), Error> {
        let path = self.root.join("lock");
        let lock = File::create(&path).map_err(|error| Error::folder(&path, &error))?;
        match lock.try_lock() {
            Ok(()) => return Ok((lock, false)),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(Error::folder(&path, &error)),
        }
        let since = Instant::now();
        loop {
            if self.is_ready(None) && UnixStream::connect(&self.socket).is_ok() {
                tracing::info!("using the Postgres that another Dossier started in {}", self.root.display());
                let _ = ready.send(Ok(()));
                lock.lock().map_err(|error| Error::folder(&path, &error))?;
                return Ok((lock, true));
            }
            // The other process may have failed, or may still be creating the data.
            if lock.try_lock().is_ok() {
                return Ok((lock, false));
            }
            if self.subprocess.is_stopping() {
                return Err(Error::stopped());
            }
            if since.elapsed() > START_TIMEOUT {
                let reason = "another Dossier uses this directory, but its Postgres doesn't respond";
                return Err(Error::Embedded(format!("{}: {reason}", self.root.display())));
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    fn start_postgres(&self) -> Result<Child, Error> {
        let data = self.data();
        data_directories::complete_upgrade(&self.root).map_err(|error| Error::folder(&self.root, &error))?;
        let version = data_directories::version_of(&self.root);
        let binaries = Binaries::find(self.pg_bin.as_deref(), version, &self.subprocess)?;
        if version.is_none() {
            self.create(&binaries, &data)?;
        }
        self.stop_orphan(&data);
        let since = Instant::now();
        loop {
            let log_begins = self.rotate_log();
            let mut child = self.spawn(&binaries, &data)?;
            let ended = self.until_ready(&mut child);
            let Some(status) = ended else { return Ok(child) };
            self.subprocess.waited(&child);
            if self.subprocess.is_stopping() {
                return Err(Error::stopped());
            }
            // After the postmaster was killed, its children need a moment to exit.
            let log = self.log_since(log_begins);
            let passing = ["pre-existing shared memory block", "FATAL:  lock file"];
            let passing = passing.iter().any(|reason| log.contains(reason));
            if !passing || since.elapsed() > STOP_TIMEOUT {
                let why = self.exit_reason(log_begins, Some(status));
                return Err(Error::Embedded(format!("{why} (full log: {})", self.log().display())));
            }
            self.subprocess.sleep(Duration::from_millis(100));
        }
    }

    /// Tells of a newer Postgres than that of the data, unless the operator has chosen one.
    fn tell_of_upgrade(&self) {
        let Some(version) = data_directories::version_of(&self.root).filter(|_| self.pg_bin.is_none()) else {
            return;
        };
        let newest = Binaries::newest_here(&self.subprocess);
        if let Some(newest) = newest.filter(|newest| newest.major > version) {
            tracing::info!(
                "Postgres {} is installed, but the data are of Postgres {version}: dossier upgrade carries them over",
                newest.major
            );
        }
    }

    /// Records that the folder holds data.
    fn record_data_directory(&self) {
        if self.durability == Durability::Durable
            && let Err(error) = data_directories::record(&self.root)
        {
            tracing::debug!("can't record that DATA_DIR holds data: {error}");
        }
    }

    /// Exit status of Postgres, and the last error of its log.
    fn exit_reason(&self, log_begins: u64, status: Option<ExitStatus>) -> String {
        let log = self.log_since(log_begins);
        let last: Vec<&str> = log.lines().rev().filter(|line| !line.trim().is_empty()).take(20).collect();
        let fatal = |line: &&&str| ["FATAL: ", "PANIC: "].iter().any(|mark| line.contains(mark));
        let mut reasons: Vec<String> = status.iter().map(ToString::to_string).collect();
        reasons.extend(last.iter().find(fatal).or(last.first()).map(|line| (*line).to_owned()));
        // On a full disk Postgres can't log the reason.
        let probe = self.root.join("probe");
        if let Err(error) = fs::write(&probe, [0; 8192]) {
            reasons.push(format!("{}: {error}", self.root.display()));
        }
        let _ = fs::remove_file(&probe);
        reasons.join("; ")
    }

    fn log_since(&self, begins: u64) -> String {
        let mut text = Vec::new();
        if let Ok(mut log) = File::open(self.log()) {
            let _ = log.seek(SeekFrom::Start(begins));
            let _ = log.take(MAX_LOG_BYTES).read_to_end(&mut text);
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    fn log_length(&self) -> u64 {
        fs::metadata(self.log()).map_or(0, |log| log.len())
    }

    /// Rotates the log if it is large; returns its length.
    fn rotate_log(&self) -> u64 {
        if self.log_length() > MAX_LOG_BYTES {
            let _ = fs::rename(self.log(), self.root.join("postgres.log.1"));
        }
        self.log_length()
    }

    /// Initializes the data folder; a partial one is never left behind.
    fn create(&self, binaries: &Binaries, data: &Path) -> Result<(), Error> {
        tracing::info!("creating the database in {}", self.root.display());
        let unfinished = self.root.join("data.unfinished");
        let failed = |error: io::Error| Error::folder(&unfinished, &error);
        let mut stderr = String::new();
        let libc = |name| vec![format!("--locale={name}")];
        let mut locales = vec![libc("C.UTF-8")];
        if binaries.major >= 17 {
            // The builtin provider, if the system lacks C.UTF-8.
            let own = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
            locales.push(own.map(str::to_owned).to_vec());
        }
        locales.push(libc("C"));
        for locale in locales {
            if unfinished.exists() {
                fs::remove_dir_all(&unfinished).map_err(failed)?;
            }
            self.account.own(&unfinished).map_err(failed)?;
            let mut initdb = self.account.command(&binaries.folder.join("initdb"));
            initdb.arg("-D").arg(&unfinished).args(["-U", "postgres", "--auth=trust", "--encoding=UTF8"]);
            initdb.args(locale);
            if self.durability == Durability::Scratch {
                initdb.arg("--no-sync");
            }
            let output = self.subprocess.output(&mut initdb, |_| {});
            let Ok(output) = output else {
                let _ = fs::remove_dir_all(&unfinished);
                return Err(if self.subprocess.is_stopping() {
                    Error::stopped()
                } else {
                    Error::Embedded(format!("can't run {}", binaries.folder.join("initdb").display()))
                });
            };
            if output.status.success() {
                return fs::rename(&unfinished, data).map_err(failed);
            }
            stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        }
        let _ = fs::remove_dir_all(&unfinished);
        let message = stderr.lines().find(|line| line.contains("error") || line.contains("FATAL"));
        Err(Error::Embedded(format!(
            "initdb in {}: {}",
            self.root.display(),
            message.unwrap_or(stderr.trim())
        )))
    }

    /// Stops the orphaned postmaster of a killed Dossier, so that the next one is our child.
    fn stop_orphan(&self, data: &Path) {
        let pid_file = data.join("postmaster.pid");
        let pid =
            || fs::read_to_string(&pid_file).ok()?.lines().next()?.trim().parse().ok().map(Pid::from_raw);
        if pid().is_some_and(is_zombie) {
            // Postgres takes a zombie for alive. It finds its children that still run by their shared memory, not by
            // this file.
            let _ = fs::remove_file(&pid_file);
            let _ = fs::remove_file(self.socket.with_file_name(format!("{SOCKET}.lock")));
        }
        let Some(orphan) = pid().filter(|_| UnixStream::connect(&self.socket).is_ok()) else { return };
        tracing::info!("stopping an orphaned Postgres of an earlier Dossier");
        let _ = signal::kill(orphan, signal::SIGINT);
        let since = Instant::now();
        let _ = signal::kill(orphan, signal::SIGCONT);
        while pid() == Some(orphan) && since.elapsed() < STOP_TIMEOUT && !self.subprocess.is_stopping() {
            thread::sleep(POLL_INTERVAL);
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
        let log = OpenOptions::new().create(true).append(true).open(self.log()).map_err(failed)?;
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
            // Allocated on demand: a small database needs no more memory.
            ("shared_buffers", "512MB"),
            ("timezone", "UTC"),
            ("fsync", durable),
            ("synchronous_commit", durable),
            ("full_page_writes", durable),
        ];
        for (name, value) in settings {
            postgres.arg("-c").arg(format!("{name}={value}"));
        }
        postgres.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.subprocess.spawn(&mut postgres).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => Error::stopped(),
            _ => Error::Embedded(error.to_string()),
        })
    }

    /// Whether Postgres accepts connections (the process `pid`, if given).
    fn is_ready(&self, pid: Option<u32>) -> bool {
        // Line 1 of the file is the process id, line 8 the state.
        let file = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let mut lines = file.lines();
        let first = lines.next().and_then(|line| line.trim().parse().ok());
        pid.is_none_or(|pid| first == Some(pid)) && lines.nth(6).is_some_and(|state| state.trim() == "ready")
    }

    /// Waits until Postgres accepts connections; returns its exit status if it exits first. Crash recovery may take
    /// long.
    fn until_ready(&self, child: &mut Child) -> Option<ExitStatus> {
        let since = Instant::now();
        let mut log_after = Duration::from_secs(1);
        loop {
            if self.is_ready(Some(child.id())) {
                return None;
            }
            if let Ok(Some(status)) = child.try_wait() {
                return Some(status);
            }
            if since.elapsed() > log_after {
                tracing::info!(
                    "waiting for Postgres in {} to start ({} s so far)",
                    self.root.display(),
                    since.elapsed().as_secs()
                );
                log_after += LOG_INTERVAL;
            }
            thread::sleep(POLL_INTERVAL);
        }
    }
}

/// Waits for Postgres to exit; warns if it is suspended.
fn wait_for_exit(postgres: &mut Child) -> Option<ExitStatus> {
    let pid = Pid::from_raw(postgres.id().cast_signed());
    let mut suspended: Option<Instant> = None;
    let mut is_logged = false;
    loop {
        match postgres.try_wait() {
            Ok(None) => {}
            ended => return ended.ok().flatten(),
        }
        match (state(pid), suspended) {
            (Some('T' | 't'), None) => suspended = Some(Instant::now()),
            (Some('T' | 't'), Some(since)) if !is_logged && since.elapsed() > Duration::from_secs(1) => {
                is_logged = true;
                tracing::warn!(
                    "Postgres is suspended (SIGSTOP); new connections wait until process {pid} receives SIGCONT"
                );
            }
            (Some('T' | 't'), _) => {}
            _ => (suspended, is_logged) = (None, false),
        }
        thread::sleep(WATCH_INTERVAL);
    }
}

/// Whether the process is a zombie.
fn is_zombie(process: Pid) -> bool {
    state(process) == Some('Z')
}

/// The state of a process in /proc.
fn state(process: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
