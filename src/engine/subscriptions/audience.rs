//! Responses of subscriptions: an event is the root value, and equal subscriptions share one response per event.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{sync::OnceCell, time::Instant};

use crate::{
    auth::caller::{Caller, Role},
    database::client::Client,
    engine::{
        BoundOperation, Engine,
        plan::{StepKind, bind},
        response::GraphqlResponse,
    },
    error::{ApiError, Code},
    model::object_type::computed::{self, ComputedValue},
    sync::lock,
    telemetry::request,
};

/// Events whose responses are stored for subscribers that get to them later.
const STORED: usize = 16;
/// The pause before a retry.
const PAUSE: Duration = Duration::from_millis(250);

impl BoundOperation {
    /// The arguments of the subscription's only root field.
    pub fn subscription_arguments(&self) -> Option<&computed::Arguments> {
        let step =
            self.plan.root.steps.first().filter(|step| matches!(step.kind, StepKind::Computed { .. }))?;
        match self.request.bound(step) {
            bind::BoundStep::Computed(arguments) => Some(arguments),
            _ => None,
        }
    }
}

/// All audiences, by what their subscriptions have in common.
#[derive(Default)]
pub struct Audiences(Mutex<HashMap<Subscribed, Weak<Audience>>>);

/// What makes two subscriptions equal: the plan, the arguments below its root, and the role.
type Subscribed = (usize, String, Role);

static AUDIENCES: AtomicU64 = AtomicU64::new(0);

/// A response that one subscriber computes and the others wait for.
type Shared = Arc<OnceCell<Arc<str>>>;

/// Equal subscriptions, for which each event is executed once.
pub struct Audience {
    bound: BoundOperation,
    /// The first subscriber, with a connection share of the audience's own. Responses depend on the role only, which
    /// all of them have.
    caller: Caller,
    responses: Mutex<VecDeque<(i64, Shared)>>,
}

impl Audiences {
    pub fn join(&self, bound: BoundOperation, caller: Caller) -> Arc<Audience> {
        // The address identifies the plan: the audience keeps it alive.
        let plan = Arc::as_ptr(&bound.plan).addr();
        let key = (plan, bound.request.below(&bound.plan.root.steps), caller.identity.role);
        let mut audiences = lock(&self.0);
        if let Some(audience) = audiences.get(&key).and_then(Weak::upgrade) {
            return audience;
        }
        audiences.retain(|_, audience| audience.strong_count() > 0);
        let client = Client::Audience(AUDIENCES.fetch_add(1, Relaxed));
        let caller = Caller { client, ..caller };
        let audience = Arc::new(Audience { bound, caller, responses: Mutex::default() });
        audiences.insert(key, Arc::downgrade(&audience));
        audience
    }
}

impl Audience {
    /// The response to an event, as JSON. Retries until `patience` ends while the database is unavailable or has no
    /// free connection.
    pub async fn response(
        &self,
        engine: &Engine,
        number: i64,
        event: &ComputedValue,
        patience: Duration,
    ) -> Arc<str> {
        let response = self.slot(number);
        let response = response.get_or_init(|| async {
            let response = self.execute_with_retries(engine, event, number, patience).await;
            // Errors are logged with the request of the subscriber that executes, and all of them get its request id.
            request::refused(&response.errors);
            let id = request::current_id().unwrap_or_default();
            String::from_utf8(response.into_json(&id)).unwrap_or_default().into()
        });
        response.await.clone()
    }

    fn slot(&self, number: i64) -> Shared {
        let mut responses = lock(&self.responses);
        if let Some((_, response)) = responses.iter().rev().find(|(known, _)| *known == number) {
            return response.clone();
        }
        let response = Arc::new(OnceCell::new());
        if responses.len() == STORED {
            responses.pop_front();
        }
        responses.push_back((number, response.clone()));
        response
    }

    async fn execute_with_retries(
        &self,
        engine: &Engine,
        event: &ComputedValue,
        number: i64,
        patience: Duration,
    ) -> GraphqlResponse {
        let deadline = Instant::now() + patience;
        loop {
            let execution = Box::pin(engine.execute_event(&self.bound, &self.caller, Some(event), number));
            let Ok(response) = tokio::time::timeout_at(deadline, execution).await else {
                return GraphqlResponse::new(b"null", vec![ApiError::timeout()]);
            };
            let is_temporary = |api_error: &ApiError| {
                matches!(api_error.code, Code::Unavailable | Code::RateLimited | Code::TooSlow)
            };
            let is_retryable = response.errors.iter().any(is_temporary);
            if !is_retryable || Instant::now() + PAUSE >= deadline {
                return response;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
