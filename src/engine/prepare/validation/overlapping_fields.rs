//! Fields with the same response key must be equal, or for different object types have the same shape.
//!
//! Fields are compared in groups instead of pairs. Equality is transitive, so each field is compared with the first
//! of its group: shapes among all fields with the same key, arguments among those that can be selected of one object.

use async_graphql::{
    Name, Positioned,
    indexmap::IndexMap,
    parser::types::{ExecutableDocument, Field, Selection, SelectionSet},
    registry::{MetaType, MetaTypeName, Registry},
};
use std::collections::HashSet;

use crate::{
    engine::prepare::{
        syntax::invalid,
        validation::{item, root},
    },
    error::ApiError,
};

/// Maximum number of fields to visit: nested fragments on many types multiply.
const LOOKS: usize = 200_000;

/// Fields that can't be merged.
pub fn check(registry: &Registry, ast: &ExecutableDocument) -> Vec<ApiError> {
    let mut merging = Merging { registry, ast, looks: 0, api_errors: Vec::new() };
    for (_, operation) in ast.operations.iter() {
        let operation = &operation.node;
        let set = (root(registry, operation.ty).unwrap_or_default(), &operation.selection_set.node);
        let fields = merging.collect(&[set]);
        merging.same_shape(&fields);
        merging.same_field(&fields);
    }
    if merging.looks > LOOKS {
        return vec![ApiError::beyond("comparisons of fields with the same name", LOOKS, merging.looks)];
    }
    merging.api_errors
}

/// A field and its parent type.
#[derive(Clone, Copy)]
struct SelectedField<'a> {
    of: &'a str,
    field: &'a Positioned<Field>,
    /// The type of the field.
    ty: &'a str,
}

/// Selections of one object, each with its parent type.
type Sets<'a> = [(&'a str, &'a SelectionSet)];
type Groups<'a> = IndexMap<&'a str, Vec<SelectedField<'a>>>;

struct Merging<'a> {
    registry: &'a Registry,
    ast: &'a ExecutableDocument,
    looks: usize,
    api_errors: Vec<ApiError>,
}

impl<'a> Merging<'a> {
    /// The fields of selections by response key, with fragments expanded.
    fn collect(&mut self, sets: &Sets<'a>) -> Groups<'a> {
        let (mut groups, mut entered) = (Groups::new(), HashSet::new());
        for (of, set) in sets {
            self.collect_from(of, set, &mut groups, &mut entered);
        }
        groups
    }

    fn collect_from(
        &mut self,
        of: &'a str,
        set: &'a SelectionSet,
        groups: &mut Groups<'a>,
        entered: &mut HashSet<&'a Name>,
    ) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    self.looks += 1;
                    let declared =
                        self.registry.types.get(of).and_then(|ty| ty.field_by_name(&field.node.name.node));
                    let ty = declared.map_or("String!", |declared| declared.ty.as_str());
                    groups.entry(&field.node.response_key().node).or_default().push(SelectedField {
                        of,
                        field,
                        ty,
                    });
                }
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref();
                    let of = condition.map_or(of, |condition| &condition.node.on.node);
                    self.collect_from(of, &inline.node.selection_set.node, groups, entered);
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = self.ast.fragments.get(name)
                        && entered.insert(name)
                    {
                        let of = &fragment.node.type_condition.node.on.node;
                        self.collect_from(of, &fragment.node.selection_set.node, groups, entered);
                    }
                }
            }
        }
    }

    /// The fields below a group.
    fn within(&mut self, group: &[SelectedField<'a>]) -> Groups<'a> {
        let sets = group.iter().map(|selected| {
            (MetaTypeName::concrete_typename(selected.ty), &selected.field.node.selection_set.node)
        });
        self.collect(&sets.collect::<Vec<_>>())
    }

    fn same_shape(&mut self, groups: &Groups<'a>) {
        for (key, group) in groups {
            let Some((first, others)) = group.split_first() else { continue };
            if let Some(other) = others.iter().find(|other| !self.is_alike(first.ty, other.ty)) {
                let message = format!(
                    "`{key}` is {} for one type and {} for another: use an alias.",
                    first.ty, other.ty
                );
                self.refuse(*first, *other, message);
            } else if self.goes_on() {
                let within = self.within(group);
                self.same_shape(&within);
            }
        }
    }

    fn same_field(&mut self, groups: &Groups<'a>) {
        for (key, group) in groups {
            let is_abstract = |selected: &&SelectedField<'_>| {
                self.registry.types.get(selected.of).is_some_and(MetaType::is_abstract)
            };
            let (of_any, of_one): (Vec<SelectedField<'a>>, Vec<SelectedField<'a>>) =
                group.iter().partition(is_abstract);
            let mut kinds: IndexMap<&str, Vec<SelectedField<'a>>> = IndexMap::new();
            for selected in of_one {
                kinds.entry(selected.of).or_insert_with(|| of_any.clone()).push(selected);
            }
            if kinds.is_empty() {
                kinds.insert("", of_any);
            }
            for group in kinds.values() {
                self.same(key, group);
            }
        }
    }

    /// Whether fields of one object are equal.
    fn same(&mut self, key: &str, group: &[SelectedField<'a>]) {
        let Some((first, others)) = group.split_first() else { return };
        for other in others {
            let (one, two) = (&first.field.node, &other.field.node);
            let message = if one.name.node != two.name.node {
                format!("`{key}` is both `{}` and `{}`: use an alias.", one.name.node, two.name.node)
            } else if !same_arguments(one, two) {
                format!("`{key}` is selected twice with different arguments: use an alias.")
            } else {
                continue;
            };
            return self.refuse(*first, *other, message);
        }
        if self.goes_on() {
            let within = self.within(group);
            self.same_field(&within);
        }
    }

    fn goes_on(&self) -> bool {
        self.looks <= LOOKS && self.api_errors.is_empty()
    }

    fn refuse(&mut self, first: SelectedField<'a>, other: SelectedField<'a>, message: String) {
        let mut api_error = invalid(first.field.pos, message);
        api_error.locations.push((other.field.pos.line, other.field.pos.column));
        self.api_errors.push(api_error);
    }

    /// Whether two types have the same shape: nullability, lists and scalars.
    fn is_alike(&self, one: &str, other: &str) -> bool {
        match (one.strip_suffix('!'), other.strip_suffix('!')) {
            (Some(one), Some(other)) => return self.is_alike(one, other),
            (None, None) => {}
            _ => return false,
        }
        match (item(one), item(other)) {
            (Some(one), Some(other)) => self.is_alike(one, other),
            (None, None) => {
                let has_fields = |ty: &str| self.registry.types.get(ty).is_some_and(MetaType::is_composite);
                one == other || (has_fields(one) && has_fields(other))
            }
            _ => false,
        }
    }
}

/// Whether two fields have the same arguments in any order.
fn same_arguments(one: &Field, other: &Field) -> bool {
    let same = |(name, value): &(Positioned<Name>, Positioned<_>)| {
        other.get_argument(&name.node).is_some_and(|other| other.node == value.node)
    };
    one.arguments.len() == other.arguments.len() && one.arguments.iter().all(same)
}
