//! What a client may ask in a while.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, SystemTime},
};

use governor::{
    DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};

use crate::error::{Code, Refusal};

type Budgets = RateLimiter<Client, DefaultKeyedStateStore<Client>, DefaultClock, StateInformationMiddleware>;

/// Who has a budget, and a share of the connections: somebody by name, or else an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    Named(Arc<str>),
    At(IpAddr),
}

impl Client {
    pub fn of(name: Option<&str>, address: IpAddr) -> Self {
        name.map_or_else(|| Client::At(network(address)), |name| Client::Named(name.into()))
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
    /// When all of it can be spent again.
    pub reset_at: SystemTime,
}

impl RateLimit {
    pub fn new(per_minute: NonZeroU32) -> Self {
        let budgets = RateLimiter::keyed(Quota::per_minute(per_minute)).with_middleware();
        RateLimit { per_minute, budgets }
    }

    /// Spends a request's cost from the budget of whoever shows who they are, else from that of their
    /// address; where too little is left, nothing is spent, and the refusal tells how long to wait.
    pub fn spend(&self, name: Option<&str>, address: IpAddr, cost: usize) -> Result<Budget, Refusal> {
        let client = Client::of(name, address);
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
            Ok(Err(wait)) => Err(too_often("Too much was asked for within a minute", &wait)),
            Err(_) => Err(Refusal::beyond("cost in a minute", limit as usize, cost.get() as usize)),
        }
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
    /// Counts one that failed; where there were too many, the refusal tells how long to wait.
    pub fn failed(&self, address: IpAddr) -> Result<(), Refusal> {
        if self.0.len() > 10_000 {
            self.0.retain_recent();
        }
        let counted = self.0.check_key(&network(address));
        counted.map_err(|wait| too_often("Too many keys that are not valid were shown", &wait))
    }
}

/// What of an address stands for one client: in IPv6 each has at least a network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

fn too_often(what: &str, until: &NotUntil<<DefaultClock as Clock>::Instant>) -> Refusal {
    let wait = until.wait_time_from(DefaultClock::default().now());
    let message = format!("{what}; ask again in {} s.", wait.as_secs() + 1);
    Refusal { retry_after: Some(wait), ..Refusal::new(Code::RateLimited, message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_an_address_or_in_ipv6_a_network() {
        let network = |address: &str| network(address.parse().unwrap()).to_string();
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7", "the same, as a socket for both has it");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }
}
