//! One transaction per mutation: either everything is written with its revisions, or nothing, and all errors are
//! reported.

pub mod attach;
pub mod merge;
pub mod quotes;
pub mod undo;

use std::time::Duration;

use async_graphql::{Name, Value as Input};
use indexmap::IndexMap;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use sqlx::{
    AssertSqlSafe, Connection, PgConnection, Row,
    postgres::{PgDatabaseError, PgRow},
};
use tokio::{
    sync::OnceCell,
    time::{Instant, timeout_at},
};

use crate::{
    database::connections::Change,
    engine::{
        mutation::{
            rules::{DUPLICATE, ENTRY_REQUIRED, REQUIRED, Rules, TAKEN},
            texts,
            writable_fields::{self, RowColumn, RowKind, Rows, WritableField, WritableKind},
        },
        sql::lookup_id,
    },
    error::ApiError,
    model::{
        Catalog, languages,
        object_type::{
            ObjectType, Scalar,
            computed::{ComputedValue, REVISION, ResolveContext},
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
/// `program_limit_exceeded`: the value is too long for an index.
const TOO_LONG: &str = "54000";
/// Deletes some idempotency keys that are older than a week.
const FORGET_OLD: &str = "
    delete from client_mutations where (requester, client_mutation_id) in (
        select requester, client_mutation_id from client_mutations
        where recorded_at < now() - interval '7 days' order by recorded_at limit 10 for update skip locked
    )";
/// Maximum number of records named in an error.
const NAMED: i64 = 5;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    Create,
    Update,
    Delete,
    Merge,
    Unmerge,
    Revert,
    /// Adds a version of a source's text.
    Attach,
}

impl Action {
    pub fn verb(self) -> &'static str {
        match self {
            Action::Create => "Create",
            Action::Update => "Update",
            Action::Delete => "Delete",
            Action::Merge => "Merge",
            Action::Unmerge => "Unmerge",
            Action::Revert => "Revert",
            Action::Attach => "Attach",
        }
    }

    pub fn describe(self, object_type: &str) -> String {
        match self {
            Action::Merge => merge::MERGE.to_owned(),
            Action::Unmerge => merge::UNMERGE.to_owned(),
            Action::Revert => undo::REVERT.to_owned(),
            Action::Attach => attach::ATTACH.to_owned(),
            Action::Create => format!("Creates a record of type {object_type}."),
            Action::Update => {
                format!(
                    "Updates a record of type {object_type}: absent fields stay unchanged, null clears a field."
                )
            }
            Action::Delete => {
                format!(
                    "Deletes a record of type {object_type} and its citations. Fails while other records refer to it."
                )
            }
        }
    }
}

pub struct Task {
    pub action: Action,
    pub object_type: &'static str,
    /// The object type's name as a field: `actor` of `Actor`.
    pub field: &'static str,
    /// The writable fields of the record, if there is one.
    pub writable_fields: Vec<WritableField>,
}

/// The rules are read once, because they come with the migrations.
#[derive(Debug, Default)]
pub struct Writer {
    rules: OnceCell<Rules>,
}

/// An error of a part of the input.
#[derive(Clone, Debug, PartialEq)]
pub struct UserError {
    pub code: &'static str,
    pub path: Vec<String>,
    pub message: String,
}

/// Why a try failed.
pub enum Failure {
    User(Vec<UserError>),
    /// A conflict with another transaction: a retry can succeed.
    Again,
    Refused(ApiError),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        match code.as_deref() {
            // serialization_failure, deadlock_detected, and read_only_sql_transaction, where another host may accept
            // it
            Some("40001" | "40P01" | "25006") => Failure::Again,
            _ => Failure::Refused(error.into()),
        }
    }
}

impl From<ApiError> for Failure {
    fn from(api_error: ApiError) -> Self {
        Failure::Refused(api_error)
    }
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

impl Task {
    /// The payload: the operation with its revision, or the errors.
    pub fn payload(
        &self,
        done: Option<(ComputedValue, i64)>,
        errors: Vec<UserError>,
        name: Option<String>,
    ) -> ComputedValue {
        let nothing =
            if self.action == Action::Revert { ComputedValue::List(Vec::new()) } else { ComputedValue::Null };
        let (result, revision) = done.map_or((nothing, ComputedValue::Null), |(result, revision)| {
            (result, ComputedValue::Int(revision))
        });
        let field = match self.action {
            Action::Delete => "deletedId",
            Action::Revert => "records",
            _ => self.field,
        };
        let errors = errors.into_iter().map(UserError::tree).collect();
        ComputedValue::Object(vec![
            (field, result),
            (REVISION, revision),
            ("userErrors", ComputedValue::List(errors)),
            ("clientMutationId", ComputedValue::text(name)),
        ])
    }
}

impl UserError {
    fn tree(self) -> ComputedValue {
        let field = self.path.into_iter().map(ComputedValue::Text).collect();
        ComputedValue::Object(vec![
            ("code", ComputedValue::text(Some(self.code))),
            ("field", ComputedValue::List(field)),
            ("message", ComputedValue::Text(self.message)),
        ])
    }
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

impl Mutation<'_> {
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
        self.write_lists(connection, id, lists).await
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

    /// The columns in the input, with references resolved.
    async fn row(&mut self, connection: &mut PgConnection) -> Result<Map<String, Value>, Failure> {
        let mut row = Map::new();
        let task = self.task;
        for writable_field in &task.writable_fields {
            let Some(value) = self.input.get(writable_field.name) else { continue };
            match &writable_field.kind {
                WritableKind::Value { column, scalar } => {
                    let value = self.value(*scalar, value, &[writable_field.name.to_owned()]);
                    row.insert((*column).to_owned(), value);
                }
                WritableKind::Reference { column, to } => {
                    let id = self.reference(connection, to, value, &[writable_field.name.to_owned()]).await?;
                    row.insert((*column).to_owned(), id);
                }
                WritableKind::Rows(_) => {}
            }
        }
        Ok(row)
    }

    /// The lists in the input, as rows.
    async fn lists(
        &mut self,
        connection: &mut PgConnection,
    ) -> Result<Vec<(usize, Vec<Map<String, Value>>)>, Failure> {
        let mut lists = Vec::new();
        let task = self.task;
        for (place, writable_field) in task.writable_fields.iter().enumerate() {
            let WritableKind::Rows(rows) = &writable_field.kind else { continue };
            let items = match self.input.get(writable_field.name) {
                Some(Input::List(items)) => items.as_slice(),
                Some(Input::Null) => &[],
                _ => continue,
            };
            if writable_field.needed
                && items.is_empty()
                && self.input.get(writable_field.name) != Some(&Input::Null)
            {
                self.wrong("INVALID", &[writable_field.name], ENTRY_REQUIRED);
            }
            let mut list: Vec<Map<String, Value>> = Vec::new();
            for (index, item) in items.iter().enumerate() {
                let path = [writable_field.name.to_owned(), index.to_string()];
                let row = self.list_row(connection, rows, item, &path).await?;
                if list.contains(&row) {
                    self.errors.push(UserError { path: within(&path), ..error("INVALID", &[], DUPLICATE) });
                }
                list.push(row);
            }
            if let Some(ordinal) = rows.ordinal {
                for (index, row) in list.iter_mut().enumerate() {
                    row.insert(ordinal.to_owned(), (index + 1).into());
                }
            }
            self.check(connection, rows.table, &list, Some((writable_field.name, rows))).await?;
            lists.push((place, list));
        }
        Ok(lists)
    }

    async fn list_row(
        &mut self,
        connection: &mut PgConnection,
        rows: &Rows,
        item: &Input,
        path: &[String],
    ) -> Result<Map<String, Value>, Failure> {
        let mut row = Map::new();
        for column in &rows.columns {
            let mut path = path.to_vec();
            let value = if rows.is_reference() {
                Some(item)
            } else {
                path.push(column.name.to_owned());
                match item {
                    Input::Object(fields) => fields.get(column.name),
                    _ => None,
                }
            };
            let value = match (column.kind, value) {
                (_, None | Some(Input::Null)) => Value::Null,
                (RowKind::Value(scalar), Some(value)) => self.value(scalar, value, &path),
                (RowKind::Content, Some(value)) => json(value),
                (RowKind::Reference(to), Some(value)) => self.reference(connection, to, value, &path).await?,
            };
            row.insert(column.column.to_owned(), value);
        }
        Ok(row)
    }

    /// A value in the input; an error if it is a language that is none.
    fn value(&mut self, scalar: Scalar, value: &Input, path: &[String]) -> Value {
        let (Scalar::Language, Input::String(tag)) = (scalar, value) else { return json(value) };
        let tag = languages::canonical(tag);
        if tag.is_none() {
            self.errors.push(UserError { path: within(path), ..error("INVALID", &[], languages::FORM) });
        }
        tag.map_or(Value::Null, Value::String)
    }

    /// The id of a record in the input; an error if there is none.
    async fn reference(
        &mut self,
        connection: &mut PgConnection,
        to: &str,
        value: &Input,
        path: &[String],
    ) -> Result<Value, Failure> {
        let Input::Object(by) = value else { return Ok(Value::Null) };
        let found = self.find(connection, to, by, &format!("input.{}", path.join("."))).await?;
        if found.is_none() {
            let message = format!("No such record of type {to} exists.");
            self.errors.push(UserError { path: within(path), ..error("NOT_FOUND", &[], &message) });
        }
        Ok(found.map_or(Value::Null, Value::from))
    }

    async fn find(
        &self,
        connection: &mut PgConnection,
        object_type: &str,
        by: &Fields,
        path: &str,
    ) -> Result<Option<i64>, Failure> {
        let statement = lookup_id(self.catalog.named(object_type), by, path)?;
        let arguments = statement.arguments(&[]).map_err(Failure::from)?;
        let sql = AssertSqlSafe(statement.sql.as_str());
        let mut found = sqlx::query_with(sql, arguments).fetch_optional(&mut *connection).await?;
        if found.is_none()
            && let Some(merged) = statement.under_old_names()
        {
            let arguments = merged.arguments(&[]).map_err(Failure::from)?;
            let sql = AssertSqlSafe(merged.sql);
            found = sqlx::query_with(sql, arguments).fetch_optional(connection).await?;
        }
        Ok(found.map(|row| row.try_get(0)).transpose()?)
    }

    /// Checks rows: the record's own, or those of a list.
    async fn check(
        &mut self,
        connection: &mut PgConnection,
        table: &str,
        rows: &[Map<String, Value>],
        list: Option<(&str, &Rows)>,
    ) -> Result<(), Failure> {
        // A missing reference is reported already; rules that count references would report it again.
        if !self.errors.is_empty()
            && list.is_none()
            && self.errors.iter().any(|error| error.code == "NOT_FOUND")
        {
            return Ok(());
        }
        for broken in self.rules.broken(connection, table, rows).await? {
            let mut path = Vec::new();
            match list {
                Some((name, rows)) => {
                    path.extend([name.to_owned(), broken.row.to_string()]);
                    let entry = within(&path);
                    if self
                        .errors
                        .iter()
                        .any(|error| error.code == "NOT_FOUND" && error.path.starts_with(&entry))
                    {
                        continue;
                    }
                    let column = rows.columns.iter().find(|column| column.column == broken.column);
                    // The owner is known when the row is written.
                    let Some(column) = column else { continue };
                    if !rows.is_reference() {
                        path.push(column.name.to_owned());
                    }
                }
                None => path.extend(self.field_of(&broken.column).map(ToOwned::to_owned)),
            }
            self.errors.push(UserError { path: within(&path), ..error("INVALID", &[], &broken.message) });
        }
        Ok(())
    }

    /// Whether the slug is taken. The constraint alone could not report it together with the other errors.
    async fn check_slug(
        &mut self,
        connection: &mut PgConnection,
        row: &Map<String, Value>,
        own: Option<i64>,
    ) -> Result<(), Failure> {
        let Some(Value::String(slug)) = row.get("slug") else { return Ok(()) };
        let by = Fields::from_iter([(Name::new("slug"), Input::from(slug.as_str()))]);
        let found = self.find(connection, self.object_type.name, &by, "input.slug").await?;
        if found.is_some_and(|id| Some(id) != own) {
            self.wrong("TAKEN", &["slug"], TAKEN);
        }
        Ok(())
    }

    /// Replaces the lists, and checks deferred constraints.
    async fn write_lists(
        &mut self,
        connection: &mut PgConnection,
        id: i64,
        lists: Vec<(usize, Vec<Map<String, Value>>)>,
    ) -> Result<Done, Failure> {
        for (place, list) in lists {
            let writable_field = &self.task.writable_fields[place];
            let WritableKind::Rows(rows) = &writable_field.kind else { unreachable!("lists are of rows") };
            // One at a time, so that one error does not hide the next.
            let mut part = connection.begin().await?;
            match replace(&mut part, rows, id, list).await {
                Ok(()) => part.commit().await?,
                Err(error) => {
                    part.rollback().await?;
                    let name = writable_field.name;
                    let columns = constraint_of(&error)
                        .filter(|refused| refused.code() == "23505")
                        .and_then(|refused| self.rules.constraint(refused.constraint()?))
                        .map(|unique| &unique.columns);
                    if columns.is_some_and(|columns| columns.iter().any(|column| column == rows.owner)) {
                        self.wrong("INVALID", &[name], DUPLICATE);
                    } else {
                        self.refused(error, Some(name))?;
                    }
                }
            }
        }
        self.finish()?;
        if let Err(error) = sqlx::query("set constraints all immediate").execute(&mut *connection).await {
            return Err(self.failed(error));
        }
        let revision = self.revision(connection, id).await?;
        Ok(Done { id, revision })
    }

    /// Errors for the records that refer to a deleted one.
    pub async fn refuse_while_referred_to(
        &mut self,
        connection: &mut PgConnection,
        to: &str,
        ids: &[i64],
        field: &str,
    ) -> Result<(), Failure> {
        for Referrer { object_type, field: reference, from } in referrers(self.catalog, to) {
            let sql = format!("select count(*) over (), r.slug::text from {from} order by r.slug limit $2");
            let rows =
                sqlx::query(AssertSqlSafe(sql)).bind(ids).bind(NAMED).fetch_all(&mut *connection).await?;
            let Some(first) = rows.first() else { continue };
            let count: i64 = first.try_get(0)?;
            let slugs = rows.iter().map(|row: &PgRow| row.try_get(1)).collect::<Result<Vec<String>, _>>()?;
            let more = if count > NAMED { ", …" } else { "" };
            let records = if count == 1 { "record" } else { "records" };
            let message = format!(
                "{count} {records} of type {object_type} refer to it as `{reference}`: {}{more}.",
                slugs.join(", ")
            );
            self.wrong("IN_USE", &[field], &message);
        }
        Ok(())
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

/// Replaces the rows of a list. Unchanged rows stay, so they get no revision.
async fn replace(
    connection: &mut PgConnection,
    rows: &Rows,
    owner: i64,
    list: Vec<Map<String, Value>>,
) -> Result<(), sqlx::Error> {
    let Rows { table, owner: owner_column, .. } = rows;
    let columns: Vec<&str> = rows.columns.iter().map(|column| column.column).chain(rows.ordinal).collect();
    let given = columns.iter().map(|column| format!("n.{column}")).collect::<Vec<_>>().join(", ");
    let same = rows.same();
    let names = columns.join(", ");
    let list = Value::Array(list.into_iter().map(Value::Object).collect());
    let removed = format!(
        "delete from {table} t where t.{owner_column} = $1 and not exists (
             select from jsonb_populate_recordset(null::{table}, $2) n where {same}
         )"
    );
    let entered = format!(
        "insert into {table} ({owner_column}, {names}) select $1, {given}
         from jsonb_populate_recordset(null::{table}, $2) with ordinality n
         where not exists (
             select from {table} t where t.{owner_column} = $1 and {same}
         )
         order by n.ordinality"
    );
    for sql in [removed, entered] {
        sqlx::query(AssertSqlSafe(sql)).bind(owner).bind(&list).execute(&mut *connection).await?;
    }
    Ok(())
}

/// A reference to an object type.
struct Referrer {
    object_type: &'static str,
    field: &'static str,
    /// The records `r` that refer to one of `$1`.
    from: String,
}

/// All references to an object type, except those of rows that are deleted with it. What replaces a deprecated field
/// refers to the same records.
fn referrers(catalog: &'static Catalog, to: &str) -> Vec<Referrer> {
    let mut referrers = Vec::new();
    for object_type in catalog.record_types() {
        let table = object_type.table;
        let writable_fields = writable_fields::of(object_type, &catalog.object_types);
        for field in writable_fields.iter().filter(|field| field.deprecation.is_none()) {
            let mut refer =
                |from| referrers.push(Referrer { object_type: object_type.name, field: field.name, from });
            match &field.kind {
                WritableKind::Reference { column, to: other } if *other == to => {
                    refer(format!("{table} r where r.{column} = any($1)"));
                }
                WritableKind::Rows(Rows { table: between, owner, columns, .. }) => {
                    let is_to =
                        |column: &&RowColumn| matches!(column.kind, RowKind::Reference(other) if other == to);
                    for RowColumn { column, .. } in columns.iter().filter(is_to) {
                        refer(format!(
                            "{between} l join {table} r on r.id = l.{owner} where l.{column} = any($1)"
                        ));
                    }
                }
                _ => {}
            }
        }
    }
    referrers
}

pub fn constraint_of(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    let refused = error.as_database_error()?.try_downcast_ref::<PgDatabaseError>()?;
    (refused.code().starts_with("23") || refused.code() == TOO_LONG).then_some(refused)
}

fn error(code: &'static str, path: &[&str], message: &str) -> UserError {
    let path: Vec<String> = path.iter().map(|step| (*step).to_owned()).collect();
    UserError { code, path: within(&path), message: message.to_owned() }
}

/// A path in the input, from its root.
fn within(path: &[String]) -> Vec<String> {
    [&["input".to_owned()], path].concat()
}

fn text(value: Option<&Input>) -> Option<String> {
    match value {
        Some(Input::String(text)) => Some(text.clone()),
        _ => None,
    }
}

/// A value as text for a column.
fn json(value: &Input) -> Value {
    match value {
        Input::Null => Value::Null,
        Input::Boolean(value) => (*value).into(),
        Input::Number(number) => Value::Number(number.clone()),
        Input::String(text) => text.as_str().into(),
        Input::Enum(name) => name.as_str().into(),
        other => other.to_string().into(),
    }
}
