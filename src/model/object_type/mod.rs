//! What a domain module declares of its object type: columns, edges, filters and orders. The schema, the plan, the SQL
//! and the response follow from it.
//!
//! SQL fragments name their own row as `{}`, because each statement gives it another alias.

pub mod computed;
mod declaration;
mod fields;
pub mod grouping;
pub mod overviews;

use std::borrow::Cow;

use serde_json::Value;

pub use self::fields::{
    CREATED_AT, FieldDeclaration, LABEL, UPDATED_AT, column, evidence, language, many, needed_evidence, one,
    one_of, part, prose, reference, references, shortened, term, text, values,
};
use crate::model::{
    object_type::{
        computed::Computed,
        grouping::Dimension,
        overviews::{FoundThrough, Searched, Tie, TimelineEntry},
    },
    pagination::KeyKind,
    sql::{Expression, Reads},
};

/// An object type: its part of the schema and its table.
#[derive(Debug)]
pub struct ObjectType {
    pub name: &'static str,
    pub table: &'static str,
    pub description: &'static str,
    pub root: Option<RootFields>,
    pub interfaces: &'static [&'static str],
    pub fields: Vec<Field>,
    pub conditions: Vec<FilterField>,
    pub orders: Vec<Order>,
    pub facets: Vec<Facet>,
    /// What its records can be grouped by; follows from the catalog.
    pub dimensions: Vec<Dimension>,
    /// The table with ids and slugs of merged records, and the record that each was merged into (`kept_id`).
    pub merged: Option<&'static str>,
    /// The table of its other names, which a search reads too, and the column that refers to the record.
    pub searchable_names: Option<(&'static str, &'static str)>,
    /// The table of passages of its text, which a search reads too, and the column that refers to the record.
    pub searchable_passages: Option<(&'static str, &'static str)>,
    /// The column of `revisions` that refers to it, if it has a history.
    pub history: Option<&'static str>,
    /// The description of the argument `since` of its lists, if they have it.
    pub since: Option<&'static str>,
    /// SQL over `{}` for the period that its records fall in, if they have one.
    pub period: Option<&'static str>,
    /// How it takes part in searches, timelines and networks, if it does.
    pub searched: Option<Searched>,
    pub found_through: Option<FoundThrough>,
    pub timeline: Option<TimelineEntry>,
    pub tie: Option<Tie>,
}

/// How an object type is reached from the query root.
#[derive(Debug)]
pub struct RootFields {
    /// The field that looks one record up, if there is one: `actor`.
    pub one: Option<&'static str>,
    /// The field that lists records: `actors`.
    pub many: &'static str,
    pub keys: Vec<LookupKey>,
}

/// A key of one record besides its id: a slug, an external identifier.
#[derive(Debug)]
pub struct LookupKey {
    pub name: &'static str,
    pub description: &'static str,
    pub input: LookupInput,
    /// A predicate over `{}` with one `$?` for each value of the input, in order.
    pub sql: &'static str,
}

#[derive(Debug)]
pub enum LookupInput {
    Text,
    RevisionNumber,
    /// An input object of texts: its name, description, and its fields with theirs.
    Texts(&'static str, &'static str, &'static [(&'static str, &'static str)]),
}

/// A field of a record.
#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    pub description: &'static str,
    pub kind: FieldKind,
    pub deprecation: Option<Deprecation>,
}

impl Field {
    pub fn new(name: &'static str, description: &'static str, kind: FieldKind) -> Self {
        Field { name, description, kind, deprecation: None }
    }
}

/// Why something is deprecated, and until when it stays. Write names in backticks: the library does not escape double
/// quotes in the SDL.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deprecation {
    pub reason: &'static str,
    /// Its last day: `2027-06-01`.
    pub until: &'static str,
}

impl Deprecation {
    /// The reason in the schema. It contains the date, because `@deprecated` has no other argument.
    pub fn text(self) -> String {
        format!("{} Removed after {}.", self.reason, self.until)
    }
}

#[derive(Debug)]
pub enum FieldKind {
    /// A value in the record's own row.
    Column(Column),
    /// At most one other record.
    ToOne(ToOne),
    /// All values that the record owns: names, identifiers.
    OwnedList(OwnedList),
    /// Records on the other side of an edge, by the page.
    ToMany(ToMany),
    /// An object within a computed value.
    ValueType(ValueType),
    /// A list of scalars within a computed value.
    Scalars(Scalar),
    /// A list of records within a computed value.
    Records(ToOne),
    /// A value that a domain module computes, with as many statements as it needs.
    Computed(Computed),
    /// One record by one of its keys.
    Lookup(&'static str),
    /// A record of any kind by its global id.
    Node,
    /// Records of any kind by their global ids.
    Nodes,
}

impl FieldKind {
    /// The reference that it is, or that each of its values is.
    pub fn reference(&self) -> Option<&ToOne> {
        match self {
            FieldKind::ToOne(one)
            | FieldKind::Records(one)
            | FieldKind::OwnedList(OwnedList { of: OwnedItem::Reference(one), .. }) => Some(one),
            _ => None,
        }
    }
}

/// The value of a field of an input, by the values of the others; none if it doesn't follow from them.
pub type Derived = fn(&dyn Fn(&str) -> Value) -> Option<String>;

#[derive(Debug)]
pub struct Column {
    pub sql: Expression,
    pub scalar: Scalar,
    pub nullable: bool,
    /// SQL of the value that is read instead of null. Writes, filters and exports use the column alone.
    pub fallback: Option<&'static str>,
    /// Whether that may be null too.
    pub fallback_is_nullable: bool,
    /// The value of an input that lacks it, if it follows from the others.
    pub derived: Option<Derived>,
    pub reads: Reads,
}

impl Column {
    /// SQL of the value that is read.
    pub fn shown(&self) -> Expression {
        match (self.fallback, self.scalar) {
            (Some(fallback), _) => {
                Expression::Template(format!("coalesce({}, {fallback})", self.sql.template()).into())
            }
            (None, Scalar::Decimal) => Expression::Template(format!("{}::text", self.sql.template()).into()),
            (None, _) => self.sql.clone(),
        }
    }

    /// Whether it may be read as null.
    pub fn may_be_null(&self) -> bool {
        self.nullable && (self.fallback.is_none() || self.fallback_is_nullable)
    }
}

/// The type of a value: its form in rows and responses, and its filter operators.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    /// A global id of the object type.
    Id(&'static str),
    /// A name or a title: can be compared whole or in part.
    Text,
    /// A term of a vocabulary or a register: can be compared whole.
    Term,
    /// Sentences: can be compared in part. A column `plain_…` has them without capital letters and accents.
    Prose,
    Int,
    RevisionNumber,
    Float,
    /// An exact decimal number: `numeric` in the database, a text everywhere else.
    Decimal,
    Boolean,
    Enumeration(&'static Enumeration),
    PartialDate,
    /// Rendered by the column's SQL as RFC 3339 in UTC.
    DateTime,
    Url,
    /// A tag of a language, in its canonical form.
    Language,
    Cursor,
    /// A text that is kept apart: the column has its SHA-256.
    Content,
}

/// An enumeration.
#[derive(Debug, PartialEq)]
pub struct Enumeration {
    pub name: &'static str,
    /// Its type in the database.
    pub sql: &'static str,
    pub description: &'static str,
    pub values: &'static [(&'static str, &'static str)],
    /// The deprecated values.
    pub deprecated: &'static [(&'static str, Deprecation)],
}

impl Enumeration {
    /// An enumeration whose values follow from the catalog.
    pub fn of(
        name: &'static str,
        description: &'static str,
        values: impl IntoIterator<Item = (String, &'static str)>,
    ) -> &'static Enumeration {
        let values: Vec<(&str, &str)> =
            values.into_iter().map(|(value, description)| (&*value.leak(), description)).collect();
        Box::leak(Box::new(Enumeration {
            name,
            sql: "",
            description,
            values: values.leak(),
            deprecated: &[],
        }))
    }

    /// Why a value is deprecated, if it is.
    pub fn deprecation(&self, value: &str) -> Option<Deprecation> {
        self.deprecated.iter().find(|(name, _)| *name == value).map(|(_, deprecation)| *deprecation)
    }
}

/// Values of a type without records of its own.
#[derive(Clone, Copy, Debug)]
pub struct ValueType {
    pub of: &'static str,
    pub form: Cardinality,
}

/// How many values a field has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cardinality {
    One,
    Maybe,
    List,
}

/// A reference to at most one record; of several kinds where `choices` has several.
#[derive(Debug)]
pub struct ToOne {
    pub type_name: &'static str,
    /// The object type and the column that refers to it.
    pub choices: Vec<(&'static str, &'static str)>,
    pub nullable: bool,
}

/// Owned rows, read whole and in order.
#[derive(Debug)]
pub struct OwnedList {
    pub of: OwnedItem,
    pub table: &'static str,
    /// The column that refers to the owner.
    pub owner: &'static str,
    /// The order of the values, over `{}`.
    pub order: &'static str,
    /// Rows are only added, by a mutation of their own and by imports.
    pub appended: bool,
}

#[derive(Debug)]
pub enum OwnedItem {
    /// A type without records of its own.
    Shape(&'static str),
    /// Each row refers to one record.
    Reference(ToOne),
}

/// An edge to many records, read by the page.
#[derive(Debug)]
pub struct ToMany {
    pub to: &'static str,
    pub via: Join,
    /// The stem of the connection's and edge's type names: `Actor` of `ActorConnection`.
    pub stem: &'static str,
    /// Attributes of the edge itself, such as a participant's role.
    pub attributes: Vec<Field>,
    pub written: Writability,
}

/// How the edge is written together with its record: whole, as a list.
#[derive(Clone, Copy, Debug)]
pub enum Writability {
    /// The other side writes it.
    No,
    /// As rows of its link table; with a column for their order, if they have one.
    Link(Option<&'static str>),
    /// As rows of the other side's table, which are deleted with the record: with these fields.
    Rows { of: &'static [&'static str], needed: bool },
}

/// How the other side of an edge refers to this one.
#[derive(Clone, Copy, Debug)]
pub enum Join {
    /// Every record of the object type: an edge of the root.
    All,
    /// The other side's column refers to this record.
    Column(&'static str),
    /// One of two columns of the other side does.
    Either(&'static str, &'static str),
    /// A link table does: its name, its column of this side, its column of the other.
    Link(&'static str, &'static str, &'static str),
}

/// A field of an object type's filter.
#[derive(Debug)]
pub struct FilterField {
    pub name: Cow<'static, str>,
    pub description: &'static str,
    pub test: Predicate,
    pub deprecation: Option<Deprecation>,
}

impl FilterField {
    fn new(name: impl Into<Cow<'static, str>>, description: &'static str, test: Predicate) -> Self {
        FilterField { name: name.into(), description, test, deprecation: None }
    }
}

#[derive(Debug)]
pub enum Predicate {
    /// The value at `sql` passes the scalar's operators.
    Value { sql: Expression, scalar: Scalar },
    /// A daterange at `sql` overlaps the given period. It is null without dates: with `any_time` it overlaps every one.
    During { sql: Cow<'static, str>, any_time: bool },
    /// A timestamp at `sql` lies in the given span.
    Instant { sql: &'static str },
    /// The record that `column` refers to passes that object type's filter.
    ToOne { to: &'static str, column: &'static str },
    /// At least one record on the other side passes that object type's filter.
    Some { to: &'static str, via: Join },
    /// One of several texts passes the operators, a name or an alias: the tables that hold them, with
    /// the column of the record's id and that of the text.
    AnyText { among: &'static [(&'static str, &'static str, &'static str)] },
    /// Its grade in the Admiralty code is one of some: SQL over `{}` for the number, which has an index, and for whether
    /// another record `{other}` makes it one of `{grades}`.
    Grade { number: &'static str, one_of: &'static str },
    /// Full text: web-search syntax over the `search` column.
    Search,
    /// The record that a key names, or one below it.
    Within { parent: &'static str },
}

/// A way to count the records of a connection by a value that they share.
#[derive(Debug)]
pub struct Facet {
    pub name: Cow<'static, str>,
    pub description: &'static str,
    pub by: FacetBy,
    /// The condition that selects by the same value: it doesn't narrow the counts.
    pub without: Cow<'static, str>,
    pub deprecation: Option<Deprecation>,
}

impl Facet {
    /// Counts by the value that the filter field of the same name selects by.
    fn new(name: impl Into<Cow<'static, str>>, description: &'static str, by: FacetBy) -> Self {
        let name = name.into();
        Facet { without: name.clone(), name, description, by, deprecation: None }
    }
}

#[derive(Debug)]
pub enum FacetBy {
    Value {
        sql: Expression,
        scalar: Scalar,
    },
    /// The record that a column refers to.
    ToOne {
        to: &'static str,
        column: &'static str,
    },
    /// Each record behind a link table: its name, its column of this side, its column of the other.
    Link {
        to: &'static str,
        between: &'static str,
        from: &'static str,
        other: &'static str,
    },
}

/// A way to sort an object type. Every order ends in the id, so that no two records tie.
#[derive(Debug)]
pub struct Order {
    pub name: Cow<'static, str>,
    pub description: String,
    pub by: SortKey,
    pub descending: bool,
    pub deprecation: Option<Deprecation>,
}

#[derive(Debug)]
pub enum SortKey {
    Id,
    /// A key that is never null, as pages compare it with `<` and `>`.
    Key(Cow<'static, str>, KeyKind),
    /// A key that looks into another record, so no index has this order.
    Foreign(&'static str, KeyKind),
    /// How well the record matches `filter.search`.
    Relevance,
}

impl SortKey {
    /// The kind of key in a cursor, beside the id.
    pub fn kind(&self) -> Option<KeyKind> {
        match self {
            SortKey::Id => None,
            SortKey::Key(_, kind) | SortKey::Foreign(_, kind) => Some(*kind),
            SortKey::Relevance => Some(KeyKind::Rank),
        }
    }
}

impl ObjectType {
    pub fn new(name: &'static str, table: &'static str, description: &'static str) -> Self {
        ObjectType {
            name,
            table,
            description,
            root: None,
            interfaces: &[],
            fields: Vec::new(),
            conditions: Vec::new(),
            orders: Vec::new(),
            facets: Vec::new(),
            dimensions: Vec::new(),
            merged: None,
            searchable_names: None,
            searchable_passages: None,
            history: None,
            since: None,
            period: None,
            searched: None,
            found_through: None,
            timeline: None,
            tie: None,
        }
    }

    /// A field that a domain module names.
    pub fn field_named(&self, name: &str) -> &Field {
        let field = self.fields.iter().find(|field| field.name == name);
        field.unwrap_or_else(|| panic!("{} has no field {name}", self.name))
    }

    /// A dimension by its name in the schema.
    pub fn dimension_named(&self, name: &str) -> &Dimension {
        self.dimensions.iter().find(|dimension| dimension.name == name).expect("validated")
    }

    /// Whether it is of records with a slug and a history.
    pub fn is_record(&self) -> bool {
        self.interfaces.contains(&"Record")
    }

    /// The column of `revisions` that keeps the history of a record type.
    pub fn history_column(&self) -> &'static str {
        self.history.expect("a record type has a history")
    }

    /// The tables besides its own in which a search finds it, and the columns that refer to it.
    pub fn searched_in(&self) -> impl Iterator<Item = (&'static str, &'static str)> + Clone {
        self.searchable_names.into_iter().chain(self.searchable_passages).chain(self.translations())
    }

    /// The table of translations of its texts, and the column that refers to it.
    pub fn translations(&self) -> Option<(&'static str, &'static str)> {
        self.fields.iter().find_map(|field| match field.kind {
            FieldKind::OwnedList(OwnedList { of: OwnedItem::Shape("Translation"), table, owner, .. }) => {
                Some((table, owner))
            }
            _ => None,
        })
    }

    /// SQL over `{}` for the language of a text; null if it has none.
    pub fn language_of(&self, text: &str) -> String {
        let language = format!("{text}Language");
        let of = self.fields.iter().find(|field| field.name == language);
        match of.map(|field| &field.kind) {
            Some(FieldKind::Column(column)) => column.shown().template(),
            _ => "null".to_owned(),
        }
    }

    /// The column of citations that refers to it, where they support it.
    pub fn cited_by(&self) -> Option<&'static str> {
        self.fields.iter().find_map(|field| match field.kind {
            FieldKind::ToMany(ToMany {
                to: "Citation",
                via: Join::Column(column),
                written: Writability::Rows { .. },
                ..
            }) => Some(column),
            _ => None,
        })
    }
}
