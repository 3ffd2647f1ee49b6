use super::*;
use pawl_domain::StoreId;
use pawl_domain::store::Backend;
use pawl_domain::store::Home;

const SERVER: &str = "https://vault.example.com:8200";

fn audit(mounts: &[(&str, Kv)]) -> Audit {
    let mounts = mounts.iter().map(|(path, kv)| ((*path).to_owned(), *kv)).collect();
    Audit::new(&config::Audit { server: Some(SERVER.to_owned()), mounts, ..config::Audit::default() })
}

/// A record of a write to `secret/data/app/db` that does not tell the version, and so not the engine's either.
fn record(number: u64) -> String {
    format!(
        r#"{{"type":"response","time":"2026-11-22T10:00:00Z","request":{{"id":"00000000-0000-4000-8000-{number:012}",
        "operation":"update","mount_point":"secret/","mount_type":"kv","mount_class":"secret","namespace":{{"id":"root"}},
        "path":"secret/data/app/db"}},"response":{{"mount_type":"kv"}}}}"#
    )
}

fn store(server: &str, path: Option<&str>, version: KvVersion) -> Store {
    let backend = Backend::Vault(Box::new(VaultStore {
        server: server.to_owned(),
        path: path.map(str::to_owned),
        version,
        ..VaultStore::default()
    }));
    let id =
        StoreId { home: Home::Applied, namespace: None, name: "vault".parse().unwrap(), generator: None };
    Store { id, backend, conditions: Vec::new(), labels: [].into(), set: None }
}

fn names(audit: &Audit, number: u64) -> Vec<String> {
    let (changes, _) = audit.changes([record(number)]);
    changes.into_iter().flat_map(|change| change.names).collect()
}

#[test]
fn records_are_counted_and_their_changes_come_once() {
    let audit = audit(&[("secret", Kv::V2)]);
    let read = record(3).replace("update", "read");
    let lines = [record(1), record(1), read, "{}".to_owned(), "no record".to_owned(), record(2)];
    let (changes, counts) = audit.changes(lines);
    assert_eq!(counts, Counts { changes: 2, nothing: 2, malformed: 2 });
    let ids: Vec<_> = changes.iter().map(|change| change.id.as_str()).collect();
    assert_eq!(ids, ["00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"]);
    assert_eq!(changes[0].location.account.as_deref(), Some(SERVER));
}

#[test]
fn what_was_lost_comes_again() {
    let audit = audit(&[]);
    let (changes, _) = audit.changes([record(1)]);
    assert!(audit.changes([record(1)]).0.is_empty());
    audit.forget(&changes);
    assert_eq!(audit.changes([record(1)]).0, changes);
    assert!(audit.changes([record(1)]).0.is_empty());
}

#[test]
fn mounts_are_learned_where_all_stores_agree() {
    let (v1, v2) = (KvVersion::V1, KvVersion::V2);
    let both = vec!["secret/app/db".to_owned(), "secret/data/app/db".to_owned()];
    let (first, second) = (vec!["secret/data/app/db".to_owned()], vec!["secret/app/db".to_owned()]);
    let secret = Some("secret");
    for (given, stores, want) in [
        (None, vec![], &both),
        (None, vec![store(SERVER, secret, v2)], &second),
        (None, vec![store("https://Vault.example.com:8200/", Some("/secret/"), v1)], &first),
        (None, vec![store("https://other.example.com", secret, v2)], &both),
        (None, vec![store(SERVER, secret, v2), store(SERVER, secret, v1)], &both),
        (None, vec![store(SERVER, secret, v2), store(SERVER, None, v1)], &both),
        (None, vec![store(SERVER, secret, v2), store(SERVER, None, v2)], &second),
        (None, vec![store(SERVER, Some("team/secret"), v2)], &both),
        (Some(Kv::V1), vec![store(SERVER, secret, v2)], &first),
        (Some(Kv::V2), vec![store(SERVER, secret, v1), store(SERVER, None, v1)], &second),
    ] {
        let given: Vec<_> = given.map(|kv| ("secret", kv)).into_iter().collect();
        let audit = audit(&given);
        audit.learn(&stores);
        assert_eq!(&names(&audit, 1), want, "{stores:?}");
        // What no store says any more is not known any more.
        audit.learn([]);
        let alone = if given.is_empty() { &both } else { want };
        assert_eq!(&names(&audit, 2), alone, "{stores:?}");
    }
}
