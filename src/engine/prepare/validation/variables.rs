//! The rules about variables: each is defined once, used, and used only where its type is allowed.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name, Positioned,
    parser::types::{
        Directive, DocumentOperations, ExecutableDocument, FragmentDefinition, OperationDefinition,
        Selection, SelectionSet, VariableDefinition,
    },
    registry::{MetaInputValue, MetaType, MetaTypeName, Registry},
};
use async_graphql_value::{ConstValue, Value as Literal};

use crate::{
    engine::prepare::{
        syntax::invalid,
        validation::{item, root},
    },
    error::{ApiError, Code},
};

/// Errors of variables in a document whose names are all known. A nullable variable that is allowed only because of
/// its default is made non-null, so that an explicit null is refused.
pub fn check(registry: &Registry, ast: &mut ExecutableDocument) -> Vec<ApiError> {
    let operations: Vec<&mut Positioned<OperationDefinition>> = match &mut ast.operations {
        DocumentOperations::Single(operation) => vec![operation],
        DocumentOperations::Multiple(operations) => operations.values_mut().collect(),
    };
    let mut api_errors = Vec::new();
    for operation in operations {
        let operation = &mut operation.node;
        let mut usages = Usages {
            registry,
            fragments: &ast.fragments,
            definitions: HashMap::new(),
            entered: HashSet::new(),
            used: HashSet::new(),
            never_null: HashSet::new(),
            api_errors: &mut api_errors,
        };
        for definition in &operation.variable_definitions {
            let name = &definition.node.name.node;
            if usages.definitions.insert(name, definition).is_some() {
                let message = format!("The variable `${name}` is defined twice.");
                usages.api_errors.push(invalid(definition.pos, message));
            }
        }
        usages.directives(&operation.directives);
        usages.selections(root(registry, operation.ty).unwrap_or_default(), &operation.selection_set.node);
        for definition in &operation.variable_definitions {
            if !usages.used.contains(&definition.node.name.node) {
                let message = format!("The variable `${}` is never used.", definition.node.name.node);
                usages.api_errors.push(invalid(definition.pos, message));
            }
        }
        let never_null = usages.never_null;
        for definition in &mut operation.variable_definitions {
            if never_null.contains(&definition.node.name.node) {
                definition.node.var_type.node.nullable = false;
            }
        }
    }
    api_errors
}

/// Where the variables of one operation are used.
struct Usages<'a> {
    registry: &'a Registry,
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    definitions: HashMap<&'a Name, &'a Positioned<VariableDefinition>>,
    /// Fragments that were visited.
    entered: HashSet<&'a Name>,
    used: HashSet<Name>,
    never_null: HashSet<Name>,
    api_errors: &'a mut Vec<ApiError>,
}

impl<'a> Usages<'a> {
    fn selections(&mut self, parent: &str, set: &'a SelectionSet) {
        for selection in &set.items {
            self.directives(selection.node.directives());
            match &selection.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let parent = self.registry.types.get(parent);
                    // `__typename` has no arguments.
                    let Some(declared) = parent.and_then(|ty| ty.field_by_name(&field.name.node)) else {
                        continue;
                    };
                    self.arguments(&field.arguments, |name| declared.args.get(name));
                    self.selections(MetaTypeName::concrete_typename(&declared.ty), &field.selection_set.node);
                }
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref();
                    let parent = condition.map_or(parent, |condition| &condition.node.on.node);
                    self.selections(parent, &inline.node.selection_set.node);
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = self.fragments.get(name)
                        && self.entered.insert(name)
                    {
                        self.directives(&fragment.node.directives);
                        let parent = &fragment.node.type_condition.node.on.node;
                        self.selections(parent, &fragment.node.selection_set.node);
                    }
                }
            }
        }
    }

    fn directives(&mut self, directives: &[Positioned<Directive>]) {
        for directive in directives {
            if let Some(declared) = self.registry.directives.get(directive.node.name.node.as_str()) {
                self.arguments(&directive.node.arguments, |name| declared.args.get(name));
            }
        }
    }

    fn arguments<'r>(
        &mut self,
        arguments: &[(Positioned<Name>, Positioned<Literal>)],
        declared: impl Fn(&str) -> Option<&'r MetaInputValue>,
    ) {
        for (name, value) in arguments {
            if let Some(declared) = declared(&name.node) {
                self.value(&Position::of(declared), value, &value.node);
            }
        }
    }

    fn value(&mut self, position: &Position<'_>, argument: &Positioned<Literal>, value: &Literal) {
        let ty = position.ty.trim_end_matches('!');
        match value {
            Literal::Variable(name) => self.variable(position, argument, name),
            Literal::List(items) => {
                let ty = item(ty).unwrap_or(ty);
                for value in items {
                    self.value(&Position { ty, has_default: false, of_one: false }, argument, value);
                }
            }
            Literal::Object(fields) => {
                let ty = MetaTypeName::concrete_typename(ty);
                let Some(MetaType::InputObject { input_fields, oneof, .. }) = self.registry.types.get(ty)
                else {
                    return;
                };
                for (name, value) in fields {
                    if let Some(declared) = input_fields.get(name.as_str()) {
                        self.value(&Position { of_one: *oneof, ..Position::of(declared) }, argument, value);
                    }
                }
            }
            _ => {}
        }
    }

    fn variable(&mut self, position: &Position<'_>, argument: &Positioned<Literal>, name: &Name) {
        self.used.insert(name.clone());
        let Some(definition) = self.definitions.get(name) else {
            let message = format!("The variable `${name}` is not defined by the operation.");
            self.api_errors.push(invalid(argument.pos, message));
            return;
        };
        let declared = definition.node.var_type.node.to_string();
        let default = definition.node.default_value.as_ref();
        let has_default =
            position.has_default || default.is_some_and(|default| default.node != ConstValue::Null);
        // The field of a oneOf input object is never null.
        let expected = if position.of_one { format!("{}!", position.ty) } else { position.ty.to_owned() };
        let allowed = match expected.strip_suffix('!') {
            Some(inner) if has_default && !declared.ends_with('!') => {
                self.never_null.insert(name.clone());
                fits(&declared, inner)
            }
            _ => fits(&declared, &expected),
        };
        if !allowed {
            let message =
                format!("The variable `${name}` is of type {declared}, but {expected} is required here.");
            self.api_errors.push(ApiError {
                locations: [definition.pos, argument.pos].map(|at| (at.line, at.column)).to_vec(),
                ..ApiError::new(Code::GraphqlValidationFailed, message)
            });
        }
    }
}

/// A position where a value is used.
struct Position<'a> {
    ty: &'a str,
    has_default: bool,
    /// Whether it is the field of a oneOf input object.
    of_one: bool,
}

impl<'a> Position<'a> {
    fn of(declared: &'a MetaInputValue) -> Self {
        Position { ty: &declared.ty, has_default: declared.default_value.is_some(), of_one: false }
    }
}

/// Whether all values of a type are values of another.
fn fits(ty: &str, position: &str) -> bool {
    match (ty.strip_suffix('!'), position.strip_suffix('!')) {
        (Some(ty), inner) => fits(ty, inner.unwrap_or(position)),
        (None, Some(_)) => false,
        (None, None) => match (item(ty), item(position)) {
            (Some(ty), Some(position)) => fits(ty, position),
            (None, None) => ty == position,
            _ => false,
        },
    }
}
