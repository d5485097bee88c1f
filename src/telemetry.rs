//! What the process says about itself: log lines, traces, and Prometheus metrics.
//! One call at the start sets all three up; its guard flushes them at the end.

mod lines;
mod metrics;
mod vitals;

use anyhow::{Context, Result};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use crate::config::{Config, LogFormat};

use lines::Lines;
pub use metrics::{SECONDS, render};
pub use vitals::{Counts, EVERY, Ring, Vitals};

/// Keeps logs, traces and metrics going; hand it to [`Guard::shutdown`] last.
#[derive(Debug)]
pub struct Guard {
    traces: Option<SdkTracerProvider>,
    lines: Lines,
    upkeep: tokio::task::JoinHandle<()>,
}

impl Guard {
    /// Sends the spans that still wait, for at most the exporter's own time limit of 10 s.
    pub async fn shutdown(mut self) {
        self.upkeep.abort();
        if let Some(traces) = self.traces.take() {
            // The exporter's client blocks, and must not do so on the runtime.
            let flushed = tokio::task::spawn_blocking(move || traces.shutdown()).await;
            if let Ok(Err(error)) = flushed {
                eprintln!("the last traces were not sent: {error}");
            }
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.lines.flush();
    }
}

/// Starts logging to standard error, tracing to the collector if one is set, and counting. Call once, inside the runtime.
///
/// # Errors
/// When another subscriber or recorder is installed already, or the exporter cannot be made.
pub fn init(config: &Config) -> Result<Guard> {
    let traces = config.otel_endpoint.as_deref().map(exporting_provider).transpose()?;
    let lines = Lines::start().context("cannot start the thread of the log")?;
    let (log, filter) = log_layer(config, lines.clone())?;
    match &traces {
        Some(provider) => {
            let tracer = provider.tracer("pulseboard");
            // The exporter's own requests must not become spans that are exported.
            let exported = EnvFilter::new("info,hyper=off,hyper_util=off,h2=off,reqwest=off,opentelemetry=off");
            let spans = tracing_opentelemetry::layer().with_tracer(tracer).with_filter(exported);
            tracing_subscriber::registry()
                .with(log.with_filter(filter))
                .with(spans)
                .try_init()
        }
        // One filter for everything: with a filter of the log's own and no other layer, whatever the log leaves out is
        // still made, entered and left, such as two spans for each request.
        None => tracing_subscriber::registry().with(log).with(filter).try_init(),
    }
    .context("logging is set up already")?;
    Ok(Guard {
        traces,
        lines,
        upkeep: metrics::install()?,
    })
}

/// Spans of each request that say nothing and cost two microseconds; the setting may ask for them.
const QUIET: &str = "tower_sessions=warn,tower_sessions_core=warn";

type LogLayer = Box<dyn Layer<Registry> + Send + Sync>;

fn log_layer(config: &Config, lines: Lines) -> Result<(LogLayer, EnvFilter)> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", config.log_filter)).context("log_filter")?;
    let lines = fmt::layer().with_writer(lines);
    let log = match config.log_format {
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .boxed(),
        LogFormat::Pretty => {
            let colour = std::io::IsTerminal::is_terminal(&std::io::stderr()) && std::env::var_os("NO_COLOR").is_none();
            lines.with_target(false).with_ansi(colour).boxed()
        }
    };
    Ok((log, filter))
}

/// `endpoint` is the collector's base address; the path of the trace signal is added as the OTLP specification says.
fn exporting_provider(endpoint: &str) -> Result<SdkTracerProvider> {
    // its client takes the process's; an error says that there is one
    let _ = rustls::crypto::ring::default_provider().install_default();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .context("cannot set up traces for OTEL_EXPORTER_OTLP_ENDPOINT")?;
    let resource = Resource::builder().with_service_name("pulseboard").build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .build())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;

    /// A collector that takes one request and gives back its first line and the length of its body.
    fn collector() -> (String, std::sync::mpsc::Receiver<(String, Vec<u8>)>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut taken = Vec::new();
            let mut chunk = [0; 4096];
            while let Ok(n @ 1..) = stream.read(&mut chunk) {
                taken.extend_from_slice(&chunk[..n]);
                if taken.windows(4).any(|four| four == b"\r\n\r\n") && n < chunk.len() {
                    break;
                }
            }
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .unwrap();
            let first_line = String::from_utf8_lossy(&taken)
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned();
            sender.send((first_line, taken)).unwrap();
        });
        (address, receiver)
    }

    #[tokio::test]
    async fn spans_reach_the_collector_before_shutdown_ends() {
        let (address, received) = collector();
        let config = Config::load(None, &[("otel_endpoint", address)]).unwrap();
        let guard = init(&config).unwrap();

        tracing::info_span!("a_span_of_this_test").in_scope(|| ());
        ::metrics::counter!("pulseboard_board_requests_total", "cache" => "hit").increment(3);
        ::metrics::histogram!("pulseboard_query_seconds").record(0.003);
        ::metrics::histogram!("pulseboard_board_cache_age_seconds").record(700.0);
        let text = render();
        guard.shutdown().await;

        let (first_line, body) = received.recv_timeout(Duration::from_secs(5)).unwrap();
        assert_eq!(first_line, "POST /v1/traces HTTP/1.1");
        assert!(body.windows(19).any(|part| part == b"a_span_of_this_test"));
        assert!(
            text.contains("# TYPE pulseboard_board_requests_total counter"),
            "{text}"
        );
        assert!(
            text.contains("pulseboard_board_requests_total{cache=\"hit\"} 3"),
            "{text}"
        );
        assert!(
            text.contains("pulseboard_query_seconds_bucket{le=\"0.005\"} 1"),
            "{text}"
        );
        assert!(
            text.contains("pulseboard_board_cache_age_seconds_bucket{le=\"1800\"} 1"),
            "{text}"
        );
    }
}
