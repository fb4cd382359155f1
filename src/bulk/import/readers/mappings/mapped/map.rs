//! Column maps, as they are written in TOML.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A column map, as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnMap {
    pub(super) dataset: Option<String>,
    pub(super) title: String,
    pub(super) url: Option<String>,
    /// What separates the cells of a table; default: a comma.
    pub(super) delimiter: Option<char>,
    /// The names of the columns of a table without a header.
    pub(super) columns: Option<Vec<String>>,
    /// The field of a JSON document that has the rows.
    pub(super) rows: Option<String>,
    /// Values that stand for none: `None`, `N/A`.
    #[serde(default)]
    pub(super) empty: Vec<String>,
    #[serde(rename = "record")]
    pub(super) records: Vec<Record>,
}

/// A record that a row gives.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// What references call it.
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// The columns that it is known by.
    pub(super) key: OneOrMany,
    pub(super) each: Option<Each>,
    /// Conditions: a column, and the values that it has.
    #[serde(default)]
    pub(super) when: BTreeMap<String, OneOrMany>,
    #[serde(default)]
    pub(super) unless: BTreeMap<String, OneOrMany>,
    /// Where in the source it is; default: its key.
    pub(super) locator: Option<Rule>,
    pub(super) fields: BTreeMap<String, FieldRule>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a column, or a list of columns, in quotes")]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// A column with several values, each of which gives a record or an entry of a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a column in quotes, or a table with `column` and `split`")]
pub(super) enum Each {
    Column(String),
    Split { column: String, split: String },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a column in quotes, a table of a rule (column, constant, template …), or a list of tables"
)]
pub(super) enum FieldRule {
    /// References from several columns.
    References(Vec<Reference>),
    /// Entries of a list of objects.
    Many(Vec<Entry>),
    One(Rule),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reference {
    pub(super) record: String,
    pub(super) key: OneOrMany,
    pub(super) each: Option<Each>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Entry {
    pub(super) each: Option<Each>,
    #[serde(flatten)]
    pub(super) fields: BTreeMap<String, Rule>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text, a number, true or false")]
pub(super) enum Constant {
    Text(String),
    Whole(i64),
    Decimal(f64),
    Truth(bool),
}

/// Where a value comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a column in quotes, or a table of a rule: column, constant, template, values, default, split, date, precision, country, times, record, key, each"
)]
pub(super) enum Rule {
    Column(String),
    Full(Box<FullRule>),
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FullRule {
    /// One column, or several of which the first with a value counts.
    pub(super) column: Option<OneOrMany>,
    pub(super) constant: Option<Constant>,
    /// A text with columns in braces. Parts in brackets are left out where a column in them is empty.
    pub(super) template: Option<String>,
    /// What values become; a `*` at the end stands for any rest.
    pub(super) values: Option<BTreeMap<String, String>>,
    /// What a value becomes that is not in `values`, or an empty one.
    pub(super) default: Option<String>,
    /// What separates several values.
    pub(super) split: Option<String>,
    /// Forms of a date: `%d %B %Y`.
    pub(super) date: Option<OneOrMany>,
    /// How precise a date is: `day`, `month` or `year`.
    pub(super) precision: Option<Rule>,
    /// A country's `name` or code: `alpha2` or `alpha3`.
    pub(super) country: Option<String>,
    /// What a number is multiplied by.
    pub(super) times: Option<f64>,
    /// A record of the map, known by `key`.
    pub(super) record: Option<String>,
    pub(super) key: Option<OneOrMany>,
    pub(super) each: Option<Each>,
}

impl OneOrMany {
    pub(super) fn all(&self) -> &[String] {
        match self {
            OneOrMany::One(one) => std::slice::from_ref(one),
            OneOrMany::Many(many) => many,
        }
    }
}

impl Constant {
    pub(super) fn text(&self) -> String {
        match self {
            Constant::Text(text) => text.clone(),
            Constant::Whole(number) => number.to_string(),
            Constant::Decimal(number) => number.to_string(),
            Constant::Truth(value) => value.to_string(),
        }
    }
}
