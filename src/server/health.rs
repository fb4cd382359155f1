//! Health checks: liveness and readiness.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};

use crate::{
    database::{Error, Readiness},
    server::AppState,
    telemetry::outage,
};

/// Live unless only a restart helps.
pub(super) async fn live(State(app): State<Arc<AppState>>) -> (StatusCode, Json<Value>) {
    if app.database.is_supervised() {
        return (StatusCode::OK, Json(json!({ "status": "live" })));
    }
    let reason = "the embedded Postgres is not supervised: restart the server";
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "unavailable", "reason": reason })))
}

/// Ready if reads work; `writing` says whether changes work too.
pub(super) async fn ready(State(app): State<Arc<AppState>>) -> (StatusCode, Json<Value>) {
    if app.shutdown.is_draining() {
        let body = json!({ "status": "stopping", "reason": "the server is shutting down" });
        return (StatusCode::SERVICE_UNAVAILABLE, Json(body));
    }
    let Readiness { reading, writing, reason } = app.database.ready().await;
    let (status, status_text) =
        if reading { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "unavailable") };
    let mut body = json!({ "status": status_text, "reading": reading, "writing": writing });
    // Probes and requests share one log of outages.
    if reading {
        outage::UNREACHABLE.over();
    }
    if writing {
        outage::READ_ONLY.over();
        outage::FORBIDDEN.over();
    }
    if let Some(reason) = reason {
        match (reading, writing) {
            (false, _) => outage::UNREACHABLE.met(&reason),
            (true, false) => match &reason {
                // It never writes, which is no outage.
                Error::OnlyReads | Error::Standby => {}
                Error::Forbidden(tables) => outage::FORBIDDEN.met(&format!("{reason}: {tables}")),
                _ => outage::READ_ONLY.met(&reason),
            },
            // Migrations are pending: no outage, and logged at the start.
            (true, true) => {}
        }
        body["reason"] = reason.to_string().into();
    }
    (status, Json(body))
}
