//! The arguments of `groups`, which are priced and bound.

use async_graphql::{Value, registry::Registry};

use crate::{
    engine::{
        plan::Arguments,
        prepare::coerce::{self, Variables},
        sql::{GroupOrder, Grouping},
    },
    error::ApiError,
    model::object_type::{
        ObjectType,
        grouping::{Dimension, GROUPS, MAX_DIMENSIONS, MAX_GROUPS, grouping_of},
    },
};

impl<'a> Grouping<'a> {
    /// What the arguments of a request ask for.
    pub fn read(
        object_type: &'a ObjectType,
        registry: &Registry,
        arguments: &Arguments,
        variables: &Variables,
    ) -> Result<Self, ApiError> {
        let given = |name, ty: &str| coerce::argument(registry, ty, name, arguments.get(name), variables);
        let names = match given("by", &format!("[{}!]!", grouping_of(object_type)))? {
            Some(Value::List(names)) => names,
            _ => Vec::new(),
        };
        let first = match given("first", "Int")? {
            Some(Value::Number(number)) => number.as_i64().unwrap_or(i64::MAX),
            _ => i64::from(GROUPS),
        };
        if !(0..=i64::from(MAX_GROUPS)).contains(&first) {
            let message = format!("`first` is {first}; it takes 0 to {MAX_GROUPS}.");
            return Err(ApiError::bad_input("first", message));
        }
        let order = match given("orderBy", "GroupOrder")? {
            Some(Value::Enum(name)) => match name.as_str() {
                "COUNT_ASC" => GroupOrder::Count { descending: false },
                "KEYS_ASC" => GroupOrder::Keys { descending: false },
                "KEYS_DESC" => GroupOrder::Keys { descending: true },
                _ => GroupOrder::Count { descending: true },
            },
            _ => GroupOrder::Count { descending: true },
        };
        Ok(Grouping { by: dimensions(object_type, &names)?, order, first })
    }
}

fn dimensions<'a>(object_type: &'a ObjectType, names: &[Value]) -> Result<Vec<&'a Dimension>, ApiError> {
    if !(1..=MAX_DIMENSIONS).contains(&names.len()) {
        let message = format!("`by` has {} values; it takes 1 to {MAX_DIMENSIONS}.", names.len());
        return Err(ApiError::bad_input("by", message));
    }
    let mut by: Vec<&Dimension> = Vec::new();
    for name in names {
        let Value::Enum(name) = name else { unreachable!("coerced to a dimension") };
        let dimension = object_type.dimension_named(name);
        if let Some(same) = by.iter().find(|known| known.has_value_of(dimension)) {
            let message = format!("`by` names one value twice: {} and {name}.", same.name);
            return Err(ApiError::bad_input("by", message));
        }
        by.push(dimension);
    }
    Ok(by)
}
