//! Mutations of every record type, derived from the declarations in domain modules.
//!
//! ```text
//! writable_fields   what an input can write
//! rules             the database's constraints, checked before anything is written
//! writer            one transaction per mutation
//! undo              reverts a change
//! merge             merges two actors, and undoes it
//! attach            adds a version of a source's text
//! texts             keeps texts, and anchors citations in them
//! ```

pub mod rules;
pub mod texts;
pub mod writable_fields;
pub mod writer;

use std::sync::Arc;

use tracing::Instrument;

use crate::{
    auth::caller::Role,
    domain::{revisions::Recorded, texts::VERSIONS},
    engine::mutation::{
        writable_fields::{RowKind, WritableField, WritableKind},
        writer::{Action, Task, Writer},
    },
    model::{
        Input, InputField, naming,
        object_type::{
            Cardinality, Enumeration, Field, FieldDeclaration, FieldKind, ObjectType, Scalar, ValueType,
            column,
            computed::{argument, computed},
            one_of, part, prose, reference, term,
        },
        record_types,
    },
    telemetry::traces,
};

static CODE: Enumeration = Enumeration {
    name: "UserErrorCode",
    sql: "",
    description: "The code of a mutation error.",
    values: &[
        ("REQUIRED", "A required value is missing."),
        ("INVALID", "A value breaks a rule."),
        ("TAKEN", rules::TAKEN),
        ("NOT_FOUND", "The record that the input names does not exist."),
        ("IN_USE", "Other records refer to this one."),
        (
            "CONFLICT",
            "The record was changed since the expected revision, or since the change to be reverted.",
        ),
    ],
    deprecated: &[],
};

pub struct Mutations {
    pub inputs: Vec<Input>,
    pub object_types: Vec<ObjectType>,
    pub fields: Vec<FieldDeclaration>,
}

/// The columns that mutations write, and those that tie rows to their records.
pub fn recorded(object_types: &[ObjectType]) -> Vec<Recorded> {
    let mut columns: Vec<Recorded> = Vec::new();
    for object_type in record_types(object_types) {
        let mut add = |table, column, name: Option<String>, to| {
            if !columns.iter().any(|known| (known.table, known.column) == (table, column)) {
                columns.push(Recorded { table, column, name, to });
            }
        };
        add(object_type.table, "id", Some("id".to_owned()), Some(object_type.name));
        for column in
            object_type.merged.iter().flat_map(|table| ["id", "kept_id"].map(|column| (*table, column)))
        {
            add(column.0, column.1, None, Some(object_type.name));
        }
        for writable_field in writable_fields::of(object_type, object_types) {
            let own = Some(writable_field.name.to_owned());
            match writable_field.kind {
                WritableKind::Value { column, .. } => add(object_type.table, column, own, None),
                WritableKind::Reference { column, to } => add(object_type.table, column, own, Some(to)),
                WritableKind::Rows(rows) => {
                    add(rows.table, rows.owner, None, Some(object_type.name));
                    for column in &rows.columns {
                        let within = Some(format!("{}.{}", writable_field.name, column.name));
                        match column.kind {
                            RowKind::Value(_) | RowKind::Content => {
                                add(rows.table, column.column, within, None);
                            }
                            RowKind::Reference(to) => {
                                let is_whole = rows.one_of || rows.is_reference();
                                let name = if is_whole { own.clone() } else { within };
                                add(rows.table, column.column, name, Some(to));
                            }
                        }
                    }
                }
            }
        }
    }
    columns
}

/// The mutations of every record type.
pub fn of(object_types: &[ObjectType]) -> Mutations {
    let mut made = Mutations {
        inputs: Vec::new(),
        object_types: vec![user_error(), changed_record(object_types)],
        fields: Vec::new(),
    };
    let writer = Arc::new(Writer::default());
    for object_type in record_types(object_types) {
        made.add_edits(object_type, object_types, &writer);
    }
    made.add_attaching(object_types, &writer);
    made.add_merging_and_reverting(&writer);
    made
}

fn user_error() -> ObjectType {
    ObjectType::new("UserError", "", "An error of a mutation, and the input field that caused it.")
        .field(one_of("code", &CODE, "The error code."))
        .field(Field::new(
            "field",
            "The path of the input field: `[\"input\", \"names\", \"0\", \"language\"]`.",
            FieldKind::Scalars(Scalar::Text),
        ))
        .field(prose("message", "The error message."))
}

fn changed_record(object_types: &[ObjectType]) -> ObjectType {
    let every_kind = record_types(object_types).map(|object_type| (object_type.name, "record")).collect();
    ObjectType::new("ChangedRecord", "", "A record that a revert changed.")
        .field(column("id", Scalar::Id("Record"), "The record's global id."))
        .field(
            reference("record", "Record", every_kind, "The record as it is now; null if it was deleted.")
                .nullable(),
        )
}

impl Mutations {
    /// The mutations that create, update and delete records of one type.
    fn add_edits(&mut self, object_type: &ObjectType, object_types: &[ObjectType], writer: &Arc<Writer>) {
        let writable_fields = given_whole(object_type, object_types);
        for writable_field in &writable_fields {
            if let Some(input) = writable_field.input()
                && self.inputs.iter().all(|known| known.name != input.name)
            {
                self.inputs.push(input);
            }
        }
        for action in [Action::Create, Action::Update, Action::Delete] {
            let fields = input_fields(action, object_type, &writable_fields);
            let task = Task {
                action,
                object_type: object_type.name,
                field: field_name(object_type.name),
                writable_fields: given_whole(object_type, object_types),
            };
            self.add(leak(format!("{}{}", action.verb(), object_type.name)), task, fields, writer);
        }
    }

    fn add_attaching(&mut self, object_types: &[ObjectType], writer: &Arc<Writer>) {
        let Some(versions) = object_types.iter().find(|object_type| object_type.table == VERSIONS) else {
            return;
        };
        let mut task = Task {
            action: Action::Attach,
            object_type: "Source",
            field: "source",
            writable_fields: writable_fields::of_added_row(versions),
        };
        for field in task.writable_fields.iter_mut().filter(|field| field.name == "mediaType") {
            field.needed = false;
        }
        let source = object_types.iter().find(|object_type| object_type.name == task.object_type);
        let fields = input_fields(task.action, source.expect("a type of records"), &task.writable_fields);
        self.add("AttachSourceText", task, fields, writer);
    }

    /// Editors may use these, because they can be reverted.
    fn add_merging_and_reverting(&mut self, writer: &Arc<Writer>) {
        let keep = input("keep", "ActorBy!".to_owned(), "The actor that remains.");
        let merge = input("merge", "ActorBy!".to_owned(), "The actor that is merged into it.");
        let expected = input(
            "expectedRevision",
            "RevisionNumber".to_owned(),
            "Change nothing if `keep` has a later revision than this one.",
        );
        let merged = input(
            "merge",
            "ActorBy!".to_owned(),
            "The actor that was merged, by the id or the slug that it had.",
        );
        let undone = input("revision", "RevisionNumber!".to_owned(), "A revision of the change to revert.");
        for (name, action, object_type, mut fields) in [
            ("MergeActors", Action::Merge, "Actor", vec![keep, merge, expected]),
            ("UnmergeActors", Action::Unmerge, "Actor", vec![merged]),
            ("RevertRevision", Action::Revert, "Revision", vec![undone]),
        ] {
            let field = field_name(object_type);
            let task = Task { action, object_type, field, writable_fields: Vec::new() };
            fields.push(client_mutation_id());
            self.add(name, task, fields, writer);
        }
    }

    /// Adds a mutation with its input and payload.
    fn add(&mut self, name: &'static str, task: Task, fields: Vec<InputField>, writer: &Arc<Writer>) {
        let description = task.action.describe(task.object_type);
        self.inputs.push(Input {
            name: format!("{name}Input"),
            description: description.clone(),
            one_of: false,
            fields,
        });
        let payload = leak(format!("{name}Payload"));
        self.object_types.push(payload_type(payload, &task));
        let (nothing, writer, task) = (task.payload(None, Vec::new(), None), writer.clone(), Arc::new(task));
        let mutation = computed(
            leak(naming::camel_case(name)),
            ValueType { of: payload, form: Cardinality::One },
            vec![argument("input", leak(format!("{name}Input!")), "The values of the mutation.")],
            move |context| {
                let (writer, task) = (writer.clone(), task.clone());
                let span = traces::write(task.field);
                Box::pin(async move { writer.write(&task, context).await }.instrument(span))
            },
            leak(description),
        );
        self.fields.push(mutation.requires_role(Role::Editor).mutating(nothing));
    }
}

fn payload_type(name: &'static str, task: &Task) -> ObjectType {
    let record =
        |what| reference(task.field, task.object_type, vec![(task.object_type, "")], what).nullable();
    let result = match task.action {
        Action::Create | Action::Update | Action::Attach => {
            record("The record as it is now; null if nothing was changed.")
        }
        Action::Delete => column(
            "deletedId",
            Scalar::Id(task.object_type),
            "The global id of the deleted record; null if it was not deleted.",
        )
        .nullable(),
        Action::Merge => record("The actor that remains; null if they were not merged."),
        Action::Unmerge => record("The restored actor; null if nothing was changed."),
        Action::Revert => part(
            "records",
            "ChangedRecord",
            Cardinality::List,
            "The records that were reverted, at most 100.",
        ),
    };
    let last = if task.action == Action::Revert {
        "The last revision of the revert; null if nothing was changed."
    } else {
        "The last revision of the record; null if nothing was changed."
    };
    ObjectType::new(name, "", "The result of a mutation, or the reasons why it changed nothing.")
        .field(result)
        .field(column("revision", Scalar::RevisionNumber, last).nullable())
        .field(part(
            "userErrors",
            "UserError",
            Cardinality::List,
            "Why nothing was changed; empty if the mutation succeeded.",
        ))
        .field(term("clientMutationId", "The idempotency key that the client sent.").nullable())
}

fn input(name: &str, ty: String, description: &str) -> InputField {
    InputField { name: name.to_owned(), ty, description: description.to_owned(), deprecation: None }
}

fn client_mutation_id() -> InputField {
    let what = "An idempotency key of the client: a retry with the same key returns the first response and changes nothing. Stored for a week.";
    input("clientMutationId", "String".to_owned(), what)
}

fn input_fields(
    action: Action,
    object_type: &ObjectType,
    writable_fields: &[WritableField],
) -> Vec<InputField> {
    let mut fields = Vec::new();
    if action != Action::Create {
        fields.push(input(field_name(object_type.name), format!("{}By!", object_type.name), "The record."));
    }
    if action != Action::Delete {
        fields.extend(writable_fields.iter().map(|writable_field| {
            let needed = matches!(action, Action::Create | Action::Attach) && writable_field.needed;
            let ty = writable_field.type_name() + if needed { "!" } else { "" };
            let list = matches!(writable_field.kind, WritableKind::Rows(_));
            let whole = if list && action == Action::Update { " Replaces the whole list." } else { "" };
            let description = format!("{}{whole}", writable_field.description);
            // A required field can't be deprecated.
            let deprecation = writable_field.deprecation.filter(|_| !needed);
            InputField { deprecation, ..input(writable_field.name, ty, &description) }
        }));
    }
    if action != Action::Create {
        let what = "Change nothing if the record has a later revision than this one.";
        fields.push(input("expectedRevision", "RevisionNumber".to_owned(), what));
    }
    fields.push(client_mutation_id());
    fields
}

/// The fields that create and update write.
fn given_whole(object_type: &ObjectType, object_types: &[ObjectType]) -> Vec<WritableField> {
    let fields = writable_fields::of(object_type, object_types).into_iter();
    fields.filter(WritableField::is_given_whole).collect()
}

/// An object type's name as a field.
fn field_name(object_type: &'static str) -> &'static str {
    leak(naming::camel_case(object_type))
}

/// Allocated once for the life of the program, like the names in domain modules.
fn leak(text: String) -> &'static str {
    text.leak()
}
