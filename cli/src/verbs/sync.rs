//! `pawl sync`: by hand what an event would do.

use super::results::Results;
use super::{code, input};
use crate::args::{Args, Sync};
use crate::error::Error;
use crate::output;
use pawl_domain::provider::Arn;
use pawl_domain::{Change, DeclarationId, Location, Moved};
use pawl_pipeline::{Pipeline, Report};
use pawl_ports::{Clock, Job, Ports, Registry};
use pawl_runtime::World;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

pub(super) async fn run(pipeline: &Pipeline<World>, args: &Args, sync: &Sync) -> Result<ExitCode, Error> {
    let mut report = Report::default();
    // A person asks for it, so what was set aside is tried as well.
    let insisting = pipeline.insisting();
    let pipeline = &if sync.accept_older { insisting.accepting_older() } else { insisting };
    match what(pipeline, sync).await? {
        What::Declaration(id) => {
            let at = pipeline.ports().clock().now();
            report.extend(pipeline.deliver(&Job { declarations: vec![id], change: None, at }).await?);
        }
        What::Changes(changes) => {
            for change in &changes {
                report.extend(pipeline.sync(change).await?);
            }
        }
    }
    let nothing = report.outcomes.is_empty();
    let results = Results::from(report);
    output::show(&results, args.output);
    if nothing {
        output::note(
            "nothing reads this; pawl explain tells why for an event, pawl get shows what is registered",
        );
    }
    Ok(code(results.all_well() && !nothing))
}

enum What {
    Declaration(DeclarationId),
    Changes(Vec<Change>),
}

/// An event's file, else a registered declaration, else a key.
async fn what(pipeline: &Pipeline<World>, sync: &Sync) -> Result<What, Error> {
    let path = Path::new(&sync.what);
    if sync.what == "-" || path.is_file() {
        return Ok(What::Changes(pawl_events::changes(input::text(path)?.as_bytes())?));
    }
    if let Ok(id) = sync.what.parse::<DeclarationId>() {
        let registered = pipeline.ports().registry().declarations(std::slice::from_ref(&id)).await?;
        if !registered.is_empty() {
            return Ok(What::Declaration(id));
        }
    }
    Ok(What::Changes(changes_of_key(pipeline, sync).await?))
}

/// The key as a change in every place where a store of the registry could find it.
async fn changes_of_key(pipeline: &Pipeline<World>, sync: &Sync) -> Result<Vec<Change>, Error> {
    let stores = pipeline.ports().registry().swept_stores().await?;
    let region = sync.region.as_deref().or_else(|| Arn::parse(&sync.what).map(|arn| arn.region));
    let locations: BTreeSet<Location> = stores
        .into_iter()
        .map(|swept| Location { account: None, ..swept.store.location() })
        .filter(|location| region.is_none_or(|region| location.region == region))
        .collect();
    let change = |location| Change {
        id: "by-hand".to_owned(),
        location,
        names: BTreeSet::from([sync.what.clone()]),
        version: None,
        moved: Moved::Existence,
        at: jiff::Timestamp::UNIX_EPOCH,
    };
    Ok(locations.into_iter().map(change).collect())
}
