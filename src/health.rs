//! Is it alive, is it ready, how is it doing: for supervisors, load balancers and Prometheus.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};

use crate::app::App;
use crate::auth::Access;
use crate::telemetry;
use crate::web::Routes;

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/livez", Access::Public, live)
        .get("/readyz", Access::Public, ready)
}

/// What the private port answers: the same two, and the metrics.
pub fn private_router(app: App) -> Router {
    Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(app)
}

/// `GET /livez`: the process runs.
async fn live() -> &'static str {
    "alive\n"
}

/// `GET /readyz`: requests can be served, that is, Postgres answers and nobody has asked us to stop.
async fn ready(State(app): State<App>) -> Response {
    let answers = tokio::time::timeout(
        std::time::Duration::from_secs(2),
        sqlx::query("select 1").execute(app.db.unscoped()),
    );
    match answers.await {
        _ if app.hub.is_stopping() => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response(),
        Ok(Ok(_)) => "ready\n".into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response(),
    }
}

/// `GET /metrics`: Prometheus text.
async fn metrics(State(app): State<App>) -> Response {
    let (used, idle) = app.db.connections();
    metrics::gauge!("pulseboard_db_pool_connections", "state" => "used").set(used);
    metrics::gauge!("pulseboard_db_pool_connections", "state" => "idle").set(idle);
    metrics::gauge!("pulseboard_streams_open").set(app.hub.open() as f64);
    let (boards, stale) = app.boards.stale_share();
    metrics::gauge!("pulseboard_summary_stale_ratio").set(if boards == 0 { 0.0 } else { stale as f64 / boards as f64 });
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        telemetry::render(),
    )
        .into_response()
}
