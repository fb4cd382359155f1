//! Settings, from the environment and `.env`. Nothing else in the house reads either.

pub mod address;

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use axum::http::{HeaderName, HeaderValue};
use ipnet::IpNet;

use crate::config::address::{Address, Wrong};

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where Postgres is; none has the embedded one started.
    pub database_url: Option<String>,
    /// The schema of the database that holds the tables; none for the one that its user finds first.
    pub database_schema: Option<String>,
    /// Where the embedded Postgres keeps its data; none for the user's own place.
    pub data_dir: Option<PathBuf>,
    /// The folder of the embedded Postgres' programs; none has them looked for.
    pub pg_bin: Option<PathBuf>,
    pub database_pool_size: u32,
    /// How long a statement may run before it is logged as slow; none for never.
    pub slow_statement: Option<Duration>,
    /// Log the plan of a slow statement too.
    pub slow_statement_plan: bool,
    pub bind_address: SocketAddr,
    pub log: String,
    pub log_format: LogFormat,
    /// Names that the server answers to besides those of this machine, or `*` for any.
    pub allowed_hosts: Vec<String>,
    /// Proxies that tell the truth about who asks.
    pub trusted_proxies: Vec<IpNet>,
    /// Connections taken at once; none for as many as the system's open files allow.
    pub max_connections: Option<NonZeroUsize>,
    /// Of these, from one address; none for half of them.
    pub max_connections_per_address: Option<NonZeroUsize>,
    /// How long a connection may be without a request.
    pub keep_alive_timeout: Duration,
    /// How long the server still takes requests, but isn't ready, once it is told to stop.
    pub shutdown_delay: Duration,
    /// How long requests that run may go on after that.
    pub shutdown_timeout: Duration,
    /// The name under which traces are exported with OTLP; none where no collector is named.
    pub traces: Option<String>,
    /// Web origins that may ask, or `*` alone for any.
    pub cors_origins: Vec<String>,
    pub introspection: bool,
    /// Say in an error what a wrong name may have meant.
    pub suggestions: bool,
    /// Answer no documents but those of the manifest.
    pub trusted_documents_only: bool,
    pub graphiql: bool,
    pub max_depth: usize,
    pub max_cost: usize,
    pub max_tokens: usize,
    pub max_aliases: usize,
    pub max_body_bytes: usize,
    pub request_timeout: Duration,
    /// Bytes of answers that are kept; none for no answers.
    pub cache_bytes: Option<NonZeroUsize>,
    /// What intermediaries and browsers may do with answers to GET.
    pub cache_control: HeaderValue,
    /// Cost that a client may ask for in a minute; none for as much as it likes.
    pub rate_limit: Option<NonZeroU32>,
    /// Answer nobody who shows no key.
    pub read_requires_key: bool,
    /// Whose tokens are as good as keys; none where nobody's are.
    pub jwt: Option<Jwt>,
    /// The `.env` that was read, be it of a parent folder; none where there is none.
    pub env_file: Option<PathBuf>,
}

/// An issuer of tokens, and how they are read.
#[derive(Clone, Debug, PartialEq)]
pub struct Jwt {
    pub issuer: String,
    /// Whom a token must be meant for.
    pub audience: String,
    /// Where the issuer's keys are; none has its configuration say so.
    pub jwks_url: Option<String>,
    /// The claim that holds the role, or a way to it that begins with a slash.
    pub role_claim: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LogFormat {
    Text,
    Json,
}

/// The format of the log as far as it is known: the settings may be what is wrong.
pub fn log_format() -> LogFormat {
    match std::env::var("LOG_FORMAT") {
        Ok(format) if format.trim() == "json" => LogFormat::Json,
        _ => LogFormat::Text,
    }
}

/// A setting that can't be used. The value of a secret one is never told.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Error {
    #[error("invalid {name} `{value}`: it must be {takes}")]
    Value { name: &'static str, value: String, takes: &'static str },
    #[error(
        "invalid DATABASE_URL: {0}. The format is postgres://user:password@host:port/database, with one or more hosts"
    )]
    DatabaseUrl(#[from] Wrong),
    #[error("{beside} is set, so {name} is required")]
    Missing { name: &'static str, beside: &'static str },
    #[error("can't read .env: {0}")]
    File(String),
}

impl Config {
    /// The settings of the environment, and of `.env` where the environment is silent.
    pub fn from_env() -> Result<Self, Error> {
        let env_file = match dotenvy::dotenv() {
            Ok(file) => Some(file),
            Err(error) if error.not_found() => None,
            Err(error) => return Err(Error::File(error.to_string())),
        };
        Ok(Config { env_file, ..Self::from_lookup(|name| std::env::var(name).ok())? })
    }

    /// The settings that `lookup` knows by name; an empty one is as good as none.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let settings = Settings(&|name| lookup(name).filter(|value| !value.trim().is_empty()));
        let database_url = settings.text("DATABASE_URL");
        database_url.as_ref().map(|url| Address::parse(url)).transpose()?;
        Ok(Config {
            database_url,
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
            cache_bytes: settings
                .read("CACHE_BYTES", "67108864", "a number of bytes, or 0 for no cache", parsed::<usize>)
                .map(NonZeroUsize::new)?,
            cache_control: settings.read(
                "CACHE_CONTROL",
                "no-cache",
                "directives of HTTP's Cache-Control: `public, max-age=5`",
                cache_control,
            )?,
            rate_limit: settings
                .read("RATE_LIMIT", "0", "a number of cost points per minute, or 0 for no limit", parsed::<u32>)
                .map(NonZeroU32::new)?,
            read_requires_key: settings.read("READ_REQUIRES_KEY", "false", "`true` or `false`", parsed)?,
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
            (Some(_), None) => Err(Error::Missing { name: "JWT_AUDIENCE", beside: "JWT_ISSUER" }),
            (None, Some(_)) => Err(Error::Missing { name: "JWT_ISSUER", beside: "JWT_AUDIENCE" }),
            (None, None) if jwks_url.is_some() => {
                Err(Error::Missing { name: "JWT_ISSUER", beside: "JWT_JWKS_URL" })
            }
            (None, None) => Ok(None),
        }
    }

    /// `OTEL_…` are OTLP's own variables; its exporter reads the others of them itself.
    fn traces(&self) -> Result<Option<String>, Error> {
        let address = "a URL: http://localhost:4318";
        let collector = self.maybe("OTEL_EXPORTER_OTLP_ENDPOINT", address, web_address)?;
        let traces = self.maybe("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", address, web_address)?;
        let service = self.text("OTEL_SERVICE_NAME").unwrap_or_else(|| "dossier".to_owned());
        Ok(collector.or(traces).map(|_| service))
    }

    /// What may be left out.
    fn maybe<T>(
        &self,
        name: &'static str,
        takes: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        self.text(name).is_some().then(|| self.read(name, "", takes, parse)).transpose()
    }

    fn read<T>(
        &self,
        name: &'static str,
        default: &str,
        takes: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Error> {
        let value = self.text(name).unwrap_or_else(|| default.to_owned());
        parse(value.trim()).ok_or(Error::Value { name, value, takes })
    }
}

fn parsed<T: FromStr>(value: &str) -> Option<T> {
    value.parse().ok()
}

fn between<T: FromStr + PartialOrd>(least: T, most: T) -> impl Fn(&str) -> Option<T> {
    move |value| parsed(value).filter(|number| (&least..=&most).contains(&number))
}

/// A schema's name, which leaves room for the names that begin with it, and is none of those.
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
    // Postgres counts in milliseconds, and takes none of them for no limit.
    any_seconds(value).filter(|timeout| *timeout >= Duration::from_millis(1))
}

fn any_seconds(value: &str) -> Option<Duration> {
    let seconds: f64 = parsed(value.trim_end_matches('s'))?;
    Duration::try_from_secs_f64(seconds).ok().filter(|duration| *duration <= Duration::from_hours(24))
}

/// Directives of a response, as RFC 9111, 5861 and 8246 have them: with a number of seconds, with names of header
/// fields or nothing, and with nothing.
fn cache_control(value: &str) -> Option<HeaderValue> {
    let is_seconds = |given: Option<&str>| {
        given.is_some_and(|seconds| {
            (1..=10).contains(&seconds.len()) && seconds.bytes().all(|b| b.is_ascii_digit())
        })
    };
    let is_fields = |given: Option<&str>| {
        given.is_none_or(|given| {
            let fields = given.strip_prefix('"').and_then(|given| given.strip_suffix('"')).unwrap_or(given);
            let is_field = |field: &str| field.parse::<HeaderName>().is_ok();
            !fields.is_empty() && fields.split(',').map(str::trim).all(is_field)
        })
    };
    let is_directive = |directive: &str| {
        let (name, given) =
            directive.split_once('=').map_or((directive, None), |(name, given)| (name, Some(given)));
        match name.to_ascii_lowercase().as_str() {
            "max-age" | "s-maxage" | "stale-while-revalidate" | "stale-if-error" => is_seconds(given),
            "no-cache" | "private" => is_fields(given),
            "no-store" | "no-transform" | "must-revalidate" | "proxy-revalidate" | "must-understand"
            | "public" | "immutable" => given.is_none(),
            _ => false,
        }
    };
    // A comma within quotes separates no directives.
    let mut quoted = false;
    let mut directives = value.split(|next: char| {
        quoted ^= next == '"';
        next == ',' && !quoted
    });
    directives.all(|directive| is_directive(directive.trim())).then(|| parsed(value)).flatten()
}

/// What is between commas.
fn listed(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|one| !one.is_empty())
}

fn hosts(value: &str) -> Option<Vec<String>> {
    let is_name =
        |host: &&str| *host == "*" || host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    // An address of IPv6 has its brackets in a URL, and needs none here.
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

/// What follows the scheme.
fn on_the_web(address: &str) -> Option<&str> {
    let rest = address.strip_prefix("http://").or_else(|| address.strip_prefix("https://"));
    rest.filter(|rest| !rest.is_empty() && !rest.contains(' '))
}

fn web_address(value: &str) -> Option<String> {
    on_the_web(value).map(|_| value.to_owned())
}

fn origins(value: &str) -> Option<Vec<String>> {
    // Browsers write them in small letters, and without the port that a scheme has anyway.
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
        Config::from_lookup(|asked| (asked == name).then(|| value.to_owned()))
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
            ("MAX_DEPTH", "-1"),
            ("MAX_BODY_BYTES", "10"),
            ("REQUEST_TIMEOUT", "0"),
            ("REQUEST_TIMEOUT", "0.0001"),
            ("REQUEST_TIMEOUT", "2147484"),
            ("READ_REQUIRES_KEY", "1"),
            ("JWT_ISSUER", "issuer.example"),
            ("JWT_JWKS_URL", "file:///keys"),
        ] {
            let told = with(name, value).unwrap_err().to_string();
            assert!(told.starts_with(&format!("invalid {name} `{value}`: it must be ")), "{told}");
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
        let told = |name, value| with(name, value).unwrap_err().to_string();
        assert_eq!(
            told("JWT_ISSUER", "https://issuer.example"),
            "JWT_ISSUER is set, so JWT_AUDIENCE is required"
        );
        assert_eq!(told("JWT_AUDIENCE", "dossier"), "JWT_AUDIENCE is set, so JWT_ISSUER is required");
        assert_eq!(
            told("JWT_JWKS_URL", "https://issuer.example/keys"),
            "JWT_JWKS_URL is set, so JWT_ISSUER is required"
        );
    }

    #[test]
    fn a_secret_is_never_told() {
        let told = with("DATABASE_URL", "postgres://me:secret@host:port/").unwrap_err().to_string();
        assert!(!told.contains("secret"), "{told}");
        assert_eq!(with("DATABASE_URL", "mysql://host/base").unwrap_err(), Error::DatabaseUrl(Wrong::Scheme));
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
        let asked = RefCell::new(BTreeSet::new());
        let listed: Vec<(&str, &str)> =
            example.lines().filter_map(|line| line.trim_start_matches("# ").split_once('=')).collect();
        let listed: Vec<_> = listed
            .into_iter()
            .filter(|(name, _)| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
            .collect();
        let of_example = Config::from_lookup(|name| {
            asked.borrow_mut().insert(name.to_owned());
            listed.iter().find(|(listed, _)| *listed == name).map(|(_, value)| (*value).to_owned())
        });
        assert_eq!(asked.into_inner(), listed.iter().map(|(name, _)| (*name).to_owned()).collect());
        let defaults = Config::from_lookup(|_| None).unwrap();
        assert_eq!(format!("{:?}", of_example.unwrap()), format!("{defaults:?}"));
    }
}
