//! The house stays a house: arrows between crates, sizes of files, folders and their resources.
#![expect(clippy::unwrap_used, reason = "a test that cannot read the repository has failed")]

#[path = "tidy/calls.rs"]
mod calls;
mod links;
mod stores;
mod terraform;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// Who may know whom: an arrow for each dependency within the house, and no others.
const ARROWS: &[(&str, &[&str])] = &[
    ("pawl-golang", &[]),
    ("pawl-pki", &[]),
    ("pawl-domain", &["pawl-golang", "pawl-pki"]),
    ("pawl-documents", &["pawl-domain"]),
    ("pawl-events", &["pawl-domain"]),
    ("pawl-manifests", &["pawl-domain", "pawl-golang"]),
    ("pawl-ports", &["pawl-documents", "pawl-domain"]),
    ("pawl-pipeline", &["pawl-documents", "pawl-domain", "pawl-ports"]),
    ("pawl-console", &["pawl-domain", "pawl-pipeline", "pawl-ports"]),
    ("pawl-aws", &["pawl-documents", "pawl-domain", "pawl-ports", "pawl-stores"]),
    ("pawl-kubernetes", &["pawl-domain", "pawl-manifests", "pawl-ports"]),
    ("pawl-embedded", &["pawl-documents", "pawl-domain", "pawl-ports"]),
    ("pawl-fake", &["pawl-domain", "pawl-ports"]),
    ("pawl-generators", &["pawl-domain", "pawl-pki", "pawl-ports", "pawl-stores"]),
    ("pawl-stores", &["pawl-domain", "pawl-pki", "pawl-ports"]),
    ("pawl-vault", &["pawl-domain", "pawl-golang", "pawl-ports", "pawl-stores"]),
    // Not deployed, but adapters are tested with it: an edit of a use case must not rebuild those tests.
    ("pawl-world", &["pawl-documents", "pawl-domain", "pawl-ports"]),
    (
        "pawl-runtime",
        &[
            "pawl-aws",
            "pawl-domain",
            "pawl-embedded",
            "pawl-events",
            "pawl-fake",
            "pawl-generators",
            "pawl-golang",
            "pawl-kubernetes",
            "pawl-pipeline",
            "pawl-ports",
            "pawl-stores",
            "pawl-vault",
        ],
    ),
    ("pawl-sync", &["pawl-pipeline", "pawl-ports", "pawl-runtime"]),
    ("pawl-deliver", &["pawl-pipeline", "pawl-ports", "pawl-runtime"]),
    ("pawl-sweep", &["pawl-domain", "pawl-pipeline", "pawl-ports", "pawl-runtime"]),
    ("pawl-index", &["pawl-domain", "pawl-manifests", "pawl-pipeline", "pawl-ports", "pawl-runtime"]),
    ("pawl-vault-audit", &["pawl-domain", "pawl-events", "pawl-ports", "pawl-runtime"]),
    ("pawl-intake", &["pawl-events", "pawl-ports", "pawl-runtime"]),
    (
        "pawl",
        &[
            "pawl-console",
            "pawl-domain",
            "pawl-events",
            "pawl-golang",
            "pawl-kubernetes",
            "pawl-manifests",
            "pawl-pipeline",
            "pawl-ports",
            "pawl-runtime",
        ],
    ),
];

/// Crates without I/O: none of these may be among their dependencies, nor what does I/O for others.
const PURE: &[&str] =
    &["pawl-golang", "pawl-pki", "pawl-domain", "pawl-documents", "pawl-events", "pawl-manifests"];
const IMPURE: &[&str] =
    &["tokio", "reqwest", "hyper", "kube", "http", "rustls", "rusqlite", "aws-config", "futures", "axum"];

/// What only tests may know.
const TEST_CRATES: &[&str] = &[
    "pawl-world",
    "pawl-devcluster",
    "pawl-servers",
    "pawl-scenarios",
    "pawl-e2e",
    "pawl-figures",
    "pawl-counts",
    "pawl-golden",
    "pawl-chaos",
];

/// Where a provider may be named beside the files and folders that bear the name of its profile's module. Everything else asks
/// the profile, so that adding a provider touches no other file.
const MORE_HOMES: &[(&str, &[&str])] = &[
    // Event Grid is of all of Azure.
    ("azurekv", &["shared/events/src/azure"]),
    ("generator", GENERATORS),
    ("open_bao", &["shared/vault/src/"]),
    ("parameter_store", &["shared/domain/src/store/aws.rs", "shared/aws/src/sources.rs"]),
    ("secrets_manager", &["shared/domain/src/store/aws.rs", "shared/aws/src/sources.rs"]),
];
/// Who may take a spec for one of a kind beside the files and folders of the same name.
const MORE_SPECS: &[(&str, &[&str])] = &[
    ("as_generator", GENERATORS),
    ("as_open_bao", &["shared/domain/src/store/vault.rs", "shared/vault/src/"]),
];
/// Where values are made, which is no reading of a store.
const GENERATORS: &[&str] = &[
    "cli/src/verbs/render/lookup.rs",
    "shared/aws/src/sources/generators",
    "shared/domain/src/policy/decide.rs",
    "shared/generators/src/",
    "shared/pipeline/src/deliver/generate.rs",
    "shared/pipeline/src/sweep/groups.rs",
    "shared/runtime/src/generators.rs",
    "shared/stores/src/azurekv/made.rs",
    "shared/stores/src/gcpsm/made.rs",
    "shared/stores/src/webhook.rs",
    "shared/vault/src/made.rs",
];

const LONGEST_FILE: usize = 500;
const LONGEST_FUNCTION_MAIN: usize = 30;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// Every file below a folder of the repository with this ending: what git tracks, and what is new and not ignored.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    static ALL: LazyLock<Vec<PathBuf>> = LazyLock::new(|| {
        let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let listed = Command::new("git").current_dir(root()).args(list).output().unwrap();
        assert!(listed.status.success(), "git lists the files of a checkout");
        let names = String::from_utf8(listed.stdout).unwrap();
        names.split_terminator('\0').map(|name| root().join(name)).filter(|path| path.is_file()).collect()
    });
    let here = |path: &&PathBuf| path.starts_with(folder) && path.to_string_lossy().ends_with(ending);
    ALL.iter().filter(here).cloned().collect()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

struct Manifest {
    name: String,
    dependencies: BTreeSet<String>,
}

/// A package's name and what it is built with; what only its tests need does not count.
fn manifest(path: &Path) -> Option<Manifest> {
    let text = fs::read_to_string(path).unwrap();
    let mut name = None;
    let mut dependencies = BTreeSet::new();
    let mut section = "";
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
            continue;
        }
        let key = line.split(['=', '.', ' ']).next().unwrap_or_default();
        match section {
            "[package]" if key == "name" => name = line.split('"').nth(1).map(str::to_owned),
            "[dependencies]" | "[build-dependencies]" if !key.is_empty() && !key.starts_with('#') => {
                dependencies.insert(key.to_owned());
            }
            _ => {}
        }
    }
    Some(Manifest { name: name?, dependencies })
}

fn manifests() -> Vec<Manifest> {
    let mut all = Vec::new();
    for folder in ["shared", "functions", "cli", "tests"] {
        all.extend(files(&root().join(folder), "Cargo.toml").iter().filter_map(|path| manifest(path)));
    }
    assert!(all.len() > 15, "the repository's packages were not found");
    all
}

#[test]
fn every_tracked_file_is_looked_at() {
    // A walk that passes over what is hidden, or is called like a folder of a build, misses some.
    assert_eq!(files(&root(), ".ci/run").len(), 1);
    assert!(!files(&root().join("shared/domain/src/reconcile"), ".rs").is_empty());
}

#[test]
fn crates_know_only_those_that_the_design_lets_them_know() {
    let arrows: BTreeMap<&str, BTreeSet<&str>> =
        ARROWS.iter().map(|(from, to)| (*from, to.iter().copied().collect())).collect();
    let mut known = BTreeSet::new();
    for package in manifests() {
        let Some(allowed) = arrows.get(package.name.as_str()) else { continue };
        known.insert(package.name.clone());
        let house = |name: &&String| *name == "pawl" || name.starts_with("pawl-");
        for dependency in package.dependencies.iter().filter(house) {
            assert!(
                allowed.contains(dependency.as_str()),
                "{} must not know {dependency}: see the arrows in ARCHITECTURE.md",
                package.name
            );
            assert!(!TEST_CRATES.contains(&dependency.as_str()), "{} is deployed", package.name);
        }
    }
    let named: BTreeSet<String> = arrows.keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(known, named, "every deployed crate is in the list of arrows");
}

#[test]
fn pure_crates_do_no_io() {
    for package in manifests().into_iter().filter(|each| PURE.contains(&each.name.as_str())) {
        for dependency in &package.dependencies {
            let impure = IMPURE.contains(&dependency.as_str()) || dependency.starts_with("aws-sdk");
            assert!(!impure, "{} must not know {dependency}", package.name);
        }
    }
}

/// The words of a text, of which `Provider::Vault` is one.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|sign: char| !(sign.is_alphanumeric() || sign == '_' || sign == ':'))
}

/// Whether a file is of this module: a folder or the file itself bears its name.
fn is_of_module(path: &str, module: &str) -> bool {
    path.split('/').any(|part| part.strip_suffix(".rs").unwrap_or(part) == module)
}

fn is_at_home(path: &str, module: &str, more: &[(&str, &[&str])], name: &str) -> bool {
    let more = more.iter().filter(|(of, _)| *of == name).flat_map(|(_, homes)| *homes);
    is_of_module(path, module) || more.into_iter().any(|home| path.starts_with(home))
}

#[test]
fn nobody_asks_which_provider_it_is() {
    let list = "shared/domain/src/provider.rs";
    let provider = fs::read_to_string(root().join(list)).unwrap();
    // `Self::GitLab => &gitlab::PROFILE,`
    let profiles = provider.lines().filter_map(|line| {
        let (variant, profile) = line.trim().strip_prefix("Self::")?.split_once(" => &")?;
        Some((variant, profile.strip_suffix("::PROFILE,")?))
    });
    let modules: BTreeMap<&str, &str> = profiles.collect();
    assert!(modules.len() > 5, "the providers are listed in {list}");

    let mut asking = Vec::new();
    let sources = ["shared", "cli", "functions"].into_iter().flat_map(|it| files(&root().join(it), ".rs"));
    let deployed = |path: &String| path.contains("/src/") && !path.ends_with("/tests.rs") && path != list;
    for path in sources.map(|path| shown(&path)).filter(deployed) {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let defined = path == "shared/domain/src/store.rs";
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let named = words(line).any(|word| {
                let variant = |of: &str| word.rsplit_once(of).map(|(_, variant)| variant);
                match (variant("Provider::"), variant("Backend::")) {
                    // `use Provider::{..}` and `Provider::*` would hide what is named.
                    (Some(""), _) | (_, Some("")) => true,
                    (Some(name), _) => {
                        modules.get(name).is_some_and(|module| !is_at_home(&path, module, MORE_HOMES, module))
                    }
                    (_, Some(name)) => name.starts_with(char::is_uppercase) && !defined,
                    _ => word.strip_prefix("as_").is_some_and(|module| {
                        let known = modules.values().any(|known| *known == module) || module == "aws";
                        known && !defined && !is_at_home(&path, module, MORE_SPECS, word)
                    }),
                }
            });
            if named {
                asking.push(format!("{path}: {}", line.trim()));
            }
        }
    }
    assert!(asking.is_empty(), "ask the profile in shared/domain/src/provider:\n{}", asking.join("\n"));
}

/// What follows `crate::` in these lines of code: the names of modules, and of what the root gives out again.
fn of_crate(code: &str) -> BTreeSet<&str> {
    let parts = code.split("crate::").skip(1).map(|rest| match rest.strip_prefix('{') {
        Some(list) => list.split(';').next().unwrap(),
        None => rest.split(|sign: char| !(sign.is_alphanumeric() || sign == '_')).next().unwrap(),
    });
    parts.flat_map(|part| part.split(|sign: char| !(sign.is_alphanumeric() || sign == '_'))).collect()
}

#[test]
fn modules_of_domain_use_only_those_above_them() {
    let domain = root().join("shared/domain/src");
    let lib = fs::read_to_string(domain.join("lib.rs")).unwrap();
    let row =
        |line: &str| line.strip_prefix("//! | [`").and_then(|row| row.split('`').next()).map(str::to_owned);
    let order: Vec<String> = lib.lines().filter_map(row).collect();
    let modules = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    assert_eq!(order.iter().map(String::as_str).collect::<BTreeSet<_>>(), modules.collect());
    // `pub use key::{IndexKey, Location};`: what is asked of the root for is its module's.
    let given_out = lib.split("\npub use ").skip(1).flat_map(|given| {
        let (module, names) = given.split(';').next().unwrap().split_once("::").unwrap();
        names
            .split(['{', '}', ',', ' ', '\n'])
            .filter(|name| !name.is_empty())
            .map(move |name| (name, module))
    });
    let home: BTreeMap<&str, &str> = given_out.collect();
    let place =
        |name: &str| order.iter().position(|module| module == home.get(name).copied().unwrap_or(name));

    let mut against = Vec::new();
    for path in files(&domain, ".rs").into_iter().filter(|path| !path.ends_with("lib.rs")) {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let file = path.strip_prefix(&domain).unwrap().with_extension("");
        let module = file.iter().next().unwrap().to_str().unwrap().to_owned();
        let here = place(&module).unwrap();
        let code = code.join("\n");
        let above = |name: &&str| place(name).is_some_and(|there| there > here);
        against.extend(of_crate(&code).into_iter().filter(above).map(|name| format!("{module} uses {name}")));
    }
    assert!(against.is_empty(), "against the order in domain's lib.rs:\n{}", against.join("\n"));
}

#[test]
fn files_are_short_enough_to_be_read() {
    let mut too_long = Vec::new();
    for path in files(&root(), ".rs") {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().count();
        let function_main = path.ends_with("src/main.rs") && shown(&path).starts_with("functions/");
        let longest = if function_main { LONGEST_FUNCTION_MAIN } else { LONGEST_FILE };
        if lines > longest {
            too_long.push(format!("{} has {lines} lines, at most {longest}", shown(&path)));
        }
    }
    assert!(too_long.is_empty(), "split by meaning:\n{}", too_long.join("\n"));
}

/// A test that is ignored without a Kubernetes runs nowhere unless `make kubernetes` names its program.
#[test]
fn tests_that_need_a_kubernetes_are_run_by_make_kubernetes() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let line = makefile.lines().find_map(|line| line.strip_prefix("ON_KUBERNETES = ")).unwrap();
    let run: BTreeSet<&str> = line.split_whitespace().filter(|word| !word.starts_with("--")).collect();
    // In two parts, so that this file is none of them.
    let mark = ["ignore = \"needs ", "KUBEBUILDER_ASSETS\""].concat();
    let mut needed = BTreeSet::new();
    for path in files(&root(), ".rs") {
        if fs::read_to_string(&path).unwrap().contains(&mark) {
            needed.insert(program(&path));
        }
    }
    let run: BTreeSet<String> = run.into_iter().map(str::to_owned).collect();
    assert_eq!(needed, run, "name in ON_KUBERNETES what has tests for a Kubernetes, and nothing else");
}

/// The test program that a file under `tests` belongs to: `tests/<name>/…` or `tests/<name>.rs`; with `tests/main.rs`, the
/// package's folder.
fn program(path: &Path) -> String {
    let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    let of_tests = path
        .ancestors()
        .find(|each| {
            each.parent().is_some_and(|it| it.ends_with("tests") && it.join("../Cargo.toml").exists())
        })
        .unwrap();
    let folder = of_tests.parent().unwrap();
    if folder.join("main.rs").exists() { name(folder.parent().unwrap()) } else { name(of_tests) }
}

/// Each is linked with everything that its package knows, which costs more than compiling it.
#[test]
fn each_package_has_one_test_program() {
    // With a reason: a counting allocator, and what a process counts.
    let more = ["shared/domain", "tests/scenarios"];
    for path in files(&root(), "/Cargo.toml").iter().filter(|path| path.parent() != Some(&root())) {
        let (package, text) = (path.parent().unwrap(), fs::read_to_string(path).unwrap());
        let found = |name: &str| {
            let place = name.strip_prefix("tests/").unwrap_or_default();
            place.ends_with(".rs") && (!place.contains('/') || place.ends_with("/main.rs"))
        };
        let programs = if text.contains("autotests = false") {
            text.matches("[[test]]").count()
        } else {
            let sources = files(package, ".rs");
            let names = sources.iter().map(|path| path.strip_prefix(package).unwrap().to_string_lossy());
            names.filter(|name| found(name)).count()
        };
        let most = if more.contains(&shown(package).as_str()) { 2 } else { 1 };
        assert!(
            programs <= most,
            "{} has {programs} test programs; make them modules of one",
            shown(package)
        );
    }
}

#[test]
fn each_function_is_a_resource_of_the_template_and_the_other_way_round() {
    let template = fs::read_to_string(root().join("template.yaml")).unwrap();
    let in_template: BTreeSet<String> = template
        .lines()
        .filter_map(|line| line.trim().strip_prefix("CodeUri: functions/"))
        .map(|name| name.trim_end_matches('/').to_owned())
        .collect();
    let in_folder: BTreeSet<String> = fs::read_dir(root().join("functions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(in_template, in_folder);
    let declared = template.matches("Type: AWS::Serverless::Function").count();
    assert_eq!(declared, in_folder.len(), "one AWS::Serverless::Function for each folder");
}

#[test]
fn every_queue_that_calls_a_function_lets_single_messages_come_again() {
    let template = fs::read_to_string(root().join("template.yaml")).unwrap();
    let sources = template.matches("Type: SQS\n").count();
    assert!(sources >= 2, "sync and deliver are called by queues");
    assert_eq!(template.matches("- ReportBatchItemFailures").count(), sources);
}

#[test]
fn every_sample_event_is_explained_in_the_table_of_samples() {
    let events = root().join("events");
    let readme = fs::read_to_string(events.join("README.md")).unwrap();
    let samples = files(&events, ".json");
    assert!(samples.len() > 30, "the samples were not found");
    for sample in samples {
        let name = sample.strip_prefix(&events).unwrap().display().to_string();
        let shown = readme.contains(&name) || readme.contains(name.trim_end_matches(".json"));
        assert!(shown, "events/README.md does not name {name}");
    }
}

/// What reads bodies keeps them in buffers that are wiped when they are dropped, and wiped as well when they grow: a vector
/// that grows in place leaves a copy behind, and a program cannot look at memory that it has given up.
#[test]
fn answers_are_read_into_buffers_that_are_wiped() {
    for (file, grows) in [
        ("shared/stores/src/kit/link.rs", true),
        ("shared/stores/src/kit/reply.rs", false),
        ("shared/kubernetes/src/connect/bytes.rs", true),
        ("shared/kubernetes/src/connect/transport.rs", false),
        ("shared/kubernetes/src/connect/lines.rs", false),
    ] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let bare = text.replace("Zeroizing<Vec<u8>>", "");
        assert!(text.len() > bare.len(), "{file}: where are bodies read now?");
        assert!(!bare.contains("Vec<u8>"), "{file}: keep bytes in Zeroizing<Vec<u8>>");
        let mut rest = text.clone();
        if grows {
            let begin = text.find("fn append(").unwrap_or_else(|| panic!("{file}: how do bodies grow now?"));
            let end = begin + text[begin..].find("\n}\n").unwrap();
            assert!(text[begin..end].contains("Zeroizing::new(Vec::with_capacity("), "{file}");
            rest.replace_range(begin..end, "");
        }
        for growth in ["extend_from_slice(", ".extend(", ".append(", "read_to_end("] {
            let found = rest.lines().find(|line| line.contains(growth) && !line.contains("path"));
            assert_eq!(found, None, "{file}: grow bodies with append");
        }
    }
}

#[test]
fn nothing_names_a_machine() {
    for ending in [".rs", ".md", ".toml", ".yaml", ".yml", ".json", ".py", ".sh"] {
        for path in files(&root(), ending) {
            let text = fs::read_to_string(&path).unwrap();
            for word in [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/ho", "me/")] {
                assert!(!text.contains(word), "{} names {word}", shown(&path));
            }
        }
    }
}
