//! The catalog as GraphQL types. `async-graphql` introspects and prints them; it never executes a field, so there are
//! no resolvers.

use std::collections::HashSet;

use async_graphql::dynamic::{
    Enum, EnumItem, Field, FieldFuture, FieldValue, InputObject, InputValue, Interface, InterfaceField,
    Object, Scalar as ScalarType, Schema, SchemaBuilder, Subscription, SubscriptionField,
    SubscriptionFieldFuture, Type, TypeRef, Union,
};

use futures_util::stream;

use crate::model::{
    Catalog, Input, ROOTS, as_of, facet_of,
    object_type::{
        self, CREATED_AT, Cardinality, Deprecation, Enumeration, Facet, FieldKind, Join, LABEL, LookupInput,
        ObjectType, Order, OwnedItem, Predicate, Scalar, ToMany, ToOne, UPDATED_AT, ValueType,
        computed::{Argument, Computed, NODES},
        grouping::{Dimension, GROUPS, MAX_GROUPS, group_of, grouping_of},
    },
    operator::{AT_LEAST, Operator},
};

/// All types of the catalog, as a builder, because callers validate in different modes.
pub fn schema(catalog: &Catalog) -> SchemaBuilder {
    let builder = builder(catalog);
    let mut types = Types { catalog, made: HashSet::new(), builder };
    types.interfaces();
    types.scalars();
    types.counts();
    types.past();
    for union in &catalog.unions {
        let described = Union::new(union.name).description(union.description);
        types.add(union.members.iter().fold(described, |union, member| union.possible_type(*member)));
    }
    for object_type in &catalog.object_types {
        types.object_type(object_type);
    }
    for input in &catalog.inputs {
        types.input(input);
    }
    types.builder
}

/// A schema without types, which has those roots that have fields.
fn builder(catalog: &Catalog) -> SchemaBuilder {
    let root = |name: &'static str| (!catalog.named(name).fields.is_empty()).then_some(name);
    Schema::build(ROOTS[0], root(ROOTS[1]), root(ROOTS[2]))
}

static GROUP_ORDER: Enumeration = Enumeration {
    name: "GroupOrder",
    sql: "",
    description: "An order of groups.",
    values: &[
        ("COUNT_DESC", "Groups with most records first."),
        ("COUNT_ASC", "Groups with fewest records first."),
        (
            "KEYS_ASC",
            "By the keys in the order of `by`: dates by time, records by their entry. Unknown keys come last.",
        ),
        ("KEYS_DESC", "By the keys in the order of `by`, the last ones first. Unknown keys come last."),
    ],
    deprecated: &[],
};
static COUNT_MODE: Enumeration = Enumeration {
    name: "CountMode",
    sql: "",
    description: "How to count records. `Count.precision` says how exact the result is, which may be better than requested.",
    values: &[
        ("EXACT", "The exact number. Slow if there are many records."),
        ("ESTIMATE", "An estimate from the database's statistics. Fast for any number of records."),
        ("CAPPED", "The exact number, up to 1000."),
    ],
    deprecated: &[],
};

static COUNT_PRECISION: Enumeration = Enumeration {
    name: "CountPrecision",
    sql: "",
    description: "How exact a count is.",
    values: &[
        ("EXACT", "Exactly this many records."),
        ("ESTIMATE", "About this many records."),
        ("AT_LEAST", "At least this many records."),
    ],
    deprecated: &[],
};

struct Types<'a> {
    catalog: &'a Catalog,
    /// Names of shared types that are registered.
    made: HashSet<String>,
    builder: SchemaBuilder,
}

fn field(name: impl Into<String>, ty: TypeRef, description: &str) -> Field {
    Field::new(name, ty, |_| FieldFuture::Value(None)).description(description)
}

fn input(name: &str, ty: TypeRef, description: &str) -> InputValue {
    InputValue::new(name, ty).description(description)
}

fn deprecated(input: InputValue, deprecation: Option<Deprecation>) -> InputValue {
    match deprecation {
        Some(deprecation) => input.deprecation(Some(&deprecation.text())),
        None => input,
    }
}

fn as_of() -> InputValue {
    input(as_of::ARGUMENT, TypeRef::named(as_of::INPUT), as_of::DESCRIPTION)
}

fn output(name: &str, nullable: bool) -> TypeRef {
    if nullable { TypeRef::named(name) } else { TypeRef::named_nn(name) }
}

impl Scalar {
    pub fn type_name(self) -> &'static str {
        match self {
            Scalar::Id(_) => "ID",
            Scalar::Text | Scalar::Term | Scalar::Prose | Scalar::Language | Scalar::Content => "String",
            Scalar::Float => "Float",
            Scalar::Decimal => "Decimal",
            Scalar::Int => "Int",
            Scalar::RevisionNumber => "RevisionNumber",
            Scalar::Boolean => "Boolean",
            Scalar::Enumeration(of) => of.name,
            Scalar::PartialDate => "PartialDate",
            Scalar::DateTime => "DateTime",
            Scalar::Url => "URL",
            Scalar::Cursor => "Cursor",
        }
    }

    fn filter_name(self) -> String {
        match self {
            Scalar::Term | Scalar::Url | Scalar::Language => "TermFilter".to_owned(),
            Scalar::Prose => "TextFilter".to_owned(),
            scalar => format!("{}Filter", scalar.type_name()),
        }
    }
}

impl ValueType {
    fn type_ref(self) -> TypeRef {
        match self.form {
            Cardinality::One => TypeRef::named_nn(self.of),
            Cardinality::Maybe => TypeRef::named(self.of),
            Cardinality::List => TypeRef::named_nn_list_nn(self.of),
        }
    }
}

/// Parses a type reference: `[String!]!`.
fn type_ref(text: &str) -> TypeRef {
    if let Some(inner) = text.strip_suffix('!') {
        return TypeRef::NonNull(Box::new(type_ref(inner)));
    }
    match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        Some(inner) => TypeRef::List(Box::new(type_ref(inner))),
        None => TypeRef::named(text),
    }
}

impl Types<'_> {
    fn add(&mut self, ty: impl Into<Type>) {
        self.builder = std::mem::replace(&mut self.builder, builder(self.catalog)).register(ty);
    }

    /// Whether a shared type is not registered yet.
    fn is_new(&mut self, name: &str) -> bool {
        self.made.insert(name.to_owned())
    }

    fn scalars(&mut self) {
        let scalars = [
            (
                "PartialDate",
                "A date as precisely as it is known: a year (`2026`), a month (`2026-02`) or a day (`2026-02-19`).",
                "https://www.loc.gov/standards/datetime/",
            ),
            (
                "DateTime",
                "A date and time in UTC (RFC 3339): `2026-02-19T16:30:00.000000Z`.",
                "https://scalars.graphql.org/andimarek/date-time.html",
            ),
            ("URL", "The address of a document on the web.", "https://url.spec.whatwg.org/"),
        ];
        for (name, description, specified) in scalars {
            self.add(ScalarType::new(name).description(description).specified_by_url(specified));
        }
        let decimal = "An exact decimal number as a text, with at most 20 digits before the point and 10 after it: `\"1500000.50\"`. An input may be a number too.";
        self.add(ScalarType::new("Decimal").description(decimal));
        let opaque = "The position of a record in a connection. Opaque: take it from `pageInfo` or an edge, and use it with the same `orderBy`.";
        self.add(ScalarType::new("Cursor").description(opaque));
        let revision = "The number of a revision: an integer. Later revisions have higher numbers.";
        self.add(ScalarType::new("RevisionNumber").description(revision));
    }

    fn interfaces(&mut self) {
        let id = || {
            InterfaceField::new("id", TypeRef::named_nn(TypeRef::ID))
                .description("Global id: opaque and unique among all records.")
        };
        self.add(Interface::new("Node").description("Anything with a global id.").field(id()));
        let slug = InterfaceField::new("slug", TypeRef::named_nn(TypeRef::STRING))
            .description("Stable, readable name of the record, for people and URLs.");
        let revisions = self
            .catalog
            .record_types()
            .find_map(|object_type| object_type.fields.iter().find(|field| field.name == "revisions"));
        let Some(object_type::Field { description, kind: FieldKind::ToMany(many), .. }) = revisions else {
            return;
        };
        let revisions = self.page_arguments(many).into_iter().fold(
            InterfaceField::new("revisions", TypeRef::named_nn(format!("{}Connection", many.stem)))
                .description(*description),
            InterfaceField::argument,
        );
        let record =
            Interface::new("Record").description("A record with a slug and a history.").implement("Node");
        let revision = InterfaceField::new("revision", TypeRef::named_nn("RevisionNumber"))
            .description("The number of its last revision.");
        let label = InterfaceField::new("label", TypeRef::named_nn(TypeRef::STRING)).description(LABEL);
        let moment = |name, description: &str| {
            InterfaceField::new(name, TypeRef::named("DateTime")).description(description)
        };
        let fields = [
            id(),
            slug,
            label,
            revision,
            moment("createdAt", CREATED_AT),
            moment("updatedAt", UPDATED_AT),
            revisions,
        ];
        self.add(fields.into_iter().fold(record, Interface::field));
    }

    fn counts(&mut self) {
        self.enumeration(&COUNT_MODE);
        self.enumeration(&GROUP_ORDER);
        self.enumeration(&COUNT_PRECISION);
        self.add(
            Object::new("Count")
                .description("How many records there are.")
                .field(field("value", TypeRef::named_nn(TypeRef::INT), "The number."))
                .field(field("precision", TypeRef::named_nn(COUNT_PRECISION.name), "How exact it is.")),
        );
    }

    fn past(&mut self) {
        let object = InputObject::new(as_of::INPUT).description(as_of::INPUT_DESCRIPTION).oneof();
        let field = |(name, ty, description)| input(name, TypeRef::named(ty), description);
        self.add(as_of::FIELDS.map(field).into_iter().fold(object, InputObject::field));
    }

    fn object_type(&mut self, object_type: &ObjectType) {
        if object_type.name == ROOTS[2] && !object_type.fields.is_empty() {
            self.subscriptions(object_type);
        } else if !object_type.fields.is_empty() {
            let mut object = Object::new(object_type.name).description(object_type.description);
            for interface in object_type.interfaces {
                object = object.implement(*interface);
            }
            for declared in &object_type.fields {
                let made = self.field(declared);
                object = object.field(made);
            }
            self.add(object);
        }
        if object_type.has_filter() {
            self.filter(object_type);
        }
        if !object_type.orders.is_empty() {
            self.order(object_type);
        }
        if object_type.root.as_ref().is_some_and(|root| root.one.is_some()) {
            self.keys(object_type);
        }
    }

    fn field(&mut self, declared: &object_type::Field) -> Field {
        let field = self.undeprecated_field(declared);
        match declared.deprecation {
            Some(deprecation) => field.deprecation(Some(&deprecation.text())),
            None => field,
        }
    }

    fn undeprecated_field(&mut self, declared: &object_type::Field) -> Field {
        let made = |ty| field(declared.name, ty, declared.description);
        match &declared.kind {
            FieldKind::Column(column) => {
                self.scalar(column.scalar);
                made(output(column.scalar.type_name(), column.may_be_null()))
            }
            FieldKind::ToOne(ToOne { type_name, nullable, .. }) => made(output(type_name, *nullable)),
            FieldKind::OwnedList(values) => made(TypeRef::named_nn_list_nn(match &values.of {
                OwnedItem::Shape(name) => *name,
                OwnedItem::Reference(one) => one.type_name,
            })),
            FieldKind::ValueType(part) => made(part.type_ref()),
            FieldKind::Scalars(scalar) => {
                self.scalar(*scalar);
                made(TypeRef::named_nn_list_nn(scalar.type_name()))
            }
            FieldKind::Records(one) => made(TypeRef::named_nn_list_nn(one.type_name)),
            FieldKind::Computed(computed) => {
                let field = made(computed.part.type_ref());
                self.arguments(computed).into_iter().fold(field, Field::argument)
            }
            FieldKind::ToMany(many) => {
                self.connection(many);
                let connection = made(TypeRef::named_nn(format!("{}Connection", many.stem)));
                let connection = self.page_arguments(many).into_iter().fold(connection, Field::argument);
                if matches!(many.via, Join::All) { connection.argument(as_of()) } else { connection }
            }
            FieldKind::Lookup(object_type) => {
                let by = input(
                    "by",
                    TypeRef::named_nn(format!("{object_type}By")),
                    "The record, by exactly one of its keys.",
                );
                made(TypeRef::named(*object_type)).argument(by).argument(as_of())
            }
            FieldKind::Node => {
                let id = input("id", TypeRef::named_nn(TypeRef::ID), "The record's global id.");
                // Relay's compiler recognises it by its single argument, so only `nodes` has `asOf`.
                made(TypeRef::named("Node")).argument(id)
            }
            FieldKind::Nodes => {
                let ids = TypeRef::named_nn_list_nn(TypeRef::ID);
                let ids = input("ids", ids, "The records' global ids, at most 100.");
                made(TypeRef::named_list_nn("Node")).argument(ids).argument(as_of())
            }
        }
    }

    fn arguments(&mut self, computed: &Computed) -> Vec<InputValue> {
        for of in computed.arguments.iter().filter_map(|argument| argument.of) {
            self.scalar(Scalar::Enumeration(of));
        }
        let arguments = computed.arguments.iter();
        let made = |argument: &Argument| {
            let made = input(argument.name, type_ref(argument.ty), argument.description);
            deprecated(made, argument.deprecation)
        };
        arguments.map(made).collect()
    }

    /// The root type of subscriptions.
    fn subscriptions(&mut self, object_type: &ObjectType) {
        let mut root = Subscription::new(object_type.name).description(object_type.description);
        for declared in &object_type.fields {
            let FieldKind::Computed(computed) = &declared.kind else {
                unreachable!("fields of subscriptions are computed")
            };
            let field = SubscriptionField::new(declared.name, computed.part.type_ref(), |_| {
                SubscriptionFieldFuture::new(async {
                    Ok(stream::empty::<async_graphql::Result<FieldValue>>())
                })
            });
            let field = field.description(declared.description);
            let field = match declared.deprecation {
                Some(deprecation) => field.deprecation(Some(&deprecation.text())),
                None => field,
            };
            root = root.field(self.arguments(computed).into_iter().fold(field, SubscriptionField::argument));
        }
        self.add(root);
    }

    fn page_arguments(&self, many: &ToMany) -> Vec<InputValue> {
        let object_type = self.catalog.named(many.to);
        let mut arguments = Vec::new();
        if object_type.has_filter() {
            let ty = TypeRef::named(format!("{}Filter", object_type.name));
            arguments.push(input("filter", ty, "Only records that match this filter."));
        }
        if let Some(description) = object_type.since {
            let ty = TypeRef::named(Scalar::RevisionNumber.type_name());
            arguments.push(input("since", ty, description));
        }
        let order = object_type.orders.first().map_or("", |order| order.name.as_ref());
        let description = format!("Sort order. Default: {order}.");
        arguments.push(input("orderBy", TypeRef::named(format!("{}Order", object_type.name)), &description));
        for (name, ty, description) in [
            ("first", TypeRef::INT, "Page size, from the start. Default: 20. Maximum: 100."),
            ("after", "Cursor", "Only records after this cursor."),
            ("last", TypeRef::INT, "Page size, from the end. Maximum: 100. Not together with `first`."),
            ("before", "Cursor", "Only records before this cursor."),
        ] {
            arguments.push(input(name, TypeRef::named(ty), description));
        }
        arguments
    }

    fn connection(&mut self, many: &ToMany) {
        let (connection, edge) = (format!("{}Connection", many.stem), format!("{}Edge", many.stem));
        if !self.is_new(&connection) {
            return;
        }
        let mut edge_type = Object::new(&edge)
            .description(format!("A record of type {} and its cursor.", many.to))
            .field(field("node", TypeRef::named_nn(many.to), "The record."))
            .field(field("cursor", TypeRef::named_nn("Cursor"), "The record's cursor."));
        for attribute in &many.attributes {
            let attribute = self.field(attribute);
            edge_type = edge_type.field(attribute);
        }
        self.add(edge_type);
        let facets = self.facets(many);
        let mode = input("mode", TypeRef::named(COUNT_MODE.name), "How exact the number is. Default: EXACT.");
        let connection = Object::new(connection)
            .description(format!("A page of records of type {}.", many.to))
            .field(field("edges", TypeRef::named_nn_list_nn(edge), "The records of the page, in order."))
            .field(field("nodes", TypeRef::named_nn_list_nn(many.to), NODES))
            .field(field(
                "pageInfo",
                TypeRef::named_nn("PageInfo"),
                "Cursors of the page, and whether there are more records.",
            ))
            .field(field(
                "totalCount",
                TypeRef::named_nn(TypeRef::INT),
                "The number of records on all pages; counted only when selected.",
            ))
            .field(
                field(
                    "count",
                    TypeRef::named_nn("Count"),
                    "The number of records on all pages, as exact as `mode` says.",
                )
                .argument(mode),
            )
            .field(field(
                "facets",
                TypeRef::named_nn(facets),
                "Counts of the records on all pages, grouped by value.",
            ));
        let connection = match self.groups(self.catalog.named(many.to)) {
            Some(groups) => connection.field(groups),
            None => connection,
        };
        self.add(connection);
    }

    /// The field with the groups of a connection, if its records can be grouped.
    fn groups(&mut self, object_type: &ObjectType) -> Option<Field> {
        if object_type.dimensions.is_empty() {
            return None;
        }
        let grouping = grouping_of(object_type);
        if self.is_new(&grouping) {
            let by = format!("What records of type {} can be grouped by.", object_type.name);
            let by = Enum::new(&grouping).description(by);
            let item =
                |dimension: &Dimension| EnumItem::new(&dimension.name).description(&dimension.description);
            self.add(object_type.dimensions.iter().map(item).fold(by, Enum::item));
        }
        let by = InputValue::new("by", TypeRef::named_nn_list_nn(grouping));
        let first = format!("Number of groups. Default: {GROUPS}. Maximum: {MAX_GROUPS}.");
        let order =
            input("orderBy", TypeRef::named(GROUP_ORDER.name), "Order of the groups. Default: COUNT_DESC.");
        let groups = field(
            "groups",
            TypeRef::named_nn_list_nn(group_of(object_type)),
            "The records on all pages that match the filter, counted by up to three dimensions together: by speaker and month, for example. A record with several topics is counted in the group of each.",
        );
        let by = by.description("The dimensions: one to three.");
        Some(
            groups
                .argument(by)
                .argument(input("first", TypeRef::named(TypeRef::INT), &first))
                .argument(order),
        )
    }

    fn facets(&mut self, many: &ToMany) -> String {
        let object_type = self.catalog.named(many.to);
        let name = format!("{}Facets", object_type.name);
        if self.is_new(&name) {
            let object = Object::new(&name).description(format!(
                "Counts of records of type {} by value, highest count first. Each facet ignores the filter on its own field.",
                object_type.name
            ));
            let facet = |object: Object, facet: &Facet| {
                let first = input(
                    "first",
                    TypeRef::named(TypeRef::INT),
                    "Number of values. Default: 10. Maximum: 100.",
                );
                let counts = TypeRef::named_nn_list_nn(facet_of(facet));
                let made = field(facet.name.as_ref(), counts, facet.description).argument(first);
                object.field(match facet.deprecation {
                    Some(deprecation) => made.deprecation(Some(&deprecation.text())),
                    None => made,
                })
            };
            let object = object_type.facets.iter().fold(object, facet);
            self.add(object);
        }
        name
    }

    fn scalar(&mut self, scalar: Scalar) {
        if let Scalar::Enumeration(of) = scalar
            && self.is_new(of.name)
        {
            self.enumeration(of);
        }
    }

    fn enumeration(&mut self, of: &Enumeration) {
        let item = |(name, description): &(&'static str, &'static str)| {
            let item = EnumItem::new(*name).description(*description);
            match of.deprecation(name) {
                Some(deprecation) => item.deprecation(Some(&deprecation.text())),
                None => item,
            }
        };
        self.add(Enum::new(of.name).description(of.description).items(of.values.iter().map(item)));
    }

    fn order(&mut self, object_type: &ObjectType) {
        let item = |order: &Order| {
            let item = EnumItem::new(order.name.as_ref()).description(&order.description);
            match order.deprecation {
                Some(deprecation) => item.deprecation(Some(&deprecation.text())),
                None => item,
            }
        };
        let orders = Enum::new(format!("{}Order", object_type.name))
            .description(format!("Sort orders of records of type {}.", object_type.name));
        self.add(orders.items(object_type.orders.iter().map(item)));
    }

    fn keys(&mut self, object_type: &ObjectType) {
        let Some(root) = &object_type.root else { return };
        let mut by = InputObject::new(format!("{}By", object_type.name))
            .description(format!(
                "Identifies one record of type {}, by exactly one of these keys.",
                object_type.name
            ))
            .oneof()
            .field(input("id", TypeRef::named(TypeRef::ID), "The record's global id."));
        for key in &root.keys {
            let ty = match key.input {
                LookupInput::Text => TypeRef::STRING,
                LookupInput::RevisionNumber => Scalar::RevisionNumber.type_name(),
                LookupInput::Texts(name, description, fields) => {
                    let object = InputObject::new(name).description(description);
                    let text = |(name, description): &(&str, &str)| {
                        input(name, TypeRef::named_nn(TypeRef::STRING), description)
                    };
                    self.add(fields.iter().map(text).fold(object, InputObject::field));
                    name
                }
            };
            by = by.field(input(key.name, TypeRef::named(ty), key.description));
        }
        self.add(by);
    }

    fn input(&mut self, declared: &Input) {
        let mut object = InputObject::new(&declared.name).description(&declared.description);
        if declared.one_of {
            object = object.oneof();
        }
        let fields = declared.fields.iter().map(|field| {
            deprecated(input(&field.name, type_ref(&field.ty), &field.description), field.deprecation)
        });
        let object = fields.fold(object, InputObject::field);
        self.add(object);
    }

    fn filter(&mut self, object_type: &ObjectType) {
        let name = format!("{}Filter", object_type.name);
        let mut filter = InputObject::new(&name).description(format!(
            "Filter for records of type {}. A record must match every field that is given; a field that is null is ignored.",
            object_type.name
        ));
        for condition in &object_type.conditions {
            let ty = match &condition.test {
                Predicate::Value { scalar, .. } => self.operators(*scalar),
                Predicate::AnyText { .. } => self.operators(Scalar::Text),
                Predicate::During { .. } => self.range_filter(
                    "DateFilter",
                    "PartialDate",
                    &[
                        ("from", "The first day, month or year of the period."),
                        ("until", "The last day, month or year of the period (inclusive)."),
                    ],
                    "A period that the date must overlap. Without `from` or `until` it is open on that side. Unknown dates match only `isUnknown: true`, unless the field says otherwise.",
                    &[("isUnknown", "Whether the date is unknown.")],
                ),
                Predicate::Instant { .. } => self.range_filter(
                    "DateTimeFilter",
                    "DateTime",
                    &[("from", "The start of the span (inclusive)."), ("until", "The end of the span (exclusive).")],
                    "A span of time. Without `from` or `until` it is open on that side.",
                    &[],
                ),
                Predicate::ToOne { to, .. } | Predicate::Some { to, .. } => format!("{to}Filter"),
                Predicate::Grade { .. } => self.grades(),
                Predicate::Search => TypeRef::STRING.to_owned(),
                Predicate::Within { .. } => format!("{}By", object_type.name),
            };
            let field = input(&condition.name, TypeRef::named(ty), condition.description);
            filter = filter.field(deprecated(field, condition.deprecation));
        }
        filter = filter
            .field(input("and", TypeRef::named_nn_list(&name), "Matches all of these filters."))
            .field(input("or", TypeRef::named_nn_list(&name), "Matches at least one of these filters."))
            .field(input("not", TypeRef::named(&name), "Does not match this filter."));
        self.add(filter);
    }

    fn operators(&mut self, scalar: Scalar) -> String {
        let of = scalar.type_name();
        let name = scalar.filter_name();
        if !self.is_new(&name) {
            return name;
        }
        self.scalar(scalar);
        let operators = Operator::of(scalar).into_iter().map(|operator| {
            let ty = match operator {
                Operator::In | Operator::NotIn => TypeRef::named_nn_list(of),
                Operator::IsNull => TypeRef::named(TypeRef::BOOLEAN),
                Operator::Equals
                | Operator::Contains
                | Operator::StartsWith
                | Operator::Min
                | Operator::Max => TypeRef::named(of),
            };
            input(operator.name(), ty, operator.description())
        });
        let description = format!("Conditions on a value of type {of}. Every given operator must match.");
        self.add(operators.fold(InputObject::new(&name).description(description), InputObject::field));
        name
    }

    fn grades(&mut self) -> String {
        let name = "GradeFilter";
        if self.is_new(name) {
            let of = |operator: Operator, ty| input(operator.name(), ty, operator.description());
            let least = "Neither its letter nor its number is worse: `B2` lets A1, A2, B1 and B2 pass.";
            let object = InputObject::new(name)
                .description("Conditions on a grade of the Admiralty code. Every given operator must match.")
                .field(of(Operator::Equals, TypeRef::named(TypeRef::STRING)))
                .field(of(Operator::In, TypeRef::named_nn_list(TypeRef::STRING)))
                .field(input(AT_LEAST, TypeRef::named(TypeRef::STRING), least));
            self.add(object);
        }
        name.to_owned()
    }

    fn range_filter(
        &mut self,
        name: &str,
        of: &str,
        ends: &[(&str, &str)],
        description: &str,
        flags: &[(&str, &str)],
    ) -> String {
        if self.is_new(name) {
            let object = InputObject::new(name).description(description);
            let end = |(name, description): &(&str, &str)| input(name, TypeRef::named(of), description);
            let flag = |(name, description): &(&str, &str)| {
                input(name, TypeRef::named(TypeRef::BOOLEAN), description)
            };
            let parts = ends.iter().map(end).chain(flags.iter().map(flag));
            self.add(parts.fold(object, InputObject::field));
        }
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::catalog,
        model::object_type::{
            computed::{argument, computed},
            one_of,
        },
    };

    static MOOD: Enumeration = Enumeration {
        name: "Mood",
        sql: "",
        description: "A mood.",
        values: &[("GLAD", "Glad."), ("HAPPY", "Happy.")],
        deprecated: &[("GLAD", Deprecation { reason: "Use `HAPPY`.", until: "2027-06-01" })],
    };

    fn weather() -> ObjectType {
        let mood = argument("mood", "Mood", "A mood.").deprecated("Use `moods`.", "2027-07-01");
        let arguments = vec![Argument { of: Some(&MOOD), ..mood }];
        let part = ValueType { of: "String", form: Cardinality::One };
        let field =
            computed("weather", part, arguments, |_| Box::pin(async { Ok(Vec::new()) }), "The weather.");
        ObjectType::new("Query", "", "What there is.")
            .field(field.deprecated("Use `forecast`.", "2027-05-01"))
    }

    #[tokio::test]
    async fn what_is_deprecated_says_until_when_it_stays() {
        let builder = Schema::build("Query", None, None);
        let mut types = Types { catalog: catalog::catalog(), made: HashSet::new(), builder };
        let weather = types.field(&weather().fields[0]);
        types.add(Object::new("Query").field(weather));
        let schema = types.builder.finish().expect("a schema");
        let sdl = schema.sdl();
        for expected in [
            "GLAD @deprecated(reason: \"Use `HAPPY`. Removed after 2027-06-01.\")",
            "mood: Mood @deprecated(reason: \"Use `moods`. Removed after 2027-07-01.\")",
            "String! @deprecated(reason: \"Use `forecast`. Removed after 2027-05-01.\")",
        ] {
            assert!(sdl.contains(expected), "{expected} is not in {sdl}");
        }
        let query = "{ __type(name: \"Query\") { fields(includeDeprecated: true) { deprecationReason } } }";
        let read = schema.execute(query).await.data.into_json().expect("JSON");
        let reason = &read["__type"]["fields"][0]["deprecationReason"];
        assert_eq!(reason, "Use `forecast`. Removed after 2027-05-01.");
    }

    /// A record type with two fields that are deprecated, one of them required.
    fn meal() -> ObjectType {
        let date = "2027-05-01";
        let mood = one_of("mood", &MOOD, "The mood.").nullable().filterable().sortable("MOOD");
        let taste = one_of("taste", &MOOD, "The taste.").deprecated("Use `flavour`.", date);
        ObjectType::new("Meal", "meals", "A meal.")
            .record("meals")
            .labelled("{}.slug", "A label.")
            .field(mood.deprecated("Use `moods`.", date))
            .field(taste)
            .versioned()
            .in_order_of_entry()
    }

    #[test]
    fn what_follows_from_a_deprecated_field_is_deprecated_with_it() {
        let records = catalog::records().into_iter().chain([meal()]).collect();
        let sdl = catalog::sdl(Box::leak(Box::new(catalog::of(records))));
        let reason = "@deprecated(reason: \"Use `moods`. Removed after 2027-05-01.\")";
        let within = |ty: &str| {
            let start = sdl.find(&format!("{ty} {{")).unwrap_or_else(|| panic!("{ty} is not in the schema"));
            sdl[start..].split("\n}").next().expect("a type").to_owned()
        };
        for (ty, expected) in [
            ("type Meal implements Node & Record", format!("mood: Mood {reason}")),
            ("input MealFilter", format!("mood: MoodFilter {reason}")),
            ("enum MealOrder", format!("MOOD_ASC {reason}")),
            ("enum MealOrder", format!("MOOD_DESC {reason}")),
            ("type MealFacets", format!("): [MoodFacet!]! {reason}")),
            ("input CreateMealInput", format!("mood: Mood {reason}")),
            ("input UpdateMealInput", format!("mood: Mood {reason}")),
            ("input UpdateMealInput", "taste: Mood @deprecated".to_owned()),
            // What is required can't be deprecated.
            ("input CreateMealInput", "taste: Mood!\n".to_owned()),
        ] {
            let ty = within(ty);
            assert!(ty.contains(&expected), "{expected} is not in {ty}");
        }
    }
}
