//! Takes the evidence: reads stores, clusters, queues, the table or the local file, by their own protocols.

use crate::checker::Evidence;
use crate::io;
use crate::manifests::REGION;
use crate::stage::{Queues, Stage, TABLE};
use crate::stores::Stores;
use crate::watch::Watch;
use crate::world::Key;
use pawl_e2e::{Error, Result, shows};
use pawl_servers::{Queue, Service};
use rusqlite::types::ValueRef;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// How things stand now.
pub(crate) async fn standing(stage: &Stage) -> Result<Evidence> {
    let mut evidence = Evidence {
        stood: stage.journal.stood(),
        declared: stage.journal.declared(),
        at: stage.journal.now(),
        ..Evidence::default()
    };
    for key in Key::all() {
        evidence.stored.insert(key, stage.stores.read(key).await?);
    }
    for cluster in &stage.clusters {
        evidence.secrets.extend(cluster.secrets().await?);
    }
    let kept = if stage.queues.is_some() { table(&stage.stores).await? } else { local_file(stage).await? };
    // In the table ids have another separator.
    (evidence.kept, evidence.records) = (kept.registry.replace('!', "/"), kept.records.replace('!', "/"));
    evidence.left_jobs.extend(kept.left_jobs);
    evidence.waiting_jobs.extend(kept.waiting_jobs);
    evidence.dead_jobs.extend(kept.dead_jobs);
    if let Some(queues) = &stage.queues {
        let aws = &stage.stores.aws;
        for (name, queue) in [("events", &queues.events), ("jobs", &queues.jobs)] {
            match aws.queue_depth(queue).await? {
                0 => {}
                depth => evidence.left_jobs.push((name.to_owned(), format!("{depth} in all"))),
            }
        }
    }
    Ok(evidence)
}

/// The same, with the whole history, and what was given up; and a look for the canary wherever something is kept.
pub(crate) async fn all(stage: &Stage, watch: &Watch) -> Result<Evidence> {
    let mut evidence = standing(stage).await?;
    evidence.seen = watch.seen();
    evidence.odd = watch.gaps();
    if let Some(queues) = &stage.queues {
        evidence.dead_jobs = dead(&stage.stores, queues).await?;
    }
    let canary = &stage.stores.canary;
    let mut places = vec![("what Pawl keeps".to_owned(), format!("{}{}", evidence.kept, evidence.records))];
    places.push(("metrics".to_owned(), stage.pawl.metrics().await?));
    let (_, reports) = stage.pawl.command(&["get", "--output", "json"]).await?;
    places.push(("pawl get".to_owned(), reports));
    places.extend(evidence.dead_jobs.iter().chain(&evidence.waiting_jobs).cloned());
    for cluster in &stage.clusters {
        for path in ["/api/v1/events", "/apis/external-secrets.io/v1/externalsecrets"] {
            places.push((format!("{} {path}", cluster.name), cluster.get(path).await?.to_string()));
        }
    }
    let leaking = places.into_iter().filter(|(_, text)| shows(text, canary)).map(|(place, _)| place);
    evidence.leaks = leaking.collect();
    evidence.leaks.extend(stage.gate.leaks().into_iter().map(|call| format!("the request {call}")));
    Ok(evidence)
}

/// The files of a folder that show the canary.
pub(crate) fn leaking_files(folder: &Path, canary: &str) -> Result<Vec<String>> {
    let mut leaking = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io("cannot read the logs"))? {
        let path = entry.map_err(io("cannot read the logs"))?.path();
        let text = std::fs::read(&path).map_err(io("cannot read a log"))?;
        if shows(&String::from_utf8_lossy(&text), canary) {
            leaking.push(path.display().to_string());
        }
    }
    Ok(leaking)
}

/// The longest pause of a job that failed again and again, in milliseconds: a quarter of an hour, by a clock that may have
/// been two minutes ahead.
const PAUSE: i64 = 17 * 60 * 1000;

/// What Pawl keeps, as text.
#[derive(Debug, Default)]
struct Kept {
    registry: String,
    records: String,
    left_jobs: Vec<(String, String)>,
    waiting_jobs: Vec<(String, String)>,
    dead_jobs: Vec<(String, String)>,
}

/// Every item of the table.
async fn table(stores: &Stores) -> Result<Kept> {
    let (mut kept, mut body) = (Kept::default(), json!({ "TableName": TABLE }));
    loop {
        let page = stores.aws.call(REGION, Service::DYNAMODB, "Scan", &body).await?;
        for item in page["Items"].as_array().into_iter().flatten() {
            let partition = item["pk"]["S"].as_str().unwrap_or_default();
            let is_record = partition.starts_with("record#") || partition.starts_with("unsettled#");
            let text = if is_record { &mut kept.records } else { &mut kept.registry };
            *text += &format!("{item}\n");
        }
        match &page["LastEvaluatedKey"] {
            Value::Null => return Ok(kept),
            last => body["ExclusiveStartKey"] = last.clone(),
        }
    }
}

async fn local_file(stage: &Stage) -> Result<Kept> {
    let path = stage.database();
    let read = tokio::task::spawn_blocking(move || database(&path)).await;
    let read = read.map_err(|error| Error::Otherwise(format!("reading the local file: {error}")))?;
    read.map_err(|error| Error::Otherwise(format!("the local file cannot be read: {error}")))
}

/// Every row of every table of a SQLite file.
fn database(path: &Path) -> rusqlite::Result<Kept> {
    let file = rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    file.busy_timeout(Duration::from_secs(10))?;
    let mut names = file.prepare("select name from sqlite_master where type = 'table'")?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut kept = Kept::default();
    for name in names.into_iter().filter(|name| name != "jobs") {
        let text = rows(&file, &name)?;
        let all = if name == "records" { &mut kept.records } else { &mut kept.registry };
        all.push_str(&text);
    }
    let now = pawl_e2e::now().as_millisecond();
    let pauses = now..=now + PAUSE;
    let mut jobs = file.prepare("select document, dead is not null, leased, due from jobs")?;
    let jobs = jobs.query_map([], |row| {
        let (is_dead, is_leased, due): (bool, bool, i64) = (row.get(1)?, row.get(2)?, row.get(3)?);
        Ok((row.get::<_, String>(0)?, is_dead, !is_leased && pauses.contains(&due)))
    })?;
    for job in jobs {
        let (document, is_dead, is_waiting) = job?;
        let queue = match (is_dead, is_waiting) {
            (true, _) => &mut kept.dead_jobs,
            (false, true) => &mut kept.waiting_jobs,
            (false, false) => &mut kept.left_jobs,
        };
        queue.push(("jobs".to_owned(), document));
    }
    Ok(kept)
}

fn rows(file: &rusqlite::Connection, table: &str) -> rusqlite::Result<String> {
    let mut all = file.prepare(&format!("select * from \"{table}\""))?;
    let (columns, mut text) = (all.column_count(), String::new());
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            if let ValueRef::Text(bytes) | ValueRef::Blob(bytes) = row.get_ref(column)? {
                text += &String::from_utf8_lossy(bytes);
            }
            text.push(' ');
        }
        text.push('\n');
    }
    Ok(text)
}

/// The messages of the dead-letter queues. They are taken out: this is the end of the run.
async fn dead(stores: &Stores, queues: &Queues) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let both: [(&str, &Queue); 2] = [("events-dead", &queues.events_dead), ("jobs-dead", &queues.jobs_dead)];
    for (name, queue) in both {
        loop {
            let messages = stores.aws.receive(queue, 10, Duration::ZERO).await?;
            if messages.is_empty() {
                break;
            }
            for message in messages {
                stores.aws.delete_message(queue, &message.receipt_handle).await?;
                found.push((name.to_owned(), message.body));
            }
        }
    }
    Ok(found)
}
