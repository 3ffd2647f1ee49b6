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
        kept: kept(stage).await?,
        ..Evidence::default()
    };
    for key in Key::all() {
        evidence.stored.insert(key, stage.stores.read(key).await?);
    }
    for cluster in &stage.clusters {
        evidence.secrets.extend(cluster.secrets().await?);
    }
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
    let mut places = vec![("what Pawl keeps".to_owned(), evidence.kept.clone())];
    places.push(("metrics".to_owned(), stage.pawl.metrics().await?));
    let (_, reports) = stage.pawl.command(&["get", "--output", "json"]).await?;
    places.push(("pawl get".to_owned(), reports));
    places.extend(evidence.dead_jobs.iter().cloned());
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

async fn kept(stage: &Stage) -> Result<String> {
    if stage.queues.is_some() {
        return table(&stage.stores).await;
    }
    let path = stage.database();
    let read = tokio::task::spawn_blocking(move || database(&path)).await;
    let read = read.map_err(|error| Error::Otherwise(format!("reading the local file: {error}")))?;
    read.map_err(|error| Error::Otherwise(format!("the local file cannot be read: {error}")))
}

/// Every item of the table.
async fn table(stores: &Stores) -> Result<String> {
    let (mut text, mut body) = (String::new(), json!({ "TableName": TABLE }));
    loop {
        let page = stores.aws.call(REGION, Service::DYNAMODB, "Scan", &body).await?;
        text += &page["Items"].to_string();
        match &page["LastEvaluatedKey"] {
            Value::Null => return Ok(text),
            last => body["ExclusiveStartKey"] = last.clone(),
        }
    }
}

/// Every row of every table of a SQLite file.
fn database(path: &Path) -> rusqlite::Result<String> {
    let file = rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    file.busy_timeout(Duration::from_secs(10))?;
    let mut names = file.prepare("select name from sqlite_master where type = 'table'")?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut text = String::new();
    for name in names {
        let mut all = file.prepare(&format!("select * from \"{name}\""))?;
        let columns = all.column_count();
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                match row.get_ref(column)? {
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => text += &String::from_utf8_lossy(bytes),
                    ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => {}
                }
                text.push(' ');
            }
            text.push('\n');
        }
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
