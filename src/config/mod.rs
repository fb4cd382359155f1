//! Settings from the environment and `.env`, which no other module reads.

pub mod address;

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use axum::http::{HeaderName, HeaderValue, Method};
use ipnet::IpNet;

use crate::config::address::{Address, Wrong};

#[derive(Clone, Debug)]
pub struct Config {
    /// The database; none: the embedded Postgres.
    pub database_url: Option<String>,
    /// The way to Postgres itself, if `database_url` is a pooler in transaction mode.
    pub database_listen_url: Option<String>,
    /// Replicas: hot standbys to read from.
    pub database_replica_urls: Vec<String>,
    /// Whether the server only reads.
    pub read_only: bool,
    /// The schema of the tables; none: the first one of the user's search path.
    pub database_schema: Option<String>,
    /// The embedded Postgres' data folder; none: in the user's data folder.
    pub data_dir: Option<PathBuf>,
    /// The folder of the Postgres programs; none: search for them.
    pub pg_bin: Option<PathBuf>,
    pub database_pool_size: u32,
    /// From which duration a statement is logged as slow; none: never.
    pub slow_statement: Option<Duration>,
    /// Whether a new database gets the records of the sample.
    pub sample: bool,
    /// Whether to log the plans of slow statements.
    pub slow_statement_plan: bool,
    pub bind_address: SocketAddr,
    pub log: String,
    pub log_format: LogFormat,
    /// Allowed host names besides loopback, or `*`.
    pub allowed_hosts: Vec<String>,
    /// The address at which clients reach the server, without a slash at its end.
    pub base_url: Option<String>,
    /// Proxies whose headers are trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Maximum number of connections; none: as the limit of open files allows.
    pub max_connections: Option<NonZeroUsize>,
    /// The same per address; none: half of it.
    pub max_connections_per_address: Option<NonZeroUsize>,
    /// How long a connection may be idle.
    pub keep_alive_timeout: Duration,
    /// How long requests are accepted after the signal to stop, while the server is not ready.
    pub shutdown_delay: Duration,
    /// How long running requests may take after that.
    pub shutdown_timeout: Duration,
    /// The service name of exported traces; none without a collector.
    pub traces: Option<String>,
    /// Web origins that may send requests, or `*`.
    pub cors_origins: Vec<String>,
    pub introspection: bool,
    /// Whether errors suggest similar names.
    pub suggestions: bool,
    /// Whether to refuse documents that are not in the manifest.
    pub trusted_documents_only: bool,
    pub graphiql: bool,
    pub max_depth: usize,
    pub max_cost: usize,
    pub max_tokens: usize,
    pub max_aliases: usize,
    pub max_body_bytes: usize,
    pub request_timeout: Duration,
    /// The size of the response cache in bytes; none: no cache.
    pub cache_bytes: Option<NonZeroUsize>,
    /// The `Cache-Control` of responses to GET.
    pub cache_control: HeaderValue,
    /// The cache in front of the server, which is told what responses depend on and what changes.
    pub purge: Option<Purge>,
    /// Points of cost per client and minute; none: no limit.
    pub rate_limit: Option<NonZeroU32>,
    /// Whether reading requires a key.
    pub read_requires_key: bool,
    /// Who may read whole texts of sources.
    pub source_texts: SourceTexts,
    /// The trusted issuer of tokens; none: only keys are accepted.
    pub jwt: Option<Jwt>,
    /// The `.env` file that was read, which may be in a parent folder.
    pub env_file: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Jwt {
    pub issuer: String,
    /// The required audience.
    pub audience: String,
    /// The URL of the issuer's keys; none: from its configuration.
    pub jwks_url: Option<String>,
    /// The claim with the role, or a path to it that begins with a slash.
    pub role_claim: String,
}

/// How to purge a cache in front of the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Purge {
    pub url: String,
    pub method: Method,
    /// The header that holds the tags, of responses to GET too.
    pub tags: HeaderName,
    /// A header for authentication, whose value is never shown.
    pub header: Option<(HeaderName, HeaderValue)>,
}

impl Purge {
    /// What separates tags in their header.
    pub fn separator(&self) -> &'static str {
        if self.tags == "cache-tag" { "," } else { " " }
    }
}

/// Who may read whole texts of sources.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SourceTexts {
    /// Callers with a key.
    Key,
    Everyone,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LogFormat {
    Text,
    Json,
}

/// The log format, readable even if other settings are invalid.
pub fn log_format() -> LogFormat {
    match std::env::var("LOG_FORMAT") {
        Ok(format) if format.trim() == "json" => LogFormat::Json,
        _ => LogFormat::Text,
    }
}

/// An invalid setting. The values of secrets are never shown.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Error {
    #[error("invalid {name} `{value}`: it must be {expected}")]
    Value { name: &'static str, value: String, expected: &'static str },
    #[error(
        "invalid {name}: {wrong}. The format is postgres://user:password@host:port/database, with one or more hosts"
    )]
    Url { name: &'static str, wrong: Wrong },
    #[error("{because_of} is set, so {name} is required")]
    Missing { name: &'static str, because_of: &'static str },
    #[error("can't read .env: {0}")]
    File(String),
}

impl Config {
    /// Reads the environment, and `.env` for variables that are not set.
    pub fn from_env() -> Result<Self, Error> {
        let env_file = match dotenvy::dotenv() {
            Ok(file) => Some(file),
            Err(error) if error.not_found() => None,
            Err(error) => return Err(Error::File(error.to_string())),
        };
        Ok(Config { env_file, ..Self::from_lookup(|name| std::env::var(name).ok())? })
    }

    /// Reads settings by name; an empty one is unset.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let settings = Settings(&|name| lookup(name).filter(|value| !value.trim().is_empty()));
        let database_url = settings.text("DATABASE_URL");
        let listen_url = settings.text("DATABASE_LISTEN_URL");
        let replica_urls = urls(&settings.text("DATABASE_REPLICA_URLS").unwrap_or_default());
        let read_only: bool = settings.read("READ_ONLY", "false", "`true` or `false`", parsed)?;
        let given = database_url.iter().map(|url| ("DATABASE_URL", url));
        let given = given.chain(listen_url.iter().map(|url| ("DATABASE_LISTEN_URL", url)));
        for (name, url) in given.chain(replica_urls.iter().map(|url| ("DATABASE_REPLICA_URLS", url))) {
            Address::parse(url).map_err(|wrong| Error::Url { name, wrong })?;
        }
        if database_url.is_none() && listen_url.is_some() {
            return Err(Error::Missing { name: "DATABASE_URL", because_of: "DATABASE_LISTEN_URL" });
        }
        if database_url.is_none() && !replica_urls.is_empty() && !read_only {
            let name = "DATABASE_URL, or READ_ONLY=true,";
            return Err(Error::Missing { name, because_of: "DATABASE_REPLICA_URLS" });
        }
        Ok(Config {
            database_url,
            database_listen_url: listen_url,
            database_replica_urls: replica_urls,
            read_only,
            database_schema: settings.maybe(
                "DATABASE_SCHEMA",
                "a name of at most 40 lower-case letters, digits and `_` that does not end in `_past` or `_importing`: dossier_eu",
                schema,
            )?,
            data_dir: settings.text("DATA_DIR").map(PathBuf::from),
            pg_bin: settings.text("PG_BIN").map(PathBuf::from),
            database_pool_size: settings.read(
                "DATABASE_POOL_SIZE",
                "8",
                "a number from 1 to 1000",
                between(1, 1000),
            )?,
            slow_statement: settings
                .read("SLOW_STATEMENT", "1000", "a number of milliseconds, or 0 for never", parsed::<u32>)
                .map(|ms| (ms > 0).then(|| Duration::from_millis(ms.into())))?,
            slow_statement_plan: settings.read(
                "SLOW_STATEMENT_PLAN",
                "false",
                "`true` or `false`",
                parsed,
            )?,
            bind_address: settings.read(
                "BIND_ADDRESS",
                "127.0.0.1:8000",
                "an address and a port: 127.0.0.1:8000, or [::1]:8000",
                parsed,
            )?,
            log: settings.text("RUST_LOG").unwrap_or_else(|| "info,sqlx=error".to_owned()),
            log_format: settings.read("LOG_FORMAT", "text", "`text` or `json`", |value| match value {
                "text" => Some(LogFormat::Text),
                "json" => Some(LogFormat::Json),
                _ => None,
            })?,
            allowed_hosts: settings.read(
                "ALLOWED_HOSTS",
                "",
                "`*`, or host names without ports, separated by commas: dossier.example",
                hosts,
            )?,
            base_url: settings.maybe(
                "BASE_URL",
                "an address without a query, and without a slash at its end: https://dossier.example",
                base_url,
            )?,
            trusted_proxies: settings.read(
                "TRUSTED_PROXIES",
                "",
                "addresses or networks, separated by commas: 127.0.0.1, 10.0.0.0/8",
                networks,
            )?,
            max_connections: settings.maybe("MAX_CONNECTIONS", "a number, at least 1", parsed)?,
            max_connections_per_address: settings.maybe(
                "MAX_CONNECTIONS_PER_ADDRESS",
                "a number, at least 1",
                parsed,
            )?,
            keep_alive_timeout: settings.read(
                "KEEP_ALIVE_TIMEOUT",
                "75",
                "a number of seconds from 0.001 to 86400: 75 or 0.5",
                seconds,
            )?,
            shutdown_delay: settings.read(
                "SHUTDOWN_DELAY",
                "0",
                "a number of seconds from 0 to 86400: 0 or 10",
                any_seconds,
            )?,
            shutdown_timeout: settings.read(
                "SHUTDOWN_TIMEOUT",
                "10",
                "a number of seconds from 0 to 86400: 10 or 30",
                any_seconds,
            )?,
            traces: settings.traces()?,
            cors_origins: settings.read(
                "CORS_ORIGINS",
                "",
                "`*`, or origins without wildcard, path or final slash, separated by commas: https://desk.example",
                origins,
            )?,
            sample: settings.read("SAMPLE", "true", "`true` or `false`", parsed)?,
            introspection: settings.read("INTROSPECTION", "true", "`true` or `false`", parsed)?,
            suggestions: settings.read("SUGGESTIONS", "true", "`true` or `false`", parsed)?,
            trusted_documents_only: settings.read(
                "TRUSTED_DOCUMENTS_ONLY",
                "false",
                "`true` or `false`",
                parsed,
            )?,
            graphiql: settings.read("GRAPHIQL", "true", "`true` or `false`", parsed)?,
            max_depth: settings.read("MAX_DEPTH", "15", "a number from 1 to 100", between(1, 100))?,
            max_cost: settings.read(
                "MAX_COST",
                "50000",
                "a number from 1 to 1000000000",
                between(1, 1_000_000_000),
            )?,
            max_tokens: settings.read(
                "MAX_TOKENS",
                "2000",
                "a number from 1 to 100000",
                between(1, 100_000),
            )?,
            max_aliases: settings.read(
                "MAX_ALIASES",
                "100",
                "a number from 0 to 100000",
                between(0, 100_000),
            )?,
            max_body_bytes: settings.read(
                "MAX_BODY_BYTES",
                "262144",
                "a number of bytes, at least 1024",
                |value| parsed(value).filter(|bytes| *bytes >= 1024),
            )?,
            request_timeout: settings.read(
                "REQUEST_TIMEOUT",
                "30",
                "a number of seconds from 0.001 to 86400: 30 or 0.5",
                seconds,
            )?,
            cache_bytes: settings.cache_bytes()?,
            cache_control: settings.read(
                "CACHE_CONTROL",
                "no-cache",
                "directives of HTTP's Cache-Control: `public, max-age=5`",
                cache_control,
            )?,
            purge: settings.purge()?,
            rate_limit: settings
                .read("RATE_LIMIT", "0", "a number of cost points per minute, or 0 for no limit", parsed::<u32>)
                .map(NonZeroU32::new)?,
            read_requires_key: settings.read("READ_REQUIRES_KEY", "false", "`true` or `false`", parsed)?,
            source_texts: settings.read("SOURCE_TEXTS", "key", "`key` or `everyone`", |value| match value {
                "key" => Some(SourceTexts::Key),
                "everyone" => Some(SourceTexts::Everyone),
                _ => None,
            })?,
            jwt: settings.jwt()?,
            env_file: None,
        })
    }
}

struct Settings<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Settings<'_> {
    fn text(&self, name: &str) -> Option<String> {
        (self.0)(name)
    }

    fn jwt(&self) -> Result<Option<Jwt>, Error> {
        let address = "a URL: https://issuer.example";
        let issuer = self.maybe("JWT_ISSUER", address, web_address)?;
        let audience = self.text("JWT_AUDIENCE");
        let jwks_url = self.maybe("JWT_JWKS_URL", address, web_address)?;
        let role_claim = self.text("JWT_ROLE_CLAIM").unwrap_or_else(|| "role".to_owned());
        match (issuer, audience) {
            (Some(issuer), Some(audience)) => Ok(Some(Jwt { issuer, audience, jwks_url, role_claim })),
            (Some(_), None) => Err(Error::Missing { name: "JWT_AUDIENCE", because_of: "JWT_ISSUER" }),
            (None, Some(_)) => Err(Error::Missing { name: "JWT_ISSUER", because_of: "JWT_AUDIENCE" }),
            (None, None) if jwks_url.is_some() => {
                Err(Error::Missing { name: "JWT_ISSUER", because_of: "JWT_JWKS_URL" })
            }
            (None, None) => Ok(None),
        }
    }

    fn cache_bytes(&self) -> Result<Option<NonZeroUsize>, Error> {
        self.read("CACHE_BYTES", "67108864", "a number of bytes, or 0 for no cache", parsed::<usize>)
            .map(NonZeroUsize::new)
    }

    fn purge(&self) -> Result<Option<Purge>, Error> {
        let tags = |value: &str| {
            let known = ["surrogate-key", "cache-tag", "xkey"];
            known.contains(&value.to_ascii_lowercase().as_str()).then(|| parsed(value)).flatten()
        };
        let tags = self.maybe("CACHE_TAGS", "a header: Surrogate-Key, Cache-Tag or xkey", tags)?;
        let url = self.maybe("PURGE_URL", "a URL: http://varnish:8080/", web_address)?;
        let method = self.read("PURGE_METHOD", "PURGE", "a method of HTTP: PURGE or POST", parsed)?;
        let header =
            self.maybe("PURGE_HEADER", "a header: `Authorization: Bearer …`", header).map_err(hidden)?;
        let missing = |name, because_of| Err(Error::Missing { name, because_of });
        match (url, tags) {
            (_, Some(_)) if self.cache_bytes()?.is_none() => missing("CACHE_BYTES above 0", "CACHE_TAGS"),
            (Some(url), Some(tags)) => Ok(Some(Purge { url, method, tags, header })),
            (Some(_), None) => missing("CACHE_TAGS", "PURGE_URL"),
            (None, Some(_)) => missing("PURGE_URL", "CACHE_TAGS"),
            (None, None) if header.is_some() => missing("PURGE_URL", "PURGE_HEADER"),
            (None, None) => Ok(None),
        }
    }

    /// `OTEL_…` are OTLP's variables; its exporter reads the others itself.
    fn traces(&self) -> Result<Option<String>, Error> {
        let address = "a URL: http://localhost:4318";
        let collector = self.maybe("OTEL_EXPORTER_OTLP_ENDPOINT", address, web_address)?;
        let traces = self.maybe("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", address, web_address)?;
        let service = self.text("OTEL_SERVICE_NAME").unwrap_or_else(|| "dossier".to_owned());
        Ok(collector.or(traces).map(|_| service))
    }

    /// An optional setting.
    fn maybe<T>(
        &self,
        name: &'static str,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        self.text(name).is_some().then(|| self.read(name, "", expected, parse)).transpose()
    }

    fn read<T>(
        &self,
        name: &'static str,
        default: &str,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Error> {
        let value = self.text(name).unwrap_or_else(|| default.to_owned());
        parse(value.trim()).ok_or(Error::Value { name, value, expected })
    }
}

/// The error without the value, which may be a secret.
fn hidden(error: Error) -> Error {
    match error {
        Error::Value { name, expected, .. } => Error::Value { name, value: "…".to_owned(), expected },
        other => other,
    }
}

/// A header with a value that is not shown.
fn header(value: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = value.split_once(':')?;
    let mut value: HeaderValue = parsed(value.trim())?;
    value.set_sensitive(true);
    Some((parsed(name.trim())?, value))
}

fn parsed<T: FromStr>(value: &str) -> Option<T> {
    value.parse().ok()
}

fn between<T: FromStr + PartialOrd>(least: T, most: T) -> impl Fn(&str) -> Option<T> {
    move |value| parsed(value).filter(|number| (&least..=&most).contains(&number))
}

/// A schema name, short enough for suffixes and without one of ours.
fn schema(value: &str) -> Option<String> {
    let is_prefix = |before: &str| before.is_empty() || before.ends_with('_');
    let is_name = value.len() <= 40
        && value.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && value.chars().all(|next| next.is_ascii_lowercase() || next.is_ascii_digit() || next == '_')
        && !value.starts_with("pg_")
        && value != "information_schema"
        && !["past", "importing"].iter().any(|own| value.strip_suffix(own).is_some_and(is_prefix));
    is_name.then(|| value.to_owned())
}

fn seconds(value: &str) -> Option<Duration> {
    // Postgres counts in milliseconds, and 0 means no limit.
    any_seconds(value).filter(|timeout| *timeout >= Duration::from_millis(1))
}

fn any_seconds(value: &str) -> Option<Duration> {
    let seconds: f64 = parsed(value.trim_end_matches('s'))?;
    Duration::try_from_secs_f64(seconds).ok().filter(|duration| *duration <= Duration::from_hours(24))
}

/// Response directives of RFC 9111, 5861 and 8246: with a number of seconds, with optional field names, or without a
/// value.
fn cache_control(value: &str) -> Option<HeaderValue> {
    let is_seconds = |value: Option<&str>| {
        value.is_some_and(|seconds| {
            (1..=10).contains(&seconds.len()) && seconds.bytes().all(|b| b.is_ascii_digit())
        })
    };
    let is_fields = |value: Option<&str>| {
        value.is_none_or(|value| {
            let fields = value.strip_prefix('"').and_then(|given| given.strip_suffix('"')).unwrap_or(value);
            let is_field = |field: &str| field.parse::<HeaderName>().is_ok();
            !fields.is_empty() && fields.split(',').map(str::trim).all(is_field)
        })
    };
    let is_directive = |directive: &str| {
        let (name, value) =
            directive.split_once('=').map_or((directive, None), |(name, value)| (name, Some(value)));
        match name.to_ascii_lowercase().as_str() {
            "max-age" | "s-maxage" | "stale-while-revalidate" | "stale-if-error" => is_seconds(value),
            "no-cache" | "private" => is_fields(value),
            "no-store" | "no-transform" | "must-revalidate" | "proxy-revalidate" | "must-understand"
            | "public" | "immutable" => value.is_none(),
            _ => false,
        }
    };
    // A comma within quotes does not separate directives.
    let mut quoted = false;
    let mut directives = value.split(|next: char| {
        quoted ^= next == '"';
        next == ',' && !quoted
    });
    directives.all(|directive| is_directive(directive.trim())).then(|| parsed(value)).flatten()
}

/// The comma-separated items.
fn listed(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|one| !one.is_empty())
}

/// Database URLs, separated by white space, or by commas before the next one: within a URL they separate hosts.
fn urls(value: &str) -> Vec<String> {
    let spaced = value.replace(",postgres://", " postgres://").replace(",postgresql://", " postgresql://");
    spaced
        .split_whitespace()
        .map(|url| url.trim_matches(','))
        .filter(|url| !url.is_empty())
        .map(ToOwned::to_owned)
        .collect()
}

fn base_url(value: &str) -> Option<String> {
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"))?;
    let is_plain =
        !rest.is_empty() && !rest.ends_with('/') && !rest.contains(['?', '#', '"', '<', '>', ' ', '@']);
    is_plain.then(|| value.to_owned())
}

fn hosts(value: &str) -> Option<Vec<String>> {
    let is_name =
        |host: &&str| *host == "*" || host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    // IPv6 addresses have brackets in URLs, but not here.
    let name = |host: &str| match host.trim_matches(['[', ']']).parse::<Ipv6Addr>() {
        Ok(address) => Some(format!("[{address}]")),
        Err(_) => Some(host.to_owned()).filter(|host| is_name(&host.as_str())),
    };
    listed(value).map(name).collect()
}

fn networks(value: &str) -> Option<Vec<IpNet>> {
    let network = |text: &str| text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    listed(value).map(network).collect()
}

/// The part after the scheme.
fn on_the_web(address: &str) -> Option<&str> {
    let rest = address.strip_prefix("http://").or_else(|| address.strip_prefix("https://"));
    rest.filter(|rest| !rest.is_empty() && !rest.contains(' '))
}

fn web_address(value: &str) -> Option<String> {
    on_the_web(value).map(|_| value.to_owned())
}

fn origins(value: &str) -> Option<Vec<String>> {
    // Browsers send lower case, and omit default ports.
    let origin = |origin: &str| {
        let origin = origin.to_ascii_lowercase();
        let host = on_the_web(&origin).filter(|host| !host.contains(['/', '?', '#', '@', '*']))?;
        let usual = if origin.starts_with("https") { ":443" } else { ":80" };
        let port = if host.ends_with(usual) { usual } else { "" };
        origin.strip_suffix(port).map(ToOwned::to_owned)
    };
    if value == "*" {
        return Some(vec![value.to_owned()]);
    }
    listed(value).map(origin).collect()
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, collections::BTreeSet};

    use super::*;

    fn with(name: &'static str, value: &'static str) -> Result<Config, Error> {
        Config::from_lookup(|requested| (requested == name).then(|| value.to_owned()))
    }

    #[test]
    fn nothing_needs_to_be_set() {
        let config = Config::from_lookup(|_| None).unwrap();
        assert_eq!(config.bind_address.to_string(), "127.0.0.1:8000");
        assert_eq!(config.database_url, None);
        assert_eq!(config.request_timeout, Duration::from_secs(30));
        assert!(with("MAX_DEPTH", " ").is_ok(), "an empty setting is none");
    }

    #[test]
    fn a_bad_setting_is_named_with_what_it_takes() {
        for (name, value) in [
            ("BIND_ADDRESS", "localhost"),
            ("BIND_ADDRESS", "::1:8000"),
            ("DATABASE_SCHEMA", "Public"),
            ("DATABASE_SCHEMA", "pg_temp"),
            ("DATABASE_SCHEMA", "information_schema"),
            ("DATABASE_SCHEMA", "eu_past"),
            ("DATABASE_SCHEMA", "eu_importing"),
            ("DATABASE_SCHEMA", "past"),
            ("CACHE_CONTROL", "max-age"),
            ("CACHE_CONTROL", "max-age=soon"),
            ("CACHE_CONTROL", "max-age:5"),
            ("CACHE_CONTROL", "public; max-age=5"),
            ("CACHE_CONTROL", "public max-age=5"),
            ("CACHE_CONTROL", "no-cash"),
            ("CACHE_CONTROL", "no-store=1"),
            ("CACHE_CONTROL", "public,"),
            ("CACHE_CONTROL", "public\nset-cookie: a=b"),
            ("CACHE_CONTROL", "öffentlich"),
            ("CACHE_TAGS", "ETag"),
            ("PURGE_URL", "varnish:8080"),
            ("PURGE_METHOD", "PUR GE"),
            ("DATABASE_POOL_SIZE", "0"),
            ("SLOW_STATEMENT", "1s"),
            ("LOG_FORMAT", "xml"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
            ("CORS_ORIGINS", "example.org"),
            ("CORS_ORIGINS", "https://desk.example/"),
            ("CORS_ORIGINS", "https://*.desk.example"),
            ("CORS_ORIGINS", "https://desk.example, https://desk.example/page"),
            ("ALLOWED_HOSTS", "https://desk.example"),
            ("ALLOWED_HOSTS", "desk.example:8000"),
            ("TRUSTED_PROXIES", "nginx"),
            ("TRUSTED_PROXIES", "10.0.0.0/33"),
            ("MAX_CONNECTIONS", "0"),
            ("KEEP_ALIVE_TIMEOUT", "0"),
            ("SHUTDOWN_DELAY", "-1"),
            ("SHUTDOWN_TIMEOUT", "1e18"),
            ("INTROSPECTION", "yes"),
            ("READ_ONLY", "1"),
            ("MAX_DEPTH", "-1"),
            ("MAX_BODY_BYTES", "10"),
            ("REQUEST_TIMEOUT", "0"),
            ("REQUEST_TIMEOUT", "0.0001"),
            ("REQUEST_TIMEOUT", "2147484"),
            ("READ_REQUIRES_KEY", "1"),
            ("JWT_ISSUER", "issuer.example"),
            ("JWT_JWKS_URL", "file:///keys"),
        ] {
            let message = with(name, value).unwrap_err().to_string();
            assert!(message.starts_with(&format!("invalid {name} `{value}`: it must be ")), "{message}");
        }
    }

    #[test]
    fn cache_control_takes_the_directives_of_a_response() {
        for value in [
            "no-cache",
            "public, max-age=5",
            "Private, Max-Age=0, must-revalidate",
            "s-maxage=60, stale-while-revalidate=30, stale-if-error=86400, immutable",
            "no-cache=\"set-cookie, etag\", no-store",
        ] {
            assert_eq!(with("CACHE_CONTROL", value).unwrap().cache_control, value);
        }
    }

    #[test]
    fn an_issuer_has_an_audience_and_the_other_way_round() {
        let message = |name, value| with(name, value).unwrap_err().to_string();
        assert_eq!(
            message("JWT_ISSUER", "https://issuer.example"),
            "JWT_ISSUER is set, so JWT_AUDIENCE is required"
        );
        assert_eq!(message("JWT_AUDIENCE", "dossier"), "JWT_AUDIENCE is set, so JWT_ISSUER is required");
        assert_eq!(
            message("JWT_JWKS_URL", "https://issuer.example/keys"),
            "JWT_JWKS_URL is set, so JWT_ISSUER is required"
        );
    }

    #[test]
    fn the_value_of_a_secret_is_never_shown() {
        let message = with("DATABASE_URL", "postgres://me:secret@host:port/").unwrap_err().to_string();
        assert!(!message.contains("secret"), "{message}");
        assert_eq!(
            with("DATABASE_URL", "mysql://host/base").unwrap_err(),
            Error::Url { name: "DATABASE_URL", wrong: Wrong::Scheme }
        );
    }

    #[test]
    fn urls_of_replicas_are_separated_by_space_or_commas() {
        let of = |value: &'static str| {
            let values = [("DATABASE_URL", "postgres://writer/base"), ("DATABASE_REPLICA_URLS", value)];
            Config::from_lookup(|name| {
                values.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            })
        };
        let one = "postgres://me:p,w@one,two/base";
        for value in [
            "postgres://me:p,w@one,two/base postgresql://three/base",
            " postgres://me:p,w@one,two/base,\n postgresql://three/base ",
            "postgres://me:p,w@one,two/base,postgresql://three/base",
        ] {
            assert_eq!(of(value).unwrap().database_replica_urls, [one, "postgresql://three/base"], "{value}");
        }
        let message = of("postgres://one/base mysql://me:secret@two/base").unwrap_err().to_string();
        assert!(message.starts_with("invalid DATABASE_REPLICA_URLS: the scheme"), "{message}");
        assert!(!message.contains("secret"), "{message}");
        assert_eq!(
            with("DATABASE_REPLICA_URLS", one).unwrap_err().to_string(),
            "DATABASE_REPLICA_URLS is set, so DATABASE_URL, or READ_ONLY=true, is required"
        );
    }

    #[test]
    fn a_purge_needs_tags_and_its_header_stays_secret() {
        let of = |settings: &'static [(&str, &str)]| {
            Config::from_lookup(|name| {
                settings.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned())
            })
        };
        let message = |settings| of(settings).unwrap_err().to_string();
        assert_eq!(
            message(&[("PURGE_URL", "http://varnish/")]),
            "PURGE_URL is set, so CACHE_TAGS is required"
        );
        assert_eq!(
            message(&[("CACHE_TAGS", "xkey"), ("CACHE_BYTES", "00"), ("PURGE_URL", "http://varnish/")]),
            "CACHE_TAGS is set, so CACHE_BYTES above 0 is required"
        );
        assert_eq!(message(&[("CACHE_TAGS", "xkey")]), "CACHE_TAGS is set, so PURGE_URL is required");
        assert_eq!(
            message(&[("PURGE_HEADER", "secret")]),
            "invalid PURGE_HEADER `…`: it must be a header: `Authorization: Bearer …`"
        );
        let config = of(&[
            ("PURGE_URL", "http://varnish/"),
            ("CACHE_TAGS", "Surrogate-Key"),
            ("PURGE_HEADER", "Fastly-Key: secret"),
        ]);
        let purge = config.unwrap().purge.unwrap();
        assert_eq!((purge.method.as_str(), purge.tags.as_str()), ("PURGE", "surrogate-key"));
        let (name, value) = purge.header.as_ref().unwrap();
        assert_eq!((name.as_str(), value.to_str().unwrap()), ("fastly-key", "secret"));
        assert!(!format!("{purge:?}").contains("secret"));
    }

    #[test]
    fn origins_are_listed_with_commas() {
        let config = with("CORS_ORIGINS", "https://a.example, http://localhost:3000").unwrap();
        assert_eq!(config.cors_origins, ["https://a.example", "http://localhost:3000"]);
        assert_eq!(with("CORS_ORIGINS", "*").unwrap().cors_origins, ["*"]);
        let config = with("CORS_ORIGINS", "HTTPS://Desk.example:443").unwrap();
        assert_eq!(config.cors_origins, ["https://desk.example"], "as a browser writes it");
    }

    #[test]
    fn the_example_lists_every_setting_with_its_default() {
        let example = include_str!("../../.env.example");
        let requested = RefCell::new(BTreeSet::new());
        let listed: Vec<(&str, &str)> =
            example.lines().filter_map(|line| line.trim_start_matches("# ").split_once('=')).collect();
        let listed: Vec<_> = listed
            .into_iter()
            .filter(|(name, _)| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
            .collect();
        let of_example = Config::from_lookup(|name| {
            requested.borrow_mut().insert(name.to_owned());
            listed.iter().find(|(listed, _)| *listed == name).map(|(_, value)| (*value).to_owned())
        });
        assert_eq!(requested.into_inner(), listed.iter().map(|(name, _)| (*name).to_owned()).collect());
        let defaults = Config::from_lookup(|_| None).unwrap();
        assert_eq!(format!("{:?}", of_example.unwrap()), format!("{defaults:?}"));
    }
}
