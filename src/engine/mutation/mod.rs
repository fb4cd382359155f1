//! Mutations: the creation, change and removal of every record, made from what its slice declares.
//!
//! ```text
//! slots      what of a noun is written, and by which input
//! rules      the constraints of the database, asked all at once before anything is written
//! writer     one transaction for each mutation: all of it, or errors that name their fields
//! undo       a change taken back, as far as nobody has changed it since
//! merge      two actors made one, and two again
//! ```

pub mod rules;
pub mod writable_fields;
pub mod writer;

use std::sync::Arc;

use tracing::Instrument;

use crate::{
    auth::caller::Role,
    domain::revisions::Recorded,
    engine::mutation::{
        writable_fields::{Kind, RowKind, Slot},
        writer::{Action, Task, Writer},
    },
    model::{
        Input, InputField,
        object_type::{
            Declared, Enumeration, Field, Form, Kind as FieldKind, Noun, Part, Scalar, column,
            computed::{argument, computed},
            one_of, part, prose, reference, term,
        },
    },
    telemetry::traces,
};

static CODE: Enumeration = Enumeration {
    name: "UserErrorCode",
    sql: "",
    description: "Why a mutation was refused.",
    values: &[
        ("REQUIRED", "A value is missing that every such record has."),
        ("INVALID", "A value breaks a rule."),
        ("TAKEN", "Another record has this value, which only one may have."),
        ("NOT_FOUND", "No record is what the input names."),
        ("IN_USE", "Other records refer to this one."),
        (
            "CONFLICT",
            "Somebody has changed it meanwhile: since the revision that was expected, or since the change to be undone.",
        ),
    ],
};

/// What the schema needs for mutations.
pub struct Mutations {
    pub inputs: Vec<Input>,
    pub nouns: Vec<Noun>,
    pub fields: Vec<Declared>,
}

/// The columns that mutations write, and those that tie rows to their records.
pub fn recorded(nouns: &[Noun]) -> Vec<Recorded> {
    let mut columns: Vec<Recorded> = Vec::new();
    for noun in nouns.iter().filter(|noun| noun.is_record()) {
        let mut add = |table, column, name: Option<String>, to| {
            if !columns.iter().any(|known| (known.table, known.column) == (table, column)) {
                columns.push(Recorded { table, column, name, to });
            }
        };
        add(noun.table, "id", Some("id".to_owned()), Some(noun.name));
        for column in noun.merged.iter().flat_map(|table| ["id", "kept_id"].map(|column| (*table, column))) {
            add(column.0, column.1, None, Some(noun.name));
        }
        for slot in writable_fields::of(noun, nouns) {
            let own = Some(slot.name.to_owned());
            match slot.kind {
                Kind::Value { column, .. } => add(noun.table, column, own, None),
                Kind::Reference { column, to } => add(noun.table, column, own, Some(to)),
                Kind::Rows(rows) => {
                    add(rows.table, rows.owner, None, Some(noun.name));
                    for column in &rows.columns {
                        let within = Some(format!("{}.{}", slot.name, column.name));
                        match column.kind {
                            RowKind::Value(_) => add(rows.table, column.column, within, None),
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

/// A mutation of each kind for every record among the nouns.
pub fn of(nouns: &[Noun]) -> Mutations {
    let user_error = Noun::new(
        "UserError",
        "",
        "Why a mutation was refused, and which part of its input it is about.",
    )
    .field(one_of("code", &CODE, "Why."))
    .field(Field {
        name: "field",
        description: "The way to the part of the input: `[\"input\", \"names\", \"0\", \"language\"]`.",
        kind: FieldKind::Scalars(Scalar::Text),
    })
    .field(prose("message", "What is wrong, in a sentence."));
    let records: Vec<&Noun> = nouns.iter().filter(|noun| noun.is_record()).collect();
    let every_kind = records.iter().map(|noun| (noun.name, "record")).collect();
    let changed = Noun::new("ChangedRecord", "", "A record that was changed back.")
        .field(column("id", Scalar::Id("Record"), "The record's global id."))
        .field(
            reference("record", "Record", every_kind, "The record as it is now; null where it was removed.")
                .maybe(),
        );
    let mut made = Mutations { inputs: Vec::new(), nouns: vec![user_error, changed], fields: Vec::new() };
    let writer = Arc::new(Writer::default());
    for noun in records {
        let slots = writable_fields::of(noun, nouns);
        for slot in &slots {
            if let Some(input) = slot.input()
                && made.inputs.iter().all(|known| known.name != input.name)
            {
                made.inputs.push(input);
            }
        }
        for action in [Action::Create, Action::Update, Action::Delete] {
            let fields = input_fields(action, noun, &slots);
            let slots = writable_fields::of(noun, nouns);
            let name = leak(format!("{}{}", action.verb(), noun.name));
            made.add(
                name,
                Task { action, noun: noun.name, field: field_name(noun.name), slots },
                fields,
                &writer,
            );
        }
    }
    let revision =
        "The revision that `keep` had when it was read: where it has a later one, nothing is changed.";
    let keep = input("keep", "ActorBy!".to_owned(), "The actor that both are from now on.");
    let merge = input("merge", "ActorBy!".to_owned(), "The actor that is the same, and goes.");
    let expected = input("expectedRevision", "RevisionNumber".to_owned(), revision);
    let merged = "The actor that was merged, by the id or the slug that it had.";
    let merged = input("merge", "ActorBy!".to_owned(), merged);
    let undone = "A revision of the change that is to be undone.";
    let undone = input("revision", "RevisionNumber!".to_owned(), undone);
    // Editors may: whatever they do by these can be undone.
    for (name, action, noun, mut fields) in [
        ("MergeActors", Action::Merge, "Actor", vec![keep, merge, expected]),
        ("UnmergeActors", Action::Unmerge, "Actor", vec![merged]),
        ("RevertRevision", Action::Revert, "Revision", vec![undone]),
    ] {
        let task = Task { action, noun, field: field_name(noun), slots: Vec::new() };
        fields.push(client_mutation_id());
        made.add(name, task, fields, &writer);
    }
    made
}

impl Mutations {
    /// A mutation of this name, with its input and its payload.
    fn add(&mut self, name: &'static str, task: Task, fields: Vec<InputField>, writer: &Arc<Writer>) {
        let description = task.action.describe(task.noun);
        self.inputs.push(Input {
            name: format!("{name}Input"),
            description: description.clone(),
            one_of: false,
            fields,
        });
        let payload = leak(format!("{name}Payload"));
        let shape = Noun::new(payload, "", "What a mutation did, or why it did nothing.");
        let record = |what| reference(task.field, task.noun, vec![(task.noun, "")], what).maybe();
        let shape = shape.field(match task.action {
            Action::Create | Action::Update => {
                record("The record as it is now; null where nothing was changed.")
            }
            Action::Delete => column(
                "deletedId",
                Scalar::Id(task.noun),
                "The global id that the record had; null where it was not removed.",
            )
            .maybe(),
            Action::Merge => record("The actor that both are now; null where they were not merged."),
            Action::Unmerge => record("The actor that is itself again; null where it was not."),
            Action::Revert => part(
                "records",
                "ChangedRecord",
                Form::List,
                "The records that were changed back, 100 of them at most; empty where none was.",
            ),
        });
        self.nouns.push(
            shape
                .field(
                    column(
                        "revision",
                        Scalar::RevisionNumber,
                        if task.action == Action::Revert {
                            "The last revision that the undoing left; null where nothing was changed."
                        } else {
                            "The last revision of the record; null where nothing was changed."
                        },
                    )
                    .maybe(),
                )
                .field(part(
                    "userErrors",
                    "UserError",
                    Form::List,
                    "Why nothing was changed; empty where it was.",
                ))
                .field(term("clientMutationId", "The name that the client gave the mutation.").maybe()),
        );
        let (nothing, writer, task) = (task.payload(None, Vec::new(), None), writer.clone(), Arc::new(task));
        let mutation = computed(
            leak(name[..1].to_lowercase() + &name[1..]),
            Part { of: payload, form: Form::One },
            vec![argument("input", leak(format!("{name}Input!")), "What is asked for.")],
            move |asked| {
                let (writer, task) = (writer.clone(), task.clone());
                let span = traces::write(task.field);
                Box::pin(async move { writer.write(&task, asked).await }.instrument(span))
            },
            leak(description),
        );
        self.fields.push(mutation.only_for(Role::Editor).changing(nothing));
    }
}

fn input(name: &str, ty: String, description: &str) -> InputField {
    InputField { name: name.to_owned(), ty, description: description.to_owned() }
}

fn client_mutation_id() -> InputField {
    let what = "A name of the client's own: asked again under it, the first answer comes again and nothing happens twice. It is remembered for a week.";
    input("clientMutationId", "String".to_owned(), what)
}

fn input_fields(action: Action, noun: &Noun, slots: &[Slot]) -> Vec<InputField> {
    let mut fields = Vec::new();
    if action != Action::Create {
        fields.push(input(field_name(noun.name), format!("{}By!", noun.name), "Which record."));
    }
    if action != Action::Delete {
        fields.extend(slots.iter().map(|slot| {
            let needed = action == Action::Create && slot.needed;
            let ty = slot.type_name() + if needed { "!" } else { "" };
            let list = matches!(slot.kind, Kind::Rows(_));
            let whole = if list && action == Action::Update {
                " All of them: those left out are removed."
            } else {
                ""
            };
            input(slot.name, ty, &format!("{}{whole}", slot.description))
        }));
    }
    if action != Action::Create {
        let what = "The revision that the record had when it was read: where it has a later one, nothing is changed.";
        fields.push(input("expectedRevision", "RevisionNumber".to_owned(), what));
    }
    fields.push(client_mutation_id());
    fields
}

/// A noun's name as a field: `actor` of `Actor`.
fn field_name(noun: &'static str) -> &'static str {
    leak(noun.to_lowercase())
}

/// Made once, for as long as the program runs, like the names that the slices write.
fn leak(text: String) -> &'static str {
    text.leak()
}
