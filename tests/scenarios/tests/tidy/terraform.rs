//! What operators run at Google is whole and gives no more rights than it says: `infra/google`, in Terraform and with `gcloud`.
//!
//! Whether Google's provider takes it, only Terraform with that provider can say. Here it is read as far as its own names go.

use super::root;
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

/// Every right that is given: at what, which role, to whom. Nothing above it.
const RIGHTS: [(&str, &str, Principal); 7] = [
    ("service account", "roles/iam.serviceAccountOpenIdTokenCreator", Principal::PubSub),
    ("subscription", "roles/pubsub.subscriber", Principal::PubSub),
    ("subscription", "roles/pubsub.subscriber", Principal::RolesOfAws),
    ("topic", "roles/pubsub.publisher", Principal::Log),
    ("topic", "roles/pubsub.publisher", Principal::PubSub),
    ("values", "roles/secretmanager.secretAccessor", Principal::Readers),
    ("values", "roles/secretmanager.viewer", Principal::Readers),
];

type Right<'a> = (&'static str, &'a str, Principal);

/// To whom a right is given, however it is written.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Principal {
    /// The identity with which the log writes to a topic.
    Log,
    /// The identity with which Pub/Sub acts in the project.
    PubSub,
    /// Those of the roles of AWS that are trusted.
    RolesOfAws,
    /// Who reads values.
    Readers,
}

impl Principal {
    fn of(member: &str) -> Self {
        match member.trim_matches('"') {
            "google_logging_project_sink.pawl.writer_identity"
            | "$(gcloud logging sinks describe pawl --format='value(writerIdentity)')" => Self::Log,
            "local.pubsub" | "$PUBSUB" => Self::PubSub,
            "each.value" | "each.value.reader" | "$READER" => Self::Readers,
            "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.pawl[0].name}/attribute.aws_role/${each.value}"
            | "principalSet://iam.googleapis.com/$POOL/attribute.aws_role/$AWS_ROLE" => Self::RolesOfAws,
            other => panic!("{other}: say in this test who that is"),
        }
    }
}

/// What the resources of Terraform give.
fn given_by_terraform(text: &str) -> BTreeSet<Right<'_>> {
    let blocks = text.split("\nresource \"").skip(1).map(|block| block.split("\n}").next().unwrap());
    let right = |block| {
        let (kind, body) = str::split_once(block, '"').unwrap();
        // A binding or a policy would take rights away from others.
        assert!(!kind.ends_with("_iam_binding") && !kind.ends_with("_iam_policy"), "{kind}");
        let at = match kind.strip_suffix("_iam_member")? {
            "google_project" | "google_secret_manager_secret" => "values",
            "google_pubsub_subscription" => "subscription",
            "google_pubsub_topic" => "topic",
            "google_service_account" => "service account",
            other => panic!("{other}: say in this test what that is"),
        };
        let field = |name: &str| {
            let mut fields = body.lines().filter_map(|line| line.split_once(" = "));
            fields.find(|(field, _)| field.trim() == name).unwrap().1
        };
        Some((at, field("role").trim_matches('"'), Principal::of(field("member"))))
    };
    blocks.filter_map(right).collect()
}

/// What the commands of the script give, each of which stands in one line.
fn given_by_script(text: &str) -> BTreeSet<Right<'_>> {
    let commands = text.lines().filter_map(|line| line.trim().strip_prefix("gcloud "));
    let mut found = BTreeSet::new();
    for (command, options) in commands.filter_map(|it| it.split_once(" add-iam-policy-binding ")) {
        let at = match command {
            "projects" => "values",
            "pubsub subscriptions" => "subscription",
            "pubsub topics" => "topic",
            "iam service-accounts" => "service account",
            other => panic!("{other}: say in this test what that is"),
        };
        let (_, role) = options.split_once("--role=").unwrap();
        let (role, rest) = role.split_once(' ').unwrap();
        let member = rest.trim_start().strip_prefix("--member=").unwrap();
        found.insert((at, role, Principal::of(member.trim_end_matches(" --condition=None"))));
    }
    found
}

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
    let script = script.replace("\\\n", "");
    assert_eq!(given_by_terraform(&terraform), BTreeSet::from(RIGHTS));
    assert_eq!(given_by_script(&script), BTreeSet::from(RIGHTS));
    for (file, text) in [("main.tf", &terraform), ("setup.sh", &script)] {
        let named = words(text).into_iter().filter(|word| word.starts_with("roles/"));
        assert!(named.into_iter().all(|role| RIGHTS.iter().any(|right| right.1 == role)), "{file}");
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
