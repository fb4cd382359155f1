//! Records by the many, as `dossier export` writes them: with the rights and the limits of a query.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Query, State, rejection::QueryRejection},
    http::{
        HeaderMap,
        header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::stream;
use serde::Deserialize;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{
    auth::limits::Shares,
    bulk::{
        export::{self, Export, Selection, Written, formats::Format},
        records::RecordKinds,
    },
    config::Config,
    engine::catalog,
    error::{ApiError, Code},
    server::{
        AppState, RequestId, Sender,
        credentials::Credentials,
        graphql,
        operation::Requester,
        response::{self, Media},
    },
    telemetry::request::{self, Transport},
};

/// How many exports run at once: each keeps a connection for as long as its client reads.
const AT_ONCE: usize = 4;
/// How many of them a client may have.
const EACH: usize = 2;
/// How long a client may read nothing.
const STALLED: Duration = Duration::from_secs(10);
/// What a filter costs, like one of a query.
const COST_OF_FILTER: usize = 100;

/// What exports need besides a request.
pub(super) struct Exports {
    kinds: Arc<RecordKinds>,
    max_cost: usize,
    running: Arc<Shares>,
}

impl Exports {
    pub(super) fn new(max_cost: usize) -> Self {
        let kinds = Arc::new(RecordKinds::of(&catalog::catalog().object_types));
        Exports { kinds, max_cost, running: Arc::new(Shares::new(EACH, AT_ONCE)) }
    }
}

/// An address for each format. Where only trusted documents are answered, there are none.
pub(super) fn routes(config: &Config) -> Router<Arc<AppState>> {
    let formats = if config.trusted_documents_only { &[] } else { &Format::ALL[..] };
    formats.iter().fold(Router::new(), |router, format| {
        let format = *format;
        let answer =
            move |app, id, client, headers, parameters| handle(format, app, id, client, headers, parameters);
        router.route(&format!("/export.{}", format.name()), get(answer))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    #[serde(rename = "type")]
    kind: Option<String>,
    topic: Option<String>,
    actor: Option<String>,
    from: Option<String>,
    until: Option<String>,
}

/// What is asked for, and by whom.
struct Asked {
    format: Format,
    kind: &'static str,
    selection: Selection,
    requester: Arc<Requester>,
}

async fn handle(
    format: Format,
    State(app): State<Arc<AppState>>,
    RequestId(request_id): RequestId,
    Sender { client, .. }: Sender,
    headers: HeaderMap,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Response {
    request::transport(Transport::Export);
    request::operation(Some(format.name()), "export");
    let refused = |api_error: &ApiError| {
        let status = Media::GraphqlResponse.status_of(api_error);
        response::refuse_for(status, Media::Json, api_error, &request_id)
    };
    // Whoever may ask at all may read all records.
    let requester = match Credentials::by(&headers).identify(&app, client).await {
        Ok(identity) => Arc::new(Requester::new(identity, client)),
        Err(api_error) => return refused(&api_error),
    };
    let begun = match ask(&app, format, requester.clone(), parameters) {
        Ok(asked) => begin(app, asked).await,
        Err(api_error) => Err(api_error),
    };
    let mut response = match begun {
        Ok(parts) => {
            let body =
                stream::unfold(parts, |mut parts| async { parts.recv().await.map(|part| (part, parts)) });
            let name = format!("attachment; filename=\"dossier.{}\"", format.name());
            let headers = [(CONTENT_TYPE, format.media_type()), (CONTENT_DISPOSITION, &name)];
            (headers, Body::from_stream(body)).into_response()
        }
        Err(api_error) => refused(&api_error),
    };
    if let Some(budget) = requester.budget() {
        graphql::tell_budget(response.headers_mut(), budget);
    }
    response
}

fn ask(
    app: &AppState,
    format: Format,
    requester: Arc<Requester>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Asked, ApiError> {
    let Query(Parameters { kind, topic, actor, from, until }) = parameters.map_err(|_| {
        let message =
            "The query parameters are `type`, `topic`, `actor`, `from` and `until`, each at most once.";
        ApiError::new(Code::BadUserInput, message)
    })?;
    let known = |name: String| {
        let message = format!("It takes one of {}.", app.exports.kinds.names());
        let kind = app.exports.kinds.named(&name).map(|(_, kind)| kind.name);
        kind.ok_or_else(|| ApiError::bad_input("type", message))
    };
    let kind = kind.map(known).transpose()?;
    match (format, kind) {
        (Format::Csv, None) => Err(ApiError::bad_input("type", "CSV contains one record type: set `type`.")),
        (Format::Csv, Some(_)) | (_, None) => {
            let selection = Selection { topic, actor, from, until };
            Ok(Asked { format, kind: kind.unwrap_or_default(), selection, requester })
        }
        _ => Err(ApiError::bad_input(
            "type",
            "`type` is for CSV only: other formats contain all record types.",
        )),
    }
}

type Parts = mpsc::Receiver<Result<Bytes, std::io::Error>>;

/// Begins an export; what it writes comes in parts, of which few wait to be read.
async fn begin(app: Arc<AppState>, asked: Asked) -> Result<Parts, ApiError> {
    let (parts, reading) = mpsc::channel(2);
    let (decide, decided) = oneshot::channel();
    tokio::spawn(request::carried(async move {
        let mut decide = Some(decide);
        let run = tokio::time::timeout(app.request_timeout, run(&app, &asked, &parts, &mut decide));
        let Err(api_error) = run.await.unwrap_or_else(|_| Err(ApiError::timeout())) else { return };
        request::refused([&api_error]);
        match decide {
            Some(decide) => drop(decide.send(Err(api_error))),
            // The status is sent: all that is left is to end the answer where nobody takes it for whole.
            None => drop(parts.send(Err(std::io::Error::other("given up"))).await),
        }
    }));
    decided.await.unwrap_or_else(|_| Err(ApiError::internal()))?;
    Ok(reading)
}

async fn run(
    app: &AppState,
    asked: &Asked,
    parts: &mpsc::Sender<Result<Bytes, std::io::Error>>,
    decide: &mut Option<oneshot::Sender<Result<(), ApiError>>>,
) -> Result<(), ApiError> {
    let client = asked.requester.counts_as();
    let _running = app.exports.running.take(Some(client)).map_err(|full| full.api_error("exports"))?;
    // Apart from the pool from here on: given up in the middle of a statement, it is closed.
    let mut connection = app.database.pool().acquire().await?.detach();
    let mut export =
        Export::begin(&mut connection, &app.exports.kinds, &asked.selection).await.map_err(api_error)?;
    let writer = asked.format.writer(asked.kind);
    let records = export.count(writer.as_ref()).await.map_err(api_error)?;
    let cost = usize::try_from(records).unwrap_or(usize::MAX);
    let cost = cost.saturating_add(asked.selection.filters() * COST_OF_FILTER).max(1);
    request::cost(cost);
    if cost > app.exports.max_cost {
        return Err(ApiError::beyond("points of cost", app.exports.max_cost, cost));
    }
    app.spend(&asked.requester, cost)?;
    if let Some(decide) = decide.take() {
        let _ = decide.send(Ok(()));
    }
    let (mut written, mut out) = (Written::by(writer), Vec::new());
    while export.next(&mut written, &mut out).await.map_err(api_error)? {
        // Where the client has gone, there is nothing left to do.
        match timeout(STALLED, parts.send(Ok(std::mem::take(&mut out).into()))).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => break,
            Err(_) => return Err(ApiError::new(Code::TooSlow, "The client reads too slowly.")),
        }
    }
    Ok(())
}

fn api_error(error: export::Error) -> ApiError {
    match error {
        export::Error::Selection(field, message) => ApiError::bad_input(field, message),
        export::Error::Database(error) => error.into(),
    }
}
