//! A connection beside the pools, by which the server has an eye on the database: what was given up is cancelled by
//! it, and whether the database is well is asked by it, however full the pools are.

use std::{any::Any, collections::HashMap, sync::Arc, time::Duration};

use sqlx::postgres::PgConnection;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::database::{
    error::AccessError,
    hosts::{Hosts, Made, Wanted},
    migrations,
};

/// How long a cancel may take; then the connection is closed, and Postgres notices in a second.
const CANCEL: Duration = Duration::from_secs(1);
/// How long the database may take to say how it is.
const WELL: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
pub struct Control(mpsc::UnboundedSender<Job>);

/// What was seen of the database.
#[derive(Clone, Debug)]
pub struct Seen {
    /// How many migrations are still to be applied, as far as that may be known.
    pub pending: usize,
    pub read_only: bool,
    /// The tables and sequences that changes need, and the database's user may not use for them; none where all
    /// rights are there.
    pub forbidden: Option<String>,
}

enum Job {
    /// Cancels what runs on these, given as their hosts and processes; what else is there is kept until then.
    Cancel(Vec<(usize, i32)>, Box<dyn Any + Send>),
    Look(oneshot::Sender<Result<Seen, sqlx::Error>>),
}

impl Control {
    pub fn new(hosts: Arc<Hosts>) -> Self {
        let (jobs, coming) = mpsc::unbounded_channel();
        tokio::spawn(work(hosts, coming));
        Control(jobs)
    }

    /// Cancels what runs on a connection, closes it, and then lets go of something.
    pub fn cancel(&self, made: Made, then: Box<dyn Any + Send>) {
        let process = (made.host, made.process);
        let _ = self.0.send(Job::Cancel(vec![process], Box::new((made, then))));
    }

    /// Cancels what these run, and waits for it.
    pub async fn cancel_all(&self, processes: Vec<(usize, i32)>) {
        let (done, all) = oneshot::channel::<()>();
        let _ = self.0.send(Job::Cancel(processes, Box::new(done)));
        let _ = timeout(CANCEL, all).await;
    }

    /// How the database is.
    pub async fn look(&self) -> Result<Seen, sqlx::Error> {
        let (tell, told) = oneshot::channel();
        let _ = self.0.send(Job::Look(tell));
        timeout(WELL, told).await.ok().and_then(Result::ok).unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }
}

async fn work(hosts: Arc<Hosts>, mut jobs: mpsc::UnboundedReceiver<Job>) {
    let mut open = Open { hosts, connections: HashMap::new() };
    while let Some(first) = jobs.recv().await {
        let mut cancelled: HashMap<usize, Vec<i32>> = HashMap::new();
        let (mut kept, mut looking) = (Vec::new(), Vec::new());
        let more = std::iter::from_fn(|| jobs.try_recv().ok());
        for job in std::iter::once(first).chain(more) {
            match job {
                Job::Cancel(processes, keep) => {
                    kept.push(keep);
                    for (host, process) in processes {
                        cancelled.entry(host).or_default().push(process);
                    }
                }
                Job::Look(tell) => looking.push(tell),
            }
        }
        for (host, processes) in cancelled {
            if !matches!(timeout(CANCEL, open.cancel(host, &processes)).await, Ok(Ok(()))) {
                open.connections.remove(&host);
            }
        }
        drop(kept);
        if looking.is_empty() {
            continue;
        }
        let seen = timeout(WELL, open.look()).await.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        if seen.is_err() {
            open.connections.clear();
        }
        let mut looking = looking.into_iter();
        if let Some(first) = looking.next() {
            let same = seen.as_ref().ok().cloned();
            let _ = first.send(seen);
            for tell in looking {
                let _ = tell.send(same.clone().ok_or(sqlx::Error::PoolTimedOut));
            }
        }
    }
}

/// The connections that it has, one to a host.
struct Open {
    hosts: Arc<Hosts>,
    connections: HashMap<usize, PgConnection>,
}

impl Open {
    async fn cancel(&mut self, host: usize, processes: &[i32]) -> Result<(), sqlx::Error> {
        let sql = "select pg_cancel_backend(process) from unnest($1::integer[]) process";
        // One that rested may be dead, which is found here.
        if let Some(mut connection) = self.connections.remove(&host)
            && sqlx::query(sql).bind(processes).execute(&mut connection).await.is_ok()
        {
            self.connections.insert(host, connection);
            return Ok(());
        }
        let mut connection = self.hosts.connect_to(host, Wanted::Reading).await?.connection;
        sqlx::query(sql).bind(processes).execute(&mut connection).await?;
        self.connections.insert(host, connection);
        Ok(())
    }

    /// Looks at the host that takes changes, or where none does at one that can be read.
    async fn look(&mut self) -> Result<Seen, sqlx::Error> {
        let (host, _) = self.hosts.writable();
        if let Some(mut connection) = self.connections.remove(&host)
            && let Ok(seen) = ask(&mut connection).await
            && !(seen.read_only && self.hosts.several())
        {
            self.connections.insert(host, connection);
            return Ok(seen);
        }
        let made = match self.hosts.connect(Wanted::Writing).await {
            Err(error) if AccessError::of(&error) == Some(AccessError::ReadOnly) => {
                self.hosts.connect(Wanted::Reading).await?
            }
            made => made?,
        };
        let mut connection = made.connection;
        let seen = ask(&mut connection).await?;
        self.connections.insert(made.host, connection);
        Ok(seen)
    }
}

/// What a mutation writes to, and the database's user may not: tables whose changes are recorded, the records of the
/// changes, and their numbers. Extensions and other programs may have tables in the same schema.
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

async fn ask(connection: &mut PgConnection) -> Result<Seen, sqlx::Error> {
    // Who may only read and write records need not be allowed to look at the list of migrations.
    let sql = "select current_setting('transaction_read_only')::boolean,
                      coalesce(has_table_privilege(to_regclass('_sqlx_migrations'), 'select'), true)";
    let (read_only, may_look): (bool, bool) = sqlx::query_as(sql).fetch_one(&mut *connection).await?;
    let forbidden = sqlx::query_scalar(FORBIDDEN).fetch_one(&mut *connection).await?;
    let pending = if may_look {
        let sql = "select max(version) from _sqlx_migrations where success";
        migrations::newer_than(sqlx::query_scalar(sql).fetch_one(&mut *connection).await?)
    } else {
        0
    };
    Ok(Seen { pending, read_only, forbidden })
}
