//! What a mutation does, and its payload.

use crate::{
    engine::mutation::{
        writable_fields::WritableField,
        writer::{UserError, attach, merge, undo},
    },
    model::object_type::computed::{ComputedValue, REVISION},
};

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
