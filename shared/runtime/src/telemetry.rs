//! Logs and metrics: where they go. What they say is decided where things happen.
//!
//! Values never reach either: they live in `SecretValue`, which prints nothing, and no body, SDK response or
//! Kubernetes object is ever a field.

use crate::config::Lookup;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::{EnvFilter, fmt};

/// The bounds of what is measured in seconds from an event to its Secrets.
const SECONDS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0];

/// The form of log lines.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// One JSON object a line, for machines.
    Json,
    /// One readable line each, for people.
    Text,
}

/// Installs the process's subscriber. The level comes from `AWS_LAMBDA_LOG_LEVEL`, then `PAWL_LOG`, else `info`;
/// libraries below Pawl are kept at `warn`, for they may log requests. A second call does nothing.
pub fn logs<W>(lookup: &dyn Lookup, format: Format, sink: W)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let level = lookup.get("AWS_LAMBDA_LOG_LEVEL").or_else(|| lookup.get("PAWL_LOG"));
    let level = level.and_then(|text| text.to_lowercase().parse().ok()).unwrap_or(tracing::Level::INFO);
    // What AWS's own library says of machines that are not in AWS is no trouble, and long.
    let filter = EnvFilter::new(format!("warn,aws_config=error,pawl={level}"));
    let builder = fmt().with_env_filter(filter).with_writer(sink);
    let installed = match format {
        Format::Json => builder.json().flatten_event(true).with_current_span(true).try_init(),
        Format::Text => {
            let colours =
                std::io::IsTerminal::is_terminal(&std::io::stderr()) && lookup.get("NO_COLOR").is_none();
            builder.with_target(false).with_ansi(colours).compact().try_init()
        }
    };
    // A subscriber that is already there was put there by a test, and stays.
    if installed.is_ok() {
        say_nothing_of_panics();
    }
}

/// A panic's words may hold a value, so only its place is told.
fn say_nothing_of_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!("a fault of Pawl ended a piece of work (a panic at {place})");
    }));
}

/// Installs the process's recorder for Prometheus; its handle renders what `/metrics` answers.
///
/// # Errors
/// When a recorder is installed already.
pub fn prometheus() -> Result<PrometheusHandle, BuildError> {
    let latency = Matcher::Full("pawl_event_to_written_seconds".to_owned());
    PrometheusBuilder::new().set_buckets_for_metric(latency, &SECONDS)?.install_recorder()
}
