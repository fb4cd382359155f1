//! A subscription must select exactly one root field.

use std::collections::HashSet;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
};

use crate::error::{ApiError, Code};

/// Errors of subscriptions with several root fields, or none.
pub fn check(ast: &ExecutableDocument) -> Vec<ApiError> {
    let operations: Vec<&OperationDefinition> = match &ast.operations {
        DocumentOperations::Single(only) => vec![&only.node],
        DocumentOperations::Multiple(all) => all.values().map(|operation| &operation.node).collect(),
    };
    let subscriptions =
        operations.into_iter().filter(|operation| operation.ty == OperationType::Subscription);
    subscriptions.filter_map(|operation| check_root(ast, operation).err()).collect()
}

fn check_root(ast: &ExecutableDocument, operation: &OperationDefinition) -> Result<(), ApiError> {
    let invalid = |message: &str| ApiError {
        locations: vec![(operation.selection_set.pos.line, operation.selection_set.pos.column)],
        ..ApiError::new(Code::GraphqlValidationFailed, message)
    };
    let mut root = Root { ast, fields: HashSet::new(), entered: HashSet::new(), chosen: false };
    root.collect(&operation.selection_set.node);
    if root.chosen {
        return Err(invalid("The root field of a subscription can't have `@skip` or `@include`."));
    }
    if root.fields.len() != 1 || root.fields.iter().any(|(_, name)| name.starts_with("__")) {
        return Err(invalid("A subscription must select exactly one field of `Subscription`."));
    }
    Ok(())
}

/// The root fields of a subscription, by response key.
struct Root<'a> {
    ast: &'a ExecutableDocument,
    fields: HashSet<(&'a str, &'a str)>,
    entered: HashSet<&'a str>,
    chosen: bool,
}

impl<'a> Root<'a> {
    fn collect(&mut self, set: &'a SelectionSet) {
        for selection in &set.items {
            let directives = selection.node.directives();
            self.chosen |=
                directives.iter().any(|one| matches!(one.node.name.node.as_str(), "skip" | "include"));
            match &selection.node {
                Selection::Field(field) => {
                    let (key, name) = (&field.node.response_key().node, &field.node.name.node);
                    self.fields.insert((key, name));
                }
                Selection::InlineFragment(inline) => self.collect(&inline.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if self.entered.insert(name) {
                        self.collect(&self.ast.fragments[name].node.selection_set.node);
                    }
                }
            }
        }
    }
}
