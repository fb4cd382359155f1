//! Turns a query into SQL, and rows into a response, the same way for every object type.
//!
//! ```text
//! text ─ limits ─ document ─ plan ─ bind ─ execute ─ response
//!        size     parsed,    levels  values  rows      JSON
//!                 valid      columns
//!        └ cached by text ──────────┘└ per request ──────────┘
//! ```
//!
//! Domain modules declare object types, which form the catalog. `async-graphql` introspects and prints the schema;
//! documents are parsed, validated and executed here, with one statement per level of the query.

pub mod cache;
pub mod catalog;
pub mod execute;
pub mod mutation;
pub mod plan;
pub mod prepare;
pub mod response;
pub mod schema;
pub mod sql;
pub mod subscriptions;

use std::sync::{Arc, atomic::Ordering};

use async_graphql::{
    Request, ValidationMode, Variables,
    dynamic::Schema,
    parser::types::{ExecutableDocument, OperationType},
};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::{
    auth::caller::{Caller, Role},
    database::{error::AccessError, reader::Reader, replicas::Freshness, sizes::Known},
    engine::{
        cache::dependencies::Dependencies,
        execute::{Executor, Rows},
        plan::{Plan, bind, cost},
        prepare::{
            coerce,
            document::{Document, Documents},
            limits::Limits,
        },
        response::GraphqlResponse,
    },
    error::ApiError,
    model::{Catalog, object_type::computed::ComputedValue},
    sync::{LARGE, heavy},
    telemetry::{request, traces},
};

#[derive(Debug, Default)]
pub struct OperationRequest {
    pub document: Option<String>,
    pub document_name: Option<DocumentName>,
    pub operation: Option<String>,
    pub variables: Map<String, Value>,
    /// The languages that the client accepts, best first.
    pub languages: Vec<String>,
}

/// A request that costs more than this fraction of the maximum leaves some connections to smaller ones.
const SMALL_FRACTION: usize = 50;

impl OperationRequest {
    /// Whether parsing blocks for long.
    fn is_large(&self) -> bool {
        let document = self.document.as_ref().map_or(0, String::len);
        document > LARGE || has_more_bytes(self.variables.values(), &mut (LARGE - document))
    }
}

/// Whether the values are longer than `room`, which is reduced by their length.
fn has_more_bytes<'a>(mut values: impl Iterator<Item = &'a Value>, room: &mut usize) -> bool {
    values.any(|value| {
        let own = if let Value::String(text) = value { text.len() } else { 8 };
        let Some(left) = room.checked_sub(own) else { return true };
        *room = left;
        match value {
            Value::Array(items) => has_more_bytes(items.iter(), room),
            Value::Object(fields) => has_more_bytes(fields.values(), room),
            _ => false,
        }
    })
}

/// How often a query is repeated because the replica that it read from failed; then the writer is asked.
const MOVES: usize = 2;
/// Responses of at least this many bytes are written as heavy work.
const LARGE_RESPONSE: usize = 256 * 1024;

/// The id of a trusted document, or the hash of a document's text.
#[derive(Debug)]
pub struct DocumentName {
    /// The request parameter that contained it.
    pub parameter: &'static str,
    pub name: String,
}

pub struct Engine {
    catalog: &'static Catalog,
    reader: Reader,
    documents: Documents,
    schema: Schema,
    settings: Settings,
    /// The sizes of the tables.
    sizes: Arc<Known>,
}

#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub limits: Limits,
    /// The maximum cost of a request.
    pub cost: usize,
    pub introspection: bool,
    /// Whether errors suggest similar names.
    pub suggestions: bool,
    /// The role that whole texts of sources require.
    pub whole_texts: Role,
}

/// A request with a valid document.
pub struct PreparedOperation {
    document: Arc<Document>,
    request: OperationRequest,
}

/// A request with valid arguments and a known cost.
pub struct BoundOperation {
    plan: Arc<Plan>,
    request: bind::BoundPlan,
    variables: coerce::Variables,
}

impl BoundOperation {
    pub fn cost(&self) -> usize {
        self.request.cost
    }

    pub fn is_mutation(&self) -> bool {
        self.plan.in_order
    }
}

impl Engine {
    pub fn new(catalog: &'static Catalog, reader: Reader, settings: Settings) -> Self {
        // Documents are validated by `prepare` already.
        let schema = schema::schema(catalog).validation_mode(ValidationMode::Fast).finish();
        let schema = schema.expect("the domain modules make a schema");
        Engine {
            catalog,
            reader,
            documents: Documents::new(schema.clone(), settings.limits, settings.suggestions, catalog),
            schema,
            settings,
            sizes: Arc::default(),
        }
    }

    /// Trusts documents by their ids; with `only`, refuses all others.
    pub fn trust(&mut self, manifest: Vec<(String, String)>, only: bool) -> Result<(), Vec<ApiError>> {
        self.documents.trust(manifest, only)
    }

    /// Reads the sizes of the tables, so that even the first request has the right cost.
    pub async fn learn_sizes(&self) {
        self.sizes.reload(&self.reader).await;
    }

    /// Parses and validates a request without running it.
    pub fn prepare(&self, request: OperationRequest) -> Result<PreparedOperation, Vec<ApiError>> {
        self.sizes.refresh(&self.reader);
        let (text, id) = (request.document.as_deref(), request.document_name.as_ref());
        let is_heavy = text.is_some_and(|text| text.len() > LARGE);
        let find = || traces::prepare().in_scope(|| self.documents.find(text, id));
        let document = heavy(is_heavy, find)?;
        let operation =
            document.operation(request.operation.as_deref()).map_err(|api_error| vec![api_error])?;
        let name = request.operation.as_deref().or_else(|| document.only_name());
        request::operation(name, kind(operation.ty));
        Ok(PreparedOperation { document, request })
    }

    /// Binds the arguments of a request without running it. Fails if an argument is invalid, the role is not enough,
    /// or the cost too high.
    pub fn bind(&self, prepared: &PreparedOperation, role: Role) -> Result<BoundOperation, ApiError> {
        let _span = traces::bind().entered();
        heavy(prepared.request.is_large(), || self.bind_now(prepared, role))
    }

    fn bind_now(&self, prepared: &PreparedOperation, role: Role) -> Result<BoundOperation, ApiError> {
        let PreparedOperation { document, request } = prepared;
        let operation = document.operation(request.operation.as_deref())?;
        let registry = self.schema.registry();
        let definitions = operation.variable_definitions.iter().map(|definition| &definition.node);
        let variables =
            coerce::variables(registry, definitions, &request.variables, self.settings.suggestions)?;
        let plan = document.plan(request.operation.as_deref(), &variables, || {
            plan::make(self.catalog, &document.ast, operation, &variables, self.settings.introspection)
        })?;
        // The cost comes first, so that no SQL is built for requests that exceed the limit.
        let cost = cost::of(self.catalog, registry, &plan, &variables, &self.sizes.now())?;
        request::cost(cost);
        if cost > self.settings.cost {
            return Err(ApiError::beyond("points of cost", self.settings.cost, cost));
        }
        let roles = [role, self.settings.whole_texts];
        let request = bind::bind(self.catalog, registry, &plan, &variables, roles, &request.languages, cost)?;
        Ok(BoundOperation { plan, request, variables })
    }

    pub fn catalog(&self) -> &'static Catalog {
        self.catalog
    }

    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Executes a request; errors of fields are in the response.
    pub async fn execute(
        &self,
        bound: &BoundOperation,
        caller: &Caller,
        freshness: Freshness,
    ) -> GraphqlResponse {
        self.fetch(bound, caller, None, freshness).await.0
    }

    /// Executes a request, and returns the dependencies of the response too.
    pub async fn execute_with_dependencies(
        &self,
        bound: &BoundOperation,
        caller: &Caller,
        freshness: Freshness,
    ) -> (GraphqlResponse, Dependencies) {
        let (response, rows) = self.fetch(bound, caller, None, freshness).await;
        let dependencies = Dependencies::of(&bound.plan, &bound.request, &rows);
        (response, dependencies)
    }

    /// Executes mutations. After the deadline nothing is changed; changes before it are reported in any case.
    pub async fn mutate(
        &self,
        bound: &BoundOperation,
        caller: &Caller,
        deadline: Instant,
    ) -> Result<GraphqlResponse, ApiError> {
        let BoundOperation { plan, request, .. } = bound;
        let reader = self.reader_for(bound, caller);
        let fetch = Executor { deadline: Some(deadline), ..self.executor(&reader, request, caller) };
        let rows = execute::mutations(&fetch, &plan.root).await;
        reader.explain_changes();
        let rows = rows?;
        let mut response = self.write(bound, &rows).await;
        response.revision = rows.revision();
        Ok(response)
    }

    async fn execute_event(
        &self,
        bound: &BoundOperation,
        caller: &Caller,
        event: Option<&ComputedValue>,
        revision: i64,
    ) -> GraphqlResponse {
        self.fetch(bound, caller, event, Freshness::Current { revision }).await.0
    }

    fn executor<'a>(
        &self,
        reader: &'a Reader,
        request: &'a bind::BoundPlan,
        caller: &'a Caller,
    ) -> Executor<'a> {
        Executor { reader, catalog: self.catalog, request, caller, event: None, deadline: None }
    }

    async fn fetch(
        &self,
        bound: &BoundOperation,
        caller: &Caller,
        event: Option<&ComputedValue>,
        freshness: Freshness,
    ) -> (GraphqlResponse, Rows) {
        let (mut failed, mut moves, mut repeated) = (None, 0, false);
        loop {
            let is_last = moves == MOVES;
            let freshness = if is_last { freshness.at_the_writer() } else { freshness };
            let on = match self.reader.fresh(freshness, failed.as_ref()).await {
                Ok(on) => on,
                Err(error) => return unavailable(error),
            };
            let reader = self.share_of(&on, bound, caller);
            let fetch = Executor { event, ..self.executor(&reader, &bound.request, caller) };
            let rows = match reader.run_all(execute::root(&fetch, &bound.plan.root)).await {
                Ok(rows) => rows,
                Err(Some(rows)) if is_last => rows,
                Err(None) if is_last => return unavailable(AccessError::NoReplica.into()),
                Err(_) => {
                    (failed, moves) = (Some(on), moves + 1);
                    continue;
                }
            };
            let mut response = self.write(bound, &rows).await;
            if response.needs_retry() && !repeated {
                repeated = true;
                continue;
            }
            response.revision = on.replayed().or(freshness.revision());
            return (response, rows);
        }
    }

    async fn write(&self, bound: &BoundOperation, rows: &Rows) -> GraphqlResponse {
        let introspection = self.introspection(bound).await;
        let is_heavy = bound.plan.length.load(Ordering::Relaxed) > LARGE_RESPONSE;
        let write = || response::write(&bound.plan, rows, introspection.as_ref());
        heavy(is_heavy, || traces::respond().in_scope(write))
    }

    /// The reader of a request: it shares connections with other clients, and large requests get fewer.
    fn reader_for(&self, bound: &BoundOperation, caller: &Caller) -> Reader {
        self.share_of(&self.reader, bound, caller)
    }

    fn share_of(&self, reader: &Reader, bound: &BoundOperation, caller: &Caller) -> Reader {
        let is_large = bound.request.cost > self.settings.cost / SMALL_FRACTION;
        reader.of(&caller.client, is_large)
    }

    async fn introspection(&self, bound: &BoundOperation) -> Option<async_graphql::Value> {
        let introspection_query = bound.plan.introspection.as_ref()?;
        self.introspect(introspection_query.clone(), &bound.variables).await
    }

    async fn introspect(
        &self,
        introspection_query: ExecutableDocument,
        variables: &coerce::Variables,
    ) -> Option<async_graphql::Value> {
        let variables = Variables::from_value(async_graphql::Value::Object(variables.clone()));
        let mut request = Request::new("").variables(variables);
        request.set_parsed_query(introspection_query);
        Some(Box::pin(self.schema.execute(request)).await.data)
    }
}

impl PreparedOperation {
    /// A digest of a cacheable request: a query whose response is the same for all callers of a role.
    pub fn fingerprint(&self) -> Option<Sha256> {
        if !self.is_query() || self.document.personal {
            return None;
        }
        let OperationRequest { operation, variables, .. } = &self.request;
        let operation = operation.as_deref().unwrap_or_default();
        let digest = Sha256::new().chain_update(self.document.digest);
        let digest = digest.chain_update(operation).chain_update([0]);
        let languages = if self.is_localized() { self.request.languages.join(",") } else { String::new() };
        let digest = digest.chain_update(languages).chain_update([0]);
        Some(heavy(self.request.is_large(), || {
            digest.chain_update(serde_json::to_vec(variables).unwrap_or_default())
        }))
    }

    /// Whether the response depends on the languages that the client accepts.
    pub fn is_localized(&self) -> bool {
        self.document.localized
    }

    pub fn is_query(&self) -> bool {
        self.is(OperationType::Query)
    }

    pub fn is_subscription(&self) -> bool {
        self.is(OperationType::Subscription)
    }

    fn is(&self, ty: OperationType) -> bool {
        self.document.operation(self.request.operation.as_deref()).is_ok_and(|operation| operation.ty == ty)
    }
}

/// The response to a query for which there is no host to read from.
fn unavailable(error: sqlx::Error) -> (GraphqlResponse, Rows) {
    (GraphqlResponse::new(b"null", vec![error.into()]), Rows::default())
}

fn kind(ty: OperationType) -> &'static str {
    match ty {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}
