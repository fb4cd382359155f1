//! Binds the arguments of a request to its plan: all of them are checked before anything runs.

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
        sql::{self, Grouping, Paged, Side},
    },
    error::{ApiError, Code, PathStep},
    model::{
        Catalog,
        as_of::{self, AsOf},
        object_type::{
            Order, SortKey, ToMany,
            computed::{self, ArgumentRule, Computed},
        },
        pagination::{self, Cursor, MAX_PAGE, Page},
    },
};

/// The arguments and SQL of each step, and the cost.
#[derive(Debug)]
pub struct BoundPlan {
    bound: Vec<Option<BoundStep>>,
    /// The `asOf` of steps of the root, by step number.
    as_of: HashMap<usize, AsOf>,
    /// The `since` of lists, with their response keys.
    pub since: Vec<(i64, Vec<PathStep>)>,
    /// The cost in points.
    pub cost: usize,
    /// Whether the caller may read whole texts of sources.
    pub reads_texts: bool,
}

#[derive(Debug)]
pub enum BoundStep {
    ToMany {
        rows: Option<Statement>,
        /// Whether there are records before `after`, and after `before`.
        sides: Box<[Option<Statement>; 2]>,
        /// One statement per aggregate of the connection.
        aggregates: Vec<(Statement, Precision)>,
        /// The column and id, if the filter matches only rows that refer to one record.
        of_one: Option<(&'static str, i64)>,
        /// The revision after which it begins.
        since: Option<i64>,
        page: Page,
        order: &'static Order,
    },
    Lookup(Statement),
    /// For each requested id the index of its object type, and its number.
    Nodes(Vec<Option<(usize, i64)>>),
    Computed(computed::Arguments),
}

/// How exact a count is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Precision {
    Exact,
    /// The planner's estimate.
    Estimate,
    /// Counted up to [`CAP`].
    Capped,
}

impl Precision {
    /// The precision that a count of this mode reports.
    pub fn name(self) -> &'static str {
        match self {
            Precision::Exact => "EXACT",
            Precision::Estimate => "ESTIMATE",
            Precision::Capped => "AT_LEAST",
        }
    }
}

/// The limit of a capped count.
pub const CAP: i64 = 1000;
/// The default number of values of a facet.
const FACET_VALUES: i64 = 10;

impl BoundPlan {
    pub fn bound(&self, step: &Step) -> &BoundStep {
        self.bound[step.number].as_ref().expect("every edge with arguments was bound")
    }

    /// A text that is equal for equal arguments of all other steps.
    pub fn below(&self, steps: &[Step]) -> String {
        let is_below = |number: &usize| steps.iter().all(|step| step.number != *number);
        let below = self.bound.iter().enumerate().filter(|(number, _)| is_below(number));
        format!("{:?}", below.collect::<Vec<_>>())
    }

    pub fn as_of(&self, step: &Step) -> Option<&AsOf> {
        self.as_of.get(&step.number)
    }
}

/// Binds the variables to all steps of a plan.
pub fn bind(
    catalog: &'static Catalog,
    registry: &Registry,
    plan: &Plan,
    variables: &Variables,
    [role, whole_texts]: [Role; 2],
    languages: &[String],
    cost: usize,
) -> Result<BoundPlan, ApiError> {
    let (bound, as_of, since) = (Vec::new(), HashMap::new(), Vec::new());
    let mut binder =
        Binder { catalog, registry, variables, role, whole_texts, languages, bound, as_of, since };
    binder.bound.resize_with(plan.steps, || None);
    binder.level(&plan.root)?;
    let reads_texts = role >= whole_texts;
    Ok(BoundPlan { bound: binder.bound, as_of: binder.as_of, since: binder.since, cost, reads_texts })
}

struct Binder<'a> {
    catalog: &'static Catalog,
    registry: &'a Registry,
    variables: &'a Variables,
    role: Role,
    /// The role that whole texts of sources require.
    whole_texts: Role,
    /// The languages that the client accepts, best first.
    languages: &'a [String],
    bound: Vec<Option<BoundStep>>,
    as_of: HashMap<usize, AsOf>,
    since: Vec<(i64, Vec<PathStep>)>,
}

impl Binder<'_> {
    /// Binds the steps of a level, and those below.
    fn level(&mut self, level: &Level) -> Result<(), ApiError> {
        for step in &level.steps {
            let at = |api_error: ApiError| api_error.at(step.path.clone());
            let bound = self.step(step).map_err(at)?;
            let moment = self.argument(step, as_of::ARGUMENT, as_of::INPUT).map_err(at)?;
            if let Some(BoundStep::ToMany { since: Some(since), .. }) = &bound {
                self.since.push((*since, step.path.clone()));
            }
            if let Some(moment) = AsOf::of(moment.as_ref()) {
                self.as_of.insert(step.number, moment);
            }
            self.bound[step.number] = bound;
            step.kind.levels().into_iter().try_for_each(|level| self.level(level))?;
        }
        Ok(())
    }

    fn step(&self, step: &Step) -> Result<Option<BoundStep>, ApiError> {
        match &step.kind {
            StepKind::ToMany { many, level, wants, aggregates, .. } => {
                self.many(step, many, level, wants, aggregates).map(Some)
            }
            StepKind::Lookup(level) => {
                let by = self.argument(step, "by", &format!("{}By!", level.object_type.name))?;
                let Some(Value::Object(by)) = by else { return Err(missing("by")) };
                sql::lookup(level.object_type, &level.columns, &by, "by").map(BoundStep::Lookup).map(Some)
            }
            StepKind::Nodes(levels) => self.nodes(step, levels).map(Some),
            StepKind::Computed { computed, .. } => {
                self.permit(if computed.whole_text { self.whole_texts } else { computed.role })?;
                self.computed(step, computed).map(BoundStep::Computed).map(Some)
            }
            StepKind::ToOne(_) | StepKind::OwnedList { .. } | StepKind::References { .. } => Ok(None),
        }
    }

    /// The arguments of a computed field, checked as far as possible without the database, so that mutations fail
    /// before they change anything.
    fn computed(&self, step: &Step, computed: &Computed) -> Result<computed::Arguments, ApiError> {
        let mut given = computed::Arguments::new();
        for declared in &computed.arguments {
            match self.argument(step, declared.name, declared.ty)? {
                Some(Value::Null) => {}
                Some(value) => {
                    check_lengths(&value, declared.name)?;
                    self.check_keys(declared.ty, &value, declared.name)?;
                    given.insert(Name::new(declared.name), value);
                }
                None if declared.ty.ends_with('!') => return Err(missing(declared.name)),
                None => {}
            }
            if matches!(declared.takes, ArgumentRule::Languages) && !given.contains_key(declared.name) {
                let accepted = self.languages.iter().map(|tag| Value::String(tag.clone()));
                given.insert(Name::new(declared.name), Value::List(accepted.collect()));
            }
        }
        computed.arguments.iter().try_for_each(|declared| declared.check(&given))?;
        Ok(given)
    }

    /// Refuses ids of the wrong object type, at any depth.
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

    /// Refuses callers whose role is not enough.
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
        step: &Step,
        many: &ToMany,
        level: &Level,
        wants: &ConnectionSelection,
        aggregates: &[Aggregate],
    ) -> Result<BoundStep, ApiError> {
        let object_type = level.object_type;
        let filter = if object_type.has_filter() {
            self.argument(step, "filter", &format!("{}Filter", object_type.name))?
        } else {
            None
        };
        let filter = match &filter {
            Some(Value::Object(filter)) => Some(filter),
            _ => None,
        };
        let order = match self.argument(step, "orderBy", &format!("{}Order", object_type.name))? {
            Some(Value::Enum(name)) => object_type.orders.iter().find(|order| order.name == name.as_str()),
            _ => object_type.orders.first(),
        };
        let order = order.expect("every object type that is listed has an order");
        let since = match self.argument(step, "since", "RevisionNumber")? {
            Some(Value::Number(number)) => number.as_i64(),
            _ => None,
        };
        let page = Page::new(
            self.size(step, "first")?,
            self.size(step, "last")?,
            self.cursor(step, "after", order)?,
            self.cursor(step, "before", order)?,
        )?;
        let moment = self.argument(step, as_of::ARGUMENT, as_of::INPUT)?;
        let of_past = AsOf::of(moment.as_ref()).is_some();
        let paged = Paged { catalog: self.catalog, many, filter, since, of_past, order };
        let rows = wants.rows.then(|| paged.rows(&level.columns, &page, wants.cursors)).transpose()?;
        let side = |cursor: &Option<Cursor>, side| {
            let cursor = cursor.as_ref().filter(|_| wants.sides);
            cursor.map(|cursor| paged.beyond(cursor, side)).transpose()
        };
        let sides = Box::new([side(&page.after, Side::Before)?, side(&page.before, Side::Behind)?]);
        let aggregates =
            aggregates.iter().map(|aggregate| self.aggregate(&paged, aggregate)).collect::<Result<_, _>>()?;
        // Sorting by relevance needs a search, even if no rows are selected.
        if rows.is_none() && matches!(order.by, SortKey::Relevance) {
            paged.rows(&[], &page, false)?;
        }
        let of_one = filter.and_then(|filter| sql::of_one(object_type, filter));
        Ok(BoundStep::ToMany { rows, sides, aggregates, of_one, since, page, order })
    }

    fn aggregate(
        &self,
        paged: &Paged<'_>,
        aggregate: &Aggregate,
    ) -> Result<(Statement, Precision), ApiError> {
        match aggregate {
            Aggregate::Count(arguments) => {
                let mode = self.given(arguments, "mode", "CountMode")?;
                let precision = match mode {
                    Some(Value::Enum(name)) if name == "CAPPED" => Precision::Capped,
                    // An estimate needs a statement of its own.
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
            Aggregate::Groups { arguments, level } => {
                let object_type = self.catalog.named(paged.many.to);
                let grouping = Grouping::read(object_type, self.registry, arguments, self.variables)?;
                Ok((paged.groups(&object_type.dimensions, &grouping, &level.columns)?, Precision::Exact))
            }
        }
    }

    fn size(&self, step: &Step, name: &str) -> Result<Option<i64>, ApiError> {
        match self.argument(step, name, "Int")? {
            Some(Value::Number(number)) => Ok(number.as_i64()),
            _ => Ok(None),
        }
    }

    fn cursor(&self, step: &Step, name: &str, order: &Order) -> Result<Option<Cursor>, ApiError> {
        match self.argument(step, name, "Cursor")? {
            Some(Value::String(text)) => Cursor::decode(&text, &order.name, order.by.kind(), name).map(Some),
            _ => Ok(None),
        }
    }

    fn nodes(&self, step: &Step, levels: &[Level]) -> Result<BoundStep, ApiError> {
        let (name, ids) = match self.argument(step, "ids", "[ID!]")? {
            Some(Value::List(ids)) => ("ids", ids),
            _ => ("id", self.argument(step, "id", "ID")?.into_iter().collect()),
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

    fn argument(&self, step: &Step, name: &str, ty: &str) -> Result<Option<Value>, ApiError> {
        self.given(&step.arguments, name, ty)
    }

    fn given(&self, arguments: &plan::Arguments, name: &str, ty: &str) -> Result<Option<Value>, ApiError> {
        coerce::argument(self.registry, ty, name, arguments.get(name), self.variables)
    }
}

/// Refuses texts that are too long to search for.
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

    /// The SQL of a query without variables, level by level, with its values. It is not executed.
    fn sql_of(text: &str) -> Vec<String> {
        let schema = schema(catalog()).finish().expect("a schema");
        let document = syntax::parse(text).expect("a document").ast;
        let operation = document.operations.iter().next().expect("an operation").1.node.clone();
        let variables = Variables::new();
        let plan = plan::make(catalog(), &document, &operation, &variables, true).expect("a plan");
        let bound = bind(catalog(), schema.registry(), &plan, &variables, [Role::Anonymous; 2], &[], 0)
            .expect("bound");
        let mut statements = Vec::new();
        collect(&plan.root, &bound, &mut statements);
        statements
    }

    fn collect(level: &Level, bound: &BoundPlan, statements: &mut Vec<String>) {
        let mut add = |statement: &Statement| {
            statements.push(format!("{} {:?}", statement.sql, statement.binds));
        };
        for step in &level.steps {
            match &step.kind {
                StepKind::ToMany { .. } => {
                    if let BoundStep::ToMany { rows, aggregates, .. } = bound.bound(step) {
                        rows.iter()
                            .chain(aggregates.iter().map(|(statement, _)| statement))
                            .for_each(&mut add);
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
        for level in level.steps.iter().flat_map(|step| step.kind.levels()) {
            collect(level, bound, statements);
        }
    }

    #[test]
    fn a_lookup_by_slug_reads_the_selected_columns() {
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
        let nested = sql_of(
            r#"{ statements(filter: {speaker: {statements: {speaker: {name: {equals: "A"}}}}}) { totalCount } }"#,
        );
        for part in ["exists (select from actors", ".id = any(array(select ", "_id in (select "] {
            assert!(nested[0].contains(part), "{part}: {}", nested[0]);
        }
    }

    #[test]
    fn columns_say_what_they_read() {
        let document =
            syntax::parse("{ positions { nodes { stance label updatedAt } } }").expect("a document").ast;
        let operation = document.operations.iter().next().expect("an operation").1.node.clone();
        let plan = plan::make(catalog(), &document, &operation, &Variables::new(), true).expect("a plan");
        let level = plan.root.steps[0].kind.levels()[0];
        let reads: Vec<_> =
            level.columns.iter().map(|column| (column.column.as_deref(), column.reads)).collect();
        assert!(reads.contains(&(Some("stance"), Reads::Row)));
        assert!(reads.iter().any(|(_, reads)| matches!(reads, Reads::Records(_))), "the label: {reads:?}");
        assert!(reads.contains(&(None, Reads::History("position_id"))), "{reads:?}");
    }
}
