//! A control connection outside the pools: it cancels abandoned statements and checks the health of the database,
//! however busy the pools are.

use std::{any::Any, collections::HashMap, sync::Arc, time::Duration};

use sqlx::postgres::PgConnection;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::database::{
    error::AccessError,
    hosts::{HostConnection, Hosts, Purpose},
    migrations,
};

/// Timeout of a cancel; afterwards the connection is closed, which Postgres notices within a second.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(1);
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
pub struct Control(mpsc::UnboundedSender<Job>);

#[derive(Clone, Debug)]
pub struct Health {
    /// Pending migrations, if the user may read the list.
    pub pending: usize,
    pub read_only: bool,
    /// Tables that reads need and the database user may not read.
    pub unreadable: Option<String>,
    /// Tables and sequences that writes need and the database user lacks privileges for.
    pub forbidden: Option<String>,
}

enum Job {
    /// Cancels what runs in these processes of hosts; then drops the value.
    Cancel(Vec<(usize, i32)>, Box<dyn Any + Send>),
    CheckHealth(oneshot::Sender<Result<Health, sqlx::Error>>),
}

impl Control {
    pub fn new(hosts: Arc<Hosts>) -> Self {
        let (jobs, receiver) = mpsc::unbounded_channel();
        tokio::spawn(work(hosts, receiver));
        Control(jobs)
    }

    /// Cancels what runs on a connection, closes it, and then drops `then`.
    pub fn cancel(&self, conn: HostConnection, then: Box<dyn Any + Send>) {
        let process = (conn.host, conn.process);
        let _ = self.0.send(Job::Cancel(vec![process], Box::new((conn, then))));
    }

    /// Cancels these processes, and waits for it.
    pub async fn cancel_all(&self, processes: Vec<(usize, i32)>) {
        let (done, all) = oneshot::channel::<()>();
        let _ = self.0.send(Job::Cancel(processes, Box::new(done)));
        let _ = timeout(CANCEL_TIMEOUT, all).await;
    }

    pub async fn health(&self) -> Result<Health, sqlx::Error> {
        let (reply, health) = oneshot::channel();
        let _ = self.0.send(Job::CheckHealth(reply));
        timeout(HEALTH_TIMEOUT, health)
            .await
            .ok()
            .and_then(Result::ok)
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }
}

async fn work(hosts: Arc<Hosts>, mut jobs: mpsc::UnboundedReceiver<Job>) {
    let mut open = Open { hosts, connections: HashMap::new() };
    while let Some(first) = jobs.recv().await {
        let mut cancelled: HashMap<usize, Vec<i32>> = HashMap::new();
        let (mut dropped_later, mut replies) = (Vec::new(), Vec::new());
        let more = std::iter::from_fn(|| jobs.try_recv().ok());
        for job in std::iter::once(first).chain(more) {
            match job {
                Job::Cancel(processes, then) => {
                    dropped_later.push(then);
                    for (host, process) in processes {
                        cancelled.entry(host).or_default().push(process);
                    }
                }
                Job::CheckHealth(reply) => replies.push(reply),
            }
        }
        for (host, processes) in cancelled {
            if !matches!(timeout(CANCEL_TIMEOUT, open.cancel(host, &processes)).await, Ok(Ok(()))) {
                open.connections.remove(&host);
            }
        }
        drop(dropped_later);
        if replies.is_empty() {
            continue;
        }
        let health = timeout(HEALTH_TIMEOUT, open.health()).await.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        if health.is_err() {
            open.connections.clear();
        }
        let mut replies = replies.into_iter();
        if let Some(first) = replies.next() {
            let same = health.as_ref().ok().cloned();
            let _ = first.send(health);
            for reply in replies {
                let _ = reply.send(same.clone().ok_or(sqlx::Error::PoolTimedOut));
            }
        }
    }
}

/// One connection per host.
struct Open {
    hosts: Arc<Hosts>,
    connections: HashMap<usize, PgConnection>,
}

impl Open {
    async fn cancel(&mut self, host: usize, processes: &[i32]) -> Result<(), sqlx::Error> {
        let sql = "select pg_cancel_backend(process) from unnest($1::integer[]) process";
        // An idle connection may be dead; open a new one then.
        if let Some(mut connection) = self.connections.remove(&host)
            && sqlx::query(sql).bind(processes).execute(&mut connection).await.is_ok()
        {
            self.connections.insert(host, connection);
            return Ok(());
        }
        let mut connection = self.hosts.connect_to(host, Purpose::Reading).await?.connection;
        sqlx::query(sql).bind(processes).execute(&mut connection).await?;
        self.connections.insert(host, connection);
        Ok(())
    }

    /// Checks the writable host, or a readable one if there is none.
    async fn health(&mut self) -> Result<Health, sqlx::Error> {
        let (host, _) = self.hosts.writable();
        if let Some(mut connection) = self.connections.remove(&host)
            && let Ok(health) = check_health(&mut connection).await
            // A session keeps the setting that it began with, and another host may be writable.
            && !health.read_only
        {
            self.connections.insert(host, connection);
            return Ok(health);
        }
        let conn = match self.hosts.connect(Purpose::Writing).await {
            Err(error) if AccessError::of(&error) == Some(AccessError::ReadOnly) => {
                self.hosts.connect(Purpose::Reading).await?
            }
            conn => conn?,
        };
        let mut connection = conn.connection;
        let health = check_health(&mut connection).await?;
        self.connections.insert(conn.host, connection);
        Ok(health)
    }
}

/// What mutations write to without the required privileges: tables with history, the revisions, and their sequence.
/// Tables of extensions and other programs don't count.
const FORBIDDEN: &str = "
    select string_agg(relname, ', ' order by relname) from pg_class
    where relnamespace = current_schema()::regnamespace and case
        when relname = 'revisions_id_seq' and relkind = 'S' then not has_sequence_privilege(oid, 'select')
        when relkind <> 'r' then false
        when relname = 'revisions' then
            not (has_table_privilege(oid, 'select') and has_table_privilege(oid, 'insert'))
        when relname = 'client_mutations' or exists (
            select from pg_trigger join pg_proc on pg_proc.oid = tgfoid
            where tgrelid = pg_class.oid and proname = 'record_revisions'
        ) then not (
            has_table_privilege(oid, 'select') and has_table_privilege(oid, 'insert')
            and has_table_privilege(oid, 'update') and has_table_privilege(oid, 'delete')
        )
        else false
    end";

/// The tables of records that the database user may not read.
const UNREADABLE: &str = "
    select string_agg(relname, ', ' order by relname) from pg_class
    where relnamespace = current_schema()::regnamespace and relkind = 'r' and not has_table_privilege(oid, 'select')
    and exists (
        select from pg_trigger join pg_proc on pg_proc.oid = tgfoid
        where tgrelid = pg_class.oid and proname = 'record_revisions'
    )";

async fn check_health(connection: &mut PgConnection) -> Result<Health, sqlx::Error> {
    let read_only = sqlx::query_scalar("select current_setting('transaction_read_only')::boolean");
    let read_only = read_only.fetch_one(&mut *connection).await?;
    let unreadable = sqlx::query_scalar(UNREADABLE).fetch_one(&mut *connection).await?;
    let forbidden = sqlx::query_scalar(FORBIDDEN).fetch_one(&mut *connection).await?;
    let pending = migrations::pending(connection).await?;
    Ok(Health { pending, read_only, unreadable, forbidden })
}
