//! A request's values put to its plan: every argument is read and checked before anything runs.

use std::collections::HashMap;

use async_graphql::{
    Name, Value,
    registry::{MetaType, Registry},
};

use crate::{
    auth::caller::Role,
    database::statement::Statement,
    engine::{
        plan::{self, Aggregate, ConnectionSelection, Level, Plan, Step, StepKind},
        prepare::coerce::{self, Variables},
        sql::{self, Paged, Side},
    },
    error::{ApiError, Code, PathStep},
    model::{
        Catalog,
        as_of::{self, AsOf},
        object_type::{
            Order, SortKey, ToMany,
            computed::{self, Computed},
        },
        pagination::{self, Cursor, MAX_PAGE, Page},
    },
};

/// What a request asks at each edge that takes arguments, and what that costs.
#[derive(Debug)]
pub struct BoundPlan {
    bound: Vec<Option<BoundStep>>,
    /// The moments as of which edges of the root are read, by their numbers; others are read as of now.
    as_of: HashMap<usize, AsOf>,
    /// The revisions behind which lists begin, with the response keys of each list.
    pub since: Vec<(i64, Vec<PathStep>)>,
    /// What it may cost, in points.
    pub cost: usize,
}

#[derive(Debug)]
pub enum BoundStep {
    ToMany {
        rows: Option<Statement>,
        /// What tells whether there are records before the cursor `after`, and behind the cursor `before`.
        sides: Box<[Option<Statement>; 2]>,
        /// One for each aside of the connection.
        asides: Vec<(Statement, Precision)>,
        /// The column by which the filter lets pass only what refers to one record, and its id.
        of_one: Option<(&'static str, i64)>,
        /// The revision behind which it begins.
        since: Option<i64>,
        page: Page,
        order: &'static Order,
    },
    Lookup(Statement),
    /// For each id asked for: the place of its object type among the records, and its number.
    Nodes(Vec<Option<(usize, i64)>>),
    Computed(computed::Arguments),
}

/// How exact a count is, and its name in the schema.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Precision {
    Exact,
    /// The planner's guess, from what it knows of the data.
    Estimate,
    /// Counted up to [`CAP`].
    Capped,
}

impl Precision {
    /// What a count of this precision says of itself.
    pub fn name(self) -> &'static str {
        match self {
            Precision::Exact => "EXACT",
            Precision::Estimate => "ESTIMATE",
            Precision::Capped => "AT_LEAST",
        }
    }
}

/// Where a capped count ends.
pub const CAP: i64 = 1000;
/// Values of a facet where the query doesn't say.
const FACET_VALUES: i64 = 10;

impl BoundPlan {
    pub fn bound(&self, edge: &Step) -> &BoundStep {
        self.bound[edge.number].as_ref().expect("every edge with arguments was bound")
    }

    /// All that is asked but at these edges, as a text that is the same for the same.
    pub fn below(&self, edges: &[Step]) -> String {
        let is_below = |number: &usize| edges.iter().all(|edge| edge.number != *number);
        let below = self.bound.iter().enumerate().filter(|(number, _)| is_below(number));
        format!("{:?}", below.collect::<Vec<_>>())
    }

    pub fn as_of(&self, edge: &Step) -> Option<&AsOf> {
        self.as_of.get(&edge.number)
    }
}

/// Binds the variables to all edges of a plan, whose cost is known.
pub fn bind(
    catalog: &'static Catalog,
    registry: &Registry,
    plan: &Plan,
    variables: &Variables,
    role: Role,
    cost: usize,
) -> Result<BoundPlan, ApiError> {
    let (bound, as_of, since) = (Vec::new(), HashMap::new(), Vec::new());
    let mut binder = Binder { catalog, registry, variables, role, bound, as_of, since };
    binder.bound.resize_with(plan.edges, || None);
    binder.level(&plan.root)?;
    Ok(BoundPlan { bound: binder.bound, as_of: binder.as_of, since: binder.since, cost })
}

struct Binder<'a> {
    catalog: &'static Catalog,
    registry: &'a Registry,
    variables: &'a Variables,
    role: Role,
    bound: Vec<Option<BoundStep>>,
    as_of: HashMap<usize, AsOf>,
    since: Vec<(i64, Vec<PathStep>)>,
}

impl Binder<'_> {
    /// Binds the edges of a level, and those that they lead to.
    fn level(&mut self, level: &Level) -> Result<(), ApiError> {
        for edge in &level.edges {
            let at = |api_error: ApiError| api_error.at(edge.path.clone());
            let bound = self.edge(edge).map_err(at)?;
            let moment = self.argument(edge, as_of::ARGUMENT, as_of::INPUT).map_err(at)?;
            if let Some(BoundStep::ToMany { since: Some(since), .. }) = &bound {
                self.since.push((*since, edge.path.clone()));
            }
            if let Some(moment) = AsOf::of(moment.as_ref()) {
                self.as_of.insert(edge.number, moment);
            }
            self.bound[edge.number] = bound;
            edge.way.levels().into_iter().try_for_each(|level| self.level(level))?;
        }
        Ok(())
    }

    fn edge(&self, edge: &Step) -> Result<Option<BoundStep>, ApiError> {
        match &edge.way {
            StepKind::ToMany { many, level, wants, asides, .. } => {
                self.many(edge, many, level, wants, asides).map(Some)
            }
            StepKind::Lookup(level) => {
                let by = self.argument(edge, "by", &format!("{}By!", level.object_type.name))?;
                let Some(Value::Object(by)) = by else { return Err(missing("by")) };
                sql::lookup(level.object_type, &level.columns, &by, "by").map(BoundStep::Lookup).map(Some)
            }
            StepKind::Nodes(levels) => self.nodes(edge, levels).map(Some),
            StepKind::Computed { computed, .. } => {
                self.permit(computed.role)?;
                self.computed(edge, computed).map(BoundStep::Computed).map(Some)
            }
            StepKind::ToOne(_) | StepKind::OwnedList { .. } | StepKind::References { .. } => Ok(None),
        }
    }

    /// What a computed field is given, checked as far as it can be without the database: whatever it changes
    /// is not changed for an answer that can't be given.
    fn computed(&self, edge: &Step, computed: &Computed) -> Result<computed::Arguments, ApiError> {
        let mut given = computed::Arguments::new();
        for declared in &computed.arguments {
            match self.argument(edge, declared.name, declared.ty)? {
                Some(Value::Null) => {}
                Some(value) => {
                    check_lengths(&value, declared.name)?;
                    self.check_keys(declared.ty, &value, declared.name)?;
                    given.insert(Name::new(declared.name), value);
                }
                None if declared.ty.ends_with('!') => return Err(missing(declared.name)),
                None => {}
            }
        }
        computed.arguments.iter().try_for_each(|declared| declared.check(&given))?;
        Ok(given)
    }

    /// Refuses ids of other object types than those of the keys that they stand in, at whatever depth.
    fn check_keys(&self, ty: &str, value: &Value, path: &str) -> Result<(), ApiError> {
        let name = ty.trim_matches(['[', ']', '!']);
        match value {
            Value::List(items) => items
                .iter()
                .enumerate()
                .try_for_each(|(index, item)| self.check_keys(name, item, &format!("{path}[{index}]"))),
            Value::Object(fields) => {
                if let Some(object_type) =
                    name.strip_suffix("By").and_then(|object_type| self.catalog.object_type(object_type))
                {
                    return sql::check_key(object_type, fields, path);
                }
                let Some(MetaType::InputObject { input_fields, .. }) = self.registry.types.get(name) else {
                    return Ok(());
                };
                fields.iter().try_for_each(|(field, value)| {
                    let ty = input_fields.get(field.as_str()).map_or("", |declared| declared.ty.as_str());
                    self.check_keys(ty, value, &format!("{path}.{field}"))
                })
            }
            _ => Ok(()),
        }
    }

    /// Refuses a caller whose role is not enough.
    fn permit(&self, needed: Role) -> Result<(), ApiError> {
        if self.role >= needed {
            return Ok(());
        }
        let needed = needed.name();
        Err(if self.role == Role::Anonymous {
            let message =
                format!("This requires a key with the role {needed}: send it as `Authorization: Bearer …`.");
            ApiError::new(Code::Unauthenticated, message)
        } else {
            let message =
                format!("This requires the role {needed}; the key has the role {}.", self.role.name());
            ApiError::new(Code::Forbidden, message)
        })
    }

    fn many(
        &self,
        edge: &Step,
        many: &ToMany,
        level: &Level,
        wants: &ConnectionSelection,
        asides: &[Aggregate],
    ) -> Result<BoundStep, ApiError> {
        let object_type = level.object_type;
        let filter = if object_type.has_filter() {
            self.argument(edge, "filter", &format!("{}Filter", object_type.name))?
        } else {
            None
        };
        let filter = match &filter {
            Some(Value::Object(filter)) => Some(filter),
            _ => None,
        };
        let order = match self.argument(edge, "orderBy", &format!("{}Order", object_type.name))? {
            Some(Value::Enum(name)) => object_type.orders.iter().find(|order| order.name == name.as_str()),
            _ => object_type.orders.first(),
        };
        let order = order.expect("every object type that is listed has an order");
        let since = match self.argument(edge, "since", "RevisionNumber")? {
            Some(Value::Number(number)) => number.as_i64(),
            _ => None,
        };
        let page = Page::new(
            self.size(edge, "first")?,
            self.size(edge, "last")?,
            self.cursor(edge, "after", order)?,
            self.cursor(edge, "before", order)?,
        )?;
        let paged = Paged { catalog: self.catalog, many, filter, since, order };
        let rows = wants.rows.then(|| paged.rows(&level.columns, &page, wants.cursors)).transpose()?;
        let side = |cursor: &Option<Cursor>, side| {
            let cursor = cursor.as_ref().filter(|_| wants.sides);
            cursor.map(|cursor| paged.beyond(cursor, side)).transpose()
        };
        let sides = Box::new([side(&page.after, Side::Before)?, side(&page.before, Side::Behind)?]);
        let asides = asides.iter().map(|aside| self.aside(&paged, aside)).collect::<Result<_, _>>()?;
        // An order by relevance is refused also where no rows are asked for.
        if rows.is_none() && matches!(order.by, SortKey::Relevance) {
            paged.rows(&[], &page, false)?;
        }
        let of_one = filter.and_then(|filter| sql::of_one(object_type, filter));
        Ok(BoundStep::ToMany { rows, sides, asides, of_one, since, page, order })
    }

    fn aside(&self, paged: &Paged<'_>, aside: &Aggregate) -> Result<(Statement, Precision), ApiError> {
        match aside {
            Aggregate::Count(arguments) => {
                let mode = self.given(arguments, "mode", "CountMode")?;
                let precision = match mode {
                    Some(Value::Enum(name)) if name == "CAPPED" => Precision::Capped,
                    // A guess is made of a statement that stands alone.
                    Some(Value::Enum(name)) if name == "ESTIMATE" && !paged.is_nested() => {
                        Precision::Estimate
                    }
                    _ => Precision::Exact,
                };
                let cap = (precision == Precision::Capped).then_some(CAP + 1);
                Ok((paged.count(cap)?, precision))
            }
            Aggregate::Facet { facet, arguments, level } => {
                let first = match self.given(arguments, "first", "Int")? {
                    Some(Value::Number(number)) => number.as_i64().unwrap_or(i64::MAX),
                    _ => FACET_VALUES,
                };
                let page = Page::new(Some(first), None, None, None)?;
                Ok((paged.facet(facet, &level.columns, page.size)?, Precision::Exact))
            }
        }
    }

    fn size(&self, edge: &Step, name: &str) -> Result<Option<i64>, ApiError> {
        match self.argument(edge, name, "Int")? {
            Some(Value::Number(number)) => Ok(number.as_i64()),
            _ => Ok(None),
        }
    }

    fn cursor(&self, edge: &Step, name: &str, order: &Order) -> Result<Option<Cursor>, ApiError> {
        match self.argument(edge, name, "Cursor")? {
            Some(Value::String(text)) => Cursor::decode(&text, &order.name, order.by.kind(), name).map(Some),
            _ => Ok(None),
        }
    }

    fn nodes(&self, edge: &Step, levels: &[Level]) -> Result<BoundStep, ApiError> {
        let (name, ids) = match self.argument(edge, "ids", "[ID!]")? {
            Some(Value::List(ids)) => ("ids", ids),
            _ => ("id", self.argument(edge, "id", "ID")?.into_iter().collect()),
        };
        if ids.len() > usize::try_from(MAX_PAGE).unwrap_or(usize::MAX) {
            let message = format!("`ids` has {} entries; the maximum is {MAX_PAGE}.", ids.len());
            return Err(ApiError::bad_input(name, message));
        }
        let known = |id: &Value| {
            let Value::String(text) = id else { return None };
            let (object_type, id) = pagination::parse_global_id(text)?;
            Some((levels.iter().position(|level| level.object_type.name == object_type)?, id))
        };
        Ok(BoundStep::Nodes(ids.iter().map(known).collect()))
    }

    fn argument(&self, edge: &Step, name: &str, ty: &str) -> Result<Option<Value>, ApiError> {
        self.given(&edge.arguments, name, ty)
    }

    fn given(&self, arguments: &plan::Arguments, name: &str, ty: &str) -> Result<Option<Value>, ApiError> {
        coerce::argument(self.registry, ty, name, arguments.get(name), self.variables)
    }
}

/// Refuses texts that are longer than anybody searches for.
fn check_lengths(value: &Value, path: &str) -> Result<(), ApiError> {
    match value {
        Value::String(text) => sql::check_length(text, path),
        Value::List(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| check_lengths(item, &format!("{path}[{index}]"))),
        _ => Ok(()),
    }
}

fn missing(name: &str) -> ApiError {
    ApiError::bad_input(name, format!("`{name}` is required."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{catalog::catalog, prepare::syntax, schema::schema},
        model::sql::Reads,
    };

    /// The SQL of a query without variables, level by level, with its values; no database is asked.
    fn sql_of(text: &str) -> Vec<String> {
        let schema = schema(catalog()).finish().expect("a schema");
        let document = syntax::parse(text).expect("a document").ast;
        let operation = document.operations.iter().next().expect("an operation").1.node.clone();
        let variables = Variables::new();
        let plan = plan::make(catalog(), &document, &operation, &variables, true).expect("a plan");
        let bound = bind(catalog(), schema.registry(), &plan, &variables, Role::Anonymous, 0).expect("bound");
        let mut statements = Vec::new();
        collect(&plan.root, &bound, &mut statements);
        statements
    }

    fn collect(level: &Level, bound: &BoundPlan, statements: &mut Vec<String>) {
        let mut add = |statement: &Statement| {
            statements.push(format!("{} {:?}", statement.sql, statement.binds));
        };
        for step in &level.edges {
            match &step.way {
                StepKind::ToMany { .. } => {
                    if let BoundStep::ToMany { rows, asides, .. } = bound.bound(step) {
                        rows.iter().chain(asides.iter().map(|(statement, _)| statement)).for_each(&mut add);
                    }
                }
                StepKind::Lookup(_) => {
                    if let BoundStep::Lookup(statement) = bound.bound(step) {
                        add(statement);
                    }
                }
                StepKind::ToOne(references) => references.iter().for_each(|reference| {
                    add(&sql::by_ids(reference.level.object_type, &reference.level.columns));
                }),
                StepKind::OwnedList { values, level, .. } => add(&sql::values(values, &level.columns)),
                _ => {}
            }
        }
        for level in level.edges.iter().flat_map(|step| step.way.levels()) {
            collect(level, bound, statements);
        }
    }

    #[test]
    fn a_look_up_by_slug_selects_the_columns_asked_for() {
        assert_eq!(
            sql_of(r#"{ actor(by: {slug: "kazakhstan"}) { name kind } }"#),
            [r#"select t.id, t.name, t.kind from actors t where t.slug = $1 [Text("kazakhstan")]"#]
        );
    }

    #[test]
    fn a_missing_actor_is_looked_up_under_old_names() {
        let by = [(Name::new("slug"), Value::from("old"))].into_iter().collect();
        let statement = sql::lookup(catalog().named("Actor"), &[], &by, "by").expect("a statement");
        let old = statement.under_old_names().expect("actors may be merged");
        assert_eq!(
            old.sql,
            "select t.id from actors t where t.id = (select kept_id from merged_actors where slug = $1 limit 1)"
        );
        let meeting = sql::by_ids(catalog().named("Meeting"), &[]);
        assert!(meeting.under_old_names().is_none(), "meetings are not merged");
    }

    #[test]
    fn a_level_is_one_statement_for_all_its_parents() {
        let statements = sql_of(
            "{ meetings(first: 2) { nodes { name statements(first: 3) { nodes { summary speaker { name } } } } } }",
        );
        assert_eq!(statements.len(), 3, "{statements:#?}");
        assert!(statements[0].starts_with("select 1::bigint, r.* from (select t.name, t.id from meetings t"));
        assert!(statements[1].contains("cross join lateral (select t.summary, t.speaker_id"));
        assert!(statements[1].ends_with("[Parents, Id(4)]"), "{}", statements[1]);
        assert_eq!(
            statements[2],
            "select t.id, t.id, t.name from actors t where t.id = any((select $1::bigint[])::bigint[]) [Parents]"
        );
    }

    #[test]
    fn operators_are_written_with_their_values_bound() {
        let of = |filter: &str| {
            let [count] = &sql_of(&format!("{{ statements(filter: {filter}) {{ totalCount }} }}"))[..] else {
                panic!("one statement")
            };
            count.split_once(" where ").expect("a condition").1.to_owned()
        };
        for (filter, sql) in [
            (r#"{summary: {contains: "Peace"}}"#, "t.plain_summary like '%' || literally($1) || '%'"),
            (r#"{speakerRole: {startsWith: "Pre"}}"#, "plain(t.speaker_role) like literally($1) || '%'"),
            ("{medium: {notIn: [SPEECH]}}", "(t.medium <> all($1::text[]::statement_medium[])) is not false"),
            ("{quote: {contains: null}}", "(true)"),
            ("{speakerRole: {isNull: true}}", "t.speaker_role is null"),
        ] {
            let written = of(filter);
            assert!(written.contains(sql), "{filter} is written as {written}");
        }
    }

    #[test]
    fn a_reference_is_a_join_where_all_records_must_pass_and_a_list_of_ids_below_or() {
        let all = sql_of(r#"{ statements(filter: {speaker: {name: {equals: "A"}}}) { totalCount } }"#);
        assert!(all[0].contains("exists (select from actors"), "{}", all[0]);
        let any =
            sql_of(r#"{ statements(filter: {or: [{speaker: {name: {equals: "A"}}}]}) { totalCount } }"#);
        assert!(any[0].contains("(t.speaker_id in (select "), "{}", any[0]);
    }

    #[test]
    fn columns_say_what_they_read() {
        let document =
            syntax::parse("{ positions { nodes { stance label updatedAt } } }").expect("a document").ast;
        let operation = document.operations.iter().next().expect("an operation").1.node.clone();
        let plan = plan::make(catalog(), &document, &operation, &Variables::new(), true).expect("a plan");
        let level = plan.root.edges[0].way.levels()[0];
        let reads: Vec<_> =
            level.columns.iter().map(|column| (column.column.as_deref(), column.reads)).collect();
        assert!(reads.contains(&(Some("stance"), Reads::Row)));
        assert!(reads.iter().any(|(_, reads)| matches!(reads, Reads::Records(_))), "the label: {reads:?}");
        assert!(reads.contains(&(None, Reads::History("position_id"))), "{reads:?}");
    }
}
