//! Which searches and reads of metadata a change concerns, and when it is old news to them.

use crate::affected::change;
use crate::given::{read, reading, store, store_with, version};
use jiff::Timestamp;
use pawl_domain::Provider::{self, ParameterStore, SecretsManager};
use pawl_domain::record::State;
use pawl_domain::store::{Backend, VaultStore};
use pawl_domain::{
    Affected, Declaration, Find, Moved, NotAffected, Outcome, Query, Read, Record, Remote, Store, Versions,
    affected,
};
use std::collections::BTreeMap;

fn find(path: Option<&str>, name: Option<&str>, tagged: bool) -> Find {
    let tags = tagged.then(|| ("team".to_owned(), "shop".to_owned()));
    Find { path: path.map(str::to_owned), name: name.map(str::to_owned), tags: tags.into_iter().collect() }
}

fn searching(find: Find) -> Declaration {
    reading([Read { query: Query::Find(find), ..read("") }])
}

fn metadata(key: &str) -> Declaration {
    let remote = Remote { key: key.to_owned(), metadata: true, ..Remote::default() };
    reading([Read { query: Query::Key(remote), ..read("") }])
}

fn of(moved: Moved, names: &[&str], declaration: &Declaration, store: &Store) -> Affected {
    let change = change(store.location().provider, names, moved);
    affected(&change, declaration, |id| (*id == store.id).then_some(store))
}

#[test]
fn a_search_is_concerned_by_every_name_that_it_may_find() {
    const ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app/db-a1B2c3";
    const PARAMETER: &str = "arn:aws:ssm:eu-central-1:123456789012:parameter/app/db";
    for (provider, path, name, changed, want) in [
        (SecretsManager, None, Some("^app/"), &["app/db"][..], true),
        (SecretsManager, None, Some("^app/"), &[ARN], true),
        (SecretsManager, None, Some("^app/db$"), &[ARN], true),
        (SecretsManager, None, Some("^app/"), &["web/db"], false),
        (SecretsManager, Some("app"), Some("db"), &["app/db"], true),
        (SecretsManager, Some("web"), Some("db"), &["app/db"], false),
        (SecretsManager, None, Some("a("), &["app/db"], true),
        (ParameterStore, None, Some("^/app/"), &["/app/db"], true),
        (ParameterStore, None, Some("^/app/"), &[PARAMETER], true),
        (ParameterStore, Some("/app"), Some("db$"), &[PARAMETER], true),
        (ParameterStore, Some("/web"), Some("db$"), &[PARAMETER], false),
    ] {
        let declaration = searching(find(path, name, false));
        let got = of(Moved::Current, changed, &declaration, &store(provider));
        let want = if want { Affected::Yes } else { Affected::No(NotAffected::OtherKey) };
        assert_eq!(got, want, "{provider} {path:?} {name:?} {changed:?}");
    }
    let elsewhere = store_with(SecretsManager, |aws| aws.region = "us-east-1".into());
    let mut here = change(SecretsManager, &["app/db"], Moved::Current);
    here.location.region = crate::given::REGION.into();
    let answer = affected(&here, &searching(find(None, Some("."), false)), |_| Some(&elsewhere));
    assert_eq!(answer, Affected::No(NotAffected::OtherKey), "another region");
}

#[test]
fn what_moved_decides_whether_searches_and_metadata_are_concerned() {
    let label = || Moved::Label("blue".into());
    let by_name = searching(find(None, Some("^app/"), false));
    let by_tags = searching(find(None, None, true));
    for (declaration, name, concerned) in [
        (by_name, "by name", [true, false, false, true, false]),
        (by_tags, "by tags", [true, false, false, true, true]),
        (metadata("app/db"), "metadata", [false, false, false, true, true]),
    ] {
        let moves = [Moved::Current, label(), Moved::SomeLabel, Moved::Existence, Moved::Metadata];
        for (moved, concerned) in moves.into_iter().zip(concerned) {
            let want = if concerned { Affected::Yes } else { Affected::No(NotAffected::OtherVersion) };
            let got = of(moved.clone(), &["app/db"], &declaration, &store(SecretsManager));
            assert_eq!(got, want, "{name} {moved:?}");
        }
    }
}

#[test]
fn a_search_is_found_where_it_searches_and_what_no_listing_tells_of_as_well() {
    let location = store(ParameterStore).location();
    let (search_key, key) = (location.search_key(), location.index_keys("/app/db"));
    for (provider, declaration, listed, keys) in [
        (ParameterStore, searching(find(None, Some("."), false)), true, 1),
        (ParameterStore, searching(find(None, None, true)), false, 1),
        (ParameterStore, metadata("/app/db"), false, 2),
        (ParameterStore, reading([read("/app/db")]), true, 1),
        (SecretsManager, metadata("app/db"), true, 1),
        (SecretsManager, searching(find(None, None, true)), true, 1),
    ] {
        let store = store(provider);
        let query = &declaration.reads[0].query;
        let found = store.index_keys(query);
        assert_eq!((store.lists_changes_of(query), found.len()), (listed, keys), "{provider} {query:?}");
        if provider == ParameterStore {
            let searched = !listed || matches!(query, Query::Find(_));
            assert_eq!(found.contains(&search_key), searched, "{query:?}");
            assert_eq!(found.is_superset(&key), matches!(query, Query::Key(_)), "{query:?}");
        }
    }
}

/// The record of a search that found these keys.
fn written(provider: Provider, found: &[(&str, &str)]) -> (Declaration, Record, Store) {
    let declaration = searching(find(None, Some("."), false));
    let mut record = Record::pending(&declaration, Timestamp::UNIX_EPOCH);
    let versions: BTreeMap<_, _> = found.iter().map(|(name, id)| ((*name).to_owned(), version(id))).collect();
    record.versions = vec![Versions::Many(versions)];
    record.state = State::Settled(Outcome::Written);
    (declaration, record, store(provider))
}

#[test]
fn a_change_is_old_news_to_a_search_that_found_its_version() {
    const ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app/db-a1B2c3";
    for (found, names, says, want) in [
        (&[("app/db", "v2"), ("app/x", "v1")][..], &["app/db"][..], Some("v2"), true),
        (&[("app/db", "v2")], &[ARN], Some("v2"), true),
        (&[("app/db", "v1")], &["app/db"], Some("v2"), false),
        (&[("app/x", "v2")], &["app/db"], Some("v2"), false),
        (&[], &["app/db"], Some("v2"), false),
        (&[("app/db", "v2")], &["app/db"], None, false),
    ] {
        let (declaration, record, store) = written(SecretsManager, found);
        let mut change = change(SecretsManager, names, Moved::Current);
        change.version = says.map(str::to_owned);
        let got = record.is_current(&change, &declaration, |id| (*id == store.id).then_some(&store));
        assert_eq!(got, want, "{found:?} {names:?} {says:?}");
    }
    let (declaration, mut record, store) = written(SecretsManager, &[]);
    record.versions = vec![Versions::Uncounted];
    let mut change = change(SecretsManager, &["app/db"], Moved::Current);
    change.version = Some("v2".into());
    assert!(!record.is_current(&change, &declaration, |_| Some(&store)), "what is not recorded is not known");
}

#[test]
fn names_that_a_search_of_vault_gives_are_those_of_keys() {
    let vault = VaultStore {
        server: "https://vault.example.com".into(),
        namespace: Some("team".into()),
        path: Some("kv".into()),
        ..VaultStore::default()
    };
    let backend = Backend::Vault(vault.into());
    let mut change = change(Provider::Vault, &["team/kv/app/db"], Moved::Current);
    change.location = backend.location();
    for (name, want) in
        [("app/db", true), ("app//db", true), ("/app/db", true), ("db", false), ("app/db2", false)]
    {
        let name = name.to_owned();
        assert_eq!(backend.named_by(&change, [&name]).len() == 1, want, "{name}");
    }
}
