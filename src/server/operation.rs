//! Operations: what is asked, by whatever way it came, is let in and answered here.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
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
    database::client::Client,
    engine::{
        BoundOperation, DocumentName, OperationRequest, PreparedOperation,
        cache::{CachedResponse, ComputedResponse, Key, Outcome, revision_watcher::Position},
        response::Answer,
        subscriptions::{Change, Filter, Subscriber, audience::Audience},
    },
    error::{ApiError, Code},
    server::{AppState, Keeping},
    telemetry::request::{self, CacheOutcome},
};

/// The parameters of a request, as JSON.
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

/// The parameters that may name a document known to the server: clients differ in what they call it.
#[derive(Default, Deserialize)]
pub(super) struct DocumentNames {
    #[serde(rename = "documentId")]
    document_id: Option<String>,
    doc_id: Option<String>,
    id: Option<String>,
}

impl DocumentNames {
    /// The one document that the parameters and the hash of a persisted query name.
    fn agreed(self, hash: Option<String>) -> Result<Option<DocumentName>, ApiError> {
        let mut agreed: Option<DocumentName> = None;
        for (parameter, given) in [
            ("documentId", self.document_id),
            ("doc_id", self.doc_id),
            ("id", self.id),
            ("extensions.persistedQuery.sha256Hash", hash),
        ] {
            let Some(given) = given.filter(|given| !given.is_empty()) else { continue };
            match &agreed {
                Some(DocumentName { parameter: first, name }) if *name != given => {
                    let message = format!("`{first}` and `{parameter}` identify different documents.");
                    return Err(ApiError::bad_input(parameter, message));
                }
                Some(_) => {}
                None => agreed = Some(DocumentName { parameter, name: given }),
            }
        }
        Ok(agreed)
    }
}

/// What we know of the extensions of a request: the protocol of automatic persisted queries.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object as `extensions`")]
pub(super) struct Extensions {
    persisted_query: Option<PersistedQuery>,
    /// Whether the answer shall tell if it was kept.
    cache: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object as `extensions.persistedQuery`")]
struct PersistedQuery {
    sha256_hash: String,
}

impl Parameters {
    /// Whether the answer shall tell if it was kept.
    pub fn asks_for_cache(&self) -> bool {
        self.extensions.as_ref().is_some_and(|extensions| extensions.cache == Some(true))
    }

    pub fn question(self) -> Result<OperationRequest, ApiError> {
        let hash =
            self.extensions.and_then(|extensions| extensions.persisted_query).map(|query| query.sha256_hash);
        Ok(OperationRequest {
            document: self.query.filter(|query| !query.is_empty()),
            document_name: self.named.agreed(hash)?,
            operation: self.operation_name.filter(|name| !name.is_empty()),
            variables: self.variables.unwrap_or_default(),
        })
    }
}

/// Who asks an operation, and from where.
pub(super) struct Requester {
    pub identity: Identity,
    pub client: IpAddr,
    /// What they may still spend, once something was spent.
    budget: OnceLock<Budget>,
}

impl Requester {
    pub fn new(identity: Identity, client: IpAddr) -> Self {
        Requester { identity, client, budget: OnceLock::new() }
    }

    /// Whose budget and whose shares it is.
    pub fn counts_as(&self) -> Client {
        Client::of(self.identity.name.as_deref(), self.client)
    }

    /// What they may still spend, where that is counted.
    pub fn budget(&self) -> Option<&Budget> {
        self.budget.get()
    }
}

impl AppState {
    /// A question whose document is valid. One that isn't counts too.
    pub fn prepare(
        &self,
        question: OperationRequest,
        requester: &Requester,
    ) -> Result<PreparedOperation, Vec<ApiError>> {
        let prepared = self.engine.prepare(question);
        if prepared.is_err() {
            self.spend(requester, 1).map_err(|api_error| vec![api_error])?;
        }
        prepared
    }

    /// Takes what something costs from the budget of whoever asks.
    pub fn spend(&self, requester: &Requester, cost: usize) -> Result<(), ApiError> {
        let Some(limit) = &self.rate_limit else { return Ok(()) };
        let (budget, spent) = limit.spend(requester.identity.name.as_deref(), requester.client, cost);
        if let Some(budget) = budget {
            let _ = requester.budget.set(budget);
        }
        spent
    }

    /// Lets a valid question in, where its values are good and its client may ask it. A subscription
    /// pays once for what it is told.
    pub fn admit(
        &self,
        prepared: &PreparedOperation,
        requester: &Requester,
    ) -> Result<(BoundOperation, Caller), ApiError> {
        let bound = self.engine.bind(prepared, requester.identity.role)?;
        self.spend(requester, bound.cost())?;
        let allowance = Allowance { cost: bound.cost(), budget: requester.budget().cloned() };
        let (identity, client) = (requester.identity.clone(), requester.counts_as());
        Ok((bound, Caller { identity, client, allowance }))
    }

    /// The answer to a query or a mutation, unless it takes too long. What a mutation has changed by then is told.
    async fn answer(&self, bound: &BoundOperation, caller: &Caller) -> Result<Answer, ApiError> {
        if !bound.is_mutation() {
            let answer = self.in_time(self.engine.answer(bound, caller)).await;
            let answer = answer.and_then(|answer| unless_busy(bound, answer));
            return answer.inspect(|answer| request::refused(&answer.errors));
        }
        let deadline = Instant::now() + self.request_timeout;
        let answer = Box::pin(self.engine.change(bound, caller, deadline)).await;
        if let Ok(answer) = &answer {
            request::refused(&answer.errors);
        }
        if let Some(keeping) = &self.keeping {
            // Whoever is told that something was changed is told nothing older from then on.
            keeping.current.look().await;
        }
        answer
    }

    async fn in_time<T>(&self, answer: impl Future<Output = T>) -> Result<T, ApiError> {
        // On the heap, as everything around it is moved about until it is polled.
        let answer = tokio::time::timeout(self.request_timeout, Box::pin(answer)).await;
        answer.map_err(|_| ApiError::timeout())
    }

    /// Where the answer to a question is kept; none where it is not.
    fn place(&self, prepared: &PreparedOperation, identity: &Identity) -> Option<Place<'_>> {
        let keeping = self.keeping.as_ref()?;
        let Position { history, revision } = keeping.current.position()?;
        Some(Place { keeping, key: Key::new(prepared.fingerprint()?, identity.role, history), revision })
    }

    /// The answer to a query or a mutation, by whatever way it was asked: the one that was kept, or one that
    /// is made now, and kept in its place. Either is paid for.
    pub async fn ask(
        &self,
        prepared: &PreparedOperation,
        requester: &Requester,
    ) -> Result<Answered, ApiError> {
        let place = self.place(prepared, &requester.identity);
        let admit = || self.admit(prepared, requester);
        let given = match &place {
            Some(place) => match place.kept() {
                Some(kept) => Outcome::CachedResponse(kept),
                None => {
                    let make = || async {
                        let (bound, caller) = admit()?;
                        let (answer, dependencies) =
                            self.in_time(self.engine.answer_resting(&bound, &caller)).await?;
                        request::refused(&answer.errors);
                        Ok(ComputedResponse {
                            answer: unless_busy(&bound, answer)?,
                            cost: bound.cost(),
                            dependencies,
                        })
                    };
                    let Place { keeping, key, revision } = place;
                    Box::pin(keeping.cache.make(*key, *revision, make)).await?
                }
            },
            None => {
                let (bound, caller) = admit()?;
                Outcome::Own(self.answer(&bound, &caller).await?)
            }
        };
        request::cached(match (&given, &place) {
            (Outcome::CachedResponse(_), _) => CacheOutcome::Hit,
            (_, Some(_)) => CacheOutcome::Miss,
            (_, None) => CacheOutcome::Uncacheable,
        });
        if let Outcome::CachedResponse(kept) = &given {
            request::cost(kept.cost);
            self.spend(requester, kept.cost)?;
        }
        Ok(Answered { given, revision: place.map(|place| place.revision) })
    }

    /// Begins to tell what a subscription asks for; `resumed` is the last revision that its client
    /// knows, where it comes back.
    pub async fn subscribe(
        self: &Arc<Self>,
        prepared: &PreparedOperation,
        requester: &Requester,
        resumed: Option<i64>,
    ) -> Result<Subscription, ApiError> {
        let share = self
            .subscriptions
            .take(Some(requester.counts_as()))
            .map_err(|full| full.api_error("subscriptions"))?;
        let (bound, caller) = self.admit(prepared, requester)?;
        let engine = &self.engine;
        let Some(wanted) = bound.wanted() else {
            return Err(ApiError::internal());
        };
        let reader = engine.reader().of(&caller.client, false);
        let (filter, since) = Filter::read(&reader, engine.catalog(), wanted).await?;
        let changes = self.feed.follow(filter, resumed.or(since)).await?;
        let audience = self.audiences.join(bound, caller);
        Ok(Subscription { app: self.clone(), audience, changes, _share: share })
    }
}

/// An answer, and the revision of the base where it is known.
pub(super) struct Answered {
    given: Outcome,
    revision: Option<i64>,
}

impl Answered {
    /// Why there is no data at all, where that is a failure of the server.
    pub fn failure(&self) -> Option<&ApiError> {
        match &self.given {
            Outcome::Own(answer) => answer.failure(),
            Outcome::ComputedResponse(_) | Outcome::CachedResponse(_) => None,
        }
    }

    /// Whether it was kept.
    pub fn is_hit(&self) -> bool {
        matches!(self.given, Outcome::CachedResponse(_))
    }

    /// The answer that is kept for others.
    pub fn kept(&self) -> Option<Arc<CachedResponse>> {
        match &self.given {
            Outcome::ComputedResponse(kept) | Outcome::CachedResponse(kept) => Some(kept.clone()),
            Outcome::Own(_) => None,
        }
    }

    /// The answer as JSON; where that was asked for, it tells whether it was kept.
    pub fn into_json(self, request_id: &str, tells_cache: bool) -> Bytes {
        let told = tells_cache.then(|| json!({"cache": {"hit": self.is_hit(), "revision": self.revision}}));
        let body: Bytes = match self.given {
            Outcome::Own(answer) => answer.into_json(request_id).into(),
            Outcome::ComputedResponse(kept) | Outcome::CachedResponse(kept) => kept.body.clone(),
        };
        let Some(told) = told else { return body };
        // Behind the brace that every answer begins with.
        let told = format!("{{\"extensions\":{told},");
        [told.as_bytes(), &body[1..]].concat().into()
    }
}

/// A query that no connection was free for is refused as a whole, and told when to ask again.
fn unless_busy(bound: &BoundOperation, answer: Answer) -> Result<Answer, ApiError> {
    let busy = |api_error: &&ApiError| matches!(api_error.code, Code::RateLimited | Code::TooSlow);
    match answer.errors.iter().find(busy) {
        Some(api_error) if !bound.is_mutation() => Err(ApiError { path: Vec::new(), ..api_error.clone() }),
        _ => Ok(answer),
    }
}

/// Where an answer is kept, and the last revision when it was asked for.
struct Place<'a> {
    keeping: &'a Keeping,
    key: Key,
    revision: i64,
}

impl Place<'_> {
    /// The answer there, if it is right.
    fn kept(&self) -> Option<Arc<CachedResponse>> {
        let Keeping { cache, current } = self.keeping;
        cache.get(&self.key, self.revision, |dependencies, since| current.leaves(dependencies, since))
    }
}

/// A subscription that has begun.
pub(super) struct Subscription {
    app: Arc<AppState>,
    audience: Arc<Audience>,
    changes: Subscriber,
    _share: Share,
}

impl Subscription {
    /// The next change, or why there will be none; given up while it is waited for, it comes the next time.
    pub async fn next(&mut self) -> Result<Arc<Change>, ApiError> {
        self.changes.next().await
    }

    /// What the subscription asks of a change, as JSON.
    pub async fn tell(&self, change: &Change) -> Arc<str> {
        let AppState { engine, request_timeout, .. } = &*self.app;
        self.audience.answer(engine, change.number, change.tree(), *request_timeout).await
    }
}
