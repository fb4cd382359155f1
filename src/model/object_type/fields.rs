//! What a domain module declares of a field, with the filters, orders and facets that follow from it.

use std::borrow::Cow;

use crate::model::{
    naming,
    object_type::{
        Cardinality, Column, Deprecation, Derived, Enumeration, Facet, FacetBy, Field, FieldKind,
        FilterField, Join, Order, OwnedItem, OwnedList, Predicate, Scalar, SortKey, ToMany, ToOne, ValueType,
        Writability,
    },
    pagination::KeyKind,
    sql::{Expression, Reads},
};

/// A field as a domain module declares it: with the filter and the orders it offers.
#[derive(Debug)]
pub struct FieldDeclaration {
    pub(super) field: Field,
    pub(super) conditions: Vec<FilterField>,
    pub(super) orders: Vec<Order>,
    pub(super) facets: Vec<Facet>,
}

impl From<Field> for FieldDeclaration {
    fn from(field: Field) -> Self {
        FieldDeclaration { field, conditions: Vec::new(), orders: Vec::new(), facets: Vec::new() }
    }
}

impl FieldDeclaration {
    pub(super) fn deprecate_derived(&mut self, deprecation: Deprecation) {
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

    fn edge(&mut self) -> &mut ToMany {
        match &mut self.field.kind {
            FieldKind::ToMany(many) => many,
            _ => unreachable!("only edges are declared this way"),
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

    /// An input may lack it: it follows from the other values.
    #[must_use]
    pub fn or_derived(mut self, derived: Derived) -> Self {
        self.column().derived = Some(derived);
        self
    }

    /// An attribute of the edge itself, and the stem of its types' names.
    #[must_use]
    pub fn with_attribute(mut self, stem: &'static str, attribute: impl Into<FieldDeclaration>) -> Self {
        let many = self.edge();
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
    pub(super) fn of_history(mut self, column: &'static str) -> Self {
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
        self.edge().written = written;
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
            _ => unreachable!("records are counted only by values and by records behind a link"),
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
        derived: None,
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
    let of = &["source", "locator", "credibility", "quote", "prefix", "suffix", "version", "start", "end"];
    many("citations", "Citation", Join::Column(column), "Passages of sources that support this record.")
        .writable_as(Writability::Rows { of, needed })
}

/// Both directions of an order.
pub(super) fn both_ways(name: &str, what: &str, by: impl Fn(bool) -> SortKey) -> [Order; 2] {
    [false, true].map(|descending| Order {
        name: format!("{name}_{}", if descending { "DESC" } else { "ASC" }).into(),
        description: format!("By {what}, {}.", if descending { "descending" } else { "ascending" }),
        by: by(descending),
        descending,
        deprecation: None,
    })
}
