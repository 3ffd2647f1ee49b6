//! One run from beginning to end.

use crate::checker::{self, Finding, Kind};
use crate::driver::Driver;
use crate::evidence;
use crate::io;
use crate::journal::Journal;
use crate::options::Options;
use crate::report::{DRIVER_LOG, Report};
use crate::stage::Stage;
use crate::watch::Watch;
use pawl_e2e::{Error, Result};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Sweeps that pass before anything is judged.
const SWEEPS: usize = 2;
/// Between two looks at whether everything has settled.
const LOOK: Duration = Duration::from_secs(2);
/// How long work that a sweep handed to the queue may take, until the next sweep.
const WORK: Duration = Duration::from_secs(60);
/// How long everything may take to settle. On an idle machine it is seconds.
const SETTLING: Duration = Duration::from_secs(300);

/// Plays a run and judges it. Logs are kept where the report says when something is wrong.
///
/// # Errors
/// When the stage does not come up or breaks by itself. What Pawl does wrong is in the report.
pub async fn run(options: &Options) -> Result<Report> {
    let logs =
        tempfile::Builder::new().prefix("pawl-chaos-logs-").tempdir().map_err(io("cannot make a folder"))?;
    let journal = Arc::new(Journal::new(&logs.path().join(DRIVER_LOG))?);
    let played = play(options, logs.path(), &journal).await;
    journal.flush();
    match played {
        Ok(report) if report.is_well() => Ok(report),
        Ok(report) => {
            drop(logs.keep());
            Ok(report)
        }
        Err(error) => Err(Error::Otherwise(format!("{error}\nlogs: {}", logs.keep().display()))),
    }
}

async fn play(options: &Options, logs: &Path, journal: &Arc<Journal>) -> Result<Report> {
    let mut report = Report::new(options, PathBuf::from(logs));
    let stage = Arc::new(Stage::start(options, logs, Arc::clone(journal)).await?);
    stage.pawl.start_missing(&stage).await;
    let watch = Watch::start(&stage, journal);
    let mut driver = Driver::open(Arc::clone(&stage), options).await?;
    journal.note("all is declared");
    let (_, wrong) = settle(&stage, 0).await?;
    if !wrong.is_empty() {
        journal.note("it did not even begin well");
        return finish(stage, &watch, report, wrong).await;
    }
    driver.play(Duration::from_secs(options.seconds)).await?;
    report.done = driver.heal().await?;
    let healed = Instant::now();
    let (sweeps, wrong) = settle(&stage, SWEEPS).await?;
    (report.sweeps, report.settled_after) = (sweeps, healed.elapsed());
    finish(stage, &watch, report, wrong).await
}

/// Sweeps and looks until all targets stand as they must, or for as long as patience lasts. Returns the number of sweeps, and
/// what is still wrong.
async fn settle(stage: &Stage, at_least: usize) -> Result<(usize, Vec<Finding>)> {
    let (began, mut sweeps) = (Instant::now(), 0);
    loop {
        sweep(stage).await;
        sweeps += 1;
        let findings = standing(stage).await?;
        stage.journal.note(&format!("sweep {sweeps}: {} things are not yet as they must be", findings.len()));
        if findings.is_empty() && sweeps >= at_least || began.elapsed() > SETTLING {
            return Ok((sweeps, findings));
        }
    }
}

/// What is wrong with how things stand, after the work that is under way.
async fn standing(stage: &Stage) -> Result<Vec<Finding>> {
    let began = Instant::now();
    loop {
        let findings = checker::standing(&evidence::standing(stage).await?);
        if findings.is_empty() || began.elapsed() > WORK {
            return Ok(findings);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// A sweep of everything, due or not, and a reading of the clusters' manifests. One that fails is seen by what it leaves.
async fn sweep(stage: &Stage) {
    let Some(lambda) = stage.pawl.lambda() else {
        let swept = stage.pawl.command(&["sweep", "--all"]).await;
        if let Err(error) = swept {
            stage.journal.note(&format!("sweep: {error}"));
        }
        return;
    };
    for (function, request) in [("index", json!({})), ("sweep", json!({ "all": true }))] {
        match lambda.invoke(function, &request).await {
            Ok(summary) => stage.journal.note(&format!("{function}: {summary}")),
            Err(error) => stage.journal.note(&format!("{function}: {error}")),
        }
    }
}

/// Takes the last evidence, ends everything, and judges.
async fn finish(
    stage: Arc<Stage>,
    watch: &Watch,
    mut report: Report,
    unsettled: Vec<Finding>,
) -> Result<Report> {
    let mut evidence = evidence::all(&stage, watch).await?;
    // Servers go on sweeping, and what they hand to the queue at this moment is not left there.
    let began = Instant::now();
    while !evidence.left_jobs.is_empty() && began.elapsed() < WORK {
        tokio::time::sleep(LOOK).await;
        evidence.left_jobs = evidence::standing(&stage).await?.left_jobs;
    }
    report.count_calls(&stage);
    (report.sights, report.targets) = (evidence.seen.len(), evidence.secrets.len());
    report.dead_jobs = evidence.dead_jobs.len();
    evidence.odd.extend(stage.pawl.end().await);
    stage.journal.flush();
    let leaking = evidence::leaking_files(&report.logs, &stage.stores.canary)?;
    evidence.leaks.extend(leaking);
    report.findings = checker::all(&evidence);
    // What settled between the last look and this one took too long all the same.
    let late = unsettled.into_iter().filter(|finding| finding.kind != Kind::Job);
    let known = report.findings.clone();
    report.findings.extend(late.filter(|finding| !known.contains(finding)));
    report.tell_story(&stage);
    Ok(report)
}
