//! The double and a real server are held to the same recorded answers.

use super::steps::{Group, Outcome, file, groups, path};
use pawl_servers::vault::{RealVault, Vault, VaultApi, VaultDouble, VaultOptions};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt::Write};

#[tokio::test]
async fn the_double_answers_as_recorded() {
    let mut outcomes = Vec::new();
    for group in groups() {
        let vault = VaultDouble::start(VaultOptions::default()).await.unwrap();
        let audit = async || Some(vault.audit_lines().await);
        outcomes.extend(run(&group, &vault.api().unwrap(), &audit).await);
    }
    compare(&outcomes);
}

/// With `PAWL_RECORD` set, its answers become the recorded ones.
#[tokio::test]
async fn a_server_of_our_own_answers_as_recorded() {
    let Some(program) = Vault::available() else {
        println!("skipped: PAWL_TEST_VAULT_BIN names no bao or vault program");
        return;
    };
    let vault = Vault::start_dev(&program).await.unwrap();
    let audit = async || Some(vault.audit_lines().unwrap());
    let mut outcomes = Vec::new();
    for group in groups() {
        outcomes.extend(run(&group, vault.api(), &audit).await);
    }
    if std::env::var_os("PAWL_RECORD").is_some() {
        let lines = outcomes.iter().map(|outcome| format!("{}\n", written(outcome)));
        std::fs::write(path("recorded.jsonl"), lines.collect::<String>()).unwrap();
        println!("recorded {} answers", outcomes.len());
        return;
    }
    compare(&outcomes);
    let (file, socket) = (vault.audit_lines().unwrap(), vault.socket_lines());
    assert!(
        file.len() > 2 * outcomes.len() - 20 && !socket.is_empty(),
        "{} and {}",
        file.len(),
        socket.len()
    );
}

#[tokio::test]
async fn a_server_that_somebody_runs_answers_as_recorded() {
    let Some(vault) = RealVault::from_env().unwrap() else {
        println!("skipped: VAULT_ADDR and VAULT_TOKEN name no server");
        return;
    };
    let mut outcomes = Vec::new();
    for group in groups() {
        outcomes.extend(run(&group, vault.api(), &async || None).await);
    }
    compare(&outcomes);
}

#[test]
fn every_call_is_recorded_once() {
    let names: Vec<String> = groups().iter().flat_map(Group::names).collect();
    let recorded: Vec<String> =
        lines().into_iter().map(|line| line["name"].as_str().unwrap_or_default().to_owned()).collect();
    assert_eq!(names, recorded);
    assert!(names.len() > 150, "{}", names.len());
}

async fn run(group: &Group, root: &VaultApi, audit: &impl AsyncFn() -> Option<Vec<String>>) -> Vec<Outcome> {
    group.run(root, audit).await.unwrap_or_else(|error| panic!("the group {}: {error}", group.group))
}

/// Shows all differences at once.
fn compare(outcomes: &[Outcome]) {
    let recorded: BTreeMap<String, Value> = lines()
        .into_iter()
        .map(|line| (line["name"].as_str().unwrap_or_default().to_owned(), line))
        .collect();
    let mut differences = String::new();
    for outcome in outcomes {
        let seen = written(outcome);
        let wanted = &recorded[&outcome.name];
        for part in ["status", "answer", "records"] {
            if part == "records" && outcome.records.is_none() {
                continue;
            }
            if seen[part] != wanted[part] {
                let _ = write!(
                    differences,
                    "\n{} {part}\n  saw    {}\n  wanted {}",
                    outcome.name, seen[part], wanted[part]
                );
            }
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

fn lines() -> Vec<Value> {
    file("recorded.jsonl").lines().map(|line| serde_json::from_str(line).unwrap_or_default()).collect()
}

fn written(outcome: &Outcome) -> Value {
    let Outcome { name, status, answer, records } = outcome;
    json!({ "name": name, "status": status, "answer": answer, "records": records })
}
