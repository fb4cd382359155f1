//! Operations: what is asked, by whatever way it came, is let in and answered here.

use std::{net::IpAddr, sync::Arc};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::App;
use crate::{
    caller::{Caller, Identity},
    error::{Code, Refusal},
    feed::{Change, Filter, Follower},
    limits::Allowance,
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
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object as `extensions.persistedQuery`")]
struct PersistedQuery {
    sha256_hash: String,
}

impl Parameters {
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
        Ok((bound, Caller { identity, allowance }))
    }

    /// The answer to a query or a mutation, unless it takes too long.
    pub async fn answer(&self, bound: &Bound, caller: &Caller) -> Result<Answer, Refusal> {
        // On the heap, as everything around it is moved about until it is polled.
        let answer = Box::pin(self.engine.answer(bound, caller));
        tokio::time::timeout(self.request_timeout, answer)
            .await
            .map_err(|_| Refusal::new(Code::Timeout, "The answer took too long and was given up."))
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

/// A subscription that has begun.
pub(super) struct Subscription {
    app: Arc<App>,
    audience: Arc<Audience>,
    changes: Follower,
}

impl Subscription {
    /// The next change; given up while it is waited for, it comes the next time.
    pub async fn next(&mut self) -> Arc<Change> {
        self.changes.next().await
    }

    /// What the subscription asks of a change, as JSON.
    pub async fn tell(&self, change: &Change) -> Arc<str> {
        let App { engine, request_timeout, .. } = &*self.app;
        self.audience.answer(engine, change.number, change.tree(), *request_timeout).await
    }
}
