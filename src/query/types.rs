//! The catalog as GraphQL types, for the library to validate against, introspect and print.
//!
//! The fields have no resolvers: the library never executes them. What it is asked is whether a
//! document is valid, and what the schema looks like.

use std::collections::HashSet;

use async_graphql::dynamic::{
    Enum, EnumItem, Field, FieldFuture, InputObject, InputValue, Interface, InterfaceField, Object,
    Scalar as ScalarType, Schema, SchemaBuilder, Type, TypeRef, Union,
};

use super::{
    catalog::{Catalog, ROOT},
    noun::{Column, Enumeration, KeyInput, Kind, Many, Noun, One, Order, Owned, Scalar, Test},
};

/// All types of the catalog, not yet finished: a caller sets how strictly it is used.
pub fn schema(catalog: &Catalog) -> SchemaBuilder {
    let mut types = Types { catalog, made: HashSet::new(), builder: Schema::build(ROOT, None, None) };
    types.interfaces();
    types.scalars();
    types.page_info();
    for union in &catalog.unions {
        let described = Union::new(union.name).description(union.description);
        types.add(union.members.iter().fold(described, |union, member| union.possible_type(*member)));
    }
    for noun in &catalog.nouns {
        types.noun(noun);
    }
    types.builder
}

struct Types<'a> {
    catalog: &'a Catalog,
    /// Names of types that several fields need.
    made: HashSet<String>,
    builder: SchemaBuilder,
}

fn field(name: impl Into<String>, ty: TypeRef, description: &str) -> Field {
    Field::new(name, ty, |_| FieldFuture::Value(None)).description(description)
}

fn input(name: &str, ty: TypeRef, description: &str) -> InputValue {
    InputValue::new(name, ty).description(description)
}

fn output(name: &str, nullable: bool) -> TypeRef {
    if nullable { TypeRef::named(name) } else { TypeRef::named_nn(name) }
}

impl Scalar {
    /// Its name in the schema.
    pub fn type_name(self) -> &'static str {
        match self {
            Scalar::Id(_) => "ID",
            Scalar::Text => "String",
            Scalar::Int => "Int",
            Scalar::RevisionNumber => "RevisionNumber",
            Scalar::Boolean => "Boolean",
            Scalar::Enumeration(of) => of.name,
            Scalar::PartialDate => "PartialDate",
            Scalar::DateTime => "DateTime",
            Scalar::Url => "URL",
        }
    }
}

impl Types<'_> {
    fn add(&mut self, ty: impl Into<Type>) {
        self.builder = std::mem::replace(&mut self.builder, Schema::build(ROOT, None, None)).register(ty);
    }

    /// Whether a type that several fields need is to be made now; said once of each.
    fn is_new(&mut self, name: &str) -> bool {
        self.made.insert(name.to_owned())
    }

    fn scalars(&mut self) {
        let scalars = [
            (
                "PartialDate",
                "A date as exactly as it is known: a year (`2026`), a month (`2026-02`) or a day (`2026-02-19`).",
                "https://www.loc.gov/standards/datetime/",
            ),
            (
                "DateTime",
                "A moment in UTC as RFC 3339 writes it: `2026-02-19T16:30:00.000000Z`.",
                "https://scalars.graphql.org/andimarek/date-time.html",
            ),
            ("URL", "The address of a document on the web.", "https://url.spec.whatwg.org/"),
        ];
        for (name, description, specified) in scalars {
            self.add(ScalarType::new(name).description(description).specified_by_url(specified));
        }
        let opaque = "Where a record stands in a connection's order. Opaque: take it from `pageInfo` or an edge, \
                      and give it back with the same `orderBy`.";
        self.add(ScalarType::new("Cursor").description(opaque));
        let revision = "The number of a revision: whole, and only growing.";
        self.add(ScalarType::new("RevisionNumber").description(revision));
    }

    fn interfaces(&mut self) {
        let id = || {
            InterfaceField::new("id", TypeRef::named_nn(TypeRef::ID))
                .description("Global id: opaque, and unique among all records.")
        };
        self.add(Interface::new("Node").description("Anything with a global id.").field(id()));
        let slug = InterfaceField::new("slug", TypeRef::named_nn(TypeRef::STRING))
            .description("Stable name of the record for people and addresses.");
        let revisions = self.catalog.nouns.iter().find_map(|noun| {
            let has_history = noun.interfaces.contains(&"Record");
            noun.fields.iter().find(|field| has_history && field.name == "revisions")
        });
        let Some(super::noun::Field { description, kind: Kind::Many(many), .. }) = revisions else { return };
        let revisions = self.page_arguments(many).into_iter().fold(
            InterfaceField::new("revisions", TypeRef::named_nn(format!("{}Connection", many.stem)))
                .description(*description),
            InterfaceField::argument,
        );
        let record = Interface::new("Record")
            .description("What the knowledge base keeps and whose every change it remembers.")
            .implement("Node");
        self.add(record.field(id()).field(slug).field(revisions));
    }

    fn page_info(&mut self) {
        let flag = |name, description| field(name, TypeRef::named_nn(TypeRef::BOOLEAN), description);
        let cursor = |name, description| field(name, TypeRef::named("Cursor"), description);
        self.add(
            Object::new("PageInfo")
                .description("Where a page lies among all records of its connection.")
                .field(flag("hasNextPage", "Whether records follow this page."))
                .field(flag("hasPreviousPage", "Whether records precede this page."))
                .field(cursor("startCursor", "Cursor of the first record; null on an empty page."))
                .field(cursor("endCursor", "Cursor of the last record; null on an empty page.")),
        );
    }

    fn noun(&mut self, noun: &Noun) {
        let mut object = Object::new(noun.name).description(noun.description);
        for interface in noun.interfaces {
            object = object.implement(*interface);
        }
        for declared in &noun.fields {
            let made = self.field(declared);
            object = object.field(made);
        }
        self.add(object);
        if noun.has_filter() {
            self.filter(noun);
        }
        if !noun.orders.is_empty() {
            self.order(noun);
        }
        if noun.root.as_ref().is_some_and(|root| root.one.is_some()) {
            self.keys(noun);
        }
    }

    fn field(&mut self, declared: &super::noun::Field) -> Field {
        let made = |ty| field(declared.name, ty, declared.description);
        match &declared.kind {
            Kind::Column(Column { scalar, nullable, .. }) => {
                self.scalar(*scalar);
                made(output(scalar.type_name(), *nullable))
            }
            Kind::One(One { type_name, nullable, .. }) => made(output(type_name, *nullable)),
            Kind::Values(values) => made(TypeRef::named_nn_list_nn(match &values.of {
                Owned::Shape(name) => *name,
                Owned::Reference(one) => one.type_name,
            })),
            Kind::Many(many) => {
                self.connection(many);
                let connection = made(TypeRef::named_nn(format!("{}Connection", many.stem)));
                self.page_arguments(many).into_iter().fold(connection, Field::argument)
            }
            Kind::Lookup(noun) => {
                let by = input(
                    "by",
                    TypeRef::named_nn(format!("{noun}By")),
                    "Which record: exactly one of its keys.",
                );
                made(TypeRef::named(*noun)).argument(by)
            }
            Kind::Node => made(TypeRef::named("Node")).argument(input(
                "id",
                TypeRef::named_nn(TypeRef::ID),
                "The record's global id.",
            )),
            Kind::Nodes => made(TypeRef::named_list_nn("Node")).argument(input(
                "ids",
                TypeRef::named_nn_list_nn(TypeRef::ID),
                "The records' global ids, at most 100.",
            )),
        }
    }

    fn page_arguments(&self, many: &Many) -> Vec<InputValue> {
        let noun = self.catalog.named(many.to);
        let mut arguments = Vec::new();
        if noun.has_filter() {
            let ty = TypeRef::named(format!("{}Filter", noun.name));
            arguments.push(input("filter", ty, "Only records that pass."));
        }
        let order = noun.orders.first().map_or("", |order| order.name.as_ref());
        let description = format!("How the records are sorted; {order} where left out.");
        arguments.push(input("orderBy", TypeRef::named(format!("{}Order", noun.name)), &description));
        for (name, ty, description) in [
            ("first", TypeRef::INT, "How many from the start: 20 where left out, at most 100."),
            ("after", "Cursor", "Only records behind this cursor."),
            ("last", TypeRef::INT, "How many from the end, at most 100; not together with `first`."),
            ("before", "Cursor", "Only records ahead of this cursor."),
        ] {
            arguments.push(input(name, TypeRef::named(ty), description));
        }
        arguments
    }

    fn connection(&mut self, many: &Many) {
        let (connection, edge) = (format!("{}Connection", many.stem), format!("{}Edge", many.stem));
        if !self.is_new(&connection) {
            return;
        }
        let mut edge_type = Object::new(&edge)
            .description(format!("A record of type {} in its connection.", many.to))
            .field(field("node", TypeRef::named_nn(many.to), "The record."))
            .field(field("cursor", TypeRef::named_nn("Cursor"), "Where the record stands."));
        for attribute in &many.attributes {
            let attribute = self.field(attribute);
            edge_type = edge_type.field(attribute);
        }
        self.add(edge_type);
        self.add(
            Object::new(connection)
                .description(format!("A page of records of type {}.", many.to))
                .field(field("edges", TypeRef::named_nn_list_nn(edge), "The records of the page, in order."))
                .field(field("pageInfo", TypeRef::named_nn("PageInfo"), "Where the page lies."))
                .field(field(
                    "totalCount",
                    TypeRef::named_nn(TypeRef::INT),
                    "How many records there are on all pages; counted only when asked for.",
                )),
        );
    }

    fn scalar(&mut self, scalar: Scalar) {
        if let Scalar::Enumeration(of) = scalar
            && self.is_new(of.name)
        {
            self.enumeration(of);
        }
    }

    fn enumeration(&mut self, of: &Enumeration) {
        let items =
            of.values.iter().map(|(name, description)| EnumItem::new(*name).description(*description));
        self.add(Enum::new(of.name).description(of.description).items(items));
    }

    fn order(&mut self, noun: &Noun) {
        let item = |order: &Order| EnumItem::new(order.name.as_ref()).description(&order.description);
        let orders = Enum::new(format!("{}Order", noun.name))
            .description(format!("How records of type {} can be sorted.", noun.name));
        self.add(orders.items(noun.orders.iter().map(item)));
    }

    fn keys(&mut self, noun: &Noun) {
        let Some(root) = &noun.root else { return };
        let mut by = InputObject::new(format!("{}By", noun.name))
            .description(format!("One record of type {}, by exactly one of these.", noun.name))
            .oneof()
            .field(input("id", TypeRef::named(TypeRef::ID), "The record's global id."));
        for key in &root.keys {
            let ty = match key.input {
                KeyInput::Text => TypeRef::STRING,
                KeyInput::Texts(name, description, fields) => {
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

    fn filter(&mut self, noun: &Noun) {
        let name = format!("{}Filter", noun.name);
        let mut filter = InputObject::new(&name).description(format!(
            "Which records of type {}: those that pass every field given. Null is the same as left out.",
            noun.name
        ));
        for condition in &noun.conditions {
            let ty = match &condition.test {
                Test::Value { scalar, .. } => self.operators(*scalar),
                Test::AnyText { .. } => self.operators(Scalar::Text),
                Test::During { .. } => self.period(
                    "DateFilter",
                    "PartialDate",
                    &[
                        ("from", "The first day, month or year of the period."),
                        ("until", "The last day, month or year of the period, itself included."),
                    ],
                    "A period that a date overlaps; open where an end is left out. Unknown dates never do.",
                ),
                Test::Instant { .. } => self.period(
                    "DateTimeFilter",
                    "DateTime",
                    &[("from", "The first moment."), ("until", "The moment before which.")],
                    "A span of time; open where an end is left out.",
                ),
                Test::One { to, .. } | Test::Some { to, .. } => format!("{to}Filter"),
                Test::Search => TypeRef::STRING.to_owned(),
                Test::Within { .. } => format!("{}By", noun.name),
            };
            filter = filter.field(input(condition.name, TypeRef::named(ty), condition.description));
        }
        filter = filter
            .field(input("and", TypeRef::named_nn_list(&name), "Passes all of these."))
            .field(input("or", TypeRef::named_nn_list(&name), "Passes at least one of these."))
            .field(input("not", TypeRef::named(&name), "Does not pass this."));
        self.add(filter);
    }

    /// The input type of a scalar's operators.
    fn operators(&mut self, scalar: Scalar) -> String {
        let of = scalar.type_name();
        let name = format!("{of}Filter");
        if !self.is_new(&name) {
            return name;
        }
        self.scalar(scalar);
        let one = || TypeRef::named(of);
        let some = || TypeRef::named_nn_list(of);
        let mut operators = vec![input("equals", one(), "Is this."), input("in", some(), "Is one of these.")];
        match scalar {
            Scalar::Text | Scalar::Url => operators.extend([
                input("contains", one(), "Has this somewhere in it, capital letters aside."),
                input("startsWith", one(), "Begins with this, capital letters aside."),
            ]),
            Scalar::Int | Scalar::RevisionNumber => operators
                .extend([input("min", one(), "Is this or more."), input("max", one(), "Is this or less.")]),
            Scalar::Enumeration(_) => operators.push(input("notIn", some(), "Is none of these.")),
            _ => {}
        }
        if !matches!(scalar, Scalar::Id(_)) {
            operators.push(input("isNull", TypeRef::named(TypeRef::BOOLEAN), "Is unknown, or is known."));
        }
        let description = format!("Tests of a value of type {of}; all that are given must hold.");
        self.add(
            operators.into_iter().fold(InputObject::new(&name).description(description), InputObject::field),
        );
        name
    }

    fn period(&mut self, name: &str, of: &str, ends: &[(&str, &str)], description: &str) -> String {
        if self.is_new(name) {
            let object = InputObject::new(name).description(description);
            let end = |(name, description): &(&str, &str)| input(name, TypeRef::named(of), description);
            self.add(ends.iter().map(end).fold(object, InputObject::field));
        }
        name.to_owned()
    }
}
