//! Exports over HTTP, with the permissions and limits of a query.

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
use sqlx::PgConnection;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{
    auth::{caller::Role, limits::Shares},
    bulk::{
        export::{self, Export, ExportState, Selection, formats::Format},
        records::RecordKinds,
    },
    config::Config,
    error::{ApiError, Code},
    model::Catalog,
    server::{
        AppState, RequestId, Sender,
        credentials::Credentials,
        graphql,
        operation::Requester,
        response::{self, Media},
        revision, whole_texts,
    },
    telemetry::request::{self, Transport},
};

/// Concurrent exports: each holds a database connection while its client reads.
const MAX_EXPORTS: usize = 4;
/// Concurrent exports per client.
const MAX_PER_CLIENT: usize = 2;
/// Records of a selection, of all types together: their ids are held in memory.
const MAX_SELECTED: usize = 1_000_000;
/// How long a client may take to read.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// The cost of a filter, as of one in a query.
const FILTER_COST: usize = 100;

pub(super) struct Exports {
    kinds: Arc<RecordKinds>,
    max_cost: usize,
    base_url: Option<String>,
    /// The role that whole texts of sources require.
    whole_texts: Role,
    running: Arc<Shares>,
}

impl Exports {
    pub(super) fn new(catalog: &Catalog, config: &Config) -> Self {
        let kinds = Arc::new(RecordKinds::of(&catalog.object_types));
        Exports {
            kinds,
            max_cost: config.max_cost,
            base_url: config.base_url.clone(),
            whole_texts: whole_texts(config),
            running: Arc::new(Shares::new(MAX_PER_CLIENT, MAX_EXPORTS)),
        }
    }
}

/// One route per format. With trusted documents only, there are none.
pub(super) fn routes(config: &Config) -> Router<Arc<AppState>> {
    let formats = if config.trusted_documents_only { &[] } else { &Format::ALL[..] };
    formats.iter().fold(Router::new(), |router, format| {
        let format = *format;
        let handler =
            move |app, id, client, headers, parameters| handle(format, app, id, client, headers, parameters);
        router.route(&format!("/export.{}", format.name()), get(handler))
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

struct ExportRequest {
    format: Format,
    kind: &'static str,
    selection: Selection,
    requester: Arc<Requester>,
    /// The revision that the export must be at least as new as.
    named: Option<i64>,
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
    // Everyone who may read may read all records, but not whole texts.
    let requester = match Credentials::from_headers(&headers).identify(&app, client).await {
        Ok(identity) => Arc::new(Requester::new(identity, client)),
        Err(api_error) => return refused(&api_error),
    };
    let export_request =
        revision::named(&headers).and_then(|named| parse(&app, format, requester.clone(), named, parameters));
    let started = match export_request {
        Ok(export_request) => begin(app, export_request).await,
        Err(api_error) => Err(api_error),
    };
    let mut response = match started {
        Ok((chunks, Accepted { texts_left_out, revision })) => {
            let body = stream::unfold(chunks, |mut chunks| async {
                chunks.recv().await.map(|chunk| (chunk, chunks))
            });
            let name = format!("attachment; filename=\"dossier.{}\"", format.name());
            let headers = [(CONTENT_TYPE, format.media_type()), (CONTENT_DISPOSITION, &name)];
            let mut response = (headers, Body::from_stream(body)).into_response();
            if texts_left_out > 0 {
                response.headers_mut().insert(TEXTS_LEFT_OUT, texts_left_out.into());
            }
            revision::set(&mut response, revision);
            response
        }
        Err(api_error) => refused(&api_error),
    };
    if let Some(budget) = requester.budget() {
        graphql::set_rate_limit_headers(response.headers_mut(), budget);
    }
    response
}

fn parse(
    app: &AppState,
    format: Format,
    requester: Arc<Requester>,
    named: Option<i64>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<ExportRequest, ApiError> {
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
            Ok(ExportRequest { format, kind: kind.unwrap_or_default(), selection, requester, named })
        }
        _ => Err(ApiError::bad_input(
            "type",
            "`type` is for CSV only: other formats contain all record types.",
        )),
    }
}

type Chunks = mpsc::Receiver<Result<Bytes, std::io::Error>>;

/// The header that says how many texts of sources the export leaves out.
const TEXTS_LEFT_OUT: &str = "dossier-texts-left-out";

/// What is known when the output begins.
struct Accepted {
    texts_left_out: u64,
    /// The revision that the export is at least as new as, if known.
    revision: Option<i64>,
}

/// Starts an export. Its output is streamed through a short queue.
async fn begin(app: Arc<AppState>, export_request: ExportRequest) -> Result<(Chunks, Accepted), ApiError> {
    let (chunks, reading) = mpsc::channel(2);
    let (accept, accepted) = oneshot::channel();
    tokio::spawn(request::carried(async move {
        let mut accept = Some(accept);
        let run = tokio::time::timeout(app.request_timeout, run(&app, &export_request, &chunks, &mut accept));
        let Err(api_error) = run.await.unwrap_or_else(|_| Err(ApiError::timeout())) else { return };
        request::refused([&api_error]);
        match accept {
            Some(accept) => drop(accept.send(Err(api_error))),
            // The status is sent already. An error ends the body, so that clients notice that it is incomplete.
            None => drop(chunks.send(Err(std::io::Error::other("given up"))).await),
        }
    }));
    let accepted = accepted.await.unwrap_or_else(|_| Err(ApiError::internal()))?;
    Ok((reading, accepted))
}

async fn run(
    app: &AppState,
    export_request: &ExportRequest,
    chunks: &mpsc::Sender<Result<Bytes, std::io::Error>>,
    accept: &mut Option<oneshot::Sender<Result<Accepted, ApiError>>>,
) -> Result<(), ApiError> {
    let client = export_request.requester.as_client();
    let _running = app.exports.running.take(Some(client)).map_err(|full| full.api_error("exports"))?;
    let (mut connection, revision) = connect(app, export_request.named).await?;
    let texts = export_request.requester.identity.role >= app.exports.whole_texts;
    let (kinds, selection) = (&app.exports.kinds, &export_request.selection);
    let export = Export::begin(&mut connection, kinds, selection, texts, MAX_SELECTED).await;
    let mut export = export.map_err(api_error)?;
    let writer = export_request.format.writer(export_request.kind, app.exports.base_url.as_deref());
    let records = export.count(writer.as_ref()).await.map_err(api_error)?;
    let cost = usize::try_from(records).unwrap_or(usize::MAX);
    let cost = cost.saturating_add(export_request.selection.filters() * FILTER_COST).max(1);
    request::cost(cost);
    if cost > app.exports.max_cost {
        return Err(ApiError::beyond("points of cost", app.exports.max_cost, cost));
    }
    app.spend(&export_request.requester, cost)?;
    let texts_left_out = export.texts_left_out(writer.as_ref()).await.map_err(api_error)?;
    if let Some(accept) = accept.take() {
        let _ = accept.send(Ok(Accepted { texts_left_out, revision }));
    }
    let (mut state, mut out) = (ExportState::new(writer), Vec::new());
    while export.next(&mut state, &mut out).await.map_err(api_error)? {
        // The client has disconnected.
        match timeout(READ_TIMEOUT, chunks.send(Ok(std::mem::take(&mut out).into()))).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => break,
            Err(_) => return Err(ApiError::new(Code::TooSlow, "The client reads too slowly.")),
        }
    }
    Ok(())
}

/// A connection to a replica or the writer, with the revision that its data is at least as new as, if known. It is not
/// from the pool: if the export is cancelled in the middle of a statement, it is closed.
async fn connect(app: &AppState, named: Option<i64>) -> Result<(PgConnection, Option<i64>), ApiError> {
    let (freshness, _) = app.freshness(named).await?;
    let replicas = app.database.replicas();
    if let Some(replica) = replicas.choose(freshness, None).await? {
        match replica.connect().await {
            Ok(connected) => return Ok((connected.connection, Some(replica.revision))),
            Err(error) if replicas.are_alone() => return Err(error.into()),
            Err(_) => replica.suspect(),
        }
    }
    let connection = app.database.pool().acquire().await?.detach();
    Ok((connection, freshness.revision()))
}

fn api_error(error: export::Error) -> ApiError {
    match error {
        export::Error::TooMany(most) => ApiError::beyond("selected records", most, most + 1),
        export::Error::Selection(field, message) => ApiError::bad_input(field, message),
        export::Error::Database(error) => error.into(),
    }
}
