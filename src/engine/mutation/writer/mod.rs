//! One transaction per mutation: either everything is written with its revisions, or nothing, and all errors are
//! reported.

mod attach;
mod errors;
mod input;
mod lists;
pub mod merge;
mod quotes;
mod referrers;
mod task;
mod undo;

use std::time::Duration;

use async_graphql::{Name, Value as Input};
use indexmap::IndexMap;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, PgConnection, Row};
use tokio::{
    sync::OnceCell,
    time::{Instant, timeout_at},
};

use self::errors::{Failure, NAMED, TOO_LONG, UserError, constraint_of, error, within};
pub use self::task::{Action, Task};
use crate::{
    database::connections::Change,
    engine::mutation::{
        rules::{ENTRY_REQUIRED, REQUIRED, Rules, TAKEN},
        texts,
        writable_fields::{Rows, WritableField, WritableKind},
    },
    error::ApiError,
    model::{
        Catalog,
        object_type::{
            ObjectType,
            computed::{ComputedValue, ResolveContext},
        },
        pagination,
    },
    telemetry::outage,
};

type Fields = IndexMap<Name, Input>;

/// How often a mutation is tried after serialization failures.
const TRIES: u32 = 8;
/// How long to wait for a commit after the deadline.
const PATIENCE: Duration = Duration::from_secs(5);
/// Deletes some idempotency keys that are older than a week.
const FORGET_OLD: &str = "
    delete from client_mutations where (requester, client_mutation_id) in (
        select requester, client_mutation_id from client_mutations
        where recorded_at < now() - interval '7 days' order by recorded_at limit 10 for update skip locked
    )";

/// The rules are read once, because they come with the migrations.
#[derive(Debug, Default)]
pub struct Writer {
    rules: OnceCell<Rules>,
}

/// The result of a mutation.
pub struct Done {
    /// The changed record, or the reverted change.
    pub id: i64,
    pub revision: i64,
}

impl Writer {
    pub async fn write(
        &self,
        task: &Task,
        context: ResolveContext<'_>,
    ) -> Result<Vec<ComputedValue>, ApiError> {
        let Some(Input::Object(input)) = context.arguments.get("input") else {
            return Err(ApiError::bad_input("input", "`input` is required."));
        };
        let requester = context.caller.identity.name.as_deref().unwrap_or_default();
        let deadline = context.deadline.unwrap_or_else(|| Instant::now() + PATIENCE);
        let mut written = Err(Failure::Again);
        for attempt in 0..TRIES {
            let tried = timeout_at(deadline, self.attempt(task, &context, input, requester)).await;
            written = match tried.unwrap_or_else(|_| Err(ApiError::timeout().into())) {
                Ok((transaction, done)) => commit(transaction, deadline).await.map(|()| done),
                Err(failure) => Err(failure),
            };
            match &written {
                Err(Failure::Again) => {
                    let pause = u64::from(fastrand::u32(1..20 << attempt));
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
                _ => break,
            }
        }
        let name = text(input.get("clientMutationId"));
        match written {
            Ok(done) => Ok(vec![task.payload(Some(done), Vec::new(), name)]),
            Err(Failure::User(errors)) => Ok(vec![task.payload(None, errors, name)]),
            Err(Failure::Again) => {
                let message =
                    "The same records were changed at the same time by other requests; retry.".to_owned();
                let error = UserError { code: "CONFLICT", path: vec!["input".to_owned()], message };
                Ok(vec![task.payload(None, vec![error], name)])
            }
            Err(Failure::Refused(api_error)) => Err(api_error),
        }
    }

    /// Everything up to the commit.
    async fn attempt(
        &self,
        task: &Task,
        context: &ResolveContext<'_>,
        input: &Fields,
        requester: &str,
    ) -> Result<(Change, (ComputedValue, i64)), Failure> {
        let mut transaction = context.reader.begin().await?;
        let fresh;
        let rules = match task.action {
            Action::Create | Action::Update | Action::Delete | Action::Attach => {
                self.rules(&mut transaction).await?
            }
            // These use all tables in the database, including those of a newer version.
            Action::Merge | Action::Unmerge | Action::Revert => {
                fresh = Rules::load(&mut transaction).await?;
                &fresh
            }
        };
        let mut one = Mutation {
            task,
            object_type: context.catalog.named(task.object_type),
            catalog: context.catalog,
            rules,
            input,
            requester,
            errors: Vec::new(),
        };
        let done = one.attempt(&mut transaction).await?;
        Ok((transaction, done))
    }

    async fn rules(&self, connection: &mut PgConnection) -> Result<&Rules, sqlx::Error> {
        self.rules.get_or_try_init(|| Rules::load(connection)).await
    }
}

/// Commits. A cancelled commit would have an unknown outcome, so it may take a little longer than the deadline.
async fn commit(transaction: Change, deadline: Instant) -> Result<(), Failure> {
    let api_error = match timeout_at(deadline + PATIENCE, transaction.commit()).await {
        Ok(Ok(())) => {
            outage::READ_ONLY.over();
            return Ok(());
        }
        Ok(Err(error @ sqlx::Error::Database(_))) => return Err(error.into()),
        Ok(Err(error)) => ApiError::from(error),
        Err(_) => ApiError::timeout(),
    };
    let message = "The connection to the database was lost during the commit, so the change may have been made. Retry with the same `clientMutationId`, or check the record.";
    Err(ApiError { message: message.to_owned(), ..api_error }.into())
}

/// A try of a mutation.
pub struct Mutation<'a> {
    pub task: &'a Task,
    pub object_type: &'static ObjectType,
    pub catalog: &'static Catalog,
    pub rules: &'a Rules,
    pub input: &'a Fields,
    pub requester: &'a str,
    pub errors: Vec<UserError>,
}

impl<'a> Mutation<'a> {
    /// The payload's operation and revision.
    async fn attempt(&mut self, connection: &mut PgConnection) -> Result<(ComputedValue, i64), Failure> {
        let Done { id, revision } = self.run(connection).await?;
        let result = match self.task.action {
            Action::Delete => ComputedValue::Text(pagination::global_id(self.object_type.name, id)),
            Action::Revert => undo::records(self.catalog, connection, id).await?,
            // On a retry of the client the record may have been deleted since.
            _ => ComputedValue::MaybeRecord(self.object_type.name, id),
        };
        Ok((result, revision))
    }

    async fn run(&mut self, connection: &mut PgConnection) -> Result<Done, Failure> {
        sqlx::query("select set_config('dossier.requester', $1, true)")
            .bind(self.requester)
            .execute(&mut *connection)
            .await?;
        if let Some(before) = self.first_response(connection).await? {
            return Ok(before);
        }
        let written = match self.task.action {
            Action::Create => self.create(connection).await?,
            Action::Update => self.update(connection).await?,
            Action::Delete => self.delete(connection).await?,
            Action::Merge => merge::merge(self, connection).await?,
            Action::Unmerge => merge::unmerge(self, connection).await?,
            Action::Revert => undo::revert(self, connection).await?,
            Action::Attach => attach::attach(self, connection).await?,
        };
        self.finish()?;
        texts::anchor(connection).await?;
        if let Some(name) = text(self.input.get("clientMutationId")) {
            let sql = "update client_mutations set record_id = $3, revision = $4
                       where requester = $1 and client_mutation_id = $2";
            let query =
                sqlx::query(sql).bind(self.requester).bind(name).bind(written.id).bind(written.revision);
            query.execute(&mut *connection).await?;
        }
        Ok(written)
    }

    /// The first response, if the client retries with the same idempotency key.
    async fn first_response(&mut self, connection: &mut PgConnection) -> Result<Option<Done>, Failure> {
        let Some(name) = text(self.input.get("clientMutationId")) else { return Ok(None) };
        let request = format!(
            "{} {} {}",
            self.task.action.verb(),
            self.object_type.name,
            Input::Object(self.input.clone())
        );
        let request = Sha256::digest(request).to_vec();
        let sql = "insert into client_mutations (requester, client_mutation_id, request) values ($1, $2, $3)
                   on conflict do nothing";
        let entered =
            sqlx::query(sql).bind(self.requester).bind(&name).bind(&request).execute(&mut *connection).await;
        match entered {
            Ok(entered) if entered.rows_affected() == 1 => {
                sqlx::query(FORGET_OLD).execute(&mut *connection).await?;
                return Ok(None);
            }
            Ok(_) => {}
            Err(error) => {
                self.refused(error, Some("clientMutationId"))?;
                self.finish()?;
            }
        }
        let sql = "select request, record_id, revision from client_mutations where requester = $1 and client_mutation_id = $2";
        let row = sqlx::query(sql).bind(self.requester).bind(&name).fetch_one(&mut *connection).await?;
        if row.try_get::<Vec<u8>, _>("request")? != request {
            self.wrong("CONFLICT", &["clientMutationId"], "This id was already used by another mutation.");
            self.finish()?;
        }
        Ok(Some(Done { id: row.try_get("record_id")?, revision: row.try_get("revision")? }))
    }

    async fn create(&mut self, connection: &mut PgConnection) -> Result<Done, Failure> {
        let row = self.row(connection).await?;
        for writable_field in self.task.writable_fields.iter().filter(|writable_field| writable_field.needed)
        {
            if matches!(self.input.get(writable_field.name), None | Some(Input::Null)) {
                self.wrong("REQUIRED", &[writable_field.name], REQUIRED);
            }
        }
        self.check(connection, self.object_type.table, std::slice::from_ref(&row), None).await?;
        self.check_slug(connection, &row, None).await?;
        let lists = self.lists(connection).await?;
        quotes::check(self, connection, &lists, None).await?;
        self.finish()?;
        lock_revision_numbers(connection).await?;
        let columns = row.keys().cloned().collect::<Vec<_>>();
        let (table, names) = (self.object_type.table, columns.join(", "));
        let values = columns.iter().map(|column| format!("n.{column}")).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "insert into {table} ({names}) select {values} from jsonb_populate_record(null::{table}, $1) n returning id"
        );
        let inserted =
            sqlx::query(AssertSqlSafe(sql)).bind(Value::Object(row)).fetch_one(&mut *connection).await;
        let id = match inserted {
            Ok(row) => row.try_get(0)?,
            Err(error) => return Err(self.failed(error)),
        };
        self.write_lists(connection, id, lists).await
    }

    async fn update(&mut self, connection: &mut PgConnection) -> Result<Done, Failure> {
        let row = self.row(connection).await?;
        for writable_field in self.task.writable_fields.iter().filter(|writable_field| writable_field.needed)
        {
            if self.input.get(writable_field.name) == Some(&Input::Null) {
                self.wrong("REQUIRED", &[writable_field.name], REQUIRED);
            }
        }
        let lists = self.lists(connection).await?;
        let (id, before) = self.lock(connection, self.task.field, "no key update").await?;
        let mut after = before;
        after.extend(row.clone());
        self.check(connection, self.object_type.table, std::slice::from_ref(&after), None).await?;
        self.check_slug(connection, &row, Some(id)).await?;
        quotes::check(self, connection, &lists, Some(id)).await?;
        self.finish()?;
        if !row.is_empty() {
            let table = self.object_type.table;
            let columns =
                row.keys().map(|column| format!("{column} = n.{column}")).collect::<Vec<_>>().join(", ");
            let sql = format!(
                "update {table} t set {columns} from jsonb_populate_record(null::{table}, $1) n where t.id = $2"
            );
            let query = sqlx::query(AssertSqlSafe(sql)).bind(Value::Object(row)).bind(id);
            if let Err(error) = query.execute(&mut *connection).await {
                return Err(self.failed(error));
            }
        }
        let done = self.write_lists(connection, id, lists).await?;
        let emptied = self.emptied();
        self.check_emptied(connection, id, &emptied).await?;
        Ok(done)
    }

    /// The fields that the input empties. A deprecated field may be empty because what replaces it is given, and the other
    /// way round.
    fn emptied(&self) -> Vec<&'a WritableField> {
        let is_empty = |value: &Input| match value {
            Input::Null => true,
            Input::List(items) => items.is_empty(),
            _ => false,
        };
        let given = |field: &&WritableField| self.input.get(field.name).is_some_and(|value| !is_empty(value));
        let given: Vec<&WritableField> = self.task.writable_fields.iter().filter(given).collect();
        let is_replaced = |field: &WritableField| {
            given.iter().any(|other| replaces(other, field) || replaces(field, other))
        };
        let fields = self.task.writable_fields.iter();
        let emptied = fields.filter(|field| self.input.get(field.name).is_some_and(is_empty));
        emptied.filter(|field| !is_replaced(field)).collect()
    }

    /// Errors for fields that the input empties, and that the database has filled again.
    async fn check_emptied(
        &mut self,
        connection: &mut PgConnection,
        id: i64,
        emptied: &[&WritableField],
    ) -> Result<(), Failure> {
        if emptied.is_empty() {
            return Ok(());
        }
        let is_empty = |field: &&WritableField| {
            let list = self.task.writable_fields.iter().find(|list| replaces(list, field));
            match (&field.kind, list.map(|list| &list.kind)) {
                (
                    WritableKind::Reference { column, .. },
                    Some(WritableKind::Rows(Rows { table, owner, .. })),
                ) => format!(
                    "not exists (select from {table} r where r.{owner} = t.id and r.{column} is not null)"
                ),
                (WritableKind::Value { column, .. } | WritableKind::Reference { column, .. }, _) => {
                    format!("t.{column} is null")
                }
                (WritableKind::Rows(Rows { table, owner, .. }), _) => {
                    format!("not exists (select from {table} r where r.{owner} = t.id)")
                }
            }
        };
        let tests = emptied.iter().map(is_empty).collect::<Vec<_>>().join(", ");
        let sql = format!("select {tests} from {} t where t.id = $1", self.object_type.table);
        let row = sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_one(&mut *connection).await?;
        for (place, field) in emptied.iter().enumerate() {
            if !row.try_get::<bool, _>(place)? {
                let message = match (&field.kind, field.deprecation) {
                    (WritableKind::Rows(_), _) => ENTRY_REQUIRED.to_owned(),
                    (_, Some(deprecation)) => format!("It can't be cleared alone. {}", deprecation.reason),
                    (_, None) => "It can't be cleared alone.".to_owned(),
                };
                self.wrong("INVALID", &[field.name], &message);
            }
        }
        self.finish()
    }

    async fn delete(&mut self, connection: &mut PgConnection) -> Result<Done, Failure> {
        let (id, _) = self.lock(connection, self.task.field, "update").await?;
        self.refuse_while_referred_to(connection, self.object_type.name, &[id], self.task.field).await?;
        self.finish()?;
        let sql = format!("delete from {} where id = $1", self.object_type.table);
        if let Err(error) = sqlx::query(AssertSqlSafe(sql)).bind(id).execute(&mut *connection).await {
            return Err(self.failed(error));
        }
        let revision = self.revision(connection, id).await?;
        Ok(Done { id, revision })
    }

    /// The record in the input, locked until the end of the transaction, and its row.
    async fn lock(
        &mut self,
        connection: &mut PgConnection,
        field: &str,
        strength: &str,
    ) -> Result<(i64, Map<String, Value>), Failure> {
        lock_revision_numbers(connection).await?;
        let Some(id) = self.named(connection, field).await? else { return Err(self.end()) };
        let sql =
            format!("select to_jsonb(t) from {} t where id = $1 for {strength}", self.object_type.table);
        let row = sqlx::query_scalar(AssertSqlSafe(sql)).bind(id).fetch_optional(&mut *connection).await?;
        let Some(Value::Object(row)) = row else {
            self.wrong("NOT_FOUND", &[field], "The record was deleted in the meantime.");
            return Err(self.end());
        };
        self.expect_revision(connection, id).await?;
        Ok((id, row))
    }

    /// The id of the record in a field of the input; an error if there is none.
    pub async fn named(
        &mut self,
        connection: &mut PgConnection,
        field: &str,
    ) -> Result<Option<i64>, Failure> {
        let Some(Input::Object(by)) = self.input.get(field) else {
            return Err(ApiError::bad_input(format!("input.{field}"), "This field is required.").into());
        };
        let found = self.find(connection, self.object_type.name, by, &format!("input.{field}")).await?;
        if found.is_none() {
            self.wrong("NOT_FOUND", &[field], "No such record exists.");
        }
        Ok(found)
    }

    /// Fails if the record has changed since the client read it.
    pub async fn expect_revision(&mut self, connection: &mut PgConnection, id: i64) -> Result<(), Failure> {
        if let Some(Input::Number(expected)) = self.input.get("expectedRevision") {
            let revision = self.revision(connection, id).await?;
            if expected.as_i64() != Some(revision) {
                let message = format!("The record has changed: its current revision is {revision}.");
                self.wrong("CONFLICT", &["expectedRevision"], &message);
                return Err(self.end());
            }
        }
        Ok(())
    }

    pub async fn revision(&self, connection: &mut PgConnection, id: i64) -> Result<i64, sqlx::Error> {
        let column = self.object_type.history_column();
        let sql = format!("select coalesce(max(id), 0) from revisions where {column} = $1");
        sqlx::query_scalar(AssertSqlSafe(sql)).bind(id).fetch_one(connection).await
    }

    /// The input field of a column.
    fn field_of(&self, column: &str) -> Option<&'static str> {
        let is_of = |writable_field: &&WritableField| match &writable_field.kind {
            WritableKind::Value { column: own, .. } | WritableKind::Reference { column: own, .. } => {
                *own == column
            }
            WritableKind::Rows(rows) => rows.table == column || writable_field.name == column,
        };
        self.task.writable_fields.iter().find(is_of).map(|writable_field| writable_field.name)
    }

    /// A violated constraint as an error of the input.
    pub fn refused(&mut self, failure: sqlx::Error, list: Option<&'static str>) -> Result<(), Failure> {
        let Some(refused) = constraint_of(&failure) else { return Err(failure.into()) };
        let name = refused.constraint().unwrap_or_default();
        let known = self.rules.constraint(name);
        let columns = known.map(|constraint| constraint.columns.as_slice()).unwrap_or_default();
        let field = list.or_else(|| match refused.column() {
            Some(column) => self.field_of(column),
            None => columns.iter().rev().find_map(|column| self.field_of(column)),
        });
        let path: Vec<&str> = field.into_iter().collect();
        let (code, message) = match refused.code() {
            "23505" => ("TAKEN", TAKEN.to_owned()),
            "23503" if self.task.action == Action::Delete => {
                ("IN_USE", "Other records refer to this record.".to_owned())
            }
            // A referenced record was deleted or merged in the meantime.
            "23503" => return Err(Failure::Again),
            TOO_LONG => ("INVALID", "The value is too long.".to_owned()),
            "23502" => ("REQUIRED", REQUIRED.to_owned()),
            // Triggers have their own messages.
            _ => {
                let message = known.and_then(|constraint| constraint.message.clone());
                ("INVALID", message.unwrap_or_else(|| refused.message().to_owned()))
            }
        };
        self.wrong(code, &path, &message);
        Ok(())
    }

    /// The same, as the end of the mutation.
    fn failed(&mut self, failure: sqlx::Error) -> Failure {
        match self.refused(failure, None) {
            Ok(()) => self.end(),
            Err(failure) => failure,
        }
    }

    /// Ends with the errors.
    pub fn end(&mut self) -> Failure {
        Failure::User(std::mem::take(&mut self.errors))
    }

    pub fn wrong(&mut self, code: &'static str, path: &[&str], message: &str) {
        self.errors.push(error(code, path, message));
    }

    /// Ends if there are errors.
    pub fn finish(&mut self) -> Result<(), Failure> {
        if self.errors.is_empty() { Ok(()) } else { Err(self.end()) }
    }
}

/// Waits until no other transaction changes records. Locking a record first could cause a deadlock.
pub async fn lock_revision_numbers(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("select lock_revision_numbers()").execute(connection).await.map(|_| ())
}

/// Whether a list has replaced a deprecated field, which is one of its entries.
fn replaces(list: &WritableField, field: &WritableField) -> bool {
    match (&list.kind, &field.kind) {
        (WritableKind::Rows(rows), WritableKind::Reference { column, .. }) => {
            field.deprecation.is_some() && rows.columns.iter().any(|entry| entry.column == *column)
        }
        _ => false,
    }
}

fn text(value: Option<&Input>) -> Option<String> {
    match value {
        Some(Input::String(text)) => Some(text.clone()),
        _ => None,
    }
}
