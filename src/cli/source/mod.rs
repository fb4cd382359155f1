//! `dossier source`.

mod document;
mod html;

use std::{net::Ipv4Addr, path::PathBuf, time::Duration};

use clap::Subcommand;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    auth::{
        caller::{Caller, Identity, Role},
        limits::Allowance,
    },
    cli::{Failure, configured, open_migrated, print},
    database::client::Client,
    engine::{OperationRequest, catalog},
    error::ApiError,
    server,
};

/// How long attaching a text may take.
const PATIENCE: Duration = Duration::from_mins(5);
/// Fields of the input, as the command line calls them.
const NAMES: [(&str, &str); 5] = [
    ("source", "SLUG"),
    ("content", "FILE"),
    ("language", "--language"),
    ("takenFrom", "--from"),
    ("takenOn", "--on"),
];

const ATTACH: &str = "mutation($input: AttachSourceTextInput!) {
    attachSourceText(input: $input) { source { texts { version characters } } userErrors { field message } } }";

#[derive(Subcommand)]
pub enum Command {
    /// Attach a text to a source: its first, or a new version.
    Attach {
        /// The source.
        slug: String,
        /// The document: text, Markdown, HTML, subtitles (.srt, .vtt), or PDF with the program pdftotext; `-` is standard
        /// input.
        file: PathBuf,
        /// The language of the text as a BCP 47 tag: en, kk.
        #[arg(long, value_name = "TAG")]
        language: Option<String>,
        /// The URL that the document was taken from.
        #[arg(long = "from", value_name = "URL")]
        taken_from: Option<String>,
        /// When it was taken: 2026, 2026-02 or 2026-02-19.
        #[arg(long = "on", value_name = "DATE")]
        taken_on: Option<String>,
        /// Name under which the change is recorded.
        #[arg(long, value_name = "NAME", default_value = "attach")]
        requester: String,
    },
}

pub async fn run(command: Command) -> Result<(), Failure> {
    let Command::Attach { slug, file, language, taken_from, taken_on, requester } = command;
    let read = document::read(&file);
    let (media_type, content) = read.map_err(|reason| format!("can't read {}: {reason}", file.display()))?;
    let config = configured()?;
    let database = open_migrated(&config, true).await?;
    let input = json!({
        "source": {"slug": slug}, "content": content, "mediaType": media_type, "language": language,
        "takenFrom": taken_from, "takenOn": taken_on,
    });
    let attached = async {
        let engine = server::engine(&config, &database, catalog::catalog()).await;
        let variables = json!({ "input": input }).as_object().cloned().unwrap_or_default();
        let request =
            OperationRequest { document: Some(ATTACH.to_owned()), variables, ..OperationRequest::default() };
        let refused = |api_error: &ApiError| {
            let named = |message: String, (field, name): &(&str, &str)| {
                message.replace(&format!("`$input.{field}`"), &format!("`{name}`"))
            };
            Failure::from(NAMES.iter().fold(api_error.message.clone(), named))
        };
        let prepared = engine.prepare(request).map_err(|errors| refused(&errors[0]))?;
        let bound = engine.bind(&prepared, Role::Editor).map_err(|api_error| refused(&api_error))?;
        let client = Client::of(Some(&requester), Ipv4Addr::LOCALHOST.into());
        let identity = Identity { role: Role::Editor, name: Some(requester) };
        let allowance = Allowance { cost: bound.cost(), budget: None };
        let caller = Caller { identity, client, allowance };
        let response = engine.mutate(&bound, &caller, Instant::now() + PATIENCE).await;
        let response = response.map_err(|api_error| refused(&api_error))?.into_json("");
        let response: Value = serde_json::from_slice(&response).unwrap_or_default();
        report(&slug, &response)
    };
    let attached = attached.await;
    database.close().await;
    attached
}

/// Prints the version, or fails with the errors.
fn report(slug: &str, response: &Value) -> Result<(), Failure> {
    if let Some(message) = response["errors"][0]["message"].as_str() {
        return Err(message.into());
    }
    let payload = &response["data"]["attachSourceText"];
    let errors = payload["userErrors"].as_array().into_iter().flatten().map(|error| {
        let field = error["field"].as_array().and_then(|path| path.get(1)).and_then(Value::as_str);
        let name = NAMES.iter().find(|(own, _)| field == Some(own)).map_or("input", |(_, name)| name);
        format!("{name}: {}", error["message"].as_str().unwrap_or_default())
    });
    let errors: Vec<String> = errors.collect();
    if !errors.is_empty() {
        return Err(errors.join(" ").into());
    }
    let last = payload["source"]["texts"].as_array().and_then(|texts| texts.last());
    let number = |name: &str| last.map_or(0, |last| last[name].as_i64().unwrap_or(0));
    print(&format!("{slug}: version {}, {} characters\n", number("version"), number("characters")))
}
