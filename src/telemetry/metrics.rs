//! The metrics the process counts: their names, what they mean, and their buckets, in one list.
//! Names follow the Prometheus convention: base units in the name, `_total` on counters.

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::task::JoinHandle;

/// Upper bounds for every `_seconds` histogram: half a millisecond for a cached page up to two minutes for a full refresh.
pub const SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
];
/// For ages, which live in minutes.
const AGES: &[f64] = &[0.1, 1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// All metrics in the Prometheus text format; empty before telemetry is set up.
pub fn render() -> String {
    HANDLE.get().map(PrometheusHandle::render).unwrap_or_default()
}

/// Installs the recorder and the timer that drains its histograms, which nothing else does between scrapes.
pub(super) fn install() -> Result<JoinHandle<()>> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_age_seconds".into()), AGES)?
        .install_recorder()
        .context("metrics are set up already")?;
    ensure!(HANDLE.set(handle.clone()).is_ok(), "metrics are set up already");
    describe();
    Ok(tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_secs(5));
        loop {
            tick.tick().await;
            handle.run_upkeep();
        }
    }))
}

fn describe() {
    let counters = [
        (
            "pulseboard_board_requests_total",
            "Requests for a board, by cache: hit, stale, kept (read as another instance rendered it) or miss",
        ),
        (
            "pulseboard_http_requests_total",
            "Requests answered, by route, method and status",
        ),
        ("pulseboard_log_ins_total", "Attempts to log in, by result"),
        (
            "pulseboard_summary_differences_total",
            "Differences that verify found between summary and source rows",
        ),
        (
            "pulseboard_outbox_delivered_total",
            "Facts delivered after their commit, by kind",
        ),
        (
            "pulseboard_outbox_failures_total",
            "Facts whose reaction failed and is tried again, by kind",
        ),
        (
            "pulseboard_streams_cut_total",
            "Live streams ended by the server, by reason",
        ),
        ("pulseboard_job_runs_total", "Scheduled runs, by job and result"),
    ];
    let gauges = [
        (
            "pulseboard_summary_stale_ratio",
            Unit::Count,
            "Share of facilities whose summary is older than its freshness, 0 to 1",
        ),
        ("pulseboard_streams_open", Unit::Count, "Live streams open now"),
        ("pulseboard_sessions_cached", Unit::Count, "Sessions held in memory"),
        (
            "pulseboard_db_pool_connections",
            Unit::Count,
            "Connections to Postgres, by pool and state: idle or used",
        ),
        (
            "pulseboard_board_hit_ratio",
            Unit::Count,
            "Share of boards answered from memory within the last minute, 0 to 1",
        ),
        (
            "pulseboard_threshold_state",
            Unit::Count,
            "State of a threshold of the System page, by rule: 0 ok, 1 pending, 2 firing",
        ),
        (
            "pulseboard_outbox_depth",
            Unit::Count,
            "Facts committed and not delivered yet",
        ),
        (
            "pulseboard_outbox_oldest_seconds",
            Unit::Seconds,
            "Age of the oldest fact not delivered yet",
        ),
        (
            "pulseboard_job_last_success_timestamp_seconds",
            Unit::Seconds,
            "Unix time of the last good run, by job",
        ),
        (
            "pulseboard_process_start_timestamp_seconds",
            Unit::Seconds,
            "Unix time at which the process started",
        ),
    ];
    let histograms = [
        (
            "pulseboard_http_request_seconds",
            "Time to the response head, by route and status",
        ),
        ("pulseboard_board_cache_age_seconds", "Age of the board that was served"),
        (
            "pulseboard_summary_refresh_seconds",
            "Duration of a refresh, by trigger: schedule, view, button or write",
        ),
        ("pulseboard_query_seconds", "Duration of a query, by query"),
        (
            "pulseboard_fragment_delivery_seconds",
            "From the commit of a write to its fragment in the streams",
        ),
        ("pulseboard_job_seconds", "Duration of a scheduled run, by job"),
    ];
    for (name, meaning) in counters {
        describe_counter!(name, Unit::Count, meaning);
    }
    for (name, unit, meaning) in gauges {
        describe_gauge!(name, unit, meaning);
    }
    for (name, meaning) in histograms {
        describe_histogram!(name, Unit::Seconds, meaning);
    }
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    metrics::gauge!("pulseboard_process_start_timestamp_seconds").set(now.as_secs_f64());
}
