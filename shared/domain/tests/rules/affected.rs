//! Which declarations a change concerns: names, places, versions, refresh policies.

use crate::given::{REGION, in_version, read, reading, store, store_id, store_with};
use jiff::Timestamp;
use pawl_domain::Provider::{self, ParameterStore, SecretsManager};
use pawl_domain::affected::concerned_reads;
use pawl_domain::change::Extent;
use pawl_domain::declaration::{Refresh, RefreshPolicy};
use pawl_domain::{Affected, Change, Declaration, Location, Moved, NotAffected, Store, affected};
use std::time::Duration;

/// A change of these names in [`REGION`], by a sender that knows no account.
pub(crate) fn change(provider: Provider, names: &[&str], moved: Moved) -> Change {
    Change {
        id: "e-1".into(),
        location: Location { provider, region: REGION.into(), account: None },
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        extent: Extent::Key,
        version: None,
        moved,
        at: Timestamp::UNIX_EPOCH,
    }
}

fn of(change: &Change, declaration: &Declaration, store: &Store) -> Affected {
    affected(change, declaration, |id| (*id == store.id).then_some(store))
}

/// Whether the declaration of one key reads what changed.
fn meets(change: &Change, key: &str, store: &Store) -> bool {
    match of(change, &reading([read(key)]), store) {
        Affected::Yes => true,
        Affected::No(NotAffected::OtherKey) => false,
        Affected::No(other) => panic!("{key}: {other}"),
    }
}

#[test]
fn each_declared_version_is_concerned_by_what_can_move_it() {
    use Moved::{Current, Existence, Label, SomeLabel};
    let label = |text: &str| Label(text.to_owned());
    let moves = [Current, label("AWSPREVIOUS"), label("blue"), SomeLabel, Existence];
    for (provider, version, concerned) in [
        (SecretsManager, None, [true, false, false, false, true]),
        (SecretsManager, Some("AWSCURRENT"), [true, false, false, false, true]),
        (SecretsManager, Some("uuid/"), [true, false, false, false, true]),
        (SecretsManager, Some("AWSPREVIOUS"), [true, true, false, true, true]),
        (SecretsManager, Some("blue"), [false, false, true, true, true]),
        (SecretsManager, Some("uuid/8a1f"), [false, false, false, false, true]),
        (ParameterStore, None, [true, false, false, false, true]),
        (ParameterStore, Some("blue"), [false, false, true, true, true]),
        (ParameterStore, Some("3"), [false, false, false, false, true]),
    ] {
        let declaration = reading([in_version(version, read("app/db"))]);
        for (moved, concerned) in moves.iter().zip(concerned) {
            let change = change(provider, &["app/db"], moved.clone());
            let want = if concerned { Affected::Yes } else { Affected::No(NotAffected::OtherVersion) };
            assert_eq!(of(&change, &declaration, &store(provider)), want, "{provider} {version:?} {moved:?}");
        }
    }
}

#[test]
fn a_folder_that_changed_concerns_every_key_under_it() {
    const ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app/db-a1B2c3";
    for (provider, prefix, declared, folder, want) in [
        (SecretsManager, None, "app/db", "app/", true),
        (SecretsManager, None, ARN, "app/", true),
        (SecretsManager, Some("app/"), "db", "app/", true),
        (SecretsManager, None, "apple", "app/", false),
        (SecretsManager, None, "my/app/db", "app/", false),
        (SecretsManager, None, "app/db", "app/db", true),
        (SecretsManager, None, "anything", "", true),
        (ParameterStore, None, "/app/db", "/app/", true),
        (ParameterStore, None, "/app/db:3", "/app", true),
        (ParameterStore, None, "/other/db", "/app/", false),
    ] {
        let under = |moved| Change { extent: Extent::Under, ..change(provider, &[folder], moved) };
        let store = store_with(provider, |store| store.prefix = prefix.map(str::to_owned));
        assert_eq!(meets(&under(Moved::Existence), declared, &store), want, "{declared} under {folder:?}");
    }
    let elsewhere = Change { extent: Extent::Under, ..change(ParameterStore, &[""], Moved::Current) };
    assert!(!meets(&elsewhere, "app/db", &store(SecretsManager)), "everything of another place");
}

#[test]
fn a_key_is_met_under_every_name_that_it_may_have() {
    const ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app/db-a1B2c3";
    const PARAMETER: &str = "arn:aws:ssm:eu-central-1:123456789012:parameter/app/db";
    for (provider, prefix, declared, changed, want) in [
        (SecretsManager, None, "app/db", &["app/db"][..], true),
        (SecretsManager, None, "app/db", &[ARN], true),
        (SecretsManager, None, "app/db", &["other", ARN], true),
        (SecretsManager, None, ARN, &["app/db"], true),
        (SecretsManager, None, "app/db", &["app/db2"], false),
        (SecretsManager, None, "app/db", &["/app/db"], false),
        (SecretsManager, None, "app/db", &["APP/DB"], false),
        (SecretsManager, None, "app/db", &[], false),
        (SecretsManager, Some("app/"), "db", &[ARN], true),
        (SecretsManager, Some("app/"), "app/db", &["app/db"], false),
        (ParameterStore, None, "/app/db", &["/app/db"], true),
        (ParameterStore, None, "/app/db", &[PARAMETER], true),
        (ParameterStore, None, PARAMETER, &["/app/db"], true),
        (ParameterStore, None, "/app", &["/app/db"], false),
        (ParameterStore, Some("/app"), "/db", &["/app/db"], true),
    ] {
        let store = store_with(provider, |aws| aws.prefix = prefix.map(str::to_owned));
        let change = change(provider, changed, Moved::Current);
        assert_eq!(meets(&change, declared, &store), want, "{provider} {prefix:?} {declared} ~ {changed:?}");
    }
}

#[test]
fn provider_and_region_must_agree_and_accounts_where_both_are_known() {
    const MINE: &str = "123456789012";
    const ROLE: &str = "arn:aws:iam::123456789012:role/reader";
    const THEIRS: &str = "arn:aws:secretsmanager:eu-central-1:210987654321:secret:app/db-a1B2c3";
    for (provider, region, account, role, declared, want) in [
        (SecretsManager, REGION, None, None, "app/db", true),
        (SecretsManager, REGION, Some(MINE), None, "app/db", true),
        (SecretsManager, REGION, None, Some(ROLE), "app/db", true),
        (SecretsManager, REGION, Some(MINE), Some(ROLE), "app/db", true),
        (SecretsManager, REGION, Some("210987654321"), Some(ROLE), "app/db", false),
        (SecretsManager, REGION, Some("210987654321"), Some(ROLE), THEIRS, true),
        (SecretsManager, REGION, Some(MINE), Some(ROLE), THEIRS, false),
        (SecretsManager, REGION, Some(MINE), None, THEIRS, false),
        (SecretsManager, REGION, Some(MINE), Some("arn:aws:iam:::role/reader"), "app/db", true),
        (SecretsManager, "eu-west-1", None, None, "app/db", false),
        (ParameterStore, REGION, None, None, "app/db", false),
    ] {
        let store = store_with(SecretsManager, |aws| aws.role = role.map(str::to_owned));
        let mut change = change(provider, &["app/db"], Moved::Current);
        change.location.region = region.to_owned();
        change.location.account = account.map(str::to_owned);
        let got = meets(&change, declared, &store);
        assert_eq!(got, want, "{provider} {region} {account:?} {role:?} {declared}");
    }
}

#[test]
fn what_is_read_once_stays() {
    use RefreshPolicy::{CreatedOnce, OnChange, Periodic};
    for (policy, seconds, want) in [
        (Periodic, 1, Affected::Yes),
        (Periodic, 0, Affected::No(NotAffected::ReadOnce)),
        (CreatedOnce, 3600, Affected::No(NotAffected::ReadOnce)),
        (OnChange, 3600, Affected::No(NotAffected::ReadOnce)),
    ] {
        let mut declaration = reading([read("app/db")]);
        declaration.refresh = Refresh { policy, interval: Duration::from_secs(seconds), windows: None };
        let got =
            of(&change(SecretsManager, &["app/db"], Moved::Current), &declaration, &store(SecretsManager));
        assert_eq!(got, want, "{policy:?} {seconds}");
        let other =
            of(&change(SecretsManager, &["other"], Moved::Current), &declaration, &store(SecretsManager));
        assert_eq!(other, Affected::No(NotAffected::OtherKey), "the nearest reason is told");
    }
}

#[test]
fn one_concerned_read_of_many_is_enough_and_is_named() {
    let versioned = |version: &str| in_version(Some(version), read("app/db"));
    let declaration = reading([read("other"), versioned("uuid/8a1f"), read("app/db"), versioned("blue")]);
    let store = store(SecretsManager);
    for (moved, want) in [
        (Moved::Current, vec![2]),
        (Moved::SomeLabel, vec![3]),
        (Moved::Label("green".into()), vec![]),
        (Moved::Existence, vec![1, 2, 3]),
    ] {
        let change = change(SecretsManager, &["app/db"], moved.clone());
        let got = concerned_reads(&change, &declaration, |id| (*id == store.id).then_some(&store));
        assert_eq!(got, want, "{moved:?}");
        let affected = of(&change, &declaration, &store) == Affected::Yes;
        assert_eq!(affected, !want.is_empty(), "{moved:?}");
    }
}

#[test]
fn each_read_is_looked_up_in_its_own_store() {
    let mut elsewhere = read("app/db");
    elsewhere.store.name = "west".parse().unwrap();
    let mut unknown = read("app/db");
    unknown.store.name = "gone".parse().unwrap();
    let declaration = reading([elsewhere.clone(), unknown, read("app/db")]);
    let here = store(SecretsManager);
    let mut there = store_with(SecretsManager, |aws| aws.region = "eu-west-1".into());
    there.id = elsewhere.store;
    let stores = |id: &_| [&here, &there].into_iter().find(|store| store.id == *id);
    let mut change = change(SecretsManager, &["app/db"], Moved::Current);
    assert_eq!(concerned_reads(&change, &declaration, stores), [2]);
    change.location.region = "eu-west-1".into();
    assert_eq!(concerned_reads(&change, &declaration, stores), [0]);
    assert_eq!(affected(&change, &declaration, |_| None), Affected::No(NotAffected::OtherKey));
}

/// The registry narrows by index keys before the rule decides: whatever the rule affects must be found by them.
#[test]
fn what_is_affected_is_found_in_the_index() {
    let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app/db-a1B2c3";
    let store = store_with(SecretsManager, |aws| aws.prefix = Some("app/".into()));
    let declaration = reading([read("db")]);
    let index = declaration.index_keys(|id| (*id == store_id()).then_some(&store));
    for name in ["app/db", arn] {
        let change = change(SecretsManager, &[name], Moved::Current);
        assert_eq!(of(&change, &declaration, &store), Affected::Yes, "{name}");
        assert!(!index.is_disjoint(&change.index_keys()), "{name}");
    }
}
