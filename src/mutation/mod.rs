//! Mutations: the creation, change and removal of every record, made from what its slice declares.
//!
//! ```text
//! slots      what of a noun is written, and by which input
//! rules      the constraints of the database, asked all at once before anything is written
//! writer     one transaction for each mutation: all of it, or errors that name their fields
//! ```

pub mod rules;
pub mod slots;
mod writer;

use std::sync::Arc;

use self::{
    slots::{Kind, Slot},
    writer::{Action, Writer},
};
use crate::{
    caller::Role,
    query::{
        catalog::{Input, InputField},
        computed::{argument, computed},
        noun::{
            Declared, Enumeration, Field, Form, Kind as FieldKind, Noun, Part, Scalar, column, one_of, part,
            prose, reference, term,
        },
    },
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
        ("CONFLICT", "The record has changed since the revision that was expected."),
    ],
};

/// What the schema needs for mutations.
pub struct Mutations {
    pub inputs: Vec<Input>,
    pub nouns: Vec<Noun>,
    pub fields: Vec<Declared>,
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
    let mut made = Mutations { inputs: Vec::new(), nouns: vec![user_error], fields: Vec::new() };
    let writer = Arc::new(Writer::default());
    for noun in nouns.iter().filter(|noun| noun.interfaces.contains(&"Record")) {
        let slots = slots::of(noun, nouns);
        for slot in &slots {
            if let Some(input) = slot.input()
                && made.inputs.iter().all(|known| known.name != input.name)
            {
                made.inputs.push(input);
            }
        }
        for action in [Action::Create, Action::Update, Action::Delete] {
            made.add(action, noun, &slots, &writer);
        }
    }
    made
}

impl Mutations {
    fn add(&mut self, action: Action, noun: &Noun, slots: &[Slot], writer: &Arc<Writer>) {
        let name = noun.name;
        let verb = action.verb();
        self.inputs.push(Input {
            name: format!("{verb}{name}Input"),
            description: action.describe(name),
            one_of: false,
            fields: input_fields(action, noun, slots),
        });
        let payload = leak(format!("{verb}{name}Payload"));
        let shape = Noun::new(payload, "", "What a mutation did, or why it did nothing.");
        let shape = if action == Action::Delete {
            shape.field(
                column(
                    "deletedId",
                    Scalar::Id(name),
                    "The global id that the record had; null where it was not removed.",
                )
                .maybe(),
            )
        } else {
            let what = "The record as it is now; null where nothing was changed.";
            shape.field(reference(field_name(name), name, vec![(name, "")], what).maybe())
        };
        self.nouns.push(
            shape
                .field(
                    column(
                        "revision",
                        Scalar::RevisionNumber,
                        "The last revision of the record; null where nothing was changed.",
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
        let input_type = leak(format!("{verb}{name}Input!"));
        let writer = writer.clone();
        let mutation = computed(
            leak(format!("{}{name}", verb.to_lowercase())),
            Part { of: payload, form: Form::One },
            vec![argument("input", input_type, "What is asked for.")],
            move |asked| {
                let writer = writer.clone();
                Box::pin(async move { writer.write(action, name, asked).await })
            },
            leak(action.describe(name)),
        );
        self.fields.push(mutation.only_for(Role::Editor));
    }
}

fn input_fields(action: Action, noun: &Noun, slots: &[Slot]) -> Vec<InputField> {
    let input = |name: &str, ty: String, description: &str| InputField {
        name: name.to_owned(),
        ty,
        description: description.to_owned(),
    };
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
    let what = "A name of the client's own: asked again under it, the first answer comes again and nothing happens twice.";
    fields.push(input("clientMutationId", "String".to_owned(), what));
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
