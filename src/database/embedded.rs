//! A Postgres of our own: on a Unix socket only, in a folder that outlives us.
//!
//! One thread keeps it. It holds the folder's lock, starts Postgres, waits for its end, and starts it
//! again unless we are stopping. Where another process holds the lock, its Postgres is used, and the
//! thread waits to take over: whichever of us ends first, the other goes on.

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
    database::{Error, account::Account, binaries::Binaries, children::Children, remembered},
    sync,
};

/// How long Postgres may take to stop.
const STOP: Duration = Duration::from_secs(30);
/// How long another Dossier may take to start it for both.
const START: Duration = Duration::from_mins(2);
/// How long it runs until an earlier end of it is forgotten.
const STEADY: Duration = Duration::from_mins(2);
/// How long to wait before it is started again; each time twice as long, up to the longest.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often somebody is told who waits.
const TELL: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);
/// How often a Postgres that runs is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// The longest path that a socket can have everywhere.
const LONGEST_SOCKET_PATH: usize = 100;
const SOCKET: &str = ".s.PGSQL.5432";
/// How large its log grows before another is begun.
const LONGEST_LOG: u64 = 10 << 20;

/// Whether data are made where there are none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Create {
    /// Only what is there is used.
    Never,
    /// Unless there were data before: then what they lie on is missing.
    IfNew,
    /// Also where there were data before.
    Anew,
}

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
    children: Arc<Children>,
    ended: Mutex<Receiver<()>>,
}

impl Postgres {
    /// Starts Postgres on the data in `root`, creating it the first time.
    pub fn start(root: &Path, pg_bin: Option<&Path>, durability: Durability) -> Result<Self, Error> {
        let (postgres, started) = Self::begin(root, pg_bin, durability, Create::Anew)?;
        started.recv().unwrap_or_else(|_| Err(ended()))?;
        Ok(postgres)
    }

    /// The same for whoever may be interrupted: dropped before it is done, it leaves nothing behind.
    pub async fn open(root: &Path, pg_bin: Option<&Path>, create: Create) -> Result<Self, Error> {
        let (postgres, started) = Self::begin(root, pg_bin, Durability::Durable, create)?;
        let started = tokio::task::spawn_blocking(move || started.recv()).await;
        started.ok().and_then(Result::ok).unwrap_or_else(|| Err(ended()))?;
        Ok(postgres)
    }

    fn begin(
        root: &Path,
        pg_bin: Option<&Path>,
        durability: Durability,
        create: Create,
    ) -> Result<(Self, Receiver<Result<(), Error>>), Error> {
        let account = Account::for_postgres();
        let root = std::path::absolute(root).map_err(|error| Error::folder(root, &error))?;
        // What is in the way is a file: the folder, or one above it.
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
        may_create(&root, durability, create)?;
        account
            .own(&root)
            .map_err(|error| Error::Embedded(format!("can't use DATA_DIR {}: {error}", root.display())))?;
        let socket_folder = socket_folder(&root, account)?;
        let children = Arc::new(Children::default());
        let keeper = Keeper {
            account,
            pg_bin: pg_bin.map(Path::to_owned),
            durability,
            socket: socket_folder.join(SOCKET),
            root,
            children: children.clone(),
        };
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
        Ok((Postgres { socket_folder, children, ended: Mutex::new(ended) }, started))
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

    /// Whether somebody still sees to it that Postgres runs.
    pub fn is_kept(&self) -> bool {
        let ended = sync::lock(&self.ended).try_recv();
        ended != Err(mpsc::TryRecvError::Disconnected)
    }

    /// Stops Postgres if it is ours, once what was acknowledged is on disk.
    pub fn stop(&self) {
        // Fast shutdown: transactions that run are given up, connections closed.
        if self.children.stop(signal::SIGINT)
            && sync::lock(&self.ended).recv_timeout(STOP).is_err_and(is_late)
        {
            tracing::warn!(
                "Postgres did not shut down within {} s; forcing an immediate shutdown",
                STOP.as_secs()
            );
            self.children.stop(signal::SIGQUIT);
            let _ = sync::lock(&self.ended).recv_timeout(STOP);
        }
    }
}

fn is_late(error: mpsc::RecvTimeoutError) -> bool {
    error == mpsc::RecvTimeoutError::Timeout
}

fn ended() -> Error {
    Error::Embedded("its supervisor thread ended".to_owned())
}

/// Whether data may be made in a folder that has none.
fn may_create(root: &Path, durability: Durability, create: Create) -> Result<(), Error> {
    if root.join("data/PG_VERSION").exists() || create == Create::Anew || durability == Durability::Scratch {
        return Ok(());
    }
    if let Some(system) = remembered::system_of(root) {
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
            "{} belongs to another user, or other users can access it",
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
    children: Arc<Children>,
}

impl Keeper {
    /// Starts Postgres again whenever it ends, until we stop. What can't be started the first time is told
    /// to whoever waits, and left.
    fn keep(&self, ready: &Sender<Result<(), Error>>) {
        let (_lock, mut is_used) = match self.lock_or_share(ready) {
            Ok(locked) => locked,
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        let mut pause = PAUSE;
        while !self.children.is_stopping() {
            let since = Instant::now();
            match self.start_postgres() {
                Ok(mut postgres) => {
                    self.remember();
                    if is_used {
                        tracing::info!("Postgres is running again");
                    } else {
                        is_used = true;
                        let _ = ready.send(Ok(()));
                    }
                    let log_begins = self.log_length();
                    let ended = watch(&mut postgres);
                    self.children.forget(&postgres);
                    if self.children.is_stopping() {
                        break;
                    }
                    if since.elapsed() > STEADY {
                        pause = PAUSE;
                    }
                    let why = self.why(log_begins, ended);
                    tracing::warn!("Postgres exited unexpectedly: {why}; restarting in {pause:?}");
                }
                Err(error) if !is_used => {
                    let _ = ready.send(Err(error));
                    return;
                }
                Err(error) => {
                    tracing::error!("can't restart Postgres: {error}; retrying in {pause:?}");
                }
            }
            self.children.sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The folder's lock. While another process has it, its Postgres is ours too; this returns when
    /// that process has ended.
    ///
    /// Beside the lock it tells whether Postgres was in use already.
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
            // The other one may have failed, or may still be creating the data.
            if lock.try_lock().is_ok() {
                return Ok((lock, false));
            }
            if self.children.is_stopping() {
                return Err(Error::stopped());
            }
            if since.elapsed() > START {
                let reason = "another Dossier uses this directory, but its Postgres doesn't respond";
                return Err(Error::Embedded(format!("{}: {reason}", self.root.display())));
            }
            thread::sleep(POLL);
        }
    }

    fn start_postgres(&self) -> Result<Child, Error> {
        let data = self.data();
        let version = fs::read_to_string(data.join("PG_VERSION")).ok();
        let version = version.and_then(|text| text.trim().parse().ok());
        let binaries = Binaries::find(self.pg_bin.as_deref(), version, &self.children)?;
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
            self.children.forget(&child);
            if self.children.is_stopping() {
                return Err(Error::stopped());
            }
            // After a kill of the postmaster its children take a moment to notice.
            let log = self.log_since(log_begins);
            let passing = ["pre-existing shared memory block", "FATAL:  lock file"];
            let passing = passing.iter().any(|reason| log.contains(reason));
            if !passing || since.elapsed() > STOP {
                let why = self.why(log_begins, Some(status));
                return Err(Error::Embedded(format!("{why} (full log: {})", self.log().display())));
            }
            self.children.sleep(Duration::from_millis(100));
        }
    }

    /// Keeps in mind that there are data here.
    fn remember(&self) {
        if self.durability == Durability::Durable
            && let Err(error) = remembered::remember(&self.root)
        {
            tracing::debug!("can't record that DATA_DIR holds data: {error}");
        }
    }

    /// How Postgres ended, and why by the end of its log.
    fn why(&self, log_begins: u64, status: Option<ExitStatus>) -> String {
        let log = self.log_since(log_begins);
        let last: Vec<&str> = log.lines().rev().filter(|line| !line.trim().is_empty()).take(20).collect();
        let fatal = |line: &&&str| ["FATAL: ", "PANIC: "].iter().any(|mark| line.contains(mark));
        let mut told: Vec<String> = status.iter().map(ToString::to_string).collect();
        told.extend(last.iter().find(fatal).or(last.first()).map(|line| (*line).to_owned()));
        // On a full disk it has no place for its last word either.
        let probe = self.root.join("probe");
        if let Err(error) = fs::write(&probe, [0; 8192]) {
            told.push(format!("{}: {error}", self.root.display()));
        }
        let _ = fs::remove_file(&probe);
        told.join("; ")
    }

    /// What Postgres logged since its log had this length.
    fn log_since(&self, begins: u64) -> String {
        let mut text = Vec::new();
        if let Ok(mut log) = File::open(self.log()) {
            let _ = log.seek(SeekFrom::Start(begins));
            let _ = log.take(LONGEST_LOG).read_to_end(&mut text);
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    fn log_length(&self) -> u64 {
        fs::metadata(self.log()).map_or(0, |log| log.len())
    }

    /// The length of the log, once one that was long enough has become the one before.
    fn rotate_log(&self) -> u64 {
        if self.log_length() > LONGEST_LOG {
            let _ = fs::rename(self.log(), self.root.join("postgres.log.1"));
        }
        self.log_length()
    }

    /// Makes the data folder, whole or not at all.
    fn create(&self, binaries: &Binaries, data: &Path) -> Result<(), Error> {
        tracing::info!("creating the database in {}", self.root.display());
        let unfinished = self.root.join("data.unfinished");
        let failed = |error: io::Error| Error::folder(&unfinished, &error);
        let mut complaint = String::new();
        let libc = |name| vec![format!("--locale={name}")];
        let mut locales = vec![libc("C.UTF-8")];
        if binaries.major >= 17 {
            // Postgres' own, where the system lacks the first.
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
            let output = self.children.output(&mut initdb, |_| {});
            let Ok(output) = output else {
                let _ = fs::remove_dir_all(&unfinished);
                return Err(if self.children.is_stopping() {
                    Error::stopped()
                } else {
                    Error::Embedded(format!("can't run {}", binaries.folder.join("initdb").display()))
                });
            };
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
        tracing::info!("stopping an orphaned Postgres of an earlier Dossier");
        let _ = signal::kill(orphan, signal::SIGINT);
        let since = Instant::now();
        let _ = signal::kill(orphan, signal::SIGCONT);
        while pid() == Some(orphan) && since.elapsed() < STOP && !self.children.is_stopping() {
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
        postgres.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.children.spawn(&mut postgres).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => Error::stopped(),
            _ => Error::Embedded(error.to_string()),
        })
    }

    /// Whether the postmaster, or the one of this process id, takes connections.
    fn is_ready(&self, pid: Option<u32>) -> bool {
        // The first line of its file is its process id, the eighth tells its state.
        let file = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let mut lines = file.lines();
        let first = lines.next().and_then(|line| line.trim().parse().ok());
        pid.is_none_or(|pid| first == Some(pid)) && lines.nth(6).is_some_and(|state| state.trim() == "ready")
    }

    /// Waits until Postgres takes connections; how it ended where it did before. What a crash left over may
    /// take long to replay.
    fn until_ready(&self, child: &mut Child) -> Option<ExitStatus> {
        let since = Instant::now();
        let mut tell = Duration::from_secs(1);
        loop {
            if self.is_ready(Some(child.id())) {
                return None;
            }
            if let Ok(Some(status)) = child.try_wait() {
                return Some(status);
            }
            if since.elapsed() > tell {
                tracing::info!(
                    "waiting for Postgres in {} to start ({} s so far)",
                    self.root.display(),
                    since.elapsed().as_secs()
                );
                tell += TELL;
            }
            thread::sleep(POLL);
        }
    }
}

/// Waits for the end of Postgres, and tells when somebody has suspended it.
fn watch(postgres: &mut Child) -> Option<ExitStatus> {
    let pid = Pid::from_raw(postgres.id().cast_signed());
    let mut suspended: Option<Instant> = None;
    let mut told = false;
    loop {
        match postgres.try_wait() {
            Ok(None) => {}
            ended => return ended.ok().flatten(),
        }
        match (state(pid), suspended) {
            (Some('T' | 't'), None) => suspended = Some(Instant::now()),
            (Some('T' | 't'), Some(since)) if !told && since.elapsed() > Duration::from_secs(1) => {
                told = true;
                tracing::warn!(
                    "Postgres is suspended (SIGSTOP); new connections wait until process {pid} receives SIGCONT"
                );
            }
            (Some('T' | 't'), _) => {}
            _ => (suspended, told) = (None, false),
        }
        thread::sleep(LOOK);
    }
}

/// Whether a process has ended, and waits for whoever started it to notice.
fn is_dead(process: Pid) -> bool {
    state(process) == Some('Z')
}

/// The state of a process as Linux tells it.
fn state(process: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
