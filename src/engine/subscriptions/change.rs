//! Changes: the revisions that one transaction made of one record, sent together, and the actors and topics that the
//! record mentioned.

use async_graphql::Value;
use sqlx::{Row, postgres::PgRow};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    database::reader::Reader,
    domain::revisions::OPERATION,
    engine::sql::lookup_id,
    error::ApiError,
    model::{
        Catalog, naming,
        object_type::{
            Cardinality, Enumeration, FieldDeclaration, FieldKind, Join, ObjectType, OwnedItem, OwnedList,
            Scalar, ToMany, ValueType, Writability, column,
            computed::{Argument, Arguments, ComputedValue, argument, computed, record},
            one_of, reference, references, term,
        },
        pagination::{self, MAX_PAGE},
        record_types,
        sql::rfc_3339,
    },
};

/// A change of one record, as one transaction made it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its last revision; changes are sent in this order.
    pub number: i64,
    object_type: &'static str,
    id: i64,
    actors: Vec<i64>,
    topics: Vec<i64>,
    tree: ComputedValue,
}

impl Change {
    /// Seconds since it was recorded.
    pub fn lag(&self) -> Option<f64> {
        let ComputedValue::Text(recorded) = self.tree.field("recordedAt") else { return None };
        let recorded = OffsetDateTime::parse(recorded, &Rfc3339).ok()?;
        Some((OffsetDateTime::now_utc() - recorded).as_seconds_f64().max(0.0))
    }

    /// The change as its subscribers select it.
    pub fn tree(&self) -> &ComputedValue {
        &self.tree
    }
}

pub fn object_types(records: &[ObjectType]) -> Vec<ObjectType> {
    let record = reference(
        "record",
        "Record",
        record_types(records).map(|object_type| (object_type.name, "")).collect(),
        "The record as it is now; null if it was deleted. For a merged actor, the one that it was merged into.",
    );
    vec![
        ObjectType::new("Change", "", "A change of a record: everything that one transaction did to it.")
            .field(one_of("operation", &OPERATION, "The operation on the record."))
            .field(column(
                "revision",
                Scalar::RevisionNumber,
                "Its last revision: send it as `since` to get later changes.",
            ))
            .field(column(
                "number",
                Scalar::RevisionNumber,
                "The number of the change: the number of its first revision. Records that were changed together share it (`Revision.change`).",
            ))
            .field(term("requester", "The requester: the name of the key, token or command that made the change."))
            .field(column("recordedAt", Scalar::DateTime, "When it was made."))
            .field(column("recordId", Scalar::Id(""), "The global id of the record, even if it was deleted."))
            .field(record.nullable())
            .field(references(
                "revisions",
                "Revision",
                vec![("Revision", "")],
                "The revisions of the record in this change, in order. Each says what was done to one row.",
            )),
    ]
}

/// The field of the root: what happened is its value.
pub fn fields(records: &[ObjectType]) -> Vec<FieldDeclaration> {
    let values = record_types(records).map(|record| (naming::constant_case(record.name), record.description));
    let types = Argument {
        of: Some(Enumeration::of("RecordType", "A type of record.", values)),
        ..argument("types", "[RecordType!]", "Only changes of records of these types.")
    };
    let arguments = vec![
        types,
        argument("ids", "[ID!]", "Only changes of these records, at most 100."),
        argument(
            "topic",
            "TopicBy",
            "Only changes of this topic or a sub-topic, and of records that are or were on one of them.",
        ),
        argument(
            "actor",
            "ActorBy",
            "Only changes of this actor, and of records that are or were tied to it: statements, meetings, positions, commentaries, sources.",
        ),
        argument(
            "since",
            "RevisionNumber",
            "Resume after this revision: earlier changes after it come first, each once. Default: only new changes.",
        ),
    ];
    let changes = computed(
        "changes",
        ValueType { of: "Change", form: Cardinality::One },
        arguments,
        |context| {
            let event = context.event.cloned().unwrap_or(ComputedValue::Null);
            Box::pin(async move { Ok(vec![event]) })
        },
        "Changes of records as they are committed at any server, in order of revisions.",
    );
    vec![changes.free()]
}

/// The filter of a subscription.
#[derive(Debug, Default, PartialEq)]
pub struct Filter {
    types: Option<Vec<&'static str>>,
    ids: Option<Vec<(String, i64)>>,
    topic: Option<i64>,
    actor: Option<i64>,
}

impl Filter {
    /// What the arguments select, and since when.
    pub async fn read(
        reader: &Reader,
        catalog: &Catalog,
        wanted: &Arguments,
    ) -> Result<(Filter, Option<i64>), ApiError> {
        let list = |name| match wanted.get(name) {
            Some(Value::List(values)) => Some(values.as_slice()),
            _ => None,
        };
        let types = list("types").map(|types| {
            let types: Vec<String> = types.iter().map(text).collect();
            let is_wanted = |record: &&ObjectType| types.contains(&naming::constant_case(record.name));
            catalog.record_types().filter(is_wanted).map(|record| record.name).collect()
        });
        let ids = list("ids").map(|ids| read_ids(catalog, ids)).transpose()?;
        let since = match wanted.get("since") {
            Some(Value::Number(number)) => number.as_i64(),
            _ => None,
        };
        let topic = record(reader, lookup_id, catalog.named("Topic"), wanted, "topic").await?;
        let actor = record(reader, lookup_id, catalog.named("Actor"), wanted, "actor").await?;
        Ok((Filter { types, ids, topic, actor }, since))
    }

    pub fn passes(&self, change: &Change) -> bool {
        self.types.as_ref().is_none_or(|types| types.contains(&change.object_type))
            && self.ids.as_ref().is_none_or(|ids| {
                ids.iter().any(|(object_type, id)| object_type == change.object_type && *id == change.id)
            })
            && self.topic.is_none_or(|topic| change.topics.contains(&topic))
            && self.actor.is_none_or(|actor| change.actors.contains(&actor))
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Enum(name) => name.to_string(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn read_ids(catalog: &Catalog, ids: &[Value]) -> Result<Vec<(String, i64)>, ApiError> {
    if ids.len() > usize::try_from(MAX_PAGE).unwrap_or(usize::MAX) {
        let message = format!("`ids` has {} entries; the maximum is {MAX_PAGE}.", ids.len());
        return Err(ApiError::bad_input("ids", message));
    }
    let read = |(index, id): (usize, &Value)| {
        let is_record = |(object_type, _): &(String, i64)| {
            catalog.record_types().any(|record| record.name == object_type)
        };
        pagination::parse_global_id(&text(id)).filter(is_record).ok_or_else(|| {
            let field = format!("ids[{index}]");
            let message = format!("`{field}` is not the id of a record.");
            ApiError::bad_input(field, message)
        })
    };
    ids.iter().enumerate().map(read).collect()
}

/// A column by which a record refers to an actor or a topic: of its own row, or of rows that belong to it.
struct Mention {
    of: &'static str,
    table: &'static str,
    owner: &'static str,
    column: &'static str,
    to_topic: bool,
}

/// The mentions of all records, as their domain modules declare them: references, and lists that are written with
/// the record.
fn mentions(catalog: &Catalog) -> Vec<Mention> {
    let mut mentions = Vec::new();
    for record in catalog.record_types() {
        let (of, own) = (record.history_column(), record.table);
        let mut mention = |table, owner, to: &str, column| {
            if to == "Actor" || to == "Topic" {
                mentions.push(Mention { of, table, owner, column, to_topic: to == "Topic" });
            }
        };
        for field in &record.fields {
            match &field.kind {
                FieldKind::ToOne(one) => {
                    one.choices.iter().for_each(|(to, column)| mention(own, "id", to, column));
                }
                FieldKind::ToMany(ToMany {
                    to,
                    via: Join::Link(link, owner, column),
                    written: Writability::Link(_),
                    ..
                }) => {
                    mention(link, owner, to, column);
                }
                FieldKind::OwnedList(OwnedList { of: OwnedItem::Reference(one), table, owner, .. }) => {
                    one.choices.iter().for_each(|(to, column)| mention(table, owner, to, column));
                }
                _ => {}
            }
        }
    }
    mentions
}

/// The changes after a revision (`$1`), so many at most (`$2`), in order: one statement for all of them. Which actors
/// and topics a record mentioned is what the change touched, before and after, and what it left alone: that is known
/// from the next revision of the same row, or from the row as it is now.
///
/// `offset 0` keeps the database from reading whole tables, because it can't estimate how few rows are needed.
pub fn statement(catalog: &Catalog) -> String {
    let records: Vec<(&str, &str)> =
        catalog.record_types().map(|record| (record.name, record.history_column())).collect();
    let columns: Vec<&str> = records.iter().map(|(_, column)| *column).collect();
    let mentions = mentions(catalog);
    let types = records.iter().map(|(name, column)| format!("when {column} is not null then '{name}'"));
    let types: Vec<String> = types.collect();
    format!(
        "with recursive {},
        {},
        {},
        mentioned as (
            select number, to_topic, id from touched where id is not null
            union
            select number, to_topic, id from (
                select distinct on (number, part, field, id) number, to_topic, id, is_there
                from known where id is not null
                order by number, part, field, id, at nulls last, is_there desc
            ) as first where is_there
            union
            select number, topic_id is not null, coalesce(topic_id, actor_id) from reported
            where coalesce(topic_id, actor_id) is not null
        ),
        within (number, id) as (
            select number, id from mentioned where to_topic
            union
            select within.number, topics.parent_id
            from within join topics on topics.id = within.id where topics.parent_id is not null
        )
        select number, change, operation, requester, revisions,
               {} as recorded_at,
               case {} end as object_type, coalesce({}) as id,
               array(
                   select mentioned.id from mentioned
                   where mentioned.number = reported.number and not mentioned.to_topic
               ) as actors,
               array(select within.id from within where within.number = reported.number) as topics
        from reported order by number",
        reported(&columns),
        touched(&mentions),
        known(&columns, &mentions),
        rfc_3339("recorded_at"),
        types.join(" "),
        columns.join(", "),
    )
}

/// SQL for the changes of records, with their revisions.
fn reported(columns: &[&str]) -> String {
    let columns = columns.join(", ");
    format!(
        "page as materialized (
            select id, change from revisions where id > $1 order by id limit $2
        ),
        reported as materialized (
            select change, {columns}, max(id) as number, array_agg(id order by id) as revisions,
                   max(requester) as requester, max(recorded_at) as recorded_at,
                   case when bool_or(operation = 'MERGE') then 'MERGE'
                        when bool_or(operation = 'DELETE') then 'DELETE'
                        when bool_or(operation = 'CREATE') then 'CREATE'
                        else 'UPDATE' end as operation
            from revisions
            where id between (select change from page order by id limit 1)
                  and (select max(id) from revisions where change = (select change from page order by id desc limit 1))
            group by change, {columns}
            having max(id) > $1
            order by max(id) limit $2
        )"
    )
}

/// SQL for what the rows that a change touched mentioned, before and after.
fn touched(mentions: &[Mention]) -> String {
    let values = mentions
        .iter()
        .map(|Mention { table, column, to_topic, .. }| format!("('{table}', '{column}', {to_topic})"));
    format!(
        "mentions (part, field, to_topic) as (values {}),
        touched as (
            select reported.number, mentions.to_topic, value.id
            from reported
            cross join lateral (
                select part, old_value, new_value from revisions where id = any(reported.revisions) offset 0
            ) as revisions
            join mentions on mentions.part = revisions.part
            cross join lateral (values
                ((revisions.old_value ->> mentions.field)::bigint), ((revisions.new_value ->> mentions.field)::bigint)
            ) as value (id)
        )",
        values.collect::<Vec<_>>().join(", ")
    )
}

/// SQL for what rows mention that a change left alone: by their next revisions, and as they are now.
fn known(columns: &[&str], mentions: &[Mention]) -> String {
    let later = columns.iter().map(|column| {
        format!(
            "
            select reported.number, mentions.part, mentions.field, mentions.to_topic, value.id, value.is_there, revisions.id as at
            from reported
            cross join lateral (
                select id, part, old_value, new_value from revisions
                where {column} = reported.{column} and id > reported.number offset 0
            ) as revisions
            join mentions on mentions.part = revisions.part
            cross join lateral (values
                ((revisions.old_value ->> mentions.field)::bigint, true), ((revisions.new_value ->> mentions.field)::bigint, false)
            ) as value (id, is_there)"
        )
    });
    let now = mentions.iter().map(|Mention { of, table, owner, column, to_topic }| {
        format!(
            "
            select reported.number, '{table}', '{column}', {to_topic}, t.{column}, true, null
            from reported cross join lateral (select {column} from {table} where {owner} = reported.{of} offset 0) as t"
        )
    });
    format!("known as ({}\n        )", later.chain(now).collect::<Vec<_>>().join(" union all"))
}

/// A row of that statement.
pub fn read(catalog: &'static Catalog, row: &PgRow) -> Result<Change, sqlx::Error> {
    let object_type: String = row.try_get("object_type")?;
    let object_type = catalog.object_type(&object_type).ok_or(sqlx::Error::RowNotFound)?.name;
    let (id, number): (i64, i64) = (row.try_get("id")?, row.try_get("number")?);
    let operation: String = row.try_get("operation")?;
    let record =
        if operation == "DELETE" { ComputedValue::Null } else { ComputedValue::MaybeRecord(object_type, id) };
    let revisions: Vec<i64> = row.try_get("revisions")?;
    let revisions = revisions.into_iter().map(|id| ComputedValue::Record("Revision", id));
    let tree = ComputedValue::Object(vec![
        ("operation", ComputedValue::Text(operation)),
        ("revision", ComputedValue::Int(number)),
        ("number", ComputedValue::Int(row.try_get("change")?)),
        ("requester", ComputedValue::Text(row.try_get("requester")?)),
        ("recordedAt", ComputedValue::Text(row.try_get("recorded_at")?)),
        ("recordId", ComputedValue::Text(pagination::global_id(object_type, id))),
        ("record", record),
        ("revisions", ComputedValue::List(revisions.collect())),
    ]);
    Ok(Change {
        number,
        object_type,
        id,
        actors: row.try_get("actors")?,
        topics: row.try_get("topics")?,
        tree,
    })
}
