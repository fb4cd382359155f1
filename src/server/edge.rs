//! The client's address and the host name of a request, and which headers of proxies are trusted.

use std::net::IpAddr;

use axum::http::{
    HeaderMap, HeaderName, StatusCode, Uri,
    header::{FORWARDED, HOST},
    uri::Authority,
};
use ipnet::IpNet;

use crate::{
    config::Config,
    error::{ApiError, Code},
};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// The maximum size of a URL, and of all headers together, in bytes.
const MAX_URL: usize = 32 * 1024;
const MAX_HEADERS: usize = 64 * 1024;

/// The trusted proxies and the allowed host names.
pub(super) struct Edge {
    proxies: Vec<IpNet>,
    /// None: any.
    hosts: Option<Vec<String>>,
}

impl Edge {
    pub fn new(config: &Config) -> Self {
        let allowed = &config.allowed_hosts;
        let any = allowed.iter().any(|host| host == "*")
            || (allowed.is_empty() && !config.bind_address.ip().to_canonical().is_loopback());
        Edge { proxies: config.trusted_proxies.clone(), hosts: (!any).then(|| allowed.clone()) }
    }

    /// Whether an address is that of a trusted proxy.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.proxies.iter().any(|network| network.contains(&address))
    }

    /// The client's address: that of the connection, or the one in the headers of trusted proxies. Clients can forge
    /// these headers, so they are read from the end, where the nearest proxy appends.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.trusts(peer) {
            return peer;
        }
        let by = |name, address: fn(&str) -> Option<IpAddr>| {
            let mut hops = elements(headers, name).map(address).rev().peekable();
            hops.peek()?;
            let mut client = peer;
            for hop in hops {
                // An entry that can't be parsed ends the chain of trust.
                let Some(hop) = hop else { break };
                client = hop;
                if !self.trusts(hop) {
                    break;
                }
            }
            Some(client)
        };
        match (by(FORWARDED, forwarded_for), by(FORWARDED_FOR, address)) {
            (Some(client), None) | (None, Some(client)) => client,
            (Some(one), Some(other)) if one == other => one,
            // Proxies write the same address to both headers, or write one header only. So the client wrote one of
            // these.
            _ => peer,
        }
    }

    /// Why a request is refused before routing.
    pub fn check(&self, headers: &HeaderMap, uri: &Uri) -> Option<(StatusCode, ApiError)> {
        let length = uri.path_and_query().map_or(0, |path| path.as_str().len());
        if length > MAX_URL {
            return Some((StatusCode::URI_TOO_LONG, ApiError::beyond("bytes in its URL", MAX_URL, length)));
        }
        let length: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if length > MAX_HEADERS {
            let api_error = ApiError::beyond("bytes in its headers", MAX_HEADERS, length);
            return Some((StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, api_error));
        }
        let hosts = self.hosts.as_ref()?;
        if uri.path().starts_with("/health/") {
            return None;
        }
        let requested = uri.authority().map(Authority::as_str).into_iter().chain(host_headers(headers));
        let mut is_missing = true;
        for host in requested {
            is_missing = false;
            let name = name(host);
            if !is_loopback(name) && !hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(name)) {
                let message = format!(
                    "Host `{name}` is not allowed. The operator of the server can add it to ALLOWED_HOSTS."
                );
                return Some((StatusCode::MISDIRECTED_REQUEST, ApiError::new(Code::Forbidden, message)));
            }
        }
        if is_missing {
            let api_error = ApiError::new(Code::BadUserInput, "The request has no `Host` header.");
            return Some((StatusCode::BAD_REQUEST, api_error));
        }
        None
    }

    /// Whether an origin is the server's own, as the client sees it.
    pub fn is_own(&self, origin: &str, peer: IpAddr, headers: &HeaderMap) -> bool {
        let Some((_, own)) = origin.split_once("://") else { return false };
        if !self.trusts(peer) {
            let host = headers.get(HOST).and_then(|host| host.to_str().ok());
            return host.is_some_and(|host| host.eq_ignore_ascii_case(own));
        }
        // Proxies often omit the port.
        let is_same =
            |host: &str| host.eq_ignore_ascii_case(if host == name(host) { name(own) } else { own });
        host_headers(headers).any(is_same)
    }
}

/// The host names of a request, also as proxies forward them.
fn host_headers(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let host = headers.get_all(HOST).iter().filter_map(|host| host.to_str().ok());
    let forwarded = elements(headers, FORWARDED).filter_map(|element| parameter(element, "host"));
    host.chain(elements(headers, FORWARDED_HOST)).chain(forwarded)
}

/// The comma-separated elements of a header in all its lines. An unclosed quote ends at the next comma; otherwise a
/// client could hide what a proxy appends.
fn elements(headers: &HeaderMap, name: HeaderName) -> impl DoubleEndedIterator<Item = &str> {
    let lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

/// A parameter of an element of `Forwarded`.
fn parameter<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let mut parameters = element.split(';').filter_map(|parameter| parameter.split_once('='));
    let value = parameters.find(|(found, _)| found.trim().eq_ignore_ascii_case(name))?.1;
    Some(value.trim().trim_matches('"'))
}

fn forwarded_for(element: &str) -> Option<IpAddr> {
    parameter(element, "for").and_then(address)
}

/// An address with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().ok().or_else(|| name(text).trim_matches(['[', ']']).parse().ok());
    address.map(|address| address.to_canonical())
}

/// A host name without the port.
fn name(host: &str) -> &str {
    let end = match host.find(']') {
        Some(bracket) => bracket + 1,
        None => host.find(':').unwrap_or(host.len()),
    };
    host[..end].trim_end_matches('.')
}

fn is_loopback(name: &str) -> bool {
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn edge(settings: &[(&str, &str)]) -> Edge {
        let given = |name: &str| settings.iter().find(|(set, _)| *set == name);
        Edge::new(&Config::from_lookup(|name| given(name).map(|(_, value)| (*value).to_owned())).unwrap())
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        let mut headers = HeaderMap::new();
        for (name, value) in lines.iter().map(line) {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn a_client_is_whom_the_nearest_proxies_have_seen() {
        let edge = edge(&[("TRUSTED_PROXIES", "10.0.0.0/8, ::1")]);
        let client = |peer: &str, lines: &[(&'static str, &str)]| {
            edge.client(peer.parse().unwrap(), &headers(lines)).to_string()
        };
        let (list, standard) = ("x-forwarded-for", "forwarded");
        for (peer, lines, expected) in [
            ("192.0.2.1", &[(list, "198.51.100.7")][..], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[(list, "198.51.100.7")], "198.51.100.7"),
            ("::ffff:10.0.0.1", &[(list, "198.51.100.7")], "198.51.100.7"),
            ("::1", &[(list, "2001:db8::7")], "2001:db8::7"),
            ("10.0.0.1", &[(list, "203.0.113.1, 198.51.100.7, 10.0.0.2")], "198.51.100.7"),
            ("10.0.0.1", &[(list, "203.0.113.1"), (list, "198.51.100.7:4711")], "198.51.100.7"),
            ("10.0.0.1", &[(list, "10.0.0.3, 10.0.0.2")], "10.0.0.3"),
            ("10.0.0.1", &[(list, "203.0.113.1, unknown")], "10.0.0.1"),
            ("10.0.0.1", &[(list, "203.0.113.1, unknown, 10.0.0.2")], "10.0.0.2"),
            (
                "10.0.0.1",
                &[(standard, "for=203.0.113.1, For=\"[2001:db8::7]:80\";proto=http")],
                "2001:db8::7",
            ),
            ("10.0.0.1", &[(standard, "for=\"203.0.113.1, for=198.51.100.7")], "198.51.100.7"),
            ("10.0.0.1", &[(standard, "for=198.51.100.7"), (list, "198.51.100.7")], "198.51.100.7"),
            ("10.0.0.1", &[(standard, "for=203.0.113.1"), (list, "198.51.100.7")], "10.0.0.1"),
        ] {
            assert_eq!(client(peer, lines), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn a_server_on_loopback_answers_to_loopback_names_only() {
        let status = |edge: &Edge, lines: &[(&'static str, &str)], path: &'static str| {
            edge.check(&headers(lines), &Uri::from_static(path)).map(|(status, _)| status.as_u16())
        };
        let here = edge(&[]);
        for host in ["localhost", "LOCALHOST:8000", "127.0.0.1:80", "127.1.2.3", "[::1]:8000", "localhost."] {
            assert_eq!(status(&here, &[("host", host)], "/graphql"), None, "{host}");
        }
        for host in ["evil.example", "localhost.evil.example:8000", "192.0.2.1", "[2001:db8::1]", ""] {
            assert_eq!(status(&here, &[("host", host)], "/graphql"), Some(421), "{host}");
            assert_eq!(status(&here, &[("host", host)], "/health/live"), None, "{host}");
        }
        let rebound = [("host", "evil.example"), ("x-forwarded-host", "localhost")];
        assert_eq!(status(&here, &rebound, "/graphql"), Some(421));
        assert_eq!(status(&here, &[], "/graphql"), Some(400));
        assert_eq!(status(&here, &[("host", "localhost")], "http://evil.example/graphql"), Some(421));
        let named = edge(&[("ALLOWED_HOSTS", "desk.example")]);
        assert_eq!(status(&named, &[("host", "Desk.example:8443")], "/graphql"), None);
        assert_eq!(status(&named, &[("host", "localhost")], "/graphql"), None);
        let open = edge(&[("BIND_ADDRESS", "0.0.0.0:8000")]);
        assert_eq!(status(&open, &[("host", "evil.example")], "/graphql"), None);
        let closed = edge(&[("BIND_ADDRESS", "0.0.0.0:8000"), ("ALLOWED_HOSTS", "desk.example")]);
        assert_eq!(status(&closed, &[("host", "evil.example")], "/graphql"), Some(421));
    }

    #[test]
    fn an_origin_is_compared_with_what_the_client_called_the_server() {
        let edge = edge(&[("TRUSTED_PROXIES", "10.0.0.0/8")]);
        let own = |origin, peer: &str, lines: &[(&'static str, &str)]| {
            edge.is_own(origin, peer.parse().unwrap(), &headers(lines))
        };
        let (direct, proxy) = ("192.0.2.1", "10.0.0.1");
        assert!(own("http://desk.example:8080", direct, &[("host", "desk.example:8080")]));
        assert!(!own("http://desk.example:8080", direct, &[("host", "desk.example")]));
        assert!(own("http://desk.example:8080", proxy, &[("host", "desk.example")]), "its port was left out");
        assert!(!own("http://desk.example:8080", proxy, &[("host", "desk.example:80")]));
        let forwarded = [("host", "127.0.0.1:8000"), ("x-forwarded-host", "desk.example:8080")];
        assert!(own("http://desk.example:8080", proxy, &forwarded));
        assert!(!own("http://desk.example:8080", direct, &forwarded));
        assert!(own(
            "https://desk.example",
            proxy,
            &[("forwarded", "for=1.2.3.4;host=desk.example;proto=https")]
        ));
        assert!(!own("null", proxy, &[("host", "null")]));
    }
}
