//! Whether the server lives, and whether it can answer.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};

use crate::{
    database::{Error, Readiness},
    server::AppState,
    telemetry::outage,
};

/// Live is who can come to answer without being started anew.
pub(super) async fn live(State(app): State<Arc<AppState>>) -> (StatusCode, Json<Value>) {
    if app.database.is_supervised() {
        return (StatusCode::OK, Json(json!({ "status": "live" })));
    }
    let reason = "the embedded Postgres is not supervised: restart the server";
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "unavailable", "reason": reason })))
}

/// Ready is who can be read from; whether changes can be made is told beside it.
pub(super) async fn ready(State(app): State<Arc<AppState>>) -> (StatusCode, Json<Value>) {
    if app.staying.is_leaving() {
        let told = json!({ "status": "stopping", "reason": "the server is shutting down" });
        return (StatusCode::SERVICE_UNAVAILABLE, Json(told));
    }
    let Readiness { reading, writing, reason } = app.database.ready().await;
    let (status, word) =
        if reading { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "unavailable") };
    let mut told = json!({ "status": word, "reading": reading, "writing": writing });
    // Probes meet the same outage as requests do.
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
                Error::Forbidden(tables) => outage::FORBIDDEN.met(&format!("{reason}: {tables}")),
                _ => outage::READ_ONLY.met(&reason),
            },
            // Migrations are pending: no outage, and the log was told when the server started.
            (true, true) => {}
        }
        told["reason"] = reason.to_string().into();
    }
    (status, Json(told))
}
