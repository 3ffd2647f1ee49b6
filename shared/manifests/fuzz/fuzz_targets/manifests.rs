//! Any text as manifests: reading ends, names each object that it refuses, and what it takes can be stored and read back.
//!
//! The inputs of the manifests' tests are the seeds; in this folder's parent:
//!
//! ```text
//! cargo +nightly fuzz run manifests fuzz/corpus/manifests tests/manifests
//! ```

#![no_main]

use libfuzzer_sys::fuzz_target;
use pawl_domain::{Declaration, Home, Severity, Store};
use pawl_manifests::{ParseOptions, held, parse};

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let namespace: pawl_domain::Namespace = "shop".parse().expect("a valid name");
    let mut options = ParseOptions::new(Home::Applied);
    options.any_cluster = true;
    options.default_namespace = Some(namespace.clone());
    let found = parse(text, "input", &options);
    for declaration in &found.declarations {
        let stored = serde_json::to_vec(declaration).expect("plain data can be stored");
        let read: Declaration = serde_json::from_slice(&stored).expect("what was stored can be read");
        assert!(read == *declaration);
        assert!(!declaration.reads.is_empty() || found.problems.iter().any(|it| it.severity == Severity::Warning));
    }
    for store in &found.stores {
        let stored = serde_json::to_vec(store).expect("plain data can be stored");
        let read: Store = serde_json::from_slice(&stored).expect("what was stored can be read");
        assert!(read == *store);
    }
    // An API server's objects, one at a time, and what templates may stand in.
    let mut live = ParseOptions::new(Home::Cluster("blue".parse().expect("a valid name")));
    live.class = "default".to_owned();
    let _ = parse(text, "input", &live);
    let _ = held(text, "input", &namespace);
});
