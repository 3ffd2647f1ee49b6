//! `pawl delete`: declarations out of the registry, with the Secrets that they own; or a whole cluster; or policies; or
//! PushSecrets, which the next pass lets go when it has removed what is to go with them.

use crate::args::{Args, Delete};
use crate::error::Error;
use crate::flow::{open, registry};
use crate::output::{self, Table, code};
use pawl_domain::{ClusterName, DeclarationId, ObjectName};
use pawl_pipeline::index::retire::Retired;
use serde::Serialize;
use std::process::ExitCode;

pub(super) async fn run(args: &Args, delete: &Delete) -> Result<ExitCode, Error> {
    match delete.what.split_first() {
        Some((first, names)) if first == "cluster" => clusters(args, names, delete.force).await,
        Some((first, names)) if first == "policy" && !delete.force => policies(args, names).await,
        Some((first, names)) if first == "push" && !delete.force => pushes(args, names).await,
        _ if delete.force => Err(Error::Usage(
            "--force is for pawl delete cluster <name>: a declaration is only removed with its Secret"
                .to_owned(),
        )),
        _ => declarations(args, &delete.what).await,
    }
}

async fn declarations(args: &Args, what: &[String]) -> Result<ExitCode, Error> {
    let ids = what.iter().map(|text| text.parse::<DeclarationId>().map_err(|error| wrong(text, &error)));
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    let pipeline = open(args).await?;
    let removed = pipeline.remove(&ids).await?;
    let row = |id: &DeclarationId| match removed.iter().find(|(removed, _)| removed == id) {
        Some((id, result)) => Row::new(id.to_string(), result.as_ref().err()),
        None => Row {
            object: id.to_string(),
            result: "not found",
            message: Some("no such declaration is registered; see pawl get".to_owned()),
        },
    };
    shown(args, ids.iter().map(row).collect())
}

async fn clusters(args: &Args, names: &[String], force: bool) -> Result<ExitCode, Error> {
    let names = names.iter().map(|text| text.parse::<ClusterName>().map_err(|error| wrong(text, &error)));
    let names = names.collect::<Result<Vec<_>, _>>()?;
    if names.is_empty() {
        return Err(Error::Usage("write pawl delete cluster <name>".to_owned()));
    }
    // By force neither the cluster nor a store is asked, so nothing that they need has to be there.
    let pipeline = if force { registry(args).await? } else { open(args).await? };
    let mut rows = Vec::new();
    for name in &names {
        rows.extend(rows_of(name, &pipeline.retire_cluster(name, force).await?));
    }
    shown(args, rows)
}

async fn policies(args: &Args, names: &[String]) -> Result<ExitCode, Error> {
    let names = names.iter().map(|text| text.parse::<ObjectName>().map_err(|error| wrong(text, &error)));
    let names = names.collect::<Result<Vec<_>, _>>()?;
    if names.is_empty() {
        return Err(Error::Usage("write pawl delete policy <name>".to_owned()));
    }
    let removed = registry(args).await?.remove_policies(&names).await?;
    let row = |(name, known): (ObjectName, bool)| match known {
        true => Row::new(format!("StorePolicy {name}"), None),
        false => Row {
            object: format!("StorePolicy {name}"),
            result: "not found",
            message: Some("no such policy is registered; see pawl get policies".to_owned()),
        },
    };
    shown(args, removed.into_iter().map(row).collect())
}

async fn pushes(args: &Args, names: &[String]) -> Result<ExitCode, Error> {
    let ids = names.iter().map(|text| text.parse::<DeclarationId>().map_err(|error| wrong(text, &error)));
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    if ids.is_empty() {
        return Err(Error::Usage("write pawl delete push <cluster>/<namespace>/<name>".to_owned()));
    }
    let pipeline = registry(args).await?;
    let mut rows = Vec::new();
    for id in ids {
        rows.push(match pipeline.send_off_push(&id).await? {
            true => Row { object: format!("PushSecret {id}"), result: "going", message: None },
            false => Row {
                object: format!("PushSecret {id}"),
                result: "not found",
                message: Some("no such PushSecret is applied; see pawl get pushes".to_owned()),
            },
        });
    }
    shown(args, rows)
}

fn rows_of(name: &ClusterName, retired: &Retired) -> Vec<Row> {
    let declarations = retired.declarations.iter();
    let mut rows: Vec<Row> =
        declarations.map(|(id, result)| Row::new(id.to_string(), result.as_ref().err())).collect();
    rows.extend(retired.patterns.iter().map(|id| Row::new(id.to_string(), None)));
    rows.extend(retired.stores.iter().map(|id| Row::new(id.to_string(), None)));
    let (result, message) = match (retired.is_empty(), retired.is_complete()) {
        (true, _) => ("not found", Some("no such cluster is registered; see pawl get clusters".to_owned())),
        (_, true) => ("removed", None),
        (_, false) => {
            let message = "it stays until its Secrets are deleted; --force leaves them where they are";
            ("failed", Some(message.to_owned()))
        }
    };
    rows.push(Row { object: format!("Cluster {name}"), result, message });
    rows
}

fn wrong(text: &str, error: &dyn std::fmt::Display) -> Error {
    Error::Usage(format!("{text}: {error}"))
}

fn shown(args: &Args, rows: Vec<Row>) -> Result<ExitCode, Error> {
    let well = rows.iter().all(|row| row.message.is_none());
    output::show(&Removed(rows), args.output);
    Ok(code(well))
}

#[derive(Debug, Serialize)]
struct Removed(Vec<Row>);

#[derive(Debug, Serialize)]
struct Row {
    #[serde(rename = "declaration")]
    object: String,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl Row {
    fn new(object: String, error: Option<&pawl_ports::Error>) -> Self {
        let result = if error.is_some() { "failed" } else { "removed" };
        Self { object, result, message: error.map(ToString::to_string) }
    }
}

impl Table for Removed {
    const HEADINGS: &'static [&'static str] = &["DECLARATION", "RESULT", "MESSAGE"];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |row: &Row| {
            vec![row.object.clone(), row.result.to_owned(), row.message.clone().unwrap_or_default()]
        };
        self.0.iter().map(row).collect()
    }
}
