//! Sets up where logs and metrics go.
//!
//! Values never reach either: they live in `SecretValue`, which prints nothing, and no body, SDK response or
//! Kubernetes object is ever a field.

use crate::config::Lookup;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::{EnvFilter, fmt};

/// The bounds of what is measured in seconds from an event to its Secrets.
const SECONDS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0];

/// The dimension of which there are as many as clusters.
const CLUSTER: &str = "cluster";

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

/// Lines of CloudWatch's embedded metric format without the cluster among their dimensions: each combination of values is a
/// metric of its own, which CloudWatch charges for, and 40 clusters would cost more than all else that Pawl does. The
/// cluster stays in the line, where CloudWatch Logs finds it, and the metrics of several are added up.
pub(crate) fn affordable(lines: &[u8]) -> Vec<u8> {
    let mut all = Vec::with_capacity(lines.len());
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        match serde_json::from_slice::<serde_json::Value>(line) {
            Ok(mut told) if told.get(CLUSTER).is_some() => {
                let sets = told.pointer_mut("/_aws/CloudWatchMetrics").and_then(|sets| sets.as_array_mut());
                for set in sets.into_iter().flatten() {
                    let names = set.get_mut("Dimensions").and_then(|names| names.as_array_mut());
                    let names = names.into_iter().flatten().filter_map(|names| names.as_array_mut());
                    names.for_each(|names| names.retain(|name| name != CLUSTER));
                }
                all.extend(told.to_string().into_bytes());
                all.push(b'\n');
            }
            _ => all.extend_from_slice(line),
        }
    }
    all
}

/// Installs the process's recorder for Prometheus; its handle renders what `/metrics` answers.
///
/// # Errors
/// When a recorder is installed already.
pub fn prometheus() -> Result<PrometheusHandle, BuildError> {
    let latency = Matcher::Full("pawl_event_to_written_seconds".to_owned());
    PrometheusBuilder::new().set_buckets_for_metric(latency, &SECONDS)?.install_recorder()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn clusters_are_told_and_are_no_dimension() {
        let line = |dimensions: Value| {
            json!({
                "_aws": {"CloudWatchMetrics": [{"Namespace": "Pawl", "Dimensions": [dimensions],
                    "Metrics": [{"Name": "pawl_cluster_calls_total", "Unit": "Count"}]}]},
                "cluster": "blue", "verb": "patch", "code": "200", "pawl_cluster_calls_total": 3
            })
        };
        let other = r#"{"_aws":{},"pawl_sweeps_total":1}"#;
        let lines = format!("{}\n{other}\nno JSON\n", line(json!(["cluster", "verb", "code"])));
        let told = String::from_utf8(affordable(lines.as_bytes())).unwrap();
        let told: Vec<&str> = told.lines().collect();
        assert_eq!(serde_json::from_str::<Value>(told[0]).unwrap(), line(json!(["verb", "code"])));
        assert_eq!(told[1..], [other, "no JSON"]);
    }
}
