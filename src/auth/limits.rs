//! Limits per client: rate limits and concurrency limits.

use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use governor::{
    DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};

use crate::{
    database::client::{Client, network},
    error::{ApiError, Code},
    sync::lock,
};

type Budgets = RateLimiter<Client, DefaultKeyedStateStore<Client>, DefaultClock, StateInformationMiddleware>;

/// A concurrency limit: how many shares exist, in total and per client.
pub struct Shares {
    each: usize,
    all: usize,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    by_client: HashMap<Client, usize>,
    all: usize,
}

/// One share, released on drop.
pub struct Share {
    shares: Arc<Shares>,
    client: Option<Client>,
}

/// Why there is no share: the limit per client, or the total limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Full {
    PerClient(usize),
    Total,
}

impl Full {
    pub fn api_error(self, what: &str) -> ApiError {
        match self {
            Full::PerClient(limit) => {
                let message = format!(
                    "Too many {what} at once: the limit is {limit} per client. Retry when one has ended."
                );
                ApiError {
                    limit: Some((limit as u64, limit as u64 + 1)),
                    retry_after: Some(Duration::ZERO),
                    ..ApiError::new(Code::RateLimited, message)
                }
            }
            Full::Total => {
                let message = format!("The server has too many {what} at once; retry later.");
                let retry_after = Some(Duration::ZERO);
                ApiError { retry_after, ..ApiError::new(Code::Unavailable, message) }
            }
        }
    }
}

impl Shares {
    pub fn new(each: usize, all: usize) -> Self {
        Shares { each, all, counts: Mutex::default() }
    }

    /// A share of a client. Without a client only the total limit applies.
    pub fn take(self: &Arc<Self>, client: Option<Client>) -> Result<Share, Full> {
        let mut counts = lock(&self.counts);
        if let Some(client) = &client
            && counts.by_client.get(client).is_some_and(|counts| *counts >= self.each)
        {
            return Err(Full::PerClient(self.each));
        }
        if counts.all >= self.all {
            return Err(Full::Total);
        }
        counts.all += 1;
        if let Some(client) = &client {
            *counts.by_client.entry(client.clone()).or_default() += 1;
        }
        Ok(Share { shares: self.clone(), client })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut counts = lock(&self.shares.counts);
        counts.all -= 1;
        if let Some(client) = &self.client
            && let Some(count) = counts.by_client.get_mut(client)
        {
            *count -= 1;
            if *count == 0 {
                counts.by_client.remove(client);
            }
        }
    }
}

/// Clients' budgets of cost, each refilled over a minute.
pub struct RateLimit {
    per_minute: NonZeroU32,
    budgets: Budgets,
}

/// The cost of a request, and the client's remaining budget.
#[derive(Clone, Debug)]
pub struct Allowance {
    pub cost: usize,
    /// None without a rate limit.
    pub budget: Option<Budget>,
}

#[derive(Clone, Debug)]
pub struct Budget {
    pub limit: u32,
    pub remaining: u32,
    /// How long until the budget is full again.
    pub refill: Duration,
    /// When the budget is full again.
    pub reset_at: SystemTime,
}

impl RateLimit {
    pub fn new(per_minute: NonZeroU32) -> Self {
        let budgets = RateLimiter::keyed(Quota::per_minute(per_minute)).with_middleware();
        RateLimit { per_minute, budgets }
    }

    /// Spends a request's cost from the budget of the name or else the address. If too little is left, nothing is
    /// spent, and the error says how long to wait. There is no budget if waiting does not help.
    pub fn spend(
        &self,
        name: Option<&str>,
        address: IpAddr,
        cost: usize,
    ) -> (Option<Budget>, Result<(), ApiError>) {
        let client = Client::of(name, address);
        // Drops clients whose budget is full again.
        if self.budgets.len() > 10_000 {
            self.budgets.retain_recent();
        }
        let limit = self.per_minute.get();
        // More than a full budget: waiting does not help.
        let too_large = || {
            let message = format!("The request costs {cost} points; the limit is {limit} points per minute.");
            let api_error = ApiError::beyond("points of cost", limit as usize, cost);
            (None, Err(ApiError { message, ..api_error }))
        };
        let Some(points) = u32::try_from(cost).ok().and_then(NonZeroU32::new) else { return too_large() };
        match self.budgets.check_key_n(&client, points) {
            Ok(Ok(state)) => (Some(self.budget(state.remaining_burst_capacity())), Ok(())),
            Ok(Err(until)) => {
                let missing = (wait(&until).as_millis() * u128::from(limit)).div_ceil(60_000);
                let remaining = u128::from(points.get()).saturating_sub(missing);
                let budget = self.budget(u32::try_from(remaining).unwrap_or(limit).min(limit));
                (Some(budget), Err(rate_limited("Rate limit exceeded", &until)))
            }
            Err(_) => too_large(),
        }
    }

    fn budget(&self, remaining: u32) -> Budget {
        let limit = self.per_minute.get();
        let refill = Duration::from_mins(1) * (limit - remaining) / limit;
        Budget { limit, remaining, refill, reset_at: SystemTime::now() + refill }
    }
}

/// Failed attempts per address. Secrets are too long to guess, so this only limits noise: valid keys are not counted,
/// so nobody is locked out by others at the same address.
pub struct FailedAttempts(DefaultKeyedRateLimiter<IpAddr>);

/// Failed attempts of an address per minute.
const MAX_ATTEMPTS: NonZeroU32 = NonZeroU32::new(10).unwrap();

impl Default for FailedAttempts {
    fn default() -> Self {
        FailedAttempts(RateLimiter::keyed(Quota::per_minute(MAX_ATTEMPTS)))
    }
}

impl FailedAttempts {
    /// Counts a failed attempt. If there were too many, the error says how long to wait.
    pub fn record_failure(&self, address: IpAddr) -> Result<(), ApiError> {
        if self.0.len() > 10_000 {
            self.0.retain_recent();
        }
        let counted = self.0.check_key(&network(address));
        counted.map_err(|wait| rate_limited("Too many invalid keys", &wait))
    }
}

fn wait(until: &NotUntil<<DefaultClock as Clock>::Instant>) -> Duration {
    until.wait_time_from(DefaultClock::default().now())
}

fn rate_limited(what: &str, until: &NotUntil<<DefaultClock as Clock>::Instant>) -> ApiError {
    let wait = wait(until);
    let message = format!("{what}; retry in {} s.", wait.as_secs() + 1);
    ApiError { retry_after: Some(wait), ..ApiError::new(Code::RateLimited, message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_leaves_something_to_others_and_gives_back_what_it_holds() {
        let shares = Arc::new(Shares::new(2, 3));
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|address| Client::at(address.parse().unwrap()));
        let counts: Vec<Share> = (0..2).map(|_| shares.take(Some(one.clone())).unwrap()).collect();
        assert_eq!(shares.take(Some(one.clone())).err(), Some(Full::PerClient(2)));
        let others = shares.take(Some(other.clone())).unwrap();
        assert_eq!(shares.take(Some(other.clone())).err(), Some(Full::Total));
        assert_eq!(shares.take(None).err(), Some(Full::Total));
        drop(counts);
        assert!(shares.take(Some(one)).is_ok() && shares.take(None).is_ok());
        drop(others);
        assert!(lock(&shares.counts).by_client.is_empty(), "nobody is remembered");
    }
}
