//! `pawl sync`: by hand what an event would do.

use super::input;
use super::results::Results;
use crate::args::{Args, Sync};
use crate::error::Error;
use crate::output::{self, code};
use pawl_domain::{Change, DeclarationId};
use pawl_pipeline::{Pipeline, Report};
use pawl_ports::{Clock, Job, Ports, Registry};
use pawl_runtime::World;
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
    Ok(What::Changes(pipeline.changes_of_key(&sync.what, sync.region.as_deref()).await?))
}
