//! `dossier source`.

use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command as Program,
    sync::Arc,
    time::Duration,
};

use clap::Subcommand;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    auth::{
        caller::{Caller, Identity, Role},
        limits::Allowance,
    },
    cli::{Failure, configured, open_migrated, print},
    database::{client::Client, subprocess::Subprocess},
    engine::{OperationRequest, catalog},
    error::ApiError,
    server,
};

/// How long attaching a text may take.
const PATIENCE: Duration = Duration::from_mins(5);
/// The width of lines of a text that was HTML: its paragraphs are put together again.
const WIDTH: usize = 100;

const ATTACH: &str = "mutation($input: AttachSourceTextInput!) {
    attachSourceText(input: $input) { source { texts { version characters } } userErrors { field message } } }";

#[derive(Subcommand)]
pub enum Command {
    /// Attach a text to a source: its first, or a new version.
    Attach {
        /// The source.
        slug: String,
        /// The document: text, Markdown, HTML, or PDF with the program pdftotext.
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
    let (media_type, content) = read(&file)?;
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
        let refused = |api_error: &ApiError| Failure::from(api_error.message.clone());
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
        format!("{}: {}", field.unwrap_or_default(), error["message"].as_str().unwrap_or_default())
    });
    let errors: Vec<String> = errors.collect();
    if !errors.is_empty() {
        return Err(errors.join(" ").into());
    }
    let last = payload["source"]["texts"].as_array().and_then(|texts| texts.last());
    let number = |name: &str| last.map_or(0, |last| last[name].as_i64().unwrap_or(0));
    print(&format!("{slug}: version {}, {} characters\n", number("version"), number("characters")))
}

/// The media type and the text of a document.
fn read(file: &Path) -> Result<(&'static str, String), Failure> {
    let extension = file.extension().unwrap_or_default().to_ascii_lowercase();
    let failed = |reason: String| Failure::from(format!("can't read {}: {reason}", file.display()));
    let bytes = fs::read(file).map_err(|error| failed(error.to_string()))?;
    let text = |bytes| String::from_utf8(bytes).map_err(|_| failed("it is not in UTF-8".to_owned()));
    match extension.to_str().unwrap_or_default() {
        "html" | "htm" | "xhtml" => Ok(("text/html", of_html(&text(bytes)?).map_err(failed)?)),
        "pdf" => Ok(("application/pdf", text(of_pdf(file).map_err(failed)?)?)),
        "md" | "markdown" => Ok(("text/markdown", text(bytes)?)),
        _ => Ok(("text/plain", text(bytes)?)),
    }
}

/// The readable text of a page: of its article or main part, if it has only one.
fn of_html(page: &str) -> Result<String, String> {
    let part = |element: &str| {
        let (start, end) = (format!("<{element}"), format!("</{element}>"));
        let is_only = page.matches(&start).count() == 1;
        page.find(&start)
            .zip(page.find(&end))
            .filter(|(from, to)| is_only && from < to)
            .map(|(from, to)| &page[from..to])
    };
    let readable = part("article").or_else(|| part("main")).unwrap_or(page);
    let text = html2text::config::plain_no_decorate().string_from_read(readable.as_bytes(), WIDTH);
    text.map_err(|error| error.to_string())
}

/// The text of a PDF, whose pages end with a form feed.
fn of_pdf(file: &Path) -> Result<Vec<u8>, String> {
    let mut program = Program::new("pdftotext");
    program.args(["-enc", "UTF-8"]).arg(file).arg("-");
    let output =
        Arc::new(Subprocess::default()).output(&mut program, |_| {}).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                "it takes the program pdftotext; install poppler-utils, or attach the text".to_owned()
            }
            _ => error.to_string(),
        })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or("pdftotext failed").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_article_of_a_page_is_its_text() {
        let page = "<html><body><nav>Home</nav><article><h1>Talks</h1><p>They met in&nbsp;Astana.</p>
                    <script>count()</script><p>They agreed.</p></article></body></html>";
        let text = of_html(page).expect("readable");
        assert!(text.contains("They agreed.") && text.contains("Astana"), "{text}");
        assert!(!text.contains("Home") && !text.contains("count"), "{text}");
    }
}
