//! Metrics of what a platform team promises: what is failing, overdue or not indexed, and how long a change takes to
//! its Secrets. No dimension for a cluster or key: what is counted costs the same however large Pawl's world is, and
//! alarms can be set on it beforehand. Which cluster or key it is stands in the log and in `pawl get`.

use jiff::Timestamp;
use pawl_domain::{Change, Outcome, Severity};
use pawl_pipeline::index::{ClusterIndex, IndexReport};
use pawl_pipeline::sweep::SweepReport;
use pawl_pipeline::{Pipeline, PushReport, Report};
use pawl_ports::{Clock, Error, Ports};
use tracing::warn;

/// A whole number as a gauge takes it; above 2^53 it is rounded.
fn gauge(count: usize) -> f64 {
    count as f64
}

/// Measures what a sweep found: `pawl_declarations_failing`, `pawl_declarations_overdue`,
/// `pawl_oldest_overdue_seconds` and `pawl_stores_not_swept`, and counts it in `pawl_sweeps_total`.
pub fn swept(report: &SweepReport) {
    metrics::gauge!("pawl_declarations_failing").set(gauge(report.promise.failing));
    metrics::gauge!("pawl_declarations_set_aside").set(gauge(report.promise.set_aside));
    metrics::gauge!("pawl_declarations_overdue").set(gauge(report.promise.overdue));
    metrics::gauge!("pawl_oldest_overdue_seconds").set(report.promise.oldest_overdue.as_secs_f64());
    metrics::gauge!("pawl_stores_not_swept").set(gauge(report.failed.len()));
    metrics::counter!("pawl_sweeps_total").increment(1);
}

/// Measures a pass over PushSecrets: `pawl_pushes_failing`, how many fail, those that rest included, and counts it in
/// `pawl_push_passes_total`. Which they are is in the log.
pub fn pushed(report: &PushReport) {
    let mut count = report.resting;
    for (id, problem) in report.failures() {
        count += 1;
        warn!(code = %problem.code(), "PushSecret {id} is not carried out: {problem}");
    }
    metrics::gauge!("pawl_pushes_failing").set(gauge(count));
    metrics::counter!("pawl_push_passes_total").increment(1);
}

/// How many mistakes in the manifests of one folder are logged.
const LOGGED: usize = 20;

/// Measures a look at the clusters' own manifests: `pawl_clusters_not_indexed`, and counts it in `pawl_indexes_total`.
/// Which clusters were not indexed is in the log.
pub fn indexed(reports: &[ClusterIndex]) {
    let failed = reports.iter().filter_map(|(cluster, report)| Some((cluster, report.as_ref().err()?)));
    let mut count = 0;
    for (cluster, problem) in failed {
        count += 1;
        warn!(cluster.name = %cluster, code = %problem.code(), "cluster {cluster} is not indexed: {problem}");
    }
    metrics::gauge!("pawl_clusters_not_indexed").set(gauge(count));
    metrics::counter!("pawl_indexes_total").increment(1);
}

/// Measures a look at all folders of manifests: `pawl_folders_not_indexed`. What was not taken in is in the log.
pub fn all_folders(taken: &[(String, Result<IndexReport, Error>)]) {
    let is_complete =
        |report: &Result<IndexReport, Error>| report.as_ref().is_ok_and(IndexReport::is_complete);
    let count = taken.iter().filter(|(_, report)| !is_complete(report)).count();
    metrics::gauge!("pawl_folders_not_indexed").set(gauge(count));
    folders(taken);
}

/// Logs what was not taken in of folders of manifests.
pub fn folders(taken: &[(String, Result<IndexReport, Error>)]) {
    for (folder, report) in taken {
        match report {
            Err(problem) => {
                warn!(%folder, code = %problem.code(), "folder {folder} is not indexed: {problem}");
            }
            Ok(report) => mistakes(report).take(LOGGED).for_each(|mistake| warn!(%folder, "{mistake}")),
        }
    }
}

/// What was not taken in, and why.
fn mistakes(report: &IndexReport) -> impl Iterator<Item = String> {
    let problems = report.problems.iter().filter(|problem| problem.severity == Severity::Error);
    problems.map(ToString::to_string).chain(report.failed())
}

/// Measures how long a change took to its Secrets, in `pawl_event_to_written_seconds`: once for a change or job of which
/// something was written. A change that says no time, or one that has not come yet, is left out.
pub(crate) fn written<P: Ports>(pipeline: &Pipeline<P>, change: Option<&Change>, report: &Report) {
    let Some(change) = change else { return };
    if report.count(Outcome::Written) == 0 {
        return;
    }
    if let Some(seconds) = since(change.at, pipeline.ports().clock().now()) {
        metrics::histogram!("pawl_event_to_written_seconds").record(seconds);
    }
}

fn since(at: Timestamp, now: Timestamp) -> Option<f64> {
    let known = at > Timestamp::UNIX_EPOCH && at <= now;
    known.then(|| now.duration_since(at).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_times_that_were_told_are_measured() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (told, want) in [(0, None), (90, Some(10.0)), (100, Some(0.0)), (101, None)] {
            assert_eq!(since(at(told), at(100)), want, "{told}");
        }
    }
}
