//! Coerces input values before anything runs: variables from JSON, and arguments from the document. Errors name the
//! input.

use async_graphql::{
    Name, Value as Constant,
    parser::types::{BaseType, Type, VariableDefinition},
    registry::{MetaEnumValue, MetaInputValue, MetaType, MetaTypeName, Registry},
};
use async_graphql_value::Value as Literal;
use indexmap::IndexMap;
use serde_json::Value as Json;

use crate::{
    engine::prepare::validation::suggestion,
    error::{ApiError, Code},
    model::{
        dates::{date_time, in_utc, is_partial_date},
        decimal::is_decimal,
    },
};

pub type Variables = IndexMap<Name, Constant>;

/// The variables of an operation, coerced, with defaults.
pub fn variables<'a>(
    registry: &Registry,
    definitions: impl Iterator<Item = &'a VariableDefinition>,
    values: &serde_json::Map<String, Json>,
    suggestions: bool,
) -> Result<Variables, ApiError> {
    let mut variables = Variables::new();
    for definition in definitions {
        let name = &definition.name.node;
        let ty = &definition.var_type.node;
        let path = format!("${name}");
        match (values.get(name.as_str()), &definition.default_value) {
            (Some(value), _) => {
                let value = Source::Json(value, suggestions).coerce(registry, &type_text(ty), &path)?;
                variables.insert(name.clone(), value);
            }
            (None, Some(default)) => {
                let (default, none) = (default.node.clone().into_value(), Variables::new());
                let value = Source::Literal(&default, &none).coerce(registry, &type_text(ty), &path)?;
                variables.insert(name.clone(), value);
            }
            (None, None) if !ty.nullable => return Err(missing(&path, &type_text(ty))),
            (None, None) => {}
        }
    }
    Ok(variables)
}

/// The value of an argument; none if it is absent, or an absent variable.
pub fn argument(
    registry: &Registry,
    ty: &str,
    name: &str,
    literal: Option<&Literal>,
    variables: &Variables,
) -> Result<Option<Constant>, ApiError> {
    match literal {
        None => Ok(None),
        Some(literal) => present(registry, ty, literal, variables, name),
    }
}

fn type_text(ty: &Type) -> String {
    let base = match &ty.base {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(inner) => format!("[{}]", type_text(inner)),
    };
    if ty.nullable { base } else { format!("{base}!") }
}

fn missing(path: &str, ty: &str) -> ApiError {
    ApiError::bad_input(path, format!("`{path}` of type {ty} is required."))
}

fn wrong_type(path: &str, ty: &str, found: &str) -> ApiError {
    ApiError::bad_input(path, format!("`{path}` must be {ty}, not {found}."))
}

/// A value in the document with variables replaced; none if it is an absent variable.
fn present(
    registry: &Registry,
    ty: &str,
    literal: &Literal,
    variables: &Variables,
    path: &str,
) -> Result<Option<Constant>, ApiError> {
    if let Literal::Variable(name) = literal {
        return match variables.get(name) {
            Some(Constant::Null) if ty.ends_with('!') => Err(wrong_type(path, ty, "null")),
            value => Ok(value.cloned()),
        };
    }
    Source::Literal(literal, variables).coerce(registry, ty, path).map(Some)
}

/// The origin of a value. Only documents contain enum literals and variables.
enum Source<'a> {
    /// With a flag whether errors suggest similar names; literals have been validated already.
    Json(&'a Json, bool),
    Literal(&'a Literal, &'a Variables),
}

enum Form<'a> {
    Null,
    Boolean(bool),
    Number(&'a serde_json::Number),
    String(&'a str),
    Enum(&'a str),
    List(Vec<Source<'a>>),
    Object(Vec<(&'a str, Source<'a>)>),
    /// A variable, or a form that no input has.
    Other,
}

impl<'a> Source<'a> {
    fn form(&self) -> Form<'a> {
        match *self {
            Source::Json(json, suggestions) => match json {
                Json::Null => Form::Null,
                Json::Bool(value) => Form::Boolean(*value),
                Json::Number(number) => Form::Number(number),
                Json::String(text) => Form::String(text),
                Json::Array(items) => {
                    Form::List(items.iter().map(|item| Source::Json(item, suggestions)).collect())
                }
                Json::Object(fields) => Form::Object(
                    fields
                        .iter()
                        .map(|(name, value)| (name.as_str(), Source::Json(value, suggestions)))
                        .collect(),
                ),
            },
            Source::Literal(literal, variables) => match literal {
                Literal::Null => Form::Null,
                Literal::Boolean(value) => Form::Boolean(*value),
                Literal::Number(number) => Form::Number(number),
                Literal::String(text) => Form::String(text),
                Literal::Enum(name) => Form::Enum(name),
                Literal::List(items) => {
                    Form::List(items.iter().map(|item| Source::Literal(item, variables)).collect())
                }
                Literal::Object(fields) => Form::Object(
                    fields
                        .iter()
                        .map(|(name, value)| (name.as_str(), Source::Literal(value, variables)))
                        .collect(),
                ),
                Literal::Binary(_) | Literal::Variable(_) => Form::Other,
            },
        }
    }

    fn coerce(&self, registry: &Registry, ty: &str, path: &str) -> Result<Constant, ApiError> {
        let form = self.form();
        match MetaTypeName::create(ty) {
            MetaTypeName::NonNull(_) if matches!(form, Form::Null) => Err(wrong_type(path, ty, "null")),
            MetaTypeName::NonNull(inner) => self.coerce(registry, inner, path),
            _ if matches!(form, Form::Null) => Ok(Constant::Null),
            MetaTypeName::List(inner) => match form {
                Form::List(items) => {
                    let item = |(index, item): (usize, Source<'_>)| {
                        let path = format!("{path}[{index}]");
                        item.resolve(registry, inner, &path).map(|value| value.unwrap_or(Constant::Null))
                    };
                    items.into_iter().enumerate().map(item).collect::<Result<_, _>>().map(Constant::List)
                }
                _ => Ok(Constant::List(vec![self.coerce(registry, inner, path)?])),
            },
            MetaTypeName::Named(name) => match registry.types.get(name) {
                Some(MetaType::InputObject { input_fields, oneof, .. }) => {
                    let Form::Object(fields) = form else {
                        return Err(wrong_type(path, ty, form.name()));
                    };
                    let object = self.object(registry, name, input_fields, fields, path)?;
                    if *oneof && (object.len() != 1 || object.values().any(|value| *value == Constant::Null))
                    {
                        let message = format!("`{path}` must have exactly one field of {name}.");
                        return Err(ApiError::bad_input(path, message));
                    }
                    Ok(Constant::Object(object))
                }
                Some(MetaType::Enum { enum_values, .. }) => self.enumerated(name, enum_values, &form, path),
                _ => scalar(name, &form).ok_or_else(|| wrong_type(path, form_of(name), form.name())),
            },
        }
    }

    /// The fields of an input object, with those that it requires.
    fn object(
        &self,
        registry: &Registry,
        name: &str,
        input_fields: &IndexMap<String, MetaInputValue>,
        fields: Vec<(&str, Source<'_>)>,
        path: &str,
    ) -> Result<IndexMap<Name, Constant>, ApiError> {
        let mut object = IndexMap::with_capacity(fields.len());
        for (field, value) in fields {
            let path = format!("{path}.{field}");
            let Some(declared) = input_fields.get(field) else {
                let suggestions = self.suggestions(field, input_fields.keys());
                let message = format!("{name} has no field `{field}`.{suggestions}");
                return Err(ApiError::bad_input(&path, message));
            };
            if let Some(value) = value.resolve(registry, &declared.ty, &path)? {
                object.insert(Name::new(field), value);
            }
        }
        let required = input_fields
            .values()
            .find(|declared| declared.ty.ends_with('!') && !object.contains_key(declared.name.as_str()));
        match required {
            Some(declared) => Err(missing(&format!("{path}.{}", declared.name), &declared.ty)),
            None => Ok(object),
        }
    }

    fn enumerated(
        &self,
        name: &str,
        enum_values: &IndexMap<String, MetaEnumValue>,
        form: &Form<'_>,
        path: &str,
    ) -> Result<Constant, ApiError> {
        let value = match (form, self) {
            (Form::Enum(value), _) | (Form::String(value), Source::Json(..)) => *value,
            _ => return Err(wrong_type(path, name, form.name())),
        };
        if enum_values.contains_key(value) {
            return Ok(Constant::Enum(Name::new(value)));
        }
        let suggestions = self.suggestions(value, enum_values.keys());
        Err(ApiError::bad_input(path, format!("`{path}`: {name} has no value `{value}`.{suggestions}")))
    }

    /// Suggestions for an unknown name, as the end of a message.
    fn suggestions<'n>(&self, name: &str, known: impl Iterator<Item = &'n String>) -> String {
        match self {
            Source::Json(_, true) => suggestion(name, known.map(String::as_str)),
            _ => String::new(),
        }
    }

    /// The value, unless it is an absent variable.
    fn resolve(&self, registry: &Registry, ty: &str, path: &str) -> Result<Option<Constant>, ApiError> {
        match self {
            Source::Json(..) => self.coerce(registry, ty, path).map(Some),
            Source::Literal(literal, variables) => {
                let value = present(registry, ty, literal, variables, path)?;
                if value.is_none() && ty.ends_with('!') { Err(missing(path, ty)) } else { Ok(value) }
            }
        }
    }
}

impl Form<'_> {
    fn name(&self) -> &'static str {
        match self {
            Form::Null => "null",
            Form::Boolean(_) => "a boolean",
            Form::Number(_) => "this number",
            Form::String(_) => "this text",
            Form::Enum(_) => "a name",
            Form::List(_) => "a list",
            Form::Object(_) => "an object",
            Form::Other => "this value",
        }
    }
}

/// The form of a scalar, if its name does not say it.
fn form_of(scalar: &str) -> &str {
    match scalar {
        "PartialDate" => "a date as 2026, 2026-02 or 2026-02-19",
        "DateTime" => "a time of the years 0001 to 9999 as 2026-02-19T16:30:00Z",
        "RevisionNumber" => "an integer, 0 or more",
        "Decimal" => "a decimal number as \"1500000.50\"",
        "String" => "a String without the character U+0000",
        scalar => scalar,
    }
}

fn scalar(name: &str, form: &Form<'_>) -> Option<Constant> {
    match (name, form) {
        ("Int", Form::Number(number)) => i32::try_from(integer(number)?).ok().map(Constant::from),
        ("Float", Form::Number(number)) => Some(Constant::Number((*number).clone())),
        ("Boolean", Form::Boolean(value)) => Some(Constant::from(*value)),
        ("ID", Form::Number(number)) => integer(number).map(|id| Constant::String(id.to_string())),
        ("RevisionNumber", Form::Number(number)) => {
            integer(number).filter(|number| *number >= 0).map(Constant::from)
        }
        ("Decimal", Form::String(text)) => decimal((*text).to_owned()),
        ("Decimal", Form::Number(number)) => decimal(number.to_string()),
        ("PartialDate", Form::String(text)) => {
            is_partial_date(text).then(|| Constant::String((*text).to_owned()))
        }
        ("DateTime", Form::String(text)) => date_time(text).and_then(in_utc).map(Constant::String),
        // Postgres does not store NUL in text.
        ("String" | "ID" | "Cursor" | "URL", Form::String(text)) => {
            (!text.contains('\0')).then(|| Constant::String((*text).to_owned()))
        }
        _ => None,
    }
}

fn decimal(text: String) -> Option<Constant> {
    is_decimal(&text).then_some(Constant::String(text))
}

/// The number as an integer; `1.0` counts, because JSON does not distinguish it from `1`.
fn integer(number: &serde_json::Number) -> Option<i64> {
    #[allow(clippy::cast_possible_truncation)]
    let from_float = |value: f64| (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i64);
    number.as_i64().or_else(|| number.as_f64().and_then(from_float))
}

/// The error if `operationName` is missing or unknown.
pub fn unknown_operation(name: Option<&str>) -> ApiError {
    let message = match name {
        Some(name) => format!("The document has no operation named `{name}`."),
        None => "The document has several operations: set `operationName`.".to_owned(),
    };
    ApiError { field: Some("operationName".into()), ..ApiError::new(Code::BadUserInput, message) }
}
