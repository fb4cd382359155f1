//! Identity of a client, for connection shares and rate limits.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

/// A key by its name, or an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    Named(Arc<str>),
    At(IpAddr),
    /// Subscribers that share one query; it counts for none of them.
    Audience(u64),
}

impl Client {
    pub fn of(name: Option<&str>, address: IpAddr) -> Self {
        name.map_or_else(|| Self::at(address), |name| Client::Named(name.into()))
    }

    pub fn at(address: IpAddr) -> Self {
        Client::At(network(address))
    }
}

/// The part of an address that identifies a client: in IPv6 a /64 network.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
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
