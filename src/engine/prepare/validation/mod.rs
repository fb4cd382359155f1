//! The specification's validation rules, except those about variables (`variables`), about fields with the same name
//! (`overlapping_fields`) and about subscriptions (`subscription_root`). Each definition is visited once, so
//! fragments cost their length, not their expansion.

mod overlapping_fields;
mod subscription_root;
mod variables;

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name, Pos, Positioned,
    indexmap::IndexMap,
    parser::types::{
        BaseType, Directive, ExecutableDocument, Field, FragmentDefinition, OperationType, Selection,
        SelectionSet, Type, TypeCondition, VariableDefinition,
    },
    registry::{__DirectiveLocation as Location, MetaInputValue, MetaType, MetaTypeName, Registry},
};
use async_graphql_value::{ConstValue, Value as Literal};

use crate::{engine::prepare::syntax::invalid, error::ApiError};

/// Maximum number of errors per document.
const MOST: usize = 100;
/// Longer names get no suggestions.
const LONGEST_NAME: usize = 64;
/// Maximum number of suggestions.
const PROPOSED: usize = 3;

/// All errors of a document, by position. Adjusts the types of variables that have defaults.
pub fn check(registry: &Registry, suggestions: bool, ast: &mut ExecutableDocument) -> Vec<ApiError> {
    let mut api_errors = Checker::new(registry, suggestions, ast).check(ast);
    if api_errors.is_empty() {
        // The later rules rely on known names.
        api_errors = variables::check(registry, ast);
        api_errors.extend(subscription_root::check(ast));
        api_errors.extend(overlapping_fields::check(registry, ast));
    }
    api_errors.sort_by(|one, other| one.locations.cmp(&other.locations));
    api_errors.truncate(MOST);
    api_errors
}

/// The root type of an operation.
pub fn root(registry: &Registry, ty: OperationType) -> Option<&str> {
    match ty {
        OperationType::Query => Some(&registry.query_type),
        OperationType::Mutation => registry.mutation_type.as_deref(),
        OperationType::Subscription => registry.subscription_type.as_deref(),
    }
}

/// The type of a list's items.
pub fn item(ty: &str) -> Option<&str> {
    ty.strip_prefix('[')?.strip_suffix(']')
}

struct Checker<'a> {
    registry: &'a Registry,
    suggestions: bool,
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    api_errors: Vec<ApiError>,
}

impl<'a> Checker<'a> {
    fn new(registry: &'a Registry, suggestions: bool, ast: &'a ExecutableDocument) -> Self {
        Checker { registry, suggestions, fragments: &ast.fragments, api_errors: Vec::new() }
    }

    fn check(mut self, ast: &ExecutableDocument) -> Vec<ApiError> {
        let mut used = HashSet::new();
        for (_, Positioned { pos, node: operation }) in ast.operations.iter() {
            let location = match operation.ty {
                OperationType::Query => Location::QUERY,
                OperationType::Mutation => Location::MUTATION,
                OperationType::Subscription => Location::SUBSCRIPTION,
            };
            self.directives(&operation.directives, location);
            for definition in &operation.variable_definitions {
                self.variable(definition);
            }
            match root(self.registry, operation.ty).and_then(|name| self.registry.types.get(name)) {
                Some(root) => self.selections(root, &operation.selection_set.node),
                None => self.invalid(*pos, format!("The schema has no {}.", operation.ty)),
            }
            self.reach(&operation.selection_set.node, &mut used);
        }
        for (name, Positioned { pos, node: fragment }) in &ast.fragments {
            self.directives(&fragment.directives, Location::FRAGMENT_DEFINITION);
            if let Some(ty) = self.condition(&fragment.type_condition) {
                self.selections(ty, &fragment.selection_set.node);
            }
            if !used.contains(name) {
                self.invalid(*pos, format!("The fragment `{name}` is never used."));
            }
        }
        self.api_errors
    }

    fn invalid(&mut self, pos: Pos, message: impl Into<String>) {
        if self.api_errors.len() < MOST {
            self.api_errors.push(invalid(pos, message));
        }
    }

    /// An invalid value, with its path from the argument or variable.
    fn invalid_value(&mut self, pos: Pos, path: &str, message: String) {
        if self.api_errors.len() < MOST {
            self.api_errors.push(ApiError { field: Some(path.to_owned()), ..invalid(pos, message) });
        }
    }

    /// Adds the fragments that a selection uses.
    fn reach(&self, set: &SelectionSet, used: &mut HashSet<Name>) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => self.reach(&field.node.selection_set.node, used),
                Selection::InlineFragment(inline) => self.reach(&inline.node.selection_set.node, used),
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = self.fragments.get(name)
                        && used.insert(name.clone())
                    {
                        self.reach(&fragment.node.selection_set.node, used);
                    }
                }
            }
        }
    }

    fn selections(&mut self, parent: &'a MetaType, set: &SelectionSet) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => self.field(parent, field),
                Selection::InlineFragment(inline) => {
                    self.directives(&inline.node.directives, Location::INLINE_FRAGMENT);
                    let ty = match &inline.node.type_condition {
                        Some(condition) => self.condition(condition),
                        None => Some(parent),
                    };
                    let Some(ty) = ty else { continue };
                    self.possible(parent, ty, inline.pos);
                    self.selections(ty, &inline.node.selection_set.node);
                }
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.node.directives, Location::FRAGMENT_SPREAD);
                    let Positioned { pos, node: name } = &spread.node.fragment_name;
                    let Some(fragment) = self.fragments.get(name) else {
                        let known = self.fragments.keys().map(Name::as_str);
                        let suggestions = self.suggestions(name, known);
                        self.invalid(*pos, format!("There is no fragment `{name}`.{suggestions}"));
                        continue;
                    };
                    let condition = fragment.node.type_condition.node.on.node.as_str();
                    // The definition of the fragment reports its unknown type.
                    if let Some(ty) = self.registry.types.get(condition).filter(|ty| ty.is_composite()) {
                        self.possible(parent, ty, spread.pos);
                    }
                }
            }
        }
    }

    /// The type of a fragment, if it has fields.
    fn condition(&mut self, condition: &Positioned<TypeCondition>) -> Option<&'a MetaType> {
        let Positioned { pos, node: name } = &condition.node.on;
        let ty = self.ty(*pos, name)?;
        if !ty.is_composite() {
            self.invalid(*pos, format!("A fragment can't be on `{name}`, because it has no fields."));
            return None;
        }
        Some(ty)
    }

    fn ty(&mut self, pos: Pos, name: &str) -> Option<&'a MetaType> {
        let ty = self.registry.types.get(name);
        if ty.is_none() {
            let suggestions = self.suggestions(name, self.registry.types.keys().map(String::as_str));
            self.invalid(pos, format!("There is no type `{name}`.{suggestions}"));
        }
        ty
    }

    fn possible(&mut self, parent: &MetaType, ty: &MetaType, pos: Pos) {
        if !parent.type_overlap(ty) {
            let (parent, ty) = (parent.name(), ty.name());
            self.invalid(
                pos,
                format!("A fragment on `{ty}` can't be used here: `{parent}` is never `{ty}`."),
            );
        }
    }

    fn field(&mut self, parent: &'a MetaType, field: &Positioned<Field>) {
        let Positioned { pos, node: Field { name, arguments, directives, selection_set, .. } } = field;
        self.directives(directives, Location::FIELD);
        let name = &name.node;
        if name == "__typename" {
            self.arguments("`__typename`", arguments, &IndexMap::new(), *pos);
            if !selection_set.node.items.is_empty() {
                self.invalid(*pos, "`__typename` is a String, which has no fields to select.");
            }
            return;
        }
        let Some(declared) = parent.field_by_name(name) else {
            let suggestions = self.suggestions_of_type(parent, name);
            return self.invalid(*pos, format!("`{}` has no field `{name}`.{suggestions}", parent.name()));
        };
        self.arguments(&format!("`{name}`"), arguments, &declared.args, *pos);
        let ty = MetaTypeName::concrete_typename(&declared.ty);
        let Some(meta) = self.registry.types.get(ty) else { return };
        match (meta.is_composite(), selection_set.node.items.is_empty()) {
            (true, true) => {
                self.invalid(
                    *pos,
                    format!("`{name}` is of type {ty}: select fields of it, as in `{name} {{ … }}`."),
                );
            }
            (false, false) => {
                self.invalid(*pos, format!("`{name}` is of type {ty}, which has no fields to select."));
            }
            _ => self.selections(meta, &selection_set.node),
        }
    }

    fn directives(&mut self, directives: &[Positioned<Directive>], location: Location) {
        let mut seen = HashSet::new();
        for Positioned { pos, node: directive } in directives {
            let name = directive.name.node.as_str();
            let Some(declared) = self.registry.directives.get(name) else {
                let suggestions = self.suggestions(name, self.registry.directives.keys().map(String::as_str));
                self.invalid(*pos, format!("There is no directive `@{name}`.{suggestions}"));
                continue;
            };
            if !declared.locations.contains(&location) {
                let place = format!("{location:?}").to_lowercase().replace('_', " ");
                self.invalid(*pos, format!("`@{name}` is not allowed on a {place}."));
            }
            if !seen.insert(name) && !declared.is_repeatable {
                self.invalid(*pos, format!("`@{name}` occurs twice here."));
            }
            self.arguments(&format!("`@{name}`"), &directive.arguments, &declared.args, *pos);
        }
    }

    fn arguments(
        &mut self,
        of: &str,
        arguments: &[(Positioned<Name>, Positioned<Literal>)],
        declared: &IndexMap<String, MetaInputValue>,
        pos: Pos,
    ) {
        let mut seen = HashSet::new();
        for (Positioned { pos, node: name }, value) in arguments {
            if !seen.insert(name.as_str()) {
                self.invalid_value(*pos, name, format!("The argument `{name}` occurs twice."));
            }
            match declared.get(name.as_str()) {
                Some(declared) => self.value(&declared.ty, &value.node, value.pos, name),
                None => {
                    let suggestions = self.suggestions(name, declared.keys().map(String::as_str));
                    self.invalid_value(*pos, name, format!("{of} has no argument `{name}`.{suggestions}"));
                }
            }
        }
        for declared in declared.values().filter(|declared| is_needed(declared)) {
            let (name, ty) = (&declared.name, &declared.ty);
            if !seen.contains(name.as_str()) {
                self.invalid_value(pos, name, format!("{of} requires the argument `{name}` of type {ty}."));
            }
        }
    }

    fn variable(&mut self, definition: &Positioned<VariableDefinition>) {
        let Positioned { pos, node: VariableDefinition { name, var_type, directives, default_value } } =
            definition;
        self.directives(directives, Location::VARIABLE_DEFINITION);
        let Some(ty) = self.ty(var_type.pos, innermost(&var_type.node)) else { return };
        if !ty.is_input() {
            let message =
                format!("`${}` can't be of type `{}`, which is not an input type.", name.node, var_type.node);
            return self.invalid(*pos, message);
        }
        if let Some(Positioned { pos, node: default }) = default_value {
            let (ty, path) = (var_type.node.to_string(), format!("${}", name.node));
            self.value(&ty, &ConstValue::into_value(default.clone()), *pos, &path);
        }
    }

    /// Validates a value in the document. Variables are checked when they are coerced.
    fn value(&mut self, ty: &str, value: &Literal, pos: Pos, path: &str) {
        let inner = match (ty.strip_suffix('!'), value) {
            (_, Literal::Variable(_)) | (None, Literal::Null) => return,
            (Some(_), Literal::Null) => return self.wrong_type(ty, "null", pos, path),
            (inner, _) => inner.unwrap_or(ty),
        };
        match (item(inner), value) {
            (Some(of), Literal::List(items)) => {
                for (index, value) in items.iter().enumerate() {
                    self.value(of, value, pos, &format!("{path}[{index}]"));
                }
            }
            (Some(of), _) => self.value(of, value, pos, path),
            (None, _) => self.named_value(inner, value, pos, path),
        }
    }

    fn named_value(&mut self, ty: &str, value: &Literal, pos: Pos, path: &str) {
        match (self.registry.types.get(ty), value) {
            (Some(MetaType::InputObject { input_fields, oneof, .. }), Literal::Object(fields)) => {
                self.object(ty, input_fields, fields, pos, path);
                let is_one = fields.len() == 1 && !fields.values().any(|value| *value == Literal::Null);
                if *oneof && !is_one {
                    self.invalid_value(pos, path, format!("`{path}` must have exactly one field of {ty}."));
                }
            }
            (Some(MetaType::Enum { enum_values, .. }), Literal::Enum(name)) => {
                if !enum_values.contains_key(name.as_str()) {
                    let suggestions = self.suggestions(name, enum_values.keys().map(String::as_str));
                    self.invalid_value(
                        pos,
                        path,
                        format!("`{path}`: {ty} has no value `{name}`.{suggestions}"),
                    );
                }
            }
            (Some(MetaType::Scalar { .. }), value) if accepts(ty, value) => {}
            _ => self.wrong_type(ty, form(value), pos, path),
        }
    }

    fn object(
        &mut self,
        ty: &str,
        declared: &IndexMap<String, MetaInputValue>,
        seen: &IndexMap<Name, Literal>,
        pos: Pos,
        path: &str,
    ) {
        for (name, value) in seen {
            let path = format!("{path}.{name}");
            match declared.get(name.as_str()) {
                Some(declared) => self.value(&declared.ty, value, pos, &path),
                None => {
                    let suggestions = self.suggestions(name, declared.keys().map(String::as_str));
                    self.invalid_value(pos, &path, format!("{ty} has no field `{name}`.{suggestions}"));
                }
            }
        }
        for declared in declared.values().filter(|declared| is_needed(declared)) {
            if !seen.contains_key(declared.name.as_str()) {
                let (path, ty) = (format!("{path}.{}", declared.name), &declared.ty);
                self.invalid_value(pos, &path, format!("`{path}` of type {ty} is required."));
            }
        }
    }

    fn wrong_type(&mut self, ty: &str, found: &str, pos: Pos, path: &str) {
        self.invalid_value(pos, path, format!("`{path}` must be {ty}, not {found}."));
    }

    /// Suggestions for an unknown field: similar fields, or types that have the field.
    fn suggestions_of_type(&self, parent: &MetaType, name: &str) -> String {
        let has_it =
            |ty: &&String| self.registry.types.get(*ty).is_some_and(|ty| ty.field_by_name(name).is_some());
        let kinds = parent.possible_types().into_iter().flatten().filter(has_it);
        let kinds: Vec<String> =
            kinds.take(PROPOSED).map(|ty| format!("`... on {ty} {{ {name} }}`")).collect();
        if self.suggestions && !kinds.is_empty() {
            return format!(" Did you mean {}?", listed(&kinds));
        }
        self.suggestions(
            name,
            parent.fields().into_iter().flat_map(|fields| fields.keys()).map(String::as_str),
        )
    }

    /// Suggestions for an unknown name, as the end of a message.
    fn suggestions<'n>(&self, name: &str, known: impl Iterator<Item = &'n str>) -> String {
        if self.suggestions { suggestion(name, known) } else { String::new() }
    }
}

/// The most similar known names, as the end of a message.
pub fn suggestion<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    if name.len() > LONGEST_NAME {
        return String::new();
    }
    let lower = name.to_lowercase();
    let slips = name.len() * 2 / 5 + 1;
    let known = known.filter(|known| !known.starts_with("__"));
    let distance = |known: &'n str| (strsim::osa_distance(&lower, &known.to_lowercase()), known);
    let mut near: Vec<(usize, &str)> =
        known.map(distance).filter(|(distance, _)| *distance <= slips).collect();
    near.sort_unstable();
    let near: Vec<String> = near.iter().take(PROPOSED).map(|(_, known)| format!("`{known}`")).collect();
    if near.is_empty() { String::new() } else { format!(" Did you mean {}?", listed(&near)) }
}

fn listed(names: &[String]) -> String {
    match names {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        names => names.concat(),
    }
}

fn is_needed(declared: &MetaInputValue) -> bool {
    declared.ty.ends_with('!') && declared.default_value.is_none()
}

fn innermost(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => innermost(inner),
    }
}

/// Whether a scalar accepts this form of literal. The content of custom scalars is checked when arguments are
/// coerced.
fn accepts(scalar: &str, value: &Literal) -> bool {
    match (scalar, value) {
        ("Int", Literal::Number(number)) => {
            number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()) && !number.is_f64()
        }
        ("Float", Literal::Number(number)) => number.as_f64().is_some_and(f64::is_finite),
        ("ID", Literal::Number(number)) => number.is_i64() || number.is_u64(),
        ("Boolean", Literal::Boolean(_)) | ("String" | "ID", Literal::String(_)) => true,
        ("Int" | "Float" | "ID" | "Boolean" | "String", _) => false,
        (_, Literal::Number(_) | Literal::String(_) | Literal::Boolean(_) | Literal::Enum(_)) => true,
        _ => false,
    }
}

fn form(value: &Literal) -> &'static str {
    match value {
        Literal::Null => "null",
        Literal::Boolean(_) => "a boolean",
        Literal::Number(_) => "this number",
        Literal::String(_) => "this text",
        Literal::Enum(_) => "a name",
        Literal::List(_) => "a list",
        Literal::Object(_) => "an object",
        Literal::Binary(_) | Literal::Variable(_) => "this value",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_are_proposed() {
        let known = ["name", "names", "kind", "citations", "__typename"];
        let proposed = |name| suggestion(name, known.into_iter());
        assert_eq!(proposed("nane"), " Did you mean `name` or `names`?");
        assert_eq!(proposed("CITATION"), " Did you mean `citations`?");
        assert_eq!(proposed("zzzzzz"), "");
    }
}
