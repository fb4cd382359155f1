//! Operations: what is asked, by whatever way it came, is let in and answered here.

use std::{net::IpAddr, sync::Arc};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{App, Keeping};
use crate::{
    cache::{Given, Kept, Key, Made},
    caller::{Caller, Identity},
    current::Position,
    error::{Code, Refusal},
    feed::{Change, Filter, Follower},
    limits::{Allowance, Client},
    query::{Answer, Audience, Bound, Prepared, Question},
};

/// The parameters of a request, as JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object with `query`")]
pub(super) struct Parameters {
    pub query: Option<String>,
    pub operation_name: Option<String>,
    pub variables: Option<Map<String, Value>>,
    pub extensions: Option<Extensions>,
    pub document_id: Option<String>,
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

    pub fn question(self) -> Question {
        let hash =
            self.extensions.and_then(|extensions| extensions.persisted_query).map(|query| query.sha256_hash);
        Question {
            document: self.query.filter(|query| !query.is_empty()),
            document_id: self.document_id.or(hash),
            operation: self.operation_name.filter(|name| !name.is_empty()),
            variables: self.variables.unwrap_or_default(),
        }
    }
}

impl App {
    /// Lets a valid question in, where its values are good and its client may ask it. A subscription
    /// pays once for what it is told.
    pub fn admit(
        &self,
        prepared: &Prepared,
        identity: Identity,
        client: IpAddr,
    ) -> Result<(Bound, Caller), Refusal> {
        let bound = self.engine.bind(prepared, identity.role)?;
        let (limit, name) = (self.rate_limit.as_ref(), identity.name.as_deref());
        let budget = limit.map(|limit| limit.spend(name, client, bound.cost())).transpose()?;
        let allowance = Allowance { cost: bound.cost(), budget };
        let client = Client::of(name, client);
        Ok((bound, Caller { identity, client, allowance }))
    }

    /// The answer to a query or a mutation, unless it takes too long.
    pub async fn answer(&self, bound: &Bound, caller: &Caller) -> Result<Answer, Refusal> {
        let answer = self.in_time(self.engine.answer(bound, caller)).await;
        let answer = answer.and_then(|answer| unless_busy(bound, answer));
        if bound.is_mutation()
            && let Some(keeping) = &self.keeping
        {
            // Whoever is told that something was changed is told nothing older from then on.
            keeping.current.look().await;
        }
        answer
    }

    async fn in_time<T>(&self, answer: impl Future<Output = T>) -> Result<T, Refusal> {
        // On the heap, as everything around it is moved about until it is polled.
        let answer = tokio::time::timeout(self.request_timeout, Box::pin(answer)).await;
        answer.map_err(|_| Refusal::new(Code::Timeout, "The answer took too long and was given up."))
    }

    /// Where the answer to a question is kept; none where it is not.
    pub fn place(&self, prepared: &Prepared, identity: &Identity) -> Option<Place<'_>> {
        let keeping = self.keeping.as_ref()?;
        let Position { history, revision } = keeping.current.position()?;
        Some(Place { keeping, key: Key::new(prepared.fingerprint()?, identity.role, history), revision })
    }

    /// The answer that was kept, or one that is made now, and kept in its place.
    pub async fn ask(
        &self,
        prepared: &Prepared,
        identity: &Identity,
        client: IpAddr,
        place: Option<&Place<'_>>,
        kept: Option<Arc<Kept>>,
    ) -> Result<Given, Refusal> {
        let admit = || self.admit(prepared, identity.clone(), client);
        let given = match (kept, place) {
            (Some(kept), _) => Given::Kept(kept),
            (None, Some(Place { keeping, key, revision })) => {
                let make = || async {
                    let (bound, caller) = admit()?;
                    let (answer, rests_on) =
                        self.in_time(self.engine.answer_resting(&bound, &caller)).await?;
                    Ok(Made { answer: unless_busy(&bound, answer)?, cost: bound.cost(), rests_on })
                };
                Box::pin(keeping.cache.make(*key, *revision, make)).await?
            }
            (None, None) => {
                let (bound, caller) = admit()?;
                Given::Own(self.answer(&bound, &caller).await?)
            }
        };
        if let (Given::Kept(kept), Some(limit)) = (&given, &self.rate_limit) {
            limit.spend(identity.name.as_deref(), client, kept.cost)?;
        }
        Ok(given)
    }

    /// Begins to tell what a subscription asks for; `resumed` is the last revision that its client
    /// knows, where it comes back.
    pub async fn subscribe(
        self: &Arc<Self>,
        bound: Bound,
        caller: Caller,
        resumed: Option<i64>,
    ) -> Result<Subscription, Refusal> {
        let engine = &self.engine;
        let Some(wanted) = bound.wanted() else {
            return Err(Refusal::new(Code::Internal, "Something went wrong on our side."));
        };
        let (filter, since) = Filter::read(engine.reader(), engine.catalog(), wanted).await?;
        let changes = self.feed.follow(filter, resumed.or(since)).await?;
        Ok(Subscription { app: self.clone(), audience: self.audiences.join(bound, caller), changes })
    }
}

/// A query that no connection was free for is refused as a whole, and told when to ask again.
fn unless_busy(bound: &Bound, answer: Answer) -> Result<Answer, Refusal> {
    let busy = |refusal: &&Refusal| matches!(refusal.code, Code::RateLimited | Code::TooSlow);
    match answer.errors.iter().find(busy) {
        Some(refusal) if !bound.is_mutation() => Err(Refusal { path: Vec::new(), ..refusal.clone() }),
        _ => Ok(answer),
    }
}

/// Where an answer is kept, and the last revision when it was asked for.
pub(super) struct Place<'a> {
    keeping: &'a Keeping,
    key: Key,
    pub revision: i64,
}

impl Place<'_> {
    /// The answer there, if it is right.
    pub fn kept(&self) -> Option<Arc<Kept>> {
        let Keeping { cache, current } = self.keeping;
        cache.get(&self.key, self.revision, |rests_on, since| current.leaves(rests_on, since))
    }
}

/// A subscription that has begun.
pub(super) struct Subscription {
    app: Arc<App>,
    audience: Arc<Audience>,
    changes: Follower,
}

impl Subscription {
    /// The next change, or why there will be none; given up while it is waited for, it comes the next time.
    pub async fn next(&mut self) -> Result<Arc<Change>, Refusal> {
        self.changes.next().await
    }

    /// What the subscription asks of a change, as JSON.
    pub async fn tell(&self, change: &Change) -> Arc<str> {
        let App { engine, request_timeout, .. } = &*self.app;
        self.audience.answer(engine, change.number, change.tree(), *request_timeout).await
    }
}
