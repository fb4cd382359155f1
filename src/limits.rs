//! What a client may ask in a while.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    time::{Duration, SystemTime},
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};

use crate::error::{Code, Refusal};

type Budgets = RateLimiter<IpAddr, DefaultKeyedStateStore<IpAddr>, DefaultClock, StateInformationMiddleware>;

/// Clients' budgets of cost, each filling up again in a minute.
pub struct RateLimit {
    per_minute: NonZeroU32,
    budgets: Budgets,
}

/// What a request costs, and what its client may still spend.
#[derive(Clone, Debug)]
pub struct Allowance {
    pub cost: usize,
    /// None where clients may ask as much as they like.
    pub budget: Option<Budget>,
}

#[derive(Clone, Debug)]
pub struct Budget {
    pub limit: u32,
    pub remaining: u32,
    /// When all of it can be spent again.
    pub reset_at: SystemTime,
}

impl RateLimit {
    pub fn new(per_minute: NonZeroU32) -> Self {
        let budgets = RateLimiter::keyed(Quota::per_minute(per_minute)).with_middleware();
        RateLimit { per_minute, budgets }
    }

    /// Spends a request's cost; where too little is left, nothing is spent, and the refusal tells how
    /// long to wait.
    pub fn spend(&self, client: IpAddr, cost: usize) -> Result<Budget, Refusal> {
        // Clients that have all of their budget again are forgotten.
        if self.budgets.len() > 10_000 {
            self.budgets.retain_recent();
        }
        let limit = self.per_minute.get();
        let Some(cost) = u32::try_from(cost).ok().and_then(NonZeroU32::new) else {
            return Err(Refusal::beyond("cost", limit as usize, cost));
        };
        match self.budgets.check_key_n(&client, cost) {
            Ok(Ok(state)) => {
                let remaining = state.remaining_burst_capacity();
                let refill = Duration::from_mins(1) * (limit - remaining) / limit;
                Ok(Budget { limit, remaining, reset_at: SystemTime::now() + refill })
            }
            Ok(Err(wait)) => {
                let wait = wait.wait_time_from(DefaultClock::default().now());
                let message =
                    format!("Too much was asked for within a minute; ask again in {} s.", wait.as_secs() + 1);
                Err(Refusal { retry_after: Some(wait), ..Refusal::new(Code::RateLimited, message) })
            }
            Err(_) => Err(Refusal::beyond("cost in a minute", limit as usize, cost.get() as usize)),
        }
    }
}
