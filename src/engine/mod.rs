//! How a query becomes SQL and rows become an answer, once for every object type.
//!
//! ```text
//! text ─ guard ─ document ─ plan ─ bind ─ fetch ─ answer
//!        size    parsed,    levels  values  rows    JSON
//!                valid      columns
//!        └ kept by the text ┘└ a request's own ────────┘
//! ```
//!
//! A domain module says what its object type has (`object_type`); the domain modules together are the `catalog`, and the catalog
//! as GraphQL is `types`. The library introspects and prints the schema; what a request asks is parsed
//! (`syntax`), validated (`validation`) and executed here, one SQL `statement` for each level of the query.

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
    database::{reader::Reader, sizes::Known},
    engine::{
        cache::dependencies::Dependencies,
        execute::{Executor, Rows},
        plan::{Plan, bind, cost},
        prepare::{
            coerce,
            document::{Document, Documents},
            limits::Limits,
        },
        response::Answer,
    },
    error::ApiError,
    model::{Catalog, object_type::computed::ComputedValue},
    sync::{LARGE, heavy},
    telemetry::{request, traces},
};

/// A request as it came: a document, which of its operations, and values for its variables.
#[derive(Debug, Default)]
pub struct OperationRequest {
    pub document: Option<String>,
    pub document_name: Option<DocumentName>,
    pub operation: Option<String>,
    pub variables: Map<String, Value>,
}

/// A request that costs more than this part of what one may cost leaves some connections to smaller ones.
const SMALL: usize = 50;

impl OperationRequest {
    /// Whether it takes long to read.
    fn is_large(&self) -> bool {
        let document = self.document.as_ref().map_or(0, String::len);
        document > LARGE || has_more_bytes(self.variables.values(), &mut (LARGE - document))
    }
}

/// Whether values are longer than `room`, which they take from.
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

/// Bytes from which on an answer is heavy work to write.
const LARGE_ANSWER: usize = 256 * 1024;

/// What names a document: its id among the trusted ones, or the hash of its text.
#[derive(Debug)]
pub struct DocumentName {
    /// The parameter that gave it.
    pub parameter: &'static str,
    pub name: String,
}

/// Answers questions from the database.
pub struct Engine {
    catalog: &'static Catalog,
    reader: Reader,
    documents: Documents,
    schema: Schema,
    settings: Settings,
    /// How large the tables are.
    sizes: Arc<Known>,
}

/// What questions may ask.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub limits: Limits,
    /// What an answer may cost.
    pub cost: usize,
    pub introspection: bool,
    /// Whether an error says what a wrong name may have meant.
    pub suggestions: bool,
}

/// A question whose document is valid.
pub struct PreparedOperation {
    document: Arc<Document>,
    question: OperationRequest,
}

/// A question whose values are good, and whose cost is known.
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
        // What reaches it has been validated.
        let schema = schema::schema(catalog).validation_mode(ValidationMode::Fast).finish();
        let schema = schema.expect("the domain modules make a schema");
        let personal = catalog.per_caller().collect();
        Engine {
            catalog,
            reader,
            documents: Documents::new(schema.clone(), settings.limits, settings.suggestions, personal),
            schema,
            settings,
            sizes: Arc::default(),
        }
    }

    /// Trusts documents by their ids, and answers no others if `only`.
    pub fn trust(&mut self, manifest: Vec<(String, String)>, only: bool) -> Result<(), Vec<ApiError>> {
        self.documents.trust(manifest, only)
    }

    /// Learns how large the base is, so that the first request costs what it may read too.
    pub async fn learn_sizes(&self) {
        self.sizes.reload(&self.reader).await;
    }

    /// Parses and validates a question; nothing is run.
    pub fn prepare(&self, question: OperationRequest) -> Result<PreparedOperation, Vec<ApiError>> {
        self.sizes.refresh(&self.reader);
        let (text, id) = (question.document.as_deref(), question.document_name.as_ref());
        let is_heavy = text.is_some_and(|text| text.len() > LARGE);
        let find = || traces::prepare().in_scope(|| self.documents.find(text, id));
        let document = heavy(is_heavy, find)?;
        let operation =
            document.operation(question.operation.as_deref()).map_err(|api_error| vec![api_error])?;
        let name = question.operation.as_deref().or_else(|| document.only_name());
        request::operation(name, kind(operation.ty));
        Ok(PreparedOperation { document, question })
    }

    /// Puts the values of a valid question to its plan. Wrong input refuses it whole, and so does what is
    /// not for the caller or would cost too much; nothing is run.
    pub fn bind(&self, prepared: &PreparedOperation, role: Role) -> Result<BoundOperation, ApiError> {
        let _span = traces::bind().entered();
        heavy(prepared.question.is_large(), || self.bind_now(prepared, role))
    }

    fn bind_now(&self, prepared: &PreparedOperation, role: Role) -> Result<BoundOperation, ApiError> {
        let PreparedOperation { document, question } = prepared;
        let operation = document.operation(question.operation.as_deref())?;
        let registry = self.schema.registry();
        let definitions = operation.variable_definitions.iter().map(|definition| &definition.node);
        let variables =
            coerce::variables(registry, definitions, &question.variables, self.settings.suggestions)?;
        let plan = document.plan(question.operation.as_deref(), &variables, || {
            plan::make(self.catalog, &document.ast, operation, &variables, self.settings.introspection)
        })?;
        // Priced first: no SQL is made of what costs too much.
        let cost = cost::of(self.catalog, registry, &plan, &variables, &self.sizes.now())?;
        request::cost(cost);
        if cost > self.settings.cost {
            return Err(ApiError::beyond("points of cost", self.settings.cost, cost));
        }
        let request = bind::bind(self.catalog, registry, &plan, &variables, role, cost)?;
        Ok(BoundOperation { plan, request, variables })
    }

    pub fn catalog(&self) -> &'static Catalog {
        self.catalog
    }

    /// The way to the database.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Answers a question; a field that fails is told in the answer.
    pub async fn answer(&self, bound: &BoundOperation, caller: &Caller) -> Answer {
        self.answer_to(bound, caller, None).await
    }

    /// Answers a question, and tells what the answer rests on.
    pub async fn answer_resting(&self, bound: &BoundOperation, caller: &Caller) -> (Answer, Dependencies) {
        let (answer, rows) = self.fetch(bound, caller, None).await;
        let dependencies = Dependencies::of(&bound.plan, &bound.request, &rows);
        (answer, dependencies)
    }

    /// Runs mutations and answers them. Nothing is changed after the deadline; what was changed before it is
    /// told whatever comes of the rest.
    pub async fn change(
        &self,
        bound: &BoundOperation,
        caller: &Caller,
        deadline: Instant,
    ) -> Result<Answer, ApiError> {
        let BoundOperation { plan, request, .. } = bound;
        let reader = self.reader_for(bound, caller);
        let fetch = Executor { deadline: Some(deadline), ..self.fetching(&reader, request, caller) };
        let rows = execute::mutations(&fetch, &plan.root).await;
        reader.explain_changes();
        Ok(self.write(bound, &rows?).await)
    }

    async fn answer_to(
        &self,
        bound: &BoundOperation,
        caller: &Caller,
        event: Option<&ComputedValue>,
    ) -> Answer {
        self.fetch(bound, caller, event).await.0
    }

    fn fetching<'a>(
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
    ) -> (Answer, Rows) {
        let fetched = self.fetch_once(bound, caller, event).await;
        if fetched.0.is_torn() {
            return Box::pin(self.fetch_once(bound, caller, event)).await;
        }
        fetched
    }

    async fn fetch_once(
        &self,
        bound: &BoundOperation,
        caller: &Caller,
        event: Option<&ComputedValue>,
    ) -> (Answer, Rows) {
        let reader = self.reader_for(bound, caller);
        let fetch = Executor { event, ..self.fetching(&reader, &bound.request, caller) };
        let rows = execute::root(&fetch, &bound.plan.root).await;
        (self.write(bound, &rows).await, rows)
    }

    async fn write(&self, bound: &BoundOperation, rows: &Rows) -> Answer {
        let introspection = self.introspection(bound).await;
        let is_heavy = bound.plan.length.load(Ordering::Relaxed) > LARGE_ANSWER;
        let write = || response::write(&bound.plan, rows, introspection.as_ref());
        heavy(is_heavy, || traces::respond().in_scope(write))
    }

    /// What reads for a request: it shares the connections with other clients, the larger the less.
    fn reader_for(&self, bound: &BoundOperation, caller: &Caller) -> Reader {
        let is_large = bound.request.cost > self.settings.cost / SMALL;
        self.reader.of(&caller.client, is_large)
    }

    /// What a question asks about the schema.
    async fn introspection(&self, bound: &BoundOperation) -> Option<async_graphql::Value> {
        let asked = bound.plan.introspection.as_ref()?;
        self.introspect(asked.clone(), &bound.variables).await
    }

    async fn introspect(
        &self,
        asked: ExecutableDocument,
        variables: &coerce::Variables,
    ) -> Option<async_graphql::Value> {
        let variables = Variables::from_value(async_graphql::Value::Object(variables.clone()));
        let mut request = Request::new("").variables(variables);
        request.set_parsed_query(asked);
        Some(Box::pin(self.schema.execute(request)).await.data)
    }
}

impl PreparedOperation {
    /// A digest of what is asked, where all who ask it of one base are answered alike: a query for
    /// nothing personal.
    pub fn fingerprint(&self) -> Option<Sha256> {
        if !self.is_query() || self.document.personal {
            return None;
        }
        let OperationRequest { operation, variables, .. } = &self.question;
        let operation = operation.as_deref().unwrap_or_default();
        let digest = Sha256::new().chain_update(self.document.digest);
        let digest = digest.chain_update(operation).chain_update([0]);
        Some(heavy(self.question.is_large(), || {
            digest.chain_update(serde_json::to_vec(variables).unwrap_or_default())
        }))
    }

    /// Whether the operation asked for is a query, which has no effect.
    pub fn is_query(&self) -> bool {
        self.is(OperationType::Query)
    }

    /// Whether it is a subscription, which is answered as often as something happens.
    pub fn is_subscription(&self) -> bool {
        self.is(OperationType::Subscription)
    }

    fn is(&self, ty: OperationType) -> bool {
        self.document.operation(self.question.operation.as_deref()).is_ok_and(|operation| operation.ty == ty)
    }
}

fn kind(ty: OperationType) -> &'static str {
    match ty {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}
