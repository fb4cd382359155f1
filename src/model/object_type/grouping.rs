//! What the records of a connection can be grouped by: each reference, each value that can be counted by, and each
//! partial date by year, quarter, month and day.

use crate::model::{
    naming,
    object_type::{
        Column, Facet, FacetBy, FieldKind, ObjectType, Predicate, Scalar, ToOne, column, reference,
    },
    sql::Expression,
};

/// The default number of groups, and the maximum.
pub const GROUPS: i32 = 100;
pub const MAX_GROUPS: i32 = 1000;
/// Maximum number of dimensions of one group.
pub const MAX_DIMENSIONS: usize = 3;

/// Something that records are grouped by.
#[derive(Clone, Debug)]
pub struct Dimension {
    /// Its value of the enumeration: `TOPIC_WITHIN`.
    pub name: String,
    /// The field of a group that has the key: `topicWithin`.
    pub field: String,
    pub description: String,
    pub key: Key,
}

/// What the records of one group have in common.
#[derive(Clone, Debug)]
pub enum Key {
    Value {
        sql: Expression,
        scalar: Scalar,
    },
    /// The record that one of these columns refers to: their object types, and the type of all of them.
    Record {
        type_name: &'static str,
        choices: Vec<(&'static str, &'static str)>,
    },
    /// Each record that is linked: by the link's table, its column of this side, its column of the other.
    Linked {
        to: &'static str,
        link: (&'static str, &'static str, &'static str),
    },
    /// Each of those, and each record above it by the column of its parent.
    Above {
        to: &'static str,
        from: Origin,
        parent: &'static str,
    },
    /// The part of a partial date.
    Period {
        sql: Expression,
        unit: Unit,
    },
}

/// How a record leads to the first of the records above.
#[derive(Clone, Copy, Debug)]
pub enum Origin {
    Column(&'static str),
    Link(&'static str, &'static str, &'static str),
}

/// A part of the calendar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unit {
    Year,
    Quarter,
    Month,
    Day,
}

impl Unit {
    pub const ALL: [Unit; 4] = [Unit::Year, Unit::Quarter, Unit::Month, Unit::Day];

    pub fn name(self) -> &'static str {
        match self {
            Unit::Year => "Year",
            Unit::Quarter => "Quarter",
            Unit::Month => "Month",
            Unit::Day => "Day",
        }
    }

    /// The unit with this name in the schema.
    pub fn named(name: &str) -> Unit {
        let is_named = |unit: &Unit| naming::constant_case(unit.name()) == name;
        Unit::ALL.into_iter().find(is_named).expect("validated")
    }

    /// A period of it, as the schema writes it.
    pub fn description(self) -> &'static str {
        match self {
            Unit::Year => "A year: `2026`.",
            Unit::Quarter => "A quarter: `2026-Q1`.",
            Unit::Month => "A month: `2026-02`.",
            Unit::Day => "A day: `2026-02-19`.",
        }
    }

    /// The beginning of a partial date, up to the unit: `2026-02` or `2026-Q1`, and `2026` where no more is known.
    pub fn beginning(self, date: &str) -> String {
        match self {
            Unit::Year => format!("left({date}, 4)"),
            Unit::Quarter => format!(
                "case when octet_length({date}) < 7 then {date}::text \
                 else left({date}, 5) || 'Q' || (substr({date}, 6, 2)::integer + 2) / 3 end"
            ),
            Unit::Month => format!("left({date}, 7)"),
            Unit::Day => format!("{date}::text"),
        }
    }

    /// The length of a period of it as text.
    fn length(self) -> usize {
        match self {
            Unit::Year => 4,
            Unit::Quarter | Unit::Month => 7,
            Unit::Day => 10,
        }
    }

    /// The lengths of the beginnings that may lie in several periods of it.
    pub fn coarser(self) -> &'static [usize] {
        match self {
            Unit::Year => &[],
            Unit::Quarter | Unit::Month => &[4],
            Unit::Day => &[4, 7],
        }
    }

    /// The condition that a beginning lies in one period of it, or is unknown.
    pub fn is_exact(self, beginning: &str) -> String {
        format!("coalesce(octet_length({beginning}) = {}, true)", self.length())
    }

    /// The first period in which a beginning may lie, or the last one.
    pub fn end_of(self, beginning: &str, last: bool) -> String {
        let rest = match (self, last) {
            (Unit::Year, _) => "",
            (Unit::Quarter, false) => "-Q1",
            (Unit::Quarter, true) => "-Q4",
            (Unit::Month, false) => "-01",
            (Unit::Month, true) => "-12",
            (Unit::Day, false) => "-01-01",
            (Unit::Day, true) => {
                return format!(
                    "case when octet_length({beginning}) < 10 \
                     then (upper(partial_date_range({beginning})) - 1)::text else {beginning} end"
                );
            }
        };
        format!("rpad({beginning}, {}, '{rest}')", self.length())
    }

    /// The rows that a beginning is spread over: each period, and whether it certainly lies in it. A year needs none.
    pub fn spread(self, beginning: &str) -> Option<String> {
        let (possible, periods) = match self {
            Unit::Year => return None,
            Unit::Quarter => (format!("{beginning} || '-Q' || u"), "generate_series(1, 4)".to_owned()),
            Unit::Month => {
                (format!("{beginning} || '-' || lpad(u::text, 2, '0')"), "generate_series(1, 12)".to_owned())
            }
            Unit::Day => {
                let first = format!("lower(partial_date_range({beginning}))");
                let days = format!("upper(partial_date_range({beginning})) - {first}");
                (format!("({first} + u)::text"), format!("generate_series(0, {days} - 1)"))
            }
        };
        let exact = self.is_exact(beginning);
        Some(format!(
            "(select {beginning}, true where {exact} \
             union all select {possible}, false from {periods} u where not {exact})"
        ))
    }
}

impl Dimension {
    fn new(field: impl Into<String>, description: impl Into<String>, key: Key) -> Self {
        let field = field.into();
        let name = naming::snake_case(&field).to_uppercase();
        Dimension { name, field, description: description.into(), key }
    }

    /// Whether it is the same as another one, or of the same date.
    pub fn has_value_of(&self, other: &Dimension) -> bool {
        match (&self.key, &other.key) {
            (Key::Period { sql, .. }, Key::Period { sql: of_other, .. }) => sql == of_other,
            _ => self.name == other.name,
        }
    }

    /// The columns of a group's row that have the key, each with its SQL type.
    pub fn columns(&self) -> Vec<(String, &'static str)> {
        let name = naming::snake_case(&self.field);
        match &self.key {
            Key::Record { choices, .. } if choices.len() > 1 => {
                choices.iter().map(|(_, column)| (format!("{name}_{column}"), "bigint")).collect()
            }
            Key::Record { .. } | Key::Linked { .. } | Key::Above { .. } => vec![(name, "bigint")],
            Key::Value { scalar: Scalar::Int, .. } => vec![(name, "integer")],
            Key::Value { scalar: Scalar::Boolean, .. } => vec![(name, "boolean")],
            Key::Value { .. } | Key::Period { .. } => vec![(name, "text")],
        }
    }
}

/// The dimensions of an object type: none if it is not listed.
pub fn dimensions(object_type: &ObjectType, object_types: &[ObjectType]) -> Vec<Dimension> {
    if object_type.orders.is_empty() {
        return Vec::new();
    }
    let counted = object_type.facets.iter().filter(|facet| {
        // A year that is counted is the year of a date, which is grouped by itself.
        facet.deprecation.is_none() && facet.name == facet.without
    });
    let counted = counted.flat_map(|facet| of_facet(facet, object_types));
    let fields = object_type.fields.iter().filter(|field| field.deprecation.is_none());
    let others = fields.flat_map(|field| match &field.kind {
        FieldKind::Column(Column { sql, scalar: Scalar::PartialDate, .. }) => {
            of_date(field.name, field.description, sql)
        }
        FieldKind::ToOne(ToOne { type_name, choices, .. }) if choices.len() > 1 => {
            let key = Key::Record { type_name, choices: choices.clone() };
            vec![Dimension::new(field.name, field.description, key)]
        }
        _ => Vec::new(),
    });
    counted.chain(others).collect()
}

/// A facet's value; and where records stand above one another, each with those above it.
fn of_facet(facet: &Facet, object_types: &[ObjectType]) -> Vec<Dimension> {
    let (to, key, from) = match &facet.by {
        FacetBy::Value { sql, scalar } => {
            let key = Key::Value { sql: sql.clone(), scalar: *scalar };
            return vec![Dimension::new(&*facet.name, facet.description, key)];
        }
        FacetBy::ToOne { to, column } => {
            (*to, Key::Record { type_name: to, choices: vec![(to, column)] }, Origin::Column(column))
        }
        FacetBy::Link { to, between, from, other } => {
            let link = (*between, *from, *other);
            (*to, Key::Linked { to, link }, Origin::Link(between, from, other))
        }
    };
    let mut dimensions = vec![Dimension::new(&*facet.name, facet.description, key)];
    let above = object_types.iter().find(|object_type| object_type.name == to);
    let parent = above.into_iter().flat_map(|above| &above.conditions).find_map(|condition| {
        if let Predicate::Within { parent } = condition.test { Some(parent) } else { None }
    });
    if let Some(parent) = parent {
        let description = format!(
            "{} Each record counts here and for all above: for a topic, its sub-topics' records are counted too.",
            facet.description
        );
        let key = Key::Above { to, from, parent };
        dimensions.push(Dimension::new(format!("{}Within", facet.name), description, key));
    }
    dimensions
}

fn of_date(name: &str, description: &str, sql: &Expression) -> Vec<Dimension> {
    let of_unit = |unit: Unit| {
        let description = format!("{} {description}", unit.description());
        Dimension::new(format!("{name}{}", unit.name()), description, Key::Period { sql: sql.clone(), unit })
    };
    Unit::ALL.map(of_unit).into()
}

/// The name of the type of an object type's groups.
pub fn group_of(object_type: &ObjectType) -> String {
    format!("{}Group", object_type.name)
}

/// The name of the enumeration of an object type's dimensions.
pub fn grouping_of(object_type: &ObjectType) -> String {
    format!("{}Grouping", object_type.name)
}

/// The type of an object type's groups, if it has dimensions.
pub fn group(object_type: &ObjectType) -> Option<ObjectType> {
    if object_type.dimensions.is_empty() {
        return None;
    }
    // Leaked once per process, like the names in the domain modules.
    let group = ObjectType::new(
        group_of(object_type).leak(),
        "",
        "Records that have something in common. Only the fields that `by` names have a value.",
    );
    let with_key = |group: ObjectType, dimension: &Dimension| {
        let Dimension { field, description, key, .. } = dimension;
        let columns = dimension.columns().into_iter().map(|(column, _)| &*column.leak());
        let (field, description) = (&*field.clone().leak(), &*description.clone().leak());
        let declared = match key {
            Key::Value { scalar, .. } => column(field, *scalar, description),
            Key::Period { unit: Unit::Quarter, .. } => column(field, Scalar::Term, description),
            Key::Period { .. } => column(field, Scalar::PartialDate, description),
            Key::Linked { to, .. } | Key::Above { to, .. } => {
                reference(field, to, columns.map(|column| (*to, column)).collect(), description)
            }
            Key::Record { type_name, choices } => {
                let choices = choices.iter().zip(columns).map(|((to, _), column)| (*to, column)).collect();
                reference(field, type_name, choices, description)
            }
        };
        group.field(declared.nullable())
    };
    let counts = [
        ("count", "The number of its records: `certain` and `possible` together."),
        ("certain", "The number of records that certainly belong to it."),
        (
            "possible",
            "The number of records that may belong to it, as their dates are known less exactly: a record of 2026 may belong to each month of 2026.",
        ),
    ];
    let group = object_type.dimensions.iter().fold(group, with_key);
    Some(
        counts
            .into_iter()
            .fold(group, |group, (name, description)| group.field(column(name, Scalar::Int, description))),
    )
}
