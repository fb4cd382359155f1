//! What a client may ask in a while, and hold at once.

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

/// How much clients hold at once of something that there is so much of, each of them and all.
pub struct Shares {
    each: usize,
    all: usize,
    held: Mutex<HeldShares>,
}

#[derive(Default)]
struct HeldShares {
    by_client: HashMap<Client, usize>,
    all: usize,
}

/// One share, held until it is dropped.
pub struct Share {
    shares: Arc<Shares>,
    client: Option<Client>,
}

/// Why there is no share: the limit for a client is reached, or all are held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Full {
    Each(usize),
    All,
}

impl Full {
    /// What a client is told who gets none of them.
    pub fn api_error(self, what: &str) -> ApiError {
        match self {
            Full::Each(limit) => {
                let message = format!(
                    "Too many {what} at once: the limit is {limit} per client. Retry when one has ended."
                );
                ApiError {
                    limit: Some((limit as u64, limit as u64 + 1)),
                    retry_after: Some(Duration::ZERO),
                    ..ApiError::new(Code::RateLimited, message)
                }
            }
            Full::All => {
                let message = format!("The server has too many {what} at once; retry later.");
                let retry_after = Some(Duration::ZERO);
                ApiError { retry_after, ..ApiError::new(Code::Unavailable, message) }
            }
        }
    }
}

impl Shares {
    pub fn new(each: usize, all: usize) -> Self {
        Shares { each, all, held: Mutex::default() }
    }

    /// A share of a client, or of somebody of whom only all are counted.
    pub fn take(self: &Arc<Self>, client: Option<Client>) -> Result<Share, Full> {
        let mut held = lock(&self.held);
        if let Some(client) = &client
            && held.by_client.get(client).is_some_and(|held| *held >= self.each)
        {
            return Err(Full::Each(self.each));
        }
        if held.all >= self.all {
            return Err(Full::All);
        }
        held.all += 1;
        if let Some(client) = &client {
            *held.by_client.entry(client.clone()).or_default() += 1;
        }
        Ok(Share { shares: self.clone(), client })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = lock(&self.shares.held);
        held.all -= 1;
        if let Some(client) = &self.client
            && let Some(count) = held.by_client.get_mut(client)
        {
            *count -= 1;
            if *count == 0 {
                held.by_client.remove(client);
            }
        }
    }
}

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
    /// How long it takes until all of it can be spent again.
    pub refill: Duration,
    /// When all of it can be spent again.
    pub reset_at: SystemTime,
}

impl RateLimit {
    pub fn new(per_minute: NonZeroU32) -> Self {
        let budgets = RateLimiter::keyed(Quota::per_minute(per_minute)).with_middleware();
        RateLimit { per_minute, budgets }
    }

    /// Spends a request's cost from the budget of whoever shows who they are, else from that of their
    /// address. Where too little is left nothing is spent, and the error tells how long to wait. The budget is
    /// none where no wait would help.
    pub fn spend(
        &self,
        name: Option<&str>,
        address: IpAddr,
        cost: usize,
    ) -> (Option<Budget>, Result<(), ApiError>) {
        let client = Client::of(name, address);
        // Clients that have all of their budget again are forgotten.
        if self.budgets.len() > 10_000 {
            self.budgets.retain_recent();
        }
        let limit = self.per_minute.get();
        // More than is ever there at once: no wait would help.
        let beyond = || {
            let message = format!("The request costs {cost} points; the limit is {limit} points per minute.");
            let api_error = ApiError::beyond("points of cost", limit as usize, cost);
            (None, Err(ApiError { message, ..api_error }))
        };
        let Some(points) = u32::try_from(cost).ok().and_then(NonZeroU32::new) else { return beyond() };
        match self.budgets.check_key_n(&client, points) {
            Ok(Ok(state)) => (Some(self.budget(state.remaining_burst_capacity())), Ok(())),
            Ok(Err(until)) => {
                let missing = (wait(&until).as_millis() * u128::from(limit)).div_ceil(60_000);
                let remaining = u128::from(points.get()).saturating_sub(missing);
                let budget = self.budget(u32::try_from(remaining).unwrap_or(limit).min(limit));
                (Some(budget), Err(too_often("Rate limit exceeded", &until)))
            }
            Err(_) => beyond(),
        }
    }

    fn budget(&self, remaining: u32) -> Budget {
        let limit = self.per_minute.get();
        let refill = Duration::from_mins(1) * (limit - remaining) / limit;
        Budget { limit, remaining, refill, reset_at: SystemTime::now() + refill }
    }
}

/// Keys that were not valid, by the address that showed them. A secret is too long to be guessed, so this
/// only keeps the noise down: valid keys are never counted, and nobody is locked out by a neighbour.
pub struct Attempts(DefaultKeyedRateLimiter<IpAddr>);

/// How many an address may show in a minute.
const ATTEMPTS: NonZeroU32 = NonZeroU32::new(10).unwrap();

impl Default for Attempts {
    fn default() -> Self {
        Attempts(RateLimiter::keyed(Quota::per_minute(ATTEMPTS)))
    }
}

impl Attempts {
    /// Counts one that failed; where there were too many, the error tells how long to wait.
    pub fn failed(&self, address: IpAddr) -> Result<(), ApiError> {
        if self.0.len() > 10_000 {
            self.0.retain_recent();
        }
        let counted = self.0.check_key(&network(address));
        counted.map_err(|wait| too_often("Too many invalid keys", &wait))
    }
}

fn wait(until: &NotUntil<<DefaultClock as Clock>::Instant>) -> Duration {
    until.wait_time_from(DefaultClock::default().now())
}

fn too_often(what: &str, until: &NotUntil<<DefaultClock as Clock>::Instant>) -> ApiError {
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
        let held: Vec<Share> = (0..2).map(|_| shares.take(Some(one.clone())).unwrap()).collect();
        assert_eq!(shares.take(Some(one.clone())).err(), Some(Full::Each(2)));
        let others = shares.take(Some(other.clone())).unwrap();
        assert_eq!(shares.take(Some(other.clone())).err(), Some(Full::All));
        assert_eq!(shares.take(None).err(), Some(Full::All));
        drop(held);
        assert!(shares.take(Some(one)).is_ok() && shares.take(None).is_ok());
        drop(others);
        assert!(lock(&shares.held).by_client.is_empty(), "nobody is remembered");
    }
}
