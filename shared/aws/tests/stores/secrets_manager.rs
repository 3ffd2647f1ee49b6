//! Secrets Manager, played by moto: values, versions and listing of secrets.

use crate::stores::support::{self, access_in, current, id, label, moto, sources, told, told_versions};
use jiff::SignedDuration;
use pawl_domain::Kind;
use pawl_domain::store::AwsService;
use pawl_ports::{Listed, Sources};
use pawl_servers::Service;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

#[tokio::test]
async fn a_key_is_found_by_each_of_its_names_in_each_of_its_versions() {
    let (moto, region) = moto().await;
    let first = moto.create_secret(region, "app/db", "one").await.unwrap();
    let second = moto.put_secret_value(region, "app/db", "two").await.unwrap();
    let pending = moto.stage_secret_value(region, "app/db", "three", &["AWSPENDING"]).await.unwrap();
    let partial = &first.arn[..first.arn.len() - 7];
    let (sources, access) = (sources(moto.endpoint()), access_in(AwsService::SecretsManager, region));

    let wanted = [
        current("app/db"),
        current("nowhere"),
        current(&first.arn),
        current(partial),
        label("app/db", "AWSPREVIOUS"),
        label("app/db", "AWSPENDING"),
        label("app/db", "awspending"),
        id("app/db", &first.version),
        id("app/db", "00000000-0000-0000-0000-000000000000"),
        current("app/db"),
    ];
    let (one, two) = (format!("one@{}", first.version), format!("two@{}", second.version));
    let three = format!("three@{}", pending.version);
    let told_all = told(&sources.fetch(&access, &wanted).await);
    let missing = "not-found";
    assert_eq!(told_all, [&two, missing, &two, &two, &one, &three, missing, &one, missing, &two]);

    // The same one by one: without a batch nothing else comes out.
    for (wanted, together) in wanted.iter().zip(&told_all) {
        assert_eq!(
            told(&sources.fetch(&access, std::slice::from_ref(wanted)).await),
            [together.as_str()],
            "{wanted:?}"
        );
    }

    let versions = told_versions(&sources.versions(&access, &wanted[..8]).await);
    let (one, two, three) = (&first.version, &second.version, &pending.version);
    assert_eq!(versions, [two, missing, two, two, one, three, missing, one]);
    assert!(sources.fetch(&access, &[]).await.is_empty());
    assert!(sources.versions(&access, &[]).await.is_empty());
}

#[tokio::test]
async fn bytes_come_as_they_are_and_versions_with_their_date() {
    let (moto, region) = moto().await;
    let body = json!({ "Name": "raw", "SecretBinary": "AP/+Cg==", "ClientRequestToken": "0".repeat(32) });
    moto.call(region, Service::SECRETS_MANAGER, "CreateSecret", &body).await.unwrap();
    let (sources, access) = (sources(moto.endpoint()), access_in(AwsService::SecretsManager, region));
    let fetched = sources.fetch(&access, &[current("raw")]).await.remove(0).unwrap();
    assert_eq!(fetched.value.expose(), [0x00, 0xff, 0xfe, 0x0a]);
    assert_eq!(fetched.labels, ["AWSCURRENT"]);
    assert_eq!(fetched.version.id, "0".repeat(32));
    assert!(fetched.version.since.is_some());
}

#[tokio::test]
async fn a_stage_that_moved_back_is_followed_in_batches_too() {
    let (moto, region) = moto().await;
    let mut first = Vec::new();
    for key in ["a", "b", "c"] {
        first.push(moto.create_secret(region, key, "old").await.unwrap().version);
        let second = moto.put_secret_value(region, key, "new").await.unwrap();
        let body = json!({
            "SecretId": key,
            "VersionStage": "AWSCURRENT",
            "MoveToVersionId": first.last(),
            "RemoveFromVersionId": second.version,
        });
        moto.call(region, Service::SECRETS_MANAGER, "UpdateSecretVersionStage", &body).await.unwrap();
    }
    let (sources, access) = (sources(moto.endpoint()), access_in(AwsService::SecretsManager, region));
    let wanted = ["a", "b", "c"].map(current);
    let want: Vec<_> = first.iter().map(|version| format!("old@{version}")).collect();
    assert_eq!(told(&sources.fetch(&access, &wanted).await), want);
    assert_eq!(told(&sources.fetch(&access, &wanted[..1]).await), want[..1]);
    assert_eq!(told_versions(&sources.versions(&access, &wanted).await), first);
}

#[tokio::test]
async fn what_is_marked_for_deletion_does_not_exist_until_it_is_restored() {
    let (moto, region) = moto().await;
    let stored = moto.create_secret(region, "app/db", "one").await.unwrap();
    moto.create_secret(region, "app/x", "x").await.unwrap();
    moto.create_secret(region, "app/y", "y").await.unwrap();
    moto.delete_secret(region, "app/db", false).await.unwrap();
    let (sources, access) = (sources(moto.endpoint()), access_in(AwsService::SecretsManager, region));

    let wanted = ["app/db", "app/x", "app/y"].map(current);
    let mut together = sources.fetch(&access, &wanted).await;
    assert!(together[1].is_ok() && together[2].is_ok());
    let in_batch = together.remove(0).unwrap_err();
    let alone = support::failure(sources.fetch(&access, &wanted[..1]).await);
    let described = support::failure(sources.versions(&access, &wanted[..1]).await);
    for error in [in_batch, alone, described] {
        assert_eq!(error.kind, Kind::NotFound);
        assert_eq!(
            error.message(),
            format!(
                "secrets-manager in {region}: app/db: marked for deletion; restore it or remove its declarations"
            )
        );
    }
    let listed = sources.changed_since(&access, None).await.unwrap().keys;
    let gone = listed.iter().find(|one| one.names.contains("app/db")).unwrap();
    assert_eq!((&gone.names, &gone.version), (&BTreeSet::from(["app/db".into(), stored.arn]), &None));
    assert_eq!(gone.labels, Some(std::collections::BTreeMap::new()), "nothing of it can be read");

    moto.call(region, Service::SECRETS_MANAGER, "RestoreSecret", &json!({ "SecretId": "app/db" }))
        .await
        .unwrap();
    assert_eq!(told(&sources.fetch(&access, &wanted[..1]).await), [format!("one@{}", stored.version)]);
}

#[tokio::test]
async fn listings_miss_nothing_on_a_server_that_does_not_sort() {
    let (moto, region) = moto().await;
    let mut versions = Vec::new();
    for number in 0..130 {
        versions.push(moto.create_secret(region, &format!("key-{number:03}"), "v").await.unwrap().version);
    }
    let (sources, access) = (sources(moto.endpoint()), access_in(AwsService::SecretsManager, region));
    let all = sources.changed_since(&access, None).await.unwrap().keys;
    let mut told: Vec<_> = all.iter().map(|one| (name(one), one.version.clone().unwrap())).collect();
    told.sort();
    let want: Vec<_> = versions
        .into_iter()
        .enumerate()
        .map(|(number, version)| (format!("key-{number:03}"), version))
        .collect();
    assert_eq!(told, want);

    // moto's dates are whole seconds: the next change is told from the last one when the next second has begun.
    let last_change = all.iter().filter_map(|one| one.changed).max().unwrap();
    let since = Some(last_change + SignedDuration::from_secs(1));
    let changed = async {
        loop {
            let moved = moto.put_secret_value(region, "key-120", "w").await.unwrap();
            let recent = sources.changed_since(&access, since).await.unwrap();
            assert!(recent.complete && recent.keys.len() == 130, "it was read to its end");
            let recent: Vec<_> = recent.keys.into_iter().filter(|one| one.changed >= since).collect();
            if !recent.is_empty() {
                return (moved.version, recent);
            }
        }
    };
    let (moved, recent) = tokio::time::timeout(Duration::from_secs(20), changed).await.unwrap();
    assert_eq!(recent.iter().map(name).collect::<Vec<_>>(), ["key-120"]);
    assert_eq!(recent[0].version, Some(moved));
    assert!(recent[0].changed >= since);
}

fn name(one: &Listed) -> String {
    one.names.iter().find(|name| !name.starts_with("arn:")).unwrap().clone()
}

#[tokio::test]
async fn regions_are_worlds_apart() {
    let ((moto, here), (_, there)) = (moto().await, moto().await);
    moto.create_secret(there, "app/db", "there").await.unwrap();
    let sources = sources(moto.endpoint());
    let wanted = [current("app/db")];
    assert_eq!(
        told(&sources.fetch(&access_in(AwsService::SecretsManager, here), &wanted).await),
        ["not-found"]
    );
    let fetched = sources.fetch(&access_in(AwsService::SecretsManager, there), &wanted).await;
    assert_eq!(fetched[0].as_ref().unwrap().value.expose(), b"there");
}
