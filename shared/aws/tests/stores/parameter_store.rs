//! Parameter Store, played by moto: values, versions and listing of parameters.

use crate::stores::support::{access_in, current, failure, id, label, moto, sources, told, told_versions};
use pawl_domain::Kind;
use pawl_domain::store::AwsService;
use pawl_ports::Sources;
use pawl_servers::{Moto, Service};
use serde_json::json;

#[tokio::test]
async fn a_parameter_is_found_in_each_of_its_versions() {
    let (moto, region) = moto().await;
    for value in ["one", "two", "three"] {
        moto.put_parameter(region, "/app/db", value).await.unwrap();
    }
    moto.put_parameter(region, "plain", "text").await.unwrap();
    let body = json!({ "Name": "/app/db", "ParameterVersion": 2, "Labels": ["live"] });
    moto.call(region, Service::SSM, "LabelParameterVersion", &body).await.unwrap();
    let (sources, access) = (sources(moto.endpoint()), access_in(AwsService::ParameterStore, region));

    let wanted = [
        current("/app/db"),
        id("/app/db", "1"),
        label("/app/db", "live"),
        label("/app/db", "dead"),
        id("/app/db", "4"),
        current("/nowhere"),
        current("plain"),
        current("/app/db:1"),
        current("/app/db"),
        label("/app/db:live", "live"),
        id("/app/db:1", "1"),
        label("/app/db:dead", "dead"),
    ];
    let want = [
        "three@3",
        "one@1",
        "two@2",
        "not-found",
        "not-found",
        "not-found",
        "text@1",
        "one@1",
        "three@3",
        "two@2",
        "one@1",
        "not-found",
    ];
    assert_eq!(told(&sources.fetch(&access, &wanted).await), want);
    for (wanted, want) in wanted.iter().zip(want) {
        assert_eq!(told(&sources.fetch(&access, std::slice::from_ref(wanted)).await), [want], "{wanted:?}");
    }
    let versions = told_versions(&sources.versions(&access, &wanted).await);
    assert_eq!(
        versions,
        ["3", "1", "2", "not-found", "not-found", "not-found", "1", "1", "3", "2", "1", "not-found"]
    );
    assert!(sources.fetch(&access, &[]).await.is_empty());
    assert!(sources.versions(&access, &[]).await.is_empty());

    let error = failure(sources.fetch(&access, &wanted[5..6]).await);
    assert_eq!(
        error.message(),
        format!(
            "parameter-store in {region}: /nowhere: does not exist; create it, or correct the name or version"
        )
    );
}

#[tokio::test]
async fn many_keys_are_read_together() {
    let (moto, region) = moto().await;
    let keys: Vec<_> = (0..60).map(|number| format!("/many/{number:02}")).collect();
    for key in &keys {
        moto.put_parameter(region, key, key).await.unwrap();
    }
    let (sources, access) = (sources(moto.endpoint()), access_in(AwsService::ParameterStore, region));
    let mut wanted: Vec<_> = keys.iter().map(|key| current(key)).collect();
    wanted.insert(33, current("/many/none"));
    let mut want: Vec<_> = keys.iter().map(|key| format!("{key}@1")).collect();
    want.insert(33, "not-found".to_owned());
    assert_eq!(told(&sources.fetch(&access, &wanted).await), want);
    let want: Vec<_> = want.iter().map(|told| if told == "not-found" { told } else { "1" }).collect();
    assert_eq!(told_versions(&sources.versions(&access, &wanted).await), want);
}

#[tokio::test]
async fn kinds_of_parameters_differ_in_how_they_are_stored_only() {
    let (moto, region) = moto().await;
    for (name, kind, value) in
        [("/k/s", "String", "plain"), ("/k/l", "StringList", "a,b"), ("/k/x", "SecureString", "sealed")]
    {
        let body = json!({ "Name": name, "Type": kind, "Value": value });
        moto.call(region, Service::SSM, "PutParameter", &body).await.unwrap();
    }
    let (sources, access) = (sources(moto.endpoint()), access_in(AwsService::ParameterStore, region));
    let wanted = ["/k/s", "/k/l", "/k/x"].map(current);
    assert_eq!(told(&sources.fetch(&access, &wanted).await), ["plain@1", "a,b@1", "sealed@1"]);
    assert_eq!(told(&sources.fetch(&access, &wanted[2..]).await), ["sealed@1"]);
    let fetched = sources.fetch(&access, &wanted[..1]).await.remove(0).unwrap();
    assert!(fetched.version.since.is_some());
}

#[tokio::test]
async fn parameters_are_found_by_arn() {
    let (moto, region) = moto().await;
    moto.put_parameter(region, "/app/db", "one").await.unwrap();
    moto.put_parameter(region, "plain", "text").await.unwrap();
    let (sources, access) = (sources(moto.endpoint()), access_in(AwsService::ParameterStore, region));
    let arn = format!("arn:aws:ssm:{region}:{}:parameter", Moto::ACCOUNT);
    let wanted = [
        current(&format!("{arn}/app/db")),
        current(&format!("{arn}/plain")),
        current(&format!("{arn}/none")),
    ];
    assert_eq!(told(&sources.fetch(&access, &wanted).await), ["one@1", "text@1", "not-found"]);
    moto.put_parameter(region, "/app/db", "two").await.unwrap();
    let both = [current("/app/db"), id(&format!("{arn}/app/db"), "1"), current("plain"), wanted[0].clone()];
    assert_eq!(told(&sources.fetch(&access, &both).await), ["two@2", "one@1", "text@1", "two@2"]);
    assert_eq!(told_versions(&sources.versions(&access, &wanted).await), ["2", "1", "not-found"]);
    assert_eq!(told_versions(&sources.versions(&access, &both).await), ["2", "1", "1", "2"]);
}

#[tokio::test]
async fn the_listing_tells_what_changed() {
    let (moto, region) = moto().await;
    for number in 0..60 {
        moto.put_parameter(region, &format!("/list/{number:02}"), "v").await.unwrap();
    }
    let (sources, access) = (sources(moto.endpoint()), access_in(AwsService::ParameterStore, region));
    let all = sources.changed_since(&access, None).await.unwrap().keys;
    assert_eq!(all.len(), 60);
    assert!(all.iter().all(|one| one.version.as_deref() == Some("1") && one.changed.is_some()));

    let since = all.iter().filter_map(|one| one.changed).max().unwrap() + jiff::SignedDuration::from_nanos(1);
    moto.put_parameter(region, "/list/07", "w").await.unwrap();
    let recent = sources.changed_since(&access, Some(since)).await.unwrap();
    assert!(recent.complete && recent.keys.len() == 60, "the list is read to its end whatever is asked");
    let changed: Vec<_> = recent.keys.iter().filter(|one| one.changed >= Some(since)).collect();
    let [one] = &changed[..] else { panic!("{changed:?}") };
    assert!(one.names.contains("/list/07"), "{one:?}");
    assert_eq!(one.version.as_deref(), Some("2"));

    moto.delete_parameter(region, "/list/07").await.unwrap();
    assert_eq!(failure(sources.fetch(&access, &[current("/list/07")]).await).kind, Kind::NotFound);
    assert_eq!(failure(sources.versions(&access, &[current("/list/07")]).await).kind, Kind::NotFound);
    let rest = sources.changed_since(&access, Some(since)).await.unwrap();
    assert!(rest.complete && rest.keys.len() == 59, "a deleted parameter is absent");
}
