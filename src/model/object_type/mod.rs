//! What a domain module declares of its object type: columns, edges, filters and orders. The schema, the plan, the SQL
//! and the response follow from it.
//!
//! SQL fragments name their own row as `{}`, because each statement gives it another alias.

pub mod computed;
pub mod grouping;
pub mod overviews;

use std::borrow::Cow;

use crate::{
    auth::caller::Role,
    model::{
        naming,
        object_type::{
            computed::{Computed, ComputedValue, CostFunction},
            grouping::Dimension,
            overviews::{Searched, Tie, TimelineEntry},
        },
        pagination::KeyKind,
        sql::{Expression, Reads, rfc_3339},
    },
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

#[derive(Debug)]
pub struct Column {
    pub sql: Expression,
    pub scalar: Scalar,
    pub nullable: bool,
    /// SQL of the value that is read instead of null. Writes, filters and exports use the column alone.
    pub fallback: Option<&'static str>,
    /// Whether that may be null too.
    pub fallback_is_nullable: bool,
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
    /// How well the record matches `filter.search`.
    Relevance,
}

impl SortKey {
    /// The kind of key in a cursor, beside the id.
    pub fn kind(&self) -> Option<KeyKind> {
        match self {
            SortKey::Id => None,
            SortKey::Key(_, kind) => Some(*kind),
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

    /// Two of its records may be merged: this table says whom the id and the slug of one now mean.
    #[must_use]
    pub fn merged_by(mut self, table: &'static str) -> Self {
        self.merged = Some(table);
        self
    }

    /// A record with an id and a slug, found at the root by either, with its history.
    #[must_use]
    pub fn record(mut self, many: &'static str) -> Self {
        let one = naming::camel_case(self.name).leak();
        self.root = Some(RootFields { one: Some(one), many, keys: vec![LookupKey::slug()] });
        self.interfaces = &["Node", "Record"];
        self.node_id().field(
            term(
                "slug",
                "Stable, readable name of the record, for people and URLs: lower-case words joined by hyphens.",
            )
            .filterable(),
        )
    }

    /// A record with an id, listed at the root.
    #[must_use]
    pub fn listed(mut self, many: &'static str) -> Self {
        self.root = Some(RootFields { one: None, many, keys: Vec::new() });
        self.interfaces = &["Node"];
        self.node_id()
    }

    /// Found at the root one by one, too.
    #[must_use]
    pub fn looked_up(mut self, one: &'static str) -> Self {
        self.root.as_mut().expect("what is looked up is listed").one = Some(one);
        self
    }

    /// Lists of it can begin after the one that a client has seen last.
    #[must_use]
    pub fn since(mut self, description: &'static str) -> Self {
        self.since = Some(description);
        self
    }

    /// One more way to look a record up.
    #[must_use]
    pub fn key(mut self, key: LookupKey) -> Self {
        self.root.as_mut().expect("a key needs a root field").keys.push(key);
        self
    }

    fn node_id(self) -> Self {
        let name = self.name;
        self.field(
            column("id", Scalar::Id(name), "Global id: opaque and unique among all records.").filterable(),
        )
    }

    /// A field, with the filter fields, orders and facets that follow from it. They are deprecated with it.
    #[must_use]
    pub fn field(mut self, declared: impl Into<FieldDeclaration>) -> Self {
        let mut declared = declared.into();
        if let Some(deprecation) = declared.field.deprecation {
            declared.deprecate_derived(deprecation);
        }
        self.fields.push(declared.field);
        self.conditions.extend(declared.conditions);
        self.orders.extend(declared.orders);
        self.facets.extend(declared.facets);
        self
    }

    #[must_use]
    pub fn fields(self, declared: impl IntoIterator<Item = FieldDeclaration>) -> Self {
        declared.into_iter().fold(self, Self::field)
    }

    #[must_use]
    pub fn condition(mut self, name: &'static str, description: &'static str, test: Predicate) -> Self {
        self.conditions.push(FilterField::new(name, description, test));
        self
    }

    /// Both directions of an order.
    #[must_use]
    pub fn order(mut self, name: &str, what: &str, by: impl Fn(bool) -> SortKey) -> Self {
        self.orders.extend(both_ways(name, what, by));
        self
    }

    /// A search finds it, and its filter has full-text search, with an order by relevance.
    #[must_use]
    pub fn searchable(mut self, by: Searched) -> Self {
        self.searched = Some(by);
        self.orders.push(Order {
            name: "RELEVANCE".into(),
            description: "Best match of `filter.search` first; needs that filter.".into(),
            by: SortKey::Relevance,
            descending: true,
            deprecation: None,
        });
        self.condition(
            "search",
            "Full text in web-search syntax (`\"exact phrase\"`, `or`, `-without`), ignoring accents and word endings.",
            Predicate::Search,
        )
    }

    /// A search looks at its other names too, in this table by the column that refers to it.
    #[must_use]
    pub fn searchable_names(mut self, names: &'static str, owner: &'static str) -> Self {
        self.searchable_names = Some((names, owner));
        self
    }

    /// A search looks at passages of its text too, in this table by the column that refers to it.
    #[must_use]
    pub fn searchable_passages(mut self, passages: &'static str, owner: &'static str) -> Self {
        self.searchable_passages = Some((passages, owner));
        self
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

    /// Its records are entries of timelines.
    #[must_use]
    pub fn in_timeline(mut self, entry: TimelineEntry) -> Self {
        self.timeline = Some(entry);
        self
    }

    /// Its records tie actors to one another.
    #[must_use]
    pub fn ties_actors(mut self, tie: Tie) -> Self {
        self.tie = Some(tie);
        self
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

    /// A period that the record falls in: with a filter, orders by its start, and counts by its year.
    #[must_use]
    pub fn during(
        mut self,
        name: &'static str,
        order: &'static str,
        what: &'static str,
        sql: &'static str,
    ) -> Self {
        self.period = Some(sql);
        let year = Expression::Template(format!("extract(year from lower({sql}))::integer").into());
        let description = "The year in which it began or may have begun; null if the date is unknown.";
        let by = FacetBy::Value { sql: year, scalar: Scalar::Int };
        self.facets.push(Facet { without: name.into(), ..Facet::new("year", description, by) });
        self.condition(name, what, Predicate::During { sql: sql.into(), any_time: false }).order(
            order,
            "date, unknown dates last",
            |descending| {
                let unknown = if descending { "-infinity" } else { "infinity" };
                SortKey::Key(format!("coalesce(lower({sql}), '{unknown}'::date)").into(), KeyKind::Date)
            },
        )
    }

    /// A record without dates may fall in any period, so the filter by period finds it.
    #[must_use]
    pub fn undated_at_any_time(mut self, filter: &str) -> Self {
        let condition = self.conditions.iter_mut().find(|condition| condition.name == filter);
        let Some(FilterField { test: Predicate::During { any_time, .. }, .. }) = condition else {
            unreachable!("only a period has dates")
        };
        *any_time = true;
        self
    }

    /// What a reader would call a record, by SQL over its row.
    #[must_use]
    pub fn labelled(self, sql: impl Into<Cow<'static, str>>, description: &'static str) -> Self {
        self.labelled_by(sql, &[], description)
    }

    /// The same, where the SQL looks into other records: their tables, and the columns that refer to them.
    #[must_use]
    pub fn labelled_by(
        self,
        sql: impl Into<Cow<'static, str>>,
        reads: &'static [(&'static str, &'static str)],
        description: &'static str,
    ) -> Self {
        // In brackets, so that it is no column that could be written.
        self.field(text("label", description).from_sql(format!("({})", sql.into())).reading(reads))
    }

    /// Its history, by the column that `revisions` keeps for its object type.
    #[must_use]
    pub fn versioned(mut self) -> Self {
        let column: &str = naming::id_column(self.name).leak();
        self.history = Some(column);
        let revision = self::column(
            "revision",
            Scalar::RevisionNumber,
            "The number of its last revision. Send it as `expectedRevision` to change the record only if nobody else has changed it since.",
        );
        let revisions = "The recorded changes of this record.";
        let moment = |name, description, last| {
            self::column(name, Scalar::DateTime, description)
                .nullable()
                .from_sql(recorded(column, last))
                .of_history(column)
        };
        let origins = OwnedList {
            of: OwnedItem::Shape("Origin"),
            table: "origins",
            owner: column,
            order: "{}.dataset, {}.key",
            appended: false,
        };
        let datasets = "The datasets that give this record, each with its own key for it.";
        self.field(values("origins", origins, datasets).filterable())
            .field(revision.from_sql(last_revision(column)).of_history(column))
            .field(moment("createdAt", CREATED_AT, false))
            .field(moment("updatedAt", UPDATED_AT, true))
            .field(many("revisions", "Revision", Join::Column(column), revisions))
    }

    /// The order in which records were entered.
    #[must_use]
    pub fn in_order_of_entry(self) -> Self {
        self.order("ENTERED", "order of creation", |_| SortKey::Id)
    }
}

impl LookupKey {
    fn slug() -> Self {
        LookupKey {
            name: "slug",
            description: "The record's slug.",
            input: LookupInput::Text,
            sql: "{}.slug = $?",
        }
    }
}

fn both_ways(name: &str, what: &str, by: impl Fn(bool) -> SortKey) -> [Order; 2] {
    [false, true].map(|descending| Order {
        name: format!("{name}_{}", if descending { "DESC" } else { "ASC" }).into(),
        description: format!("By {what}, {}.", if descending { "descending" } else { "ascending" }),
        by: by(descending),
        descending,
        deprecation: None,
    })
}

/// A field as a domain module declares it: with the filter and the orders it offers.
#[derive(Debug)]
pub struct FieldDeclaration {
    field: Field,
    conditions: Vec<FilterField>,
    orders: Vec<Order>,
    facets: Vec<Facet>,
}

impl From<Field> for FieldDeclaration {
    fn from(field: Field) -> Self {
        FieldDeclaration { field, conditions: Vec::new(), orders: Vec::new(), facets: Vec::new() }
    }
}

impl FieldDeclaration {
    fn deprecate_derived(&mut self, deprecation: Deprecation) {
        let filters = self.conditions.iter_mut().map(|filter_field| &mut filter_field.deprecation);
        let orders = self.orders.iter_mut().map(|order| &mut order.deprecation);
        let facets = self.facets.iter_mut().map(|facet| &mut facet.deprecation);
        filters.chain(orders).chain(facets).for_each(|derived| *derived = Some(deprecation));
    }

    fn column(&mut self) -> &mut Column {
        match &mut self.field.kind {
            FieldKind::Column(column) => column,
            _ => unreachable!("only columns are declared this way"),
        }
    }

    /// Clients use something else; it is there until a date (`2027-06-01`). So are its filter, orders, facet and input.
    #[must_use]
    pub fn deprecated(mut self, reason: &'static str, until: &'static str) -> Self {
        self.field.deprecation = Some(Deprecation { reason, until });
        self
    }

    /// Not every record has it.
    #[must_use]
    pub fn nullable(mut self) -> Self {
        match &mut self.field.kind {
            FieldKind::Column(column) => column.nullable = true,
            FieldKind::ToOne(one) => one.nullable = true,
            _ => unreachable!("a list is empty rather than missing"),
        }
        self
    }

    /// SQL of the default where the column is null, which may be null too.
    #[must_use]
    pub fn or_maybe(mut self, fallback: &'static str) -> Self {
        self.column().fallback_is_nullable = true;
        self.or_else(fallback)
    }

    /// SQL of the default where the column is null, which is never null itself.
    #[must_use]
    pub fn or_else(mut self, fallback: &'static str) -> Self {
        self.column().fallback = Some(fallback);
        self
    }

    /// Only callers of this role, or a higher one, may select it.
    #[must_use]
    pub fn requires_role(mut self, role: Role) -> Self {
        let FieldKind::Computed(computed) = &mut self.field.kind else {
            unreachable!("only computed fields require a role")
        };
        computed.role = role;
        self
    }

    /// It is a source's whole text: a setting says who may select it.
    #[must_use]
    pub fn whole_text(mut self) -> Self {
        let FieldKind::Computed(computed) = &mut self.field.kind else {
            unreachable!("only computed fields require a role")
        };
        computed.whole_text = true;
        self
    }

    /// It costs nothing to compute.
    #[must_use]
    pub fn free(mut self) -> Self {
        let FieldKind::Computed(computed) = &mut self.field.kind else {
            unreachable!("only computed fields have a cost")
        };
        computed.cost = 0;
        self
    }

    /// Its cost depends on its arguments.
    #[must_use]
    pub fn with_cost(mut self, price: CostFunction) -> Self {
        let FieldKind::Computed(computed) = &mut self.field.kind else {
            unreachable!("only computed fields have a cost")
        };
        computed.price = Some(price);
        self
    }

    /// Computing it changes the base; `nothing` stands in its place where it came to nothing, though something
    /// else of the request was done.
    #[must_use]
    pub fn mutating(mut self, nothing: ComputedValue) -> Self {
        let FieldKind::Computed(computed) = &mut self.field.kind else {
            unreachable!("only computed fields change anything")
        };
        computed.nothing = Some(nothing);
        self
    }

    /// Its value depends on the caller, so responses are not shared between callers.
    #[must_use]
    pub fn per_caller(mut self) -> Self {
        let FieldKind::Computed(computed) = &mut self.field.kind else {
            unreachable!("only computed fields depend on the caller")
        };
        computed.per_caller = true;
        self
    }

    /// An attribute of the edge itself, and the stem of its types' names.
    #[must_use]
    pub fn with_attribute(mut self, stem: &'static str, attribute: impl Into<FieldDeclaration>) -> Self {
        let FieldKind::ToMany(many) = &mut self.field.kind else {
            unreachable!("only edges have attributes")
        };
        many.stem = stem;
        many.attributes.push(attribute.into().field);
        self
    }

    /// Read with this SQL instead of the column of the field's name.
    #[must_use]
    pub fn from_sql(mut self, sql: impl Into<Cow<'static, str>>) -> Self {
        self.column().sql = Expression::Template(sql.into());
        self
    }

    /// Read from this column instead of that of the field's name.
    #[must_use]
    pub fn from_column(mut self, column: &'static str) -> Self {
        self.column().sql = Expression::Column(column.into());
        self
    }

    /// Its SQL looks into other records: their tables, and the columns that refer to them.
    #[must_use]
    pub fn reading(mut self, records: &'static [(&'static str, &'static str)]) -> Self {
        self.column().reads = Reads::Records(records);
        self
    }

    /// Its SQL reads the log, by the column that keeps the history of the record.
    fn of_history(mut self, column: &'static str) -> Self {
        self.column().reads = Reads::History(column);
        self
    }

    /// Records can be filtered by it.
    #[must_use]
    pub fn filterable(mut self) -> Self {
        let Field { name, description, kind, .. } = &self.field;
        let (name, description) = (*name, *description);
        let mut condition = |name: Cow<'static, str>, test| {
            self.conditions.push(FilterField::new(name, description, test));
        };
        match kind {
            FieldKind::Column(Column { sql, scalar: Scalar::PartialDate, .. }) => {
                condition(
                    name.into(),
                    Predicate::During {
                        sql: format!("partial_date_range({})", sql.template()).into(),
                        any_time: false,
                    },
                );
            }
            FieldKind::Column(Column { sql, scalar, .. }) => {
                condition(name.into(), Predicate::Value { sql: sql.clone(), scalar: *scalar });
                if let Scalar::Enumeration(_) = scalar {
                    let by = FacetBy::Value { sql: sql.clone(), scalar: *scalar };
                    self.facets.push(Facet::new(name, description, by));
                }
            }
            FieldKind::ToOne(ToOne { choices, .. }) => {
                for (to, column) in choices {
                    condition(naming::camel_case(to).into(), Predicate::ToOne { to, column });
                }
            }
            FieldKind::OwnedList(OwnedList { of: OwnedItem::Shape(to), owner, .. }) => {
                condition(name.into(), Predicate::Some { to, via: Join::Column(owner) });
            }
            _ => unreachable!("an edge brings its filter along"),
        }
        self
    }

    /// The filter by an edge has this name: it is of one of the records on the other side.
    #[must_use]
    pub fn filterable_as(mut self, name: &'static str, description: &'static str) -> Self {
        let condition = self.conditions.first_mut().expect("an edge brings its filter along");
        (condition.name, condition.description) = (name.into(), description);
        self
    }

    /// The edge is written with its record, as a list of records.
    #[must_use]
    pub fn writable(self) -> Self {
        self.writable_as(Writability::Link(None))
    }

    #[must_use]
    pub fn writable_as(mut self, written: Writability) -> Self {
        let FieldKind::ToMany(many) = &mut self.field.kind else {
            unreachable!("only edges are written as lists")
        };
        many.written = written;
        self
    }

    /// Records can be counted by its value, or by what stands on the other side of an edge; it is filterable.
    #[must_use]
    pub fn facetable(mut self) -> Self {
        let by = match &self.field.kind {
            FieldKind::Column(Column { sql, scalar, .. }) => {
                FacetBy::Value { sql: sql.clone(), scalar: *scalar }
            }
            FieldKind::ToMany(ToMany { to, via: Join::Link(between, from, other), .. }) => {
                FacetBy::Link { to, between, from, other }
            }
            _ => unreachable!("only by values and records behind a link records are counted this way"),
        };
        let FilterField { name, description, .. } =
            self.conditions.first().expect("what is counted by has a filter");
        self.facets.push(Facet::new(name.clone(), description, by));
        self
    }

    /// Records can be sorted by it, capital letters aside where it is a text.
    #[must_use]
    pub fn sortable(mut self, order: &str) -> Self {
        let what = self.field.name;
        let Column { sql, scalar, .. } = self.column();
        let (sql, kind) = match scalar {
            Scalar::Int => (sql.template(), KeyKind::Int),
            _ => (format!("lower({})", sql.template()), KeyKind::Text),
        };
        self.orders.extend(both_ways(order, what, |_| SortKey::Key(sql.clone().into(), kind)));
        self
    }
}

/// The number of a record's last revision, by the column that keeps its history.
fn last_revision(history: &str) -> String {
    format!("(select coalesce(max(id), 0) from revisions where {history} = {{}}.id)")
}

/// When the first or the last change of a record was recorded, by the column that keeps its history.
fn recorded(history: &str, last: bool) -> String {
    let direction = if last { " desc" } else { "" };
    let recorded_at = rfc_3339("r.recorded_at");
    format!(
        "(select {recorded_at} from revisions r where r.{history} = {{}}.id order by r.id{direction} limit 1)"
    )
}

/// A text of some sentences as a label: whole where it is short, else its beginning, up to the end of a word.
pub fn shortened(column: &str) -> String {
    format!(
        "case when length({column}) <= 120 then {column} else regexp_replace(left({column}, 119), '\\s+\\S*$', '') || '…' end"
    )
}

pub const LABEL: &str = "A short title for people: its name or title, the beginning of what it says, or who is tied \
                         to what and how.";
pub const CREATED_AT: &str = "When it was created; null if its history was not recorded.";
pub const UPDATED_AT: &str =
    "When it, or something that belongs to it, last changed; null if its history was not recorded.";

/// A column whose name in the database is the field's, in snake case.
pub fn column(name: &'static str, scalar: Scalar, description: &'static str) -> FieldDeclaration {
    let sql = Expression::Column(naming::snake_case(name).into());
    let column = Column {
        sql,
        scalar,
        nullable: false,
        fallback: None,
        fallback_is_nullable: false,
        reads: Reads::Row,
    };
    Field::new(name, description, FieldKind::Column(column)).into()
}

pub fn text(name: &'static str, description: &'static str) -> FieldDeclaration {
    column(name, Scalar::Text, description)
}

/// A term of a vocabulary or a register.
pub fn term(name: &'static str, description: &'static str) -> FieldDeclaration {
    column(name, Scalar::Term, description)
}

/// The language of something.
pub fn language(name: &'static str, description: &'static str) -> FieldDeclaration {
    column(name, Scalar::Language, description).nullable()
}

/// Sentences.
pub fn prose(name: &'static str, description: &'static str) -> FieldDeclaration {
    column(name, Scalar::Prose, description)
}

pub fn one_of(name: &'static str, of: &'static Enumeration, description: &'static str) -> FieldDeclaration {
    column(name, Scalar::Enumeration(of), description)
}

/// A reference that is always there; records can be filtered and counted by what it refers to.
pub fn one(
    name: &'static str,
    to: &'static str,
    column: &'static str,
    description: &'static str,
) -> FieldDeclaration {
    let declared = reference(name, to, vec![(to, column)], description);
    FieldDeclaration {
        conditions: vec![FilterField::new(name, description, Predicate::ToOne { to, column })],
        facets: vec![Facet::new(name, description, FacetBy::ToOne { to, column })],
        ..declared
    }
}

/// A reference to a record of one of several kinds: the object type and the column of each.
pub fn reference(
    name: &'static str,
    type_name: &'static str,
    choices: Vec<(&'static str, &'static str)>,
    description: &'static str,
) -> FieldDeclaration {
    Field::new(name, description, FieldKind::ToOne(ToOne { type_name, choices, nullable: false })).into()
}

/// Records of one of several kinds, within what a domain module computes.
pub fn references(
    name: &'static str,
    type_name: &'static str,
    choices: Vec<(&'static str, &'static str)>,
    description: &'static str,
) -> FieldDeclaration {
    Field::new(name, description, FieldKind::Records(ToOne { type_name, choices, nullable: false })).into()
}

/// An edge to many records; records can be filtered by what stands on its other side.
pub fn many(name: &'static str, to: &'static str, via: Join, description: &'static str) -> FieldDeclaration {
    let kind =
        FieldKind::ToMany(ToMany { to, via, stem: to, attributes: Vec::new(), written: Writability::No });
    let declared = FieldDeclaration::from(Field::new(name, description, kind));
    let test = Predicate::Some { to, via };
    FieldDeclaration { conditions: vec![FilterField::new(name, description, test)], ..declared }
}

pub fn values(name: &'static str, values: OwnedList, description: &'static str) -> FieldDeclaration {
    Field::new(name, description, FieldKind::OwnedList(values)).into()
}

/// Values with fields of their own, within what a domain module computes.
pub fn part(
    name: &'static str,
    of: &'static str,
    form: Cardinality,
    description: &'static str,
) -> FieldDeclaration {
    Field::new(name, description, FieldKind::ValueType(ValueType { of, form })).into()
}

/// The citations that support a record.
pub fn evidence(column: &'static str) -> FieldDeclaration {
    cited(column, false)
}

/// The citations that support a record, of which it has one at least.
pub fn needed_evidence(column: &'static str) -> FieldDeclaration {
    cited(column, true)
}

fn cited(column: &'static str, needed: bool) -> FieldDeclaration {
    let of = &["source", "locator", "credibility", "quote", "prefix", "suffix", "version"];
    many("citations", "Citation", Join::Column(column), "Passages of sources that support this record.")
        .writable_as(Writability::Rows { of, needed })
}
