//! Replicas: hot standbys that queries read from, and what each of them has replayed.
//!
//! A task per replica asks it, at intervals and while requests wait, for its last revision. Revisions are numbered in
//! the order of commits, and a standby replays commits in that order: one that has a revision has all before it. What
//! it shows on one connection never gets older; a new connection is checked, because a standby that was restarted may
//! be at an older state.
//!
//! A replica that does not respond, was promoted, or has another history than the writer is left out until that is
//! over. One that lags stays, for requests that need nothing newer.

use std::{
    collections::VecDeque,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use sqlx::{
    ConnectOptions, Connection,
    postgres::{PgConnectOptions, PgConnection},
};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant as Deadline, timeout, timeout_at},
};

use crate::{
    config::address::Host,
    database::{
        connections::Connections,
        control::Control,
        error::{AccessError, in_words},
        hosts::{HostConnection, Hosts, Purpose},
        migrations,
    },
};

/// How often a replica is asked for its last revision, and how soon again while it is behind.
const INTERVAL: Duration = Duration::from_millis(100);
const SOON: Duration = Duration::from_millis(2);
/// Timeout of an answer, and of a connection for it.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The pause before a replica that is left out is tried again.
const PAUSE: Duration = Duration::from_millis(250);
/// How long a request waits for the revision that it names.
const NAMED_TIMEOUT: Duration = Duration::from_secs(1);
/// How long other requests wait, unless all replicas lag.
const WAIT: Duration = Duration::from_millis(30);
/// A replica that has been behind for this long lags: only requests that name a revision wait for it.
const LAGGING: Duration = Duration::from_millis(100);
/// Maximum number of revisions whose time is remembered to tell how far a replica lags.
const MAX_EXPECTED: usize = 1024;

/// A revision of the writer and the time that it was recorded, which together identify the history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// How often the history was replaced since the server started.
    pub history: u64,
    pub revision: i64,
    pub recorded: Option<i64>,
}

/// How new the data must be that a query reads.
#[derive(Clone, Copy, Debug)]
pub enum Freshness {
    /// Only the writer knows which revision is current. Without a writer: as new as there is, but at least as new as a
    /// revision.
    Current { revision: i64 },
    /// As new as a revision. A request that names it waits for it.
    AtLeast { history: u64, revision: i64, named: bool },
    /// The writer can't be asked: as new as there is, but at least as new as a revision.
    Newest { revision: i64 },
}

impl Freshness {
    /// As new, but from the writer if there is one.
    #[must_use]
    pub fn at_the_writer(self) -> Self {
        let (Freshness::AtLeast { revision, .. }
        | Freshness::Current { revision }
        | Freshness::Newest { revision }) = self;
        Freshness::Current { revision }
    }

    /// The revision that data of this freshness is at least as new as, if known.
    pub fn revision(self) -> Option<i64> {
        match self {
            Freshness::AtLeast { revision, .. } => Some(revision),
            Freshness::Current { .. } | Freshness::Newest { .. } => None,
        }
    }
}

/// The replicas of a database.
#[derive(Clone)]
pub struct Replicas(Arc<Shared>);

struct Shared {
    all: Vec<Arc<Member>>,
    /// Whether the server has no writer.
    alone: bool,
    /// The last revision of the writer that is known.
    current: watch::Sender<Option<Mark>>,
    /// Changes whenever the state of a replica does.
    changed: watch::Sender<()>,
    /// Takes turns among replicas that are equally busy.
    turn: AtomicUsize,
    /// Requests that read from the writer although there are replicas.
    writer_requests: AtomicU64,
    tasks: OnceLock<Vec<JoinHandle<()>>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.tasks.get().into_iter().flatten().for_each(JoinHandle::abort);
    }
}

struct Member {
    name: String,
    hosts: Arc<Hosts>,
    connections: Connections,
    control: Control,
    state: watch::Sender<State>,
    /// Asks for the last revision at once.
    wanted: Notify,
    requests: AtomicU64,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// Whether requests may read from it. If not, those that do are repeated elsewhere.
    available: bool,
    /// A revision that it has replayed, and its history.
    replayed: i64,
    history: u64,
    /// Since when the writer has had a revision that this replica lacks.
    behind_since: Option<Instant>,
    /// How often it was left out.
    absences: u64,
    /// Whether it was asked at least once, or could not be.
    known: bool,
}

impl State {
    fn has(&self, history: u64, revision: i64, alone: bool) -> bool {
        self.available && self.replayed >= revision && (alone || self.history == history)
    }

    fn lags(&self) -> bool {
        self.behind_since.is_some_and(|since| since.elapsed() >= LAGGING)
    }
}

/// A replica that a request reads from, and a revision that it had replayed before.
#[derive(Clone)]
pub struct Replica {
    member: Arc<Member>,
    pub revision: i64,
    absences: u64,
}

/// The state of a replica, for metrics.
pub struct Report<'a> {
    pub name: &'a str,
    pub available: bool,
    pub replayed: i64,
    pub lag: Duration,
    pub requests: u64,
}

impl Replicas {
    pub(super) fn new(
        hosts: Vec<(Host, Option<Duration>)>,
        alone: bool,
        prepare: impl Fn(PgConnectOptions) -> PgConnectOptions,
        size: u32,
        acquire_timeout: Duration,
    ) -> Self {
        let member = |(Host { name, options }, limit): (Host, Option<Duration>)| {
            let host = Host { name: name.clone(), options: prepare(options) };
            let hosts = Arc::new(Hosts::replica(host, limit));
            let control = Control::new(hosts.clone());
            let connections = Connections::new(
                hosts.clone(),
                Purpose::Reading,
                size,
                acquire_timeout,
                Some(control.clone()),
            );
            let state = watch::Sender::new(State::default());
            let (wanted, requests) = (Notify::new(), AtomicU64::new(0));
            Arc::new(Member { name, hosts, connections, control, state, wanted, requests })
        };
        let replicas = Replicas(Arc::new(Shared {
            all: hosts.into_iter().map(member).collect(),
            alone,
            current: watch::Sender::new(None),
            changed: watch::Sender::new(()),
            turn: AtomicUsize::new(0),
            writer_requests: AtomicU64::new(0),
            tasks: OnceLock::new(),
        }));
        let shared = &replicas.0;
        let follow = |member: &Arc<Member>| {
            let follower = Follower {
                member: member.clone(),
                alone,
                current: shared.current.subscribe(),
                changed: shared.changed.clone(),
                expected: VecDeque::new(),
                asked: None,
                verified: false,
                shared_until: None,
                was_available: None,
            };
            tokio::spawn(follower.follow())
        };
        let _ = shared.tasks.set(shared.all.iter().map(follow).collect());
        replicas
    }

    pub fn is_empty(&self) -> bool {
        self.0.all.is_empty()
    }

    /// Whether the server has no writer: it reads what its replicas have.
    pub fn are_alone(&self) -> bool {
        self.0.alone
    }

    /// Tells the replicas of a revision of the writer.
    pub fn expect(&self, mark: Mark) {
        self.0.current.send_if_modified(|current| {
            let is_new = *current != Some(mark);
            *current = Some(mark);
            is_new
        });
    }

    /// The replica that a request reads from; `None`: it reads from the writer.
    pub async fn choose(
        &self,
        freshness: Freshness,
        avoided: Option<&Replica>,
    ) -> Result<Option<Replica>, sqlx::Error> {
        let alone = self.0.alone;
        let chosen = match freshness {
            Freshness::Current { .. } if !alone => None,
            Freshness::Current { revision } | Freshness::Newest { revision } => {
                match self.newest(revision, avoided) {
                    None if alone => self.with(0, revision, false, avoided).await,
                    newest => newest,
                }
            }
            Freshness::AtLeast { history, revision, named } => {
                match self.with(history, revision, named, avoided).await {
                    None if alone && !named => self.newest(0, avoided),
                    found => found,
                }
            }
        };
        match chosen {
            Some(replica) => {
                replica.member.requests.fetch_add(1, Relaxed);
                Ok(Some(replica))
            }
            None if alone && self.0.all.iter().any(|member| member.state.borrow().available) => {
                Err(AccessError::Behind.into())
            }
            None if alone => Err(AccessError::NoReplica.into()),
            None => {
                if !self.is_empty() {
                    self.0.writer_requests.fetch_add(1, Relaxed);
                }
                Ok(None)
            }
        }
    }

    /// A replica that has replayed a revision. Waits for one that may soon have.
    pub async fn with(
        &self,
        history: u64,
        revision: i64,
        named: bool,
        avoided: Option<&Replica>,
    ) -> Option<Replica> {
        let has = |state: &State| state.has(history, revision, self.0.alone);
        if let Some(found) = self.find(has, avoided) {
            return Some(found);
        }
        let patient = named || self.0.alone;
        let deadline = Deadline::now() + if patient { NAMED_TIMEOUT } else { WAIT };
        let mut changed = self.0.changed.subscribe();
        self.0.all.iter().for_each(|member| member.wanted.notify_one());
        loop {
            changed.borrow_and_update();
            if let Some(found) = self.find(has, avoided) {
                return Some(found);
            }
            let is_close = |state: &State| named || !state.known || (state.available && !state.lags());
            if !self.0.all.iter().any(|member| is_close(&member.state.borrow())) {
                return None;
            }
            timeout_at(deadline, changed.changed()).await.ok()?.ok()?;
        }
    }

    /// The replica with the newest data, if that is at least as new as a revision.
    pub fn newest(&self, revision: i64, avoided: Option<&Replica>) -> Option<Replica> {
        let available =
            self.0.all.iter().map(|member| *member.state.borrow()).filter(|state| state.available);
        let newest = available.map(|state| state.replayed).max()?.max(revision);
        self.find(|state| state.available && state.replayed >= newest, avoided)
    }

    /// The least busy of the replicas whose state is suitable. The one to avoid is chosen only if there is no other
    /// and no writer.
    fn find(&self, suits: impl Fn(&State) -> bool, avoided: Option<&Replica>) -> Option<Replica> {
        let Shared { all, turn, alone, .. } = &*self.0;
        if all.is_empty() {
            return None;
        }
        let first = turn.fetch_add(1, Relaxed) % all.len();
        let in_turn = all[first..].iter().chain(&all[..first]);
        let suitable = in_turn.filter_map(|member| {
            let state = *member.state.borrow();
            let (revision, absences) = (state.replayed, state.absences);
            suits(&state).then(|| Replica { member: member.clone(), revision, absences })
        });
        let is_avoided =
            |replica: &Replica| avoided.is_some_and(|avoided| Arc::ptr_eq(&avoided.member, &replica.member));
        let (others, same): (Vec<_>, Vec<_>) = suitable.partition(|replica| !is_avoided(replica));
        let others = others.into_iter().min_by_key(|replica| replica.member.connections.used());
        others.or_else(|| same.into_iter().next().filter(|_| *alone))
    }

    pub fn reports(&self) -> impl Iterator<Item = Report<'_>> {
        self.0.all.iter().map(|member| {
            let State { available, replayed, behind_since, .. } = *member.state.borrow();
            let lag = behind_since.map_or(Duration::ZERO, |since| since.elapsed());
            Report { name: &member.name, available, replayed, lag, requests: member.requests.load(Relaxed) }
        })
    }

    /// Requests that read from the writer although there are replicas.
    pub fn writer_requests(&self) -> u64 {
        self.0.writer_requests.load(Relaxed)
    }

    pub fn pools(&self) -> impl Iterator<Item = &Connections> {
        self.0.all.iter().map(|member| &member.connections)
    }

    pub(super) async fn close(&self) {
        for member in &self.0.all {
            let busy = member.connections.close();
            if !busy.is_empty() {
                member.control.cancel_all(busy).await;
            }
        }
    }
}

impl Replica {
    pub fn connections(&self) -> &Connections {
        &self.member.connections
    }

    /// A connection outside the pool.
    pub async fn connect(&self) -> Result<HostConnection, sqlx::Error> {
        self.member.hosts.connect_to(0, Purpose::Writing).await
    }

    /// Waits until it is left out.
    pub async fn left_out(&self) {
        let mut state = self.member.state.subscribe();
        let _ = state.wait_for(|state| state.absences != self.absences).await;
    }

    /// Whether it was left out since it was chosen: it may have been at an older state meanwhile.
    pub fn was_left_out(&self) -> bool {
        self.member.state.borrow().absences != self.absences
    }

    /// Asks at once whether it still works.
    pub fn suspect(&self) {
        self.member.wanted.notify_one();
    }
}

/// Why a replica is left out.
#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("{}", in_words(.0))]
    Database(#[from] sqlx::Error),
    #[error("it does not respond")]
    Silent,
    #[error("it was promoted, or is no standby")]
    Promoted,
    #[error("it has another history than the writer")]
    OtherHistory,
    #[error("it lacks {0} migrations")]
    Behind(usize),
}

/// The state of a standby in one snapshot: whether it is one, when it was started, its last revision, and when the
/// revision `$1` was recorded.
const STATE: &str = "
    select pg_is_in_recovery(), (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint,
           (select coalesce(max(id), 0) from revisions),
           (select (extract(epoch from recorded_at) * 1000000)::bigint from revisions where id = $1)";

/// Follows one replica.
struct Follower {
    member: Arc<Member>,
    alone: bool,
    current: watch::Receiver<Option<Mark>>,
    changed: watch::Sender<()>,
    /// Revisions that it lacks, and since when, oldest first.
    expected: VecDeque<(i64, Instant)>,
    /// The revision of the writer by which the history is compared.
    asked: Option<Mark>,
    /// Whether it was found to have the same history as the writer.
    verified: bool,
    /// The writer's last revision when its history was replaced: older ones may be shared by both histories.
    shared_until: Option<i64>,
    /// None before the first answer.
    was_available: Option<bool>,
}

impl Follower {
    async fn follow(mut self) {
        loop {
            self.verified = false;
            let Err(reason) = self.poll_until_left_out().await;
            self.leave_out(&reason);
            // Requests that can't find a replica don't hurry this.
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn poll_until_left_out(&mut self) -> Result<std::convert::Infallible, Reason> {
        let options = self.member.hosts.options(0).clone().disable_statement_logging();
        let connecting = timeout(TIMEOUT, PgConnection::connect_with(&options));
        let mut connection = connecting.await.map_err(|_| Reason::Silent)??;
        if !self.alone {
            let pending = timeout(TIMEOUT, migrations::pending(&mut connection)).await;
            let pending = pending.map_err(|_| Reason::Silent)??;
            if pending > 0 {
                return Err(Reason::Behind(pending));
            }
        }
        let mut pause = SOON;
        loop {
            self.learn();
            timeout(TIMEOUT, self.poll(&mut connection)).await.map_err(|_| Reason::Silent)??;
            let is_behind = !self.expected.is_empty();
            pause = if is_behind { (pause * 2).min(INTERVAL) } else { INTERVAL };
            // However many requests wait.
            tokio::time::sleep(SOON).await;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.member.wanted.notified() => pause = SOON,
                _ = self.current.changed() => pause = SOON,
            }
        }
    }

    /// Learns of the writer's last revision.
    fn learn(&mut self) {
        let Some(current) = *self.current.borrow_and_update() else { return };
        if self.asked.is_none_or(|asked| asked.history != current.history) {
            self.shared_until = self.asked.map(|_| current.revision);
            (self.asked, self.verified) = (Some(current), false);
            self.expected.clear();
        }
        if self.expected.back().is_none_or(|(last, _)| *last < current.revision)
            && self.expected.len() < MAX_EXPECTED
        {
            self.expected.push_back((current.revision, Instant::now()));
        }
    }

    async fn poll(&mut self, connection: &mut PgConnection) -> Result<(), Reason> {
        let asked = self.asked.map_or(0, |asked| asked.revision);
        let state = sqlx::query_as(STATE).bind(asked).fetch_one(connection).await?;
        let (in_recovery, started, replayed, recorded): (bool, i64, i64, Option<i64>) = state;
        if !self.alone {
            if !in_recovery {
                return Err(Reason::Promoted);
            }
            self.compare_history(replayed, recorded)?;
        }
        while self.expected.front().is_some_and(|(revision, _)| *revision <= replayed) {
            self.expected.pop_front();
        }
        if let Some(expected) = self.member.hosts.expected() {
            // In this order: a connection is refused rather than accepted by mistake.
            expected.replayed.store(replayed, Relaxed);
            if expected.started.swap(started, Relaxed) != started {
                self.member.connections.close_idle();
            }
        }
        let state = State {
            available: self.alone || self.verified,
            replayed,
            history: self.asked.map_or(0, |asked| asked.history),
            behind_since: self.expected.front().map(|(_, since)| *since),
            absences: self.member.state.borrow().absences,
            known: true,
        };
        if state.available && self.was_available != Some(true) {
            tracing::info!(revision = replayed, "reading from the replica {}", self.member.name);
            self.was_available = Some(true);
        }
        self.publish(state);
        Ok(())
    }

    /// Compares a revision that the writer has, once the replica has replayed it.
    fn compare_history(&mut self, replayed: i64, recorded: Option<i64>) -> Result<(), Reason> {
        let Some(asked) = self.asked else { return Ok(()) };
        if asked.revision <= replayed {
            if recorded != asked.recorded {
                return Err(Reason::OtherHistory);
            }
            self.verified |= self.shared_until.is_none_or(|shared| asked.revision > shared);
            let same = |current: &Mark| current.history == asked.history;
            self.asked = (*self.current.borrow()).filter(same).or(self.asked);
        }
        Ok(())
    }

    fn leave_out(&mut self, reason: &Reason) {
        if self.was_available.replace(false) != Some(false) {
            let mut reason = reason.to_string();
            if !self.alone {
                reason = reason.replace("DATABASE_URL", "DATABASE_REPLICA_URLS");
            }
            tracing::warn!("the replica {} is left out: {reason}", self.member.name);
        }
        self.member.connections.close_idle();
        let state = *self.member.state.borrow();
        self.publish(State { available: false, absences: state.absences + 1, known: true, ..state });
    }

    fn publish(&self, state: State) {
        self.member.state.send_replace(state);
        self.changed.send_replace(());
    }
}
