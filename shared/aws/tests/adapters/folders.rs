//! Folders of manifests: read whole on moto, and against answers that moto does not give.

use crate::adapters::at::{config, fresh, moto};
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use pawl_aws::S3Folders;
use pawl_domain::{Kind, Step};
use pawl_ports::{Folder, Folders};
use wiremock::matchers::{header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn folder(bucket: &str) -> Folder {
    Folder {
        bucket: bucket.to_owned(),
        prefix: "shop/".to_owned(),
        set: "shop".parse().unwrap(),
        clusters: vec![],
    }
}

#[tokio::test]
async fn what_stands_in_a_folder_is_read_in_the_order_of_keys() {
    let (config, bucket) = (config(moto().await.endpoint()), fresh("manifests"));
    let settings = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
    let client = Client::from_conf(settings);
    let place = aws_sdk_s3::types::BucketLocationConstraint::EuCentral1;
    let place = aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(place).build();
    client.create_bucket().bucket(&bucket).create_bucket_configuration(place).send().await.unwrap();
    let reader = S3Folders::new(&config);
    let empty = reader.read(&folder(&bucket)).await.unwrap();
    assert!(empty.texts.is_empty() && empty.unreadable.is_empty() && empty.newest.is_none());

    let large = vec![b'#'; 1024 * 1024 + 1];
    let objects: [(&str, &[u8]); 7] = [
        ("shop/z.yaml", b"z: \xc3\xa9"),
        ("shop/deep/a b.yml", b"a: 1"),
        ("shop/README.md", b"no manifest"),
        ("shop/latin.yaml", b"z: \xe9"),
        ("shop/large.yaml", &large),
        ("shop/c.json", b"{}"),
        ("shopping/other.yaml", b"not in it"),
    ];
    for (key, body) in objects {
        client
            .put_object()
            .bucket(&bucket)
            .key(key)
            .body(ByteStream::from(body.to_vec()))
            .send()
            .await
            .unwrap();
    }
    let found = reader.read(&folder(&bucket)).await.unwrap();
    let texts: Vec<_> = found.texts.iter().map(|(place, text)| (place.as_str(), text.as_str())).collect();
    let place = |key: &str| format!("s3://{bucket}/shop/{key}");
    let want = [(place("c.json"), "{}"), (place("deep/a b.yml"), "a: 1"), (place("z.yaml"), "z: é")];
    assert_eq!(texts, want.iter().map(|(place, text)| (place.as_str(), *text)).collect::<Vec<_>>());
    let unreadable: Vec<_> =
        found.unreadable.iter().map(|(place, error)| (place.clone(), error.kind)).collect();
    assert_eq!(unreadable, [(place("large.yaml"), Kind::Invalid), (place("latin.yaml"), Kind::Invalid)]);
    assert!(found.newest.is_some());

    let error = reader.read(&folder("there-is-none")).await.unwrap_err();
    assert_eq!(error.step, Step::Read, "{error}");
    for named in ["s3://there-is-none/shop/", "NoSuchBucket"] {
        assert!(error.message().contains(named), "{error}");
    }
}

/// A page of a listing with these keys.
fn page(keys: &[&str], next: Option<&str>) -> ResponseTemplate {
    let contents: String = keys
        .iter()
        .map(|key| {
            format!(
                "<Contents><Key>{key}</Key><Size>4</Size><ETag>&quot;of-{}&quot;</ETag>\
                 <LastModified>2026-11-22T05:00:00.000Z</LastModified></Contents>",
                key.len()
            )
        })
        .collect();
    let next = next.map_or_else(
        || "<IsTruncated>false</IsTruncated>".to_owned(),
        |token| {
            format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>")
        },
    );
    let body = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{next}{contents}</ListBucketResult>"#
    );
    ResponseTemplate::new(200).set_body_raw(body, "application/xml")
}

fn refusal(status: u16, code: &str) -> ResponseTemplate {
    let body = format!("<Error><Code>{code}</Code><Message>words of S3</Message></Error>");
    ResponseTemplate::new(status).set_body_raw(body, "application/xml")
}

#[tokio::test]
async fn all_pages_are_read_and_only_what_was_listed() {
    let server = MockServer::start().await;
    let list = || Mock::given(method("GET")).and(path("/acme/")).and(query_param("prefix", "shop/"));
    let first = list().and(query_param_is_missing("continuation-token"));
    first.respond_with(page(&["shop/a.yaml", "shop/changed.yaml"], Some("more"))).mount(&server).await;
    let second = list().and(query_param("continuation-token", "more"));
    second.respond_with(page(&["shop/denied.yaml", "shop/gone.yaml"], None)).mount(&server).await;
    let object = |key: &str, answer| Mock::given(path(format!("/acme/shop/{key}"))).respond_with(answer);
    // It is asked for as it was listed.
    let a = Mock::given(path("/acme/shop/a.yaml")).and(header("if-match", "\"of-11\""));
    a.respond_with(ResponseTemplate::new(200).set_body_string("a: 1")).mount(&server).await;
    object("changed.yaml", refusal(412, "PreconditionFailed")).mount(&server).await;
    object("denied.yaml", refusal(403, "AccessDenied")).mount(&server).await;
    object("gone.yaml", refusal(404, "NoSuchKey")).mount(&server).await;
    let found = S3Folders::new(&config(&server.uri())).read(&folder("acme")).await.unwrap();
    assert_eq!(found.texts, [("s3://acme/shop/a.yaml".to_owned(), "a: 1".to_owned())]);
    let unreadable: Vec<&str> = found.unreadable.iter().map(|(place, _)| place.as_str()).collect();
    let places = ["changed", "denied", "gone"].map(|name| format!("s3://acme/shop/{name}.yaml"));
    assert_eq!(unreadable, places);
    let denied = &found.unreadable[1].1;
    assert_eq!(denied.kind, Kind::Denied);
    assert!(denied.message().contains("s3:GetObject") && !format!("{denied}").contains("words"), "{denied}");
    assert_eq!(found.newest, Some("2026-11-22T05:00:00Z".parse().unwrap()));
}

#[tokio::test]
async fn a_part_of_a_listing_does_not_pass_for_the_whole() {
    let server = MockServer::start().await;
    let first = Mock::given(query_param_is_missing("continuation-token"));
    first.respond_with(page(&["shop/a.yaml"], Some("more"))).mount(&server).await;
    let second = Mock::given(query_param("continuation-token", "more"));
    second.respond_with(refusal(403, "AccessDenied")).mount(&server).await;
    let error = S3Folders::new(&config(&server.uri())).read(&folder("acme")).await.unwrap_err();
    assert_eq!(error.kind, Kind::Denied, "{error}");
}
