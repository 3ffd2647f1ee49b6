//! `pawl report`: what a security team asks each quarter.

use crate::args::{Args, Report};
use crate::error::Error;
use crate::output::{self, Table, code};
use jiff::{SignedDuration, Timestamp};
use pawl_pipeline::Pipeline;
use pawl_pipeline::sweep::review::{ListedKey, Review};
use pawl_runtime::World;
use serde::Serialize;
use std::process::ExitCode;

pub(super) async fn run(pipeline: &Pipeline<World>, args: &Args, report: &Report) -> Result<ExitCode, Error> {
    let days = SignedDuration::from_hours(i64::from(report.older_than) * 24);
    let review = pipeline.review(days).await?;
    let whole = review.unseen.is_empty();
    output::show(&Findings::of(review, report.older_than), args.output);
    Ok(code(whole))
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Findings(Vec<Row>);

#[derive(Debug, Serialize)]
struct Row {
    finding: &'static str,
    object: String,
    #[serde(rename = "where")]
    place: String,
    /// When the value changed, by the store's dates.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<String>,
    detail: String,
}

impl Findings {
    fn of(review: Review, days: u32) -> Self {
        let at = |at: Timestamp| format!("{at:.0}");
        let of_key = |finding, detail: &str, key: ListedKey| Row {
            finding,
            object: key.key,
            place: key.location,
            changed: key.changed.map(at),
            detail: detail.to_owned(),
        };
        let row = |finding, object: String, place: String, detail: String| Row {
            finding,
            object,
            place,
            changed: None,
            detail,
        };
        let unread =
            review.unread.into_iter().map(|key| of_key("unread key", "no declaration reads it", key));
        let old_since = format!("not changed for {days} days or more");
        let old = review.old.into_iter().map(|key| of_key("old value", &old_since, key));
        let orphans = review.orphans.into_iter().map(|(cluster, namespace, secret)| {
            let detail = "it has the managed label, and no declaration names it".to_owned();
            row("Secret without owner", format!("{namespace}/{secret}"), format!("cluster {cluster}"), detail)
        });
        let wide = review.wide.into_iter();
        let wide = wide.map(|(store, how)| row("wide access", store.to_string(), String::new(), how));
        let unused = review.unused.into_iter().map(|store| {
            row("unused store", store.to_string(), String::new(), "no declaration reads it".to_owned())
        });
        let unseen =
            review.unseen.into_iter().map(|(who, why)| row("not looked at", who, String::new(), why));
        Self(unread.chain(old).chain(orphans).chain(wide).chain(unused).chain(unseen).collect())
    }
}

impl Table for Findings {
    const HEADINGS: &'static [&'static str] = &["FINDING", "OBJECT", "WHERE", "CHANGED", "DETAIL"];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |row: &Row| {
            let changed = row.changed.clone().unwrap_or_default();
            vec![row.finding.to_owned(), row.object.clone(), row.place.clone(), changed, row.detail.clone()]
        };
        self.0.iter().map(row).collect()
    }

    fn summary(&self) -> Option<String> {
        Some(format!("{} findings", self.0.len()))
    }
}
