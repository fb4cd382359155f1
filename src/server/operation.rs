//! Runs operations, the same way for all transports.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock, atomic::Ordering::Relaxed},
};

use axum::body::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::{
    auth::{
        caller::{Caller, Identity},
        limits::{Allowance, Budget, Share},
    },
    database::{client::Client, replicas::Freshness},
    engine::{
        BoundOperation, DocumentName, OperationRequest, PreparedOperation,
        cache::{
            Cache, CachedResponse, ComputedResponse, Key, Outcome,
            dependencies::Dependencies,
            revision_watcher::{Position, RevisionWatcher},
        },
        response::GraphqlResponse,
        subscriptions::{Change, Filter, Subscriber, audience::Audience},
    },
    error::{ApiError, Code},
    server::{AppState, revision},
    telemetry::request::{self, CacheOutcome},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object with `query`")]
pub(super) struct Parameters {
    pub query: Option<String>,
    pub operation_name: Option<String>,
    pub variables: Option<Map<String, Value>>,
    pub extensions: Option<Extensions>,
    #[serde(flatten)]
    pub named: DocumentNames,
}

/// The parameters that identify a document known to the server. Clients use different names.
#[derive(Default, Deserialize)]
pub(super) struct DocumentNames {
    #[serde(rename = "documentId")]
    document_id: Option<String>,
    doc_id: Option<String>,
    id: Option<String>,
}

impl DocumentNames {
    /// The one document that all of these parameters identify.
    fn agreed(self, hash: Option<String>) -> Result<Option<DocumentName>, ApiError> {
        let mut agreed: Option<DocumentName> = None;
        for (parameter, name) in [
            ("documentId", self.document_id),
            ("doc_id", self.doc_id),
            ("id", self.id),
            ("extensions.persistedQuery.sha256Hash", hash),
        ] {
            let Some(name) = name.filter(|name| !name.is_empty()) else { continue };
            match &agreed {
                Some(DocumentName { parameter: first, name: agreed }) if *agreed != name => {
                    let message = format!("`{first}` and `{parameter}` identify different documents.");
                    return Err(ApiError::bad_input(parameter, message));
                }
                Some(_) => {}
                None => agreed = Some(DocumentName { parameter, name }),
            }
        }
        Ok(agreed)
    }
}

/// The extensions of a request: automatic persisted queries, and whether the response reports the cache.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object as `extensions`")]
pub(super) struct Extensions {
    persisted_query: Option<PersistedQuery>,
    cache: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object as `extensions.persistedQuery`")]
struct PersistedQuery {
    sha256_hash: String,
}

impl Parameters {
    pub fn reports_cache(&self) -> bool {
        self.extensions.as_ref().is_some_and(|extensions| extensions.cache == Some(true))
    }

    /// The request of a client that accepts these languages.
    pub fn into_request(self, languages: Vec<String>) -> Result<OperationRequest, ApiError> {
        let hash =
            self.extensions.and_then(|extensions| extensions.persisted_query).map(|query| query.sha256_hash);
        Ok(OperationRequest {
            document: self.query.filter(|query| !query.is_empty()),
            document_name: self.named.agreed(hash)?,
            operation: self.operation_name.filter(|name| !name.is_empty()),
            variables: self.variables.unwrap_or_default(),
            languages,
        })
    }
}

pub(super) struct Requester {
    pub identity: Identity,
    pub client: IpAddr,
    /// The remaining budget, once something was spent.
    budget: OnceLock<Budget>,
}

impl Requester {
    pub fn new(identity: Identity, client: IpAddr) -> Self {
        Requester { identity, client, budget: OnceLock::new() }
    }

    /// The client that budgets and limits count by.
    pub fn as_client(&self) -> Client {
        Client::of(self.identity.name.as_deref(), self.client)
    }

    pub fn budget(&self) -> Option<&Budget> {
        self.budget.get()
    }
}

impl AppState {
    /// Prepares an operation. Invalid documents cost a point too.
    pub fn prepare(
        &self,
        operation_request: OperationRequest,
        requester: &Requester,
    ) -> Result<PreparedOperation, Vec<ApiError>> {
        let prepared = self.engine.prepare(operation_request);
        if prepared.is_err() {
            self.spend(requester, 1).map_err(|api_error| vec![api_error])?;
        }
        prepared
    }

    pub fn spend(&self, requester: &Requester, cost: usize) -> Result<(), ApiError> {
        let Some(limit) = &self.rate_limit else { return Ok(()) };
        let (budget, spent) = limit.spend(requester.identity.name.as_deref(), requester.client, cost);
        if let Some(budget) = budget {
            let _ = requester.budget.set(budget);
        }
        spent
    }

    /// Binds the arguments, and charges the cost. A subscription is charged once.
    pub fn admit(
        &self,
        prepared: &PreparedOperation,
        requester: &Requester,
    ) -> Result<(BoundOperation, Caller), ApiError> {
        let bound = self.engine.bind(prepared, requester.identity.role)?;
        self.spend(requester, bound.cost())?;
        let allowance = Allowance { cost: bound.cost(), budget: requester.budget().cloned() };
        let (identity, client) = (requester.identity.clone(), requester.as_client());
        Ok((bound, Caller { identity, client, allowance }))
    }

    /// Whether the server follows the current revision.
    pub fn knows_revision(&self) -> bool {
        self.response_cache.is_some() || !self.database.replicas().is_empty()
    }

    /// How new the response to a query must be that may name a revision, and the current position if the cache is up
    /// to it.
    pub async fn freshness(&self, named: Option<i64>) -> Result<(Freshness, Option<Position>), ApiError> {
        let (position, last) = (self.revisions.position(), self.revisions.last());
        let alone = self.database.replicas().are_alone();
        let Some(named) = named.filter(|named| alone || last.revision < *named) else {
            return Ok((self.revisions.freshness(position), position));
        };
        // The server has not heard of it yet, or may have lost the replica that had it.
        if !alone && self.revisions.catch_up(named).await {
            let (position, last) = (self.revisions.position(), self.revisions.last());
            if last.revision < named {
                return Err(revision::not_yet(named, last.revision));
            }
            return Ok((self.revisions.freshness(position), position));
        }
        let freshness = Freshness::AtLeast { history: last.history, revision: named, named: true };
        Ok((freshness, position.filter(|position| position.revision >= named)))
    }

    /// Executes a mutation. A timeout says what it has committed by then.
    async fn mutate(
        &self,
        prepared: &PreparedOperation,
        requester: &Requester,
    ) -> Result<GraphqlResponse, ApiError> {
        if self.database.is_read_only() {
            let message = "This server only reads: send changes to the server that writes.";
            return Err(ApiError::new(Code::Forbidden, message));
        }
        let (bound, caller) = self.admit(prepared, requester)?;
        let deadline = Instant::now() + self.request_timeout;
        let response = Box::pin(self.engine.mutate(&bound, &caller, deadline)).await;
        if self.knows_revision() {
            // A client that knows of a change must not read an older state afterwards.
            self.revisions.refresh().await;
        }
        let mut response = response?;
        request::refused(&response.errors);
        response.revision = response.revision.or_else(|| self.revisions.revision());
        Ok(response)
    }

    async fn in_time<T>(&self, execution: impl Future<Output = T>) -> Result<T, ApiError> {
        // Boxed because the future is large, and moved several times before it is polled.
        let executed = tokio::time::timeout(self.request_timeout, Box::pin(execution)).await;
        executed.map_err(|_| ApiError::timeout())
    }

    /// The cache entry of a request; none if it is uncacheable.
    fn cache_entry(
        &self,
        prepared: &PreparedOperation,
        identity: &Identity,
        position: Option<Position>,
    ) -> Option<CacheEntry<'_>> {
        let cache = self.response_cache.as_ref()?;
        let Position { history, revision } = position?;
        let key = Key::new(prepared.fingerprint()?, identity.role, history);
        Some(CacheEntry { cache, revisions: &self.revisions, key, revision })
    }

    /// The response to a query or mutation: a cached one, or one that is computed and cached. Both are charged. The
    /// response to a query is at least as new as the revision that the client names.
    pub async fn execute(
        &self,
        prepared: &PreparedOperation,
        requester: &Requester,
        named: Option<i64>,
    ) -> Result<OperationResponse, ApiError> {
        if !prepared.is_query() {
            let response = self.mutate(prepared, requester).await?;
            request::cached(CacheOutcome::Uncacheable);
            let revision = response.revision;
            return Ok(OperationResponse { outcome: Outcome::Own(response), cached_at: None, revision });
        }
        let (freshness, position) = self.freshness(named).await?;
        let entry = self.cache_entry(prepared, &requester.identity, position);
        let outcome = match &entry {
            Some(entry) => match entry.cached() {
                Some(cached) => Outcome::CachedResponse(cached),
                None => {
                    let compute = || async {
                        let (bound, caller) = self.admit(prepared, requester)?;
                        let execution = self.engine.execute_with_dependencies(&bound, &caller, freshness);
                        let (response, dependencies) = self.in_time(execution).await?;
                        request::refused(&response.errors);
                        let response = unless_busy(response)?;
                        Ok(ComputedResponse { response, cost: bound.cost(), dependencies })
                    };
                    let CacheEntry { cache, key, revision, .. } = entry;
                    Box::pin(cache.compute(*key, *revision, compute)).await?
                }
            },
            None => {
                let (bound, caller) = self.admit(prepared, requester)?;
                let response = self.in_time(self.engine.execute(&bound, &caller, freshness)).await?;
                let response = unless_busy(response)?;
                request::refused(&response.errors);
                Outcome::Own(response)
            }
        };
        request::cached(match (&outcome, &entry) {
            (Outcome::CachedResponse(_), _) => CacheOutcome::Hit,
            (_, Some(_)) => CacheOutcome::Miss,
            (_, None) => CacheOutcome::Uncacheable,
        });
        if let Outcome::CachedResponse(cached) = &outcome {
            request::cost(cached.cost);
            self.spend(requester, cached.cost)?;
        }
        let cached_at = entry.map(|entry| entry.revision);
        let revision = if let Outcome::Own(response) = &outcome { response.revision } else { cached_at };
        Ok(OperationResponse { outcome, cached_at, revision })
    }

    /// Whether nothing that a response depends on has changed while it was computed, as far as the server knows, and a
    /// cache in front of it would be purged if it changes.
    pub fn is_current(&self, response: &OperationResponse) -> bool {
        let (Some(current), Some(cached)) = (self.revisions.revision(), response.cached()) else {
            return false;
        };
        let is_purged = self.purged.as_ref().is_none_or(|purged| !purged.is_failing.load(Relaxed));
        is_purged
            && cached
                .is_valid_at(current, |dependencies, since| self.revisions.is_unchanged(dependencies, since))
    }

    /// Subscribes. `resumed` is the last revision that a reconnecting client has received.
    pub async fn subscribe(
        self: &Arc<Self>,
        prepared: &PreparedOperation,
        requester: &Requester,
        resumed: Option<i64>,
    ) -> Result<Subscription, ApiError> {
        let share = self
            .subscriptions
            .take(Some(requester.as_client()))
            .map_err(|full| full.api_error("subscriptions"))?;
        let (bound, caller) = self.admit(prepared, requester)?;
        let engine = &self.engine;
        let Some(wanted) = bound.subscription_arguments() else {
            return Err(ApiError::internal());
        };
        let reader = engine.reader().of(&caller.client, false);
        let (filter, since) = Filter::read(&reader, engine.catalog(), wanted).await?;
        let changes = self.feed.subscribe(filter, resumed.or(since)).await?;
        let audience = self.audiences.join(bound, caller);
        Ok(Subscription { app: self.clone(), audience, changes, _share: share })
    }
}

pub(super) struct OperationResponse {
    outcome: Outcome,
    /// The current revision at the time of the request, if the response is cacheable.
    cached_at: Option<i64>,
    /// The revision that the response is at least as new as, if known.
    pub revision: Option<i64>,
}

impl OperationResponse {
    /// The error, if the server failed and there is no data.
    pub fn failure(&self) -> Option<&ApiError> {
        match &self.outcome {
            Outcome::Own(response) => response.failure(),
            Outcome::ComputedResponse(_) | Outcome::CachedResponse(_) => None,
        }
    }

    pub fn is_hit(&self) -> bool {
        matches!(self.outcome, Outcome::CachedResponse(_))
    }

    pub fn cached(&self) -> Option<Arc<CachedResponse>> {
        match &self.outcome {
            Outcome::ComputedResponse(cached) | Outcome::CachedResponse(cached) => Some(cached.clone()),
            Outcome::Own(_) => None,
        }
    }

    /// The response as JSON, on request with `extensions.cache`.
    pub fn into_json(self, request_id: &str, reports_cache: bool) -> Bytes {
        let report =
            reports_cache.then(|| json!({"cache": {"hit": self.is_hit(), "revision": self.cached_at}}));
        let body: Bytes = match self.outcome {
            Outcome::Own(response) => response.into_json(request_id).into(),
            Outcome::ComputedResponse(cached) | Outcome::CachedResponse(cached) => cached.body.clone(),
        };
        let Some(report) = report else { return body };
        // After the opening brace.
        let extensions = format!("{{\"extensions\":{report},");
        [extensions.as_bytes(), &body[1..]].concat().into()
    }
}

/// A query for which no database connection was free fails as a whole, with the time after which to retry.
fn unless_busy(response: GraphqlResponse) -> Result<GraphqlResponse, ApiError> {
    let busy = |api_error: &&ApiError| matches!(api_error.code, Code::RateLimited | Code::TooSlow);
    match response.errors.iter().find(busy) {
        Some(api_error) => Err(ApiError { path: Vec::new(), ..api_error.clone() }),
        None => Ok(response),
    }
}

/// A cache entry, and the current revision at the time of the request.
struct CacheEntry<'a> {
    cache: &'a Cache,
    revisions: &'a RevisionWatcher,
    key: Key,
    revision: i64,
}

impl CacheEntry<'_> {
    fn cached(&self) -> Option<Arc<CachedResponse>> {
        let is_unchanged =
            |dependencies: &Dependencies, since| self.revisions.is_unchanged(dependencies, since);
        self.cache.get(&self.key, self.revision, is_unchanged)
    }
}

pub(super) struct Subscription {
    app: Arc<AppState>,
    audience: Arc<Audience>,
    changes: Subscriber,
    _share: Share,
}

impl Subscription {
    /// The next change, or the error that ends the subscription. Cancel-safe: no change is lost.
    pub async fn next(&mut self) -> Result<Arc<Change>, ApiError> {
        self.changes.next().await
    }

    /// The response for a change, as JSON.
    pub async fn response(&self, change: &Change) -> Arc<str> {
        let AppState { engine, request_timeout, .. } = &*self.app;
        self.audience.response(engine, change.number, change.tree(), *request_timeout).await
    }
}
