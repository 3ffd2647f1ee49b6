//! `pawl explain`: what an event would touch, and why not others; why a declaration or a PushSecret is as it is; what a code
//! means.

mod account;
mod code;

use super::absent::absent;
use super::input;
use crate::args::{Args, Explain};
use crate::error::Error;
use crate::flow::{over, registry};
use crate::output::{self, Table};
use pawl_domain::{Affected, Change, DeclarationId, Moved};
use pawl_pipeline::Pipeline;
use pawl_runtime::World;
use serde::Serialize;
use std::process::ExitCode;

pub(super) async fn run(args: &Args, explain: &Explain) -> Result<ExitCode, Error> {
    if let Some(code) = explain.what.to_str().filter(|text| text.starts_with("PAWL-")) {
        output::show(&code::entry(code)?, args.output);
        return Ok(ExitCode::SUCCESS);
    }
    // A file of that name is meant before a declaration, as in `pawl sync`.
    let declaration = explain.what.to_str().and_then(|text| text.parse::<DeclarationId>().ok());
    match declaration {
        Some(id) if !explain.what.exists() && explain.offline => {
            of_declaration(&registry(args).await?, args, &id, false).await
        }
        Some(id) if !explain.what.exists() => {
            over(args, async |flow| of_declaration(flow, args, &id, true).await).await
        }
        _ => of_event(args, explain).await,
    }
}

async fn of_declaration(
    pipeline: &Pipeline<World>,
    args: &Args,
    id: &DeclarationId,
    asking: bool,
) -> Result<ExitCode, Error> {
    let push = pipeline.push_account(id).await?;
    let Some(account) = pipeline.account(id).await? else {
        if push.is_some() {
            output::show(&account::shown(None, push.as_ref()), args.output);
            return Ok(ExitCode::SUCCESS);
        }
        return Err(absent(pipeline, id).await?);
    };
    let witness = match asking {
        true => pipeline.witness(&account).await?,
        false => pipeline.permitted(&account).await?,
    };
    output::show(&account::shown(Some((&account, &witness)), push.as_ref()), args.output);
    Ok(ExitCode::SUCCESS)
}

async fn of_event(args: &Args, explain: &Explain) -> Result<ExitCode, Error> {
    let event = input::text(&explain.what)?;
    let changes = pawl_events::changes(event.as_bytes())?;
    let pipeline = registry(args).await?;
    let mut explained = Explained { changes: Vec::new(), declarations: Vec::new() };
    for change in &changes {
        explained.changes.push(describe(change));
        for explanation in pipeline.explain(change).await? {
            let (affected, reason) = match explanation.affected {
                Affected::Yes => (true, "it reads this key".to_owned()),
                Affected::No(reason) => (false, reason.to_string()),
            };
            explained.declarations.push(Row { declaration: explanation.id.to_string(), affected, reason });
        }
    }
    output::show(&explained, args.output);
    Ok(ExitCode::SUCCESS)
}

fn describe(change: &Change) -> String {
    let what = match &change.moved {
        Moved::Current => "has a new version in force".to_owned(),
        Moved::Label(label) => format!("has its label {label} on another version"),
        Moved::SomeLabel => "has a label on another version".to_owned(),
        Moved::Existence => "came, went or came back".to_owned(),
        Moved::Metadata => "has other metadata".to_owned(),
    };
    let version = change.version.as_ref().map(|version| format!(" ({version})")).unwrap_or_default();
    format!("{} of {} {what}{version}", change.key(), change.location)
}

#[derive(Debug, Serialize)]
struct Explained {
    changes: Vec<String>,
    declarations: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    declaration: String,
    affected: bool,
    reason: String,
}

impl Table for Explained {
    const HEADINGS: &'static [&'static str] = &["DECLARATION", "AFFECTED", "REASON"];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |row: &Row| {
            let affected = if row.affected { "yes" } else { "no" };
            vec![row.declaration.clone(), affected.to_owned(), row.reason.clone()]
        };
        self.declarations.iter().map(row).collect()
    }

    fn summary(&self) -> Option<String> {
        if self.changes.is_empty() {
            return Some("this event changes no value that anybody could read".to_owned());
        }
        Some(self.changes.join("\n"))
    }
}
