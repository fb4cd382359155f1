//! A request's values put to its plan: every argument is read and checked before anything runs.

use async_graphql::{Value, registry::Registry};

use super::{
    catalog::Catalog,
    coerce::{self, Variables},
    noun::{By, Many, Order},
    plan::{Edge, Level, Plan, Wants, Way},
    statement::{self, Paged, Statement},
};
use crate::{
    error::Refusal,
    relay::{self, Cursor, MAX_PAGE, Page},
};

/// What a request asks at each edge that takes arguments.
#[derive(Debug)]
pub struct Request(Vec<Option<Bound>>);

#[derive(Debug)]
pub enum Bound {
    Many {
        rows: Option<Statement>,
        total: Option<Statement>,
        page: Page,
        order: &'static Order,
    },
    Lookup(Statement),
    /// For each id asked for: the place of its noun among the records, and its number.
    Nodes(Vec<Option<(usize, i64)>>),
}

impl Request {
    pub fn bound(&self, edge: &Edge) -> &Bound {
        self.0[edge.number].as_ref().expect("every edge with arguments was bound")
    }
}

/// Binds the variables to all edges of a plan.
pub fn bind(
    catalog: &'static Catalog,
    registry: &Registry,
    plan: &Plan,
    variables: &Variables,
) -> Result<Request, Refusal> {
    let mut binder = Binder { catalog, registry, variables, bound: Vec::new() };
    binder.bound.resize_with(plan.edges, || None);
    binder.level(&plan.root)?;
    Ok(Request(binder.bound))
}

struct Binder<'a> {
    catalog: &'static Catalog,
    registry: &'a Registry,
    variables: &'a Variables,
    bound: Vec<Option<Bound>>,
}

impl Binder<'_> {
    fn level(&mut self, level: &Level) -> Result<(), Refusal> {
        for edge in &level.edges {
            self.bound[edge.number] = self.edge(edge).map_err(|refusal| refusal.at(edge.path.clone()))?;
            match &edge.way {
                Way::One(references) => {
                    references.iter().try_for_each(|reference| self.level(&reference.level))?;
                }
                Way::References { to, .. } => {
                    to.iter().try_for_each(|reference| self.level(&reference.level))?;
                }
                Way::Values { level, .. } | Way::Many { level, .. } | Way::Lookup(level) => {
                    self.level(level)?;
                }
                Way::Nodes(levels) => levels.iter().try_for_each(|level| self.level(level))?,
            }
        }
        Ok(())
    }

    fn edge(&self, edge: &Edge) -> Result<Option<Bound>, Refusal> {
        match &edge.way {
            Way::Many { many, level, wants, .. } => self.many(edge, many, level, wants).map(Some),
            Way::Lookup(level) => {
                let by = self.argument(edge, "by", &format!("{}By!", level.noun.name))?;
                let Some(Value::Object(by)) = by else { return Err(missing("by")) };
                statement::lookup(level.noun, &level.columns, &by).map(Bound::Lookup).map(Some)
            }
            Way::Nodes(levels) => self.nodes(edge, levels).map(Some),
            Way::One(_) | Way::Values { .. } | Way::References { .. } => Ok(None),
        }
    }

    fn many(&self, edge: &Edge, many: &Many, level: &Level, wants: &Wants) -> Result<Bound, Refusal> {
        let noun = level.noun;
        let filter = if noun.has_filter() {
            self.argument(edge, "filter", &format!("{}Filter", noun.name))?
        } else {
            None
        };
        let filter = match &filter {
            Some(Value::Object(filter)) => Some(filter),
            _ => None,
        };
        let order = match self.argument(edge, "orderBy", &format!("{}Order", noun.name))? {
            Some(Value::Enum(name)) => noun.orders.iter().find(|order| order.name == name.as_str()),
            _ => noun.orders.first(),
        };
        let order = order.expect("every noun that is listed has an order");
        let page = Page::new(
            self.size(edge, "first")?,
            self.size(edge, "last")?,
            self.cursor(edge, "after", order)?,
            self.cursor(edge, "before", order)?,
        )?;
        let paged = Paged { catalog: self.catalog, many, filter, order };
        let rows = wants.rows.then(|| paged.rows(&level.columns, &page, wants.cursors)).transpose()?;
        let total = wants.total.then(|| paged.total()).transpose()?;
        // An order by relevance is refused also where no rows are asked for.
        if rows.is_none() && matches!(order.by, By::Relevance) {
            paged.rows(&[], &page, false)?;
        }
        Ok(Bound::Many { rows, total, page, order })
    }

    fn size(&self, edge: &Edge, name: &str) -> Result<Option<i64>, Refusal> {
        match self.argument(edge, name, "Int")? {
            Some(Value::Number(number)) => Ok(number.as_i64()),
            _ => Ok(None),
        }
    }

    fn cursor(&self, edge: &Edge, name: &str, order: &Order) -> Result<Option<Cursor>, Refusal> {
        match self.argument(edge, name, "Cursor")? {
            Some(Value::String(text)) => Cursor::decode(&text, order, name).map(Some),
            _ => Ok(None),
        }
    }

    fn nodes(&self, edge: &Edge, levels: &[Level]) -> Result<Bound, Refusal> {
        let (name, ids) = match self.argument(edge, "ids", "[ID!]")? {
            Some(Value::List(ids)) => ("ids", ids),
            _ => ("id", self.argument(edge, "id", "ID")?.into_iter().collect()),
        };
        if ids.len() > usize::try_from(MAX_PAGE).unwrap_or(usize::MAX) {
            let message = format!("`ids` has {} entries; it takes {MAX_PAGE} at most.", ids.len());
            return Err(Refusal::bad_input(name, message));
        }
        let known = |id: &Value| {
            let Value::String(text) = id else { return None };
            let (noun, id) = relay::parse_global_id(text)?;
            Some((levels.iter().position(|level| level.noun.name == noun)?, id))
        };
        Ok(Bound::Nodes(ids.iter().map(known).collect()))
    }

    fn argument(&self, edge: &Edge, name: &str, ty: &str) -> Result<Option<Value>, Refusal> {
        coerce::argument(self.registry, ty, name, edge.arguments.get(name), self.variables)
    }
}

fn missing(name: &str) -> Refusal {
    Refusal::bad_input(name, format!("`{name}` must be given."))
}
