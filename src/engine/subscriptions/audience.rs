//! Subscriptions: what happened is the root of an answer, and everybody who asks the same is told the same.

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
        response::Answer,
    },
    error::{ApiError, Code},
    model::object_type::computed::{self, ComputedValue},
    sync::lock,
    telemetry::request,
};

/// Events whose answers are kept for those who ask the same and come to them later.
const KEPT: usize = 16;
/// How long to wait before an event is read again that could not be.
const PAUSE: Duration = Duration::from_millis(250);

impl BoundOperation {
    /// The arguments of a subscription's only field: what its caller wants to be told of.
    pub fn wanted(&self) -> Option<&computed::Arguments> {
        let edge =
            self.plan.root.edges.first().filter(|edge| matches!(edge.way, StepKind::Computed { .. }))?;
        match self.request.bound(edge) {
            bind::BoundStep::Computed(arguments) => Some(arguments),
            _ => None,
        }
    }
}

/// Everybody who is told something, by what they ask.
#[derive(Default)]
pub struct Audiences(Mutex<HashMap<Same, Weak<Audience>>>);

/// What makes two subscriptions ask the same of an event: the plan, the values put to it below its
/// root, and what their callers may see.
type Same = (usize, String, Role);

/// How many audiences there were.
static AUDIENCES: AtomicU64 = AtomicU64::new(0);

/// An answer that all wait for while one asks.
type Shared = Arc<OnceCell<Arc<str>>>;

/// Those who ask the same: an event is answered once for all of them.
pub struct Audience {
    bound: BoundOperation,
    /// The first of them, with a share of the connections that is theirs together. What they may see depends on
    /// their role alone, which they share.
    caller: Caller,
    answers: Mutex<VecDeque<(i64, Shared)>>,
}

impl Audiences {
    /// The audience of a subscription.
    pub fn join(&self, bound: BoundOperation, caller: Caller) -> Arc<Audience> {
        // The plan's address stands for it: an audience keeps its plan.
        let plan = Arc::as_ptr(&bound.plan).addr();
        let same = (plan, bound.request.below(&bound.plan.root.edges), caller.identity.role);
        let mut audiences = lock(&self.0);
        if let Some(audience) = audiences.get(&same).and_then(Weak::upgrade) {
            return audience;
        }
        audiences.retain(|_, audience| audience.strong_count() > 0);
        let client = Client::Audience(AUDIENCES.fetch_add(1, Relaxed));
        let caller = Caller { client, ..caller };
        let audience = Arc::new(Audience { bound, caller, answers: Mutex::default() });
        audiences.insert(same, Arc::downgrade(&audience));
        audience
    }
}

impl Audience {
    /// The answer to an event of this number, as JSON. While the database can't be reached, or has no connection
    /// for them, it is asked again, for as long as `patience` lasts.
    pub async fn answer(
        &self,
        engine: &Engine,
        number: i64,
        event: &ComputedValue,
        patience: Duration,
    ) -> Arc<str> {
        let answer = self.place(number);
        let answer = answer.get_or_init(|| async {
            let answer = self.ask(engine, event, patience).await;
            // The log has what failed under the request of the subscriber who asked, and all are told that one.
            request::refused(&answer.errors);
            let id = request::current_id().unwrap_or_default();
            String::from_utf8(answer.into_json(&id)).unwrap_or_default().into()
        });
        answer.await.clone()
    }

    fn place(&self, number: i64) -> Shared {
        let mut answers = lock(&self.answers);
        if let Some((_, answer)) = answers.iter().rev().find(|(known, _)| *known == number) {
            return answer.clone();
        }
        let answer = Arc::new(OnceCell::new());
        if answers.len() == KEPT {
            answers.pop_front();
        }
        answers.push_back((number, answer.clone()));
        answer
    }

    async fn ask(&self, engine: &Engine, event: &ComputedValue, patience: Duration) -> Answer {
        let deadline = Instant::now() + patience;
        loop {
            let asked = Box::pin(engine.answer_to(&self.bound, &self.caller, Some(event)));
            let Ok(answer) = tokio::time::timeout_at(deadline, asked).await else {
                return Answer::new(b"null", vec![ApiError::timeout()]);
            };
            let passes = |api_error: &ApiError| {
                matches!(api_error.code, Code::Unavailable | Code::RateLimited | Code::TooSlow)
            };
            let again = answer.errors.iter().any(passes);
            if !again || Instant::now() + PAUSE >= deadline {
                return answer;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
