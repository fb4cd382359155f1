//! Database URLs with several hosts, as in libpq; the driver supports one only.

use std::{fs::File, str::FromStr, time::Duration};

use sqlx::postgres::PgConnectOptions;
use url::Url;

/// The hosts of a database URL, in the order in which they are tried.
#[derive(Clone, Debug)]
pub struct Address {
    pub hosts: Vec<Host>,
    /// Which hosts to use: `target_session_attrs`.
    pub attributes: Option<Attributes>,
    /// The timeout per host: `connect_timeout`.
    pub limit: Option<Duration>,
}

#[derive(Clone, Debug)]
pub struct Host {
    /// The display name: host and port, or the socket's folder; never a password.
    pub name: String,
    pub options: PgConnectOptions,
}

impl Host {
    pub fn new(options: PgConnectOptions) -> Self {
        let name = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None if options.get_host().contains(':') => {
                format!("[{}]:{}", options.get_host(), options.get_port())
            }
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        Host { name, options }
    }
}

/// `target_session_attrs`, as in libpq: which servers to use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Attributes {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

impl Attributes {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "any" => Attributes::Any,
            "read-write" => Attributes::ReadWrite,
            "read-only" => Attributes::ReadOnly,
            "primary" => Attributes::Primary,
            "standby" => Attributes::Standby,
            "prefer-standby" => Attributes::PreferStandby,
            _ => return None,
        })
    }
}

/// libpq's parameters that are ignored, because broken connections are detected in another way.
const LEFT_OUT: [&str; 6] = [
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "load_balance_hosts",
];

/// Parameters that name a file, or are its text.
const FILES: [&str; 3] = ["sslrootcert", "sslcert", "sslkey"];

/// What is wrong with a URL. Values are not shown: they may be part of a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    #[error("the scheme must be `postgres` or `postgresql`")]
    Scheme,
    #[error("the user or password is not valid percent-encoding: write `%` as %25")]
    User,
    #[error("a host is invalid: write IPv6 as [::1]{ESCAPES}")]
    Host,
    #[error("a port is not a number from 1 to 65535{ESCAPES}")]
    Port,
    #[error("give one port for all hosts, or one for each")]
    Ports,
    #[error("the database name is invalid: write `/` in it as %2F, and `%` as %25")]
    Database,
    #[error("the parameter `{0}` has an invalid value")]
    Parameter(String),
    #[error("the file of the parameter `{0}` can't be read")]
    File(String),
}

const ESCAPES: &str = "; in the password, write `/` as %2F, `?` as %3F, `#` as %23 and `@` as %40";

impl Address {
    pub fn of(options: PgConnectOptions) -> Self {
        Address { hosts: vec![Host::new(options)], attributes: None, limit: None }
    }

    /// Parses `postgres://user:password@host:port,[::1]:port/database?parameters`.
    pub fn parse(url: &str) -> Result<Address, Wrong> {
        let (scheme, rest) = url.split_once("://").ok_or(Wrong::Scheme)?;
        if !matches!(scheme, "postgres" | "postgresql") {
            return Err(Wrong::Scheme);
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = authority
            .rsplit_once('@')
            .map_or((String::new(), authority), |(user, hosts)| (format!("{user}@"), hosts));
        let (mut attributes, mut limit) = (None, None);
        let (mut named, mut ports, mut parameters) = (Vec::new(), Vec::new(), Vec::new());
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let wrong = || Wrong::Parameter(name.to_owned());
            match name {
                "host" => named = list(value),
                "port" => ports = list(value),
                "target_session_attrs" => attributes = Some(Attributes::named(value).ok_or_else(wrong)?),
                "connect_timeout" => {
                    let seconds = value.parse().map_err(|_| wrong())?;
                    limit = Some(Duration::from_secs(seconds)).filter(|limit| !limit.is_zero());
                }
                name if LEFT_OUT.contains(&name) => {}
                _ if !is_read(&format!("{scheme}://localhost/?{parameter}")) => return Err(wrong()),
                name if FILES.contains(&name) && !is_file(parameter) => {
                    return Err(Wrong::File(name.to_owned()));
                }
                _ => parameters.push(parameter),
            }
        }
        if !is_read(&format!("{scheme}://{user}localhost")) {
            return Err(Wrong::User);
        }
        let hosts = hosts
            .split(',')
            .map(|host| split_port(host).map(|(host, port)| (host.to_owned(), port.map(ToOwned::to_owned))));
        let mut hosts = hosts.collect::<Result<Vec<_>, Wrong>>()?;
        if !named.is_empty() {
            hosts = named.into_iter().map(|host| (host, hosts[0].1.clone())).collect();
        }
        if !ports.is_empty() {
            if ports.len() != 1 && ports.len() != hosts.len() {
                return Err(Wrong::Ports);
            }
            for (number, (_, port)) in hosts.iter_mut().enumerate() {
                *port = Some(ports[number.min(ports.len() - 1)].clone());
            }
        }
        let mut ports = hosts.iter().filter_map(|(_, port)| port.as_ref());
        if ports.any(|port| !port.parse::<u16>().is_ok_and(|port| port > 0)) {
            return Err(Wrong::Port);
        }
        if database.contains('/') || !is_read(&format!("{scheme}://localhost/{database}")) {
            return Err(Wrong::Database);
        }
        let one = |(host, port): (String, Option<String>)| {
            let port = port.map(|port| format!("&port={port}")).unwrap_or_default();
            let parameters = parameters.join("&");
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            let is_named = if bare.is_empty() { String::new() } else { format!("&host={bare}") };
            // Without a host it is the driver's default; its parser requires one after a user.
            let any = if bare.is_empty() && user.is_empty() { "" } else { "localhost" };
            let url = format!("{scheme}://{user}{any}/{database}?{parameters}{is_named}{port}");
            PgConnectOptions::from_str(&url).map(Host::new).map_err(|_| Wrong::Host)
        };
        let hosts = hosts.into_iter().map(one).collect::<Result<Vec<_>, Wrong>>()?;
        Ok(Address { hosts, attributes, limit })
    }
}

/// Whether the driver can parse a URL.
fn is_read(url: &str) -> bool {
    PgConnectOptions::from_str(url).is_ok()
}

/// Whether the file of a parameter can be read.
fn is_file(parameter: &str) -> bool {
    let url = Url::parse(&format!("postgres://localhost/?{parameter}"));
    let is_file = |value: &str| value.starts_with("-----BEGIN") || File::open(value).is_ok();
    url.is_ok_and(|url| url.query_pairs().all(|(_, value)| is_file(&value)))
}

/// The comma-separated items of a parameter.
fn list(value: &str) -> Vec<String> {
    value.replace("%2C", ",").replace("%2c", ",").split(',').map(ToOwned::to_owned).collect()
}

/// A host and its port. IPv6 addresses are in brackets.
fn split_port(host: &str) -> Result<(&str, Option<&str>), Wrong> {
    let (host, port) = match host.rsplit_once(':') {
        Some((before, port)) if !port.contains(']') => (before, Some(port).filter(|port| !port.is_empty())),
        _ => (host, None),
    };
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    let is_name = is_bracketed || !host.contains([':', '[', ']', ' ', '#']);
    if is_name { Ok((host, port)) } else { Err(Wrong::Host) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(url: &str) -> Vec<String> {
        let address = Address::parse(url).unwrap_or_else(|wrong| panic!("{url}: {wrong}"));
        address.hosts.into_iter().map(|host| host.name).collect()
    }

    #[test]
    fn an_address_may_name_several_hosts() {
        assert_eq!(names("postgres://me:secret@one:5433,two/base"), ["one:5433", "two:5432"]);
        assert_eq!(names("postgres:///base?host=one,two&port=5433,5434"), ["one:5433", "two:5434"]);
        assert_eq!(names("postgres://me@/base?host=one%2Ctwo&port=5433"), ["one:5433", "two:5433"]);
        assert_eq!(names("postgresql://one"), ["one:5432"]);
    }

    #[test]
    fn an_address_of_ipv6_stands_in_brackets() {
        assert_eq!(names("postgres://me@[::1]:5433/base"), ["[::1]:5433"]);
        assert_eq!(names("postgres://me@[fe80::2],one:5433/base"), ["[fe80::2]:5432", "one:5433"]);
        assert_eq!(Address::parse("postgres://me@::1/base").unwrap_err(), Wrong::Host);
        let address = Address::parse("postgres://me@[::1]:5433/base").unwrap();
        assert_eq!(address.hosts[0].options.get_host(), "::1", "as the resolver takes it");
    }

    #[test]
    fn a_socket_is_a_host_too() {
        assert_eq!(names("postgres://me@%2Ftmp%2Fa:5433/base"), ["/tmp/a"]);
        assert_eq!(names("postgres://me@localhost:5432/base?host=%2Ftmp%2Fa"), ["/tmp/a"]);
        assert_eq!(names("postgres:///base?host=/tmp/a"), ["/tmp/a"]);
    }

    #[test]
    fn other_parameters_are_preserved() {
        let address = Address::parse(
            "postgres://m%40e:s%2Fecret@one,two/base?target_session_attrs=read-write&connect_timeout=3&sslmode=disable&keepalives_idle=5",
        )
        .unwrap();
        assert_eq!(address.attributes, Some(Attributes::ReadWrite));
        assert_eq!(address.limit, Some(Duration::from_secs(3)));
        for host in &address.hosts {
            assert_eq!(host.options.get_username(), "m@e");
            assert_eq!(host.options.get_database(), Some("base"));
            assert!(matches!(host.options.get_ssl_mode(), sqlx::postgres::PgSslMode::Disable));
        }
    }

    #[test]
    fn the_part_that_cannot_be_read_is_named() {
        let parameter = |name: &str| Wrong::Parameter(name.to_owned());
        for (url, wrong) in [
            ("one/base", Wrong::Scheme),
            ("mysql://host/base", Wrong::Scheme),
            ("postgresqlx://host/base", Wrong::Scheme),
            ("postgres://me:50%ff@one/base", Wrong::User),
            ("postgres://one two/base", Wrong::Host),
            ("postgres://one:port/base", Wrong::Port),
            ("postgres://one:70000/base", Wrong::Port),
            ("postgres://one/base?port=0", Wrong::Port),
            ("postgres://me:pass/word@one/base", Wrong::Port),
            ("postgres://one,two/base?port=1,2,3", Wrong::Ports),
            ("postgres://one/base/more", Wrong::Database),
            ("postgres://one/%ff", Wrong::Database),
            ("postgres://one/base?target_session_attrs=fast", parameter("target_session_attrs")),
            ("postgres://one/base?connect_timeout=soon", parameter("connect_timeout")),
            ("postgres://one/base?sslmode=perhaps", parameter("sslmode")),
            ("postgres://one/base?sslrootcert=/nowhere/ca.pem", Wrong::File("sslrootcert".to_owned())),
        ] {
            assert_eq!(Address::parse(url).map(|_| ()), Err(wrong), "{url}");
        }
    }
}
