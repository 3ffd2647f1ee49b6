//! What operators run at Google is whole and gives no more rights than it says: `infra/google`, in Terraform and with `gcloud`.
//!
//! Whether Google's provider takes it, only Terraform with that provider can say. Here it is read as far as its own names go.

use super::root;
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

/// Every right that is given, and nothing above it.
const ROLES: [&str; 5] = [
    "roles/iam.serviceAccountOpenIdTokenCreator",
    "roles/pubsub.publisher",
    "roles/pubsub.subscriber",
    "roles/secretmanager.secretAccessor",
    "roles/secretmanager.viewer",
];

fn text(file: &str) -> String {
    fs::read_to_string(root().join("infra/google").join(file)).unwrap()
}

/// The words of a text, with dots within them.
fn words(text: &str) -> Vec<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/');
    text.split(|c| !is_part(c)).map(|word| word.trim_matches('.')).filter(|word| !word.is_empty()).collect()
}

/// The labels of blocks of this kind, such as `resource`, with a dot between two.
fn blocks<'a>(text: &'a str, kind: &str) -> BTreeSet<String> {
    let of = |line: &'a str| line.strip_prefix(kind)?.strip_prefix(" \"")?.strip_suffix("\" {");
    text.lines().filter_map(of).map(|labels| labels.replace("\" \"", ".")).collect()
}

/// The same text without comments, with quotes and braces that fit each other.
fn whole(text: &str) -> String {
    let mut open = Vec::new();
    let mut kept = String::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            let in_string = open.last() == Some(&'"');
            match (in_string, c) {
                (true, '\\') => _ = chars.next(),
                (true, '"') => _ = open.pop(),
                (true, '$') if chars.peek() == Some(&'{') => open.extend(chars.next()),
                (true, _) => {}
                (false, '"' | '{' | '[' | '(') => open.push(c),
                (false, '}' | ']' | ')') => {
                    let fits =
                        matches!((open.pop(), c), (Some('{'), '}') | (Some('['), ']') | (Some('('), ')'));
                    assert!(fits, "{line}");
                }
                (false, _) => {}
            }
        }
        assert_ne!(open.last(), Some(&'"'), "a text that does not end: {line}");
        kept.push_str(line);
        kept.push('\n');
    }
    assert!(open.is_empty(), "{open:?}");
    kept
}

#[test]
fn every_name_in_what_terraform_makes_at_google_is_there_and_used() {
    let terraform = whole(&text("main.tf"));
    let used = words(&terraform);
    let of = |prefix: &str| -> BTreeSet<String> {
        let names = used.iter().filter_map(|word| word.strip_prefix(prefix)?.split('.').next());
        names.map(str::to_owned).collect()
    };
    assert_eq!(of("var."), blocks(&terraform, "variable"));
    let (_, locals) = terraform.split_once("\nlocals {\n").unwrap();
    let locals = locals.split("\n}").next().unwrap().lines();
    let locals: BTreeSet<String> =
        locals.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.trim().to_owned()).collect();
    assert_eq!(of("local."), locals);
    let mut made = blocks(&terraform, "resource");
    made.extend(blocks(&terraform, "data").iter().map(|name| format!("data.{name}")));
    assert!(made.len() > 10, "{made:?}");
    for word in used.iter().filter(|word| word.starts_with("google_") || word.starts_with("data.google_")) {
        let parts = if word.starts_with("data.") { 3 } else { 2 };
        let name: Vec<&str> = word.split('.').take(parts).collect();
        assert!(name.len() < parts || made.contains(&name.join(".")), "{word} is nowhere");
    }
}

#[test]
fn both_ways_to_set_google_up_give_the_same_rights_and_listen_to_the_same() {
    let (terraform, script) = (text("main.tf"), text("setup.sh"));
    for (file, text) in [("main.tf", &terraform), ("setup.sh", &script)] {
        let roles: BTreeSet<&str> =
            words(text).into_iter().filter(|word| word.starts_with("roles/")).collect();
        assert_eq!(roles, BTreeSet::from(ROLES), "{file}");
        assert!(!text.contains("allUsers") && !text.contains("allAuthenticatedUsers"), "{file}");
    }
    let filter = |text: &str| {
        let (_, behind) = text.split_once("logName:").unwrap();
        behind.lines().next().unwrap().replace(['\\', '\'', '"', ' '], "")
    };
    assert_eq!(filter(&terraform), filter(&script));
    let parsed = Command::new("sh").arg("-n").arg(root().join("infra/google/setup.sh")).status().unwrap();
    assert!(parsed.success());
}
