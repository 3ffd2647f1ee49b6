//! Whose a session is: the names that it carries, and its account.

use crate::stores::credentials::{Call, MIDNIGHT, aws, calls, count, role, service_account};
use crate::stores::support::{FakeCluster, HandClock, access_of, current, name, sources_of, store, told};
use pawl_domain::store::{AwsService, AwsStore};
use pawl_domain::{Access, Home, StoreId};
use pawl_ports::Sources;
use std::sync::Arc;
use wiremock::matchers::body_string_contains;
use wiremock::{Mock, MockServer, ResponseTemplate};

#[tokio::test]
async fn tenants_have_sessions_of_their_own_unless_tags_are_switched_off() {
    for (on, exchanges) in [(true, 3), (false, 1)] {
        let aws = aws().await;
        let mut store = store(AwsService::SecretsManager);
        store.role = Some(role("reader"));
        // Not even a manifest that came by a way without checks may speak in Pawl's name.
        store.session_tags = vec![("pawl:namespace".to_owned(), "bank".to_owned())];
        let sources = sources_of(&aws.uri(), Arc::default(), HandClock::at(MIDNIGHT)).with_tenant_tags(on);
        for (cluster, namespace) in [("blue", "shop"), ("blue", "shop"), ("blue", "bank"), ("green", "shop")]
        {
            let id = StoreId {
                home: Home::Applied,
                namespace: Some(name(namespace)),
                name: name("aws"),
                generator: None,
            };
            let access = Access {
                cluster: Some(name(cluster)),
                namespace: None,
                tags: Some((name(namespace), id)),
                ..access_of(store.clone())
            };
            assert_eq!(told(&sources.fetch(&access, &[current("a")]).await), ["v@1"]);
        }
        let calls = calls(&aws).await;
        let of_sts: Vec<_> = calls.iter().filter(|call| call.what == "reader").collect();
        assert_eq!(of_sts.len(), exchanges);
        let sent = |call: &Call, key: &str| {
            call.form.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
        };
        let names: Vec<_> = of_sts.iter().filter_map(|call| sent(call, "RoleSessionName")).collect();
        let stores: Vec<_> = of_sts.iter().filter_map(|call| sent(call, "Tags.member.3.Value")).collect();
        if on {
            assert_eq!(names, ["pawl-blue-shop", "pawl-blue-bank", "pawl-green-shop"]);
            assert_eq!(stores, ["shop/aws", "bank/aws", "shop/aws"]);
        } else {
            assert_eq!((names, stores), (vec!["pawl".to_owned()], Vec::new()));
        }
    }
}

#[tokio::test]
async fn the_operators_external_id_stands_over_that_of_a_manifest() {
    for (operator, want) in [(None, [None, Some("theirs")]), (Some("ours"), [Some("ours"), Some("ours")])] {
        let aws = aws().await;
        let mut store = store(AwsService::SecretsManager);
        store.additional_roles = vec![role("first")];
        store.role = Some(role("last"));
        store.external_id = Some("theirs".to_owned());
        let sources = sources_of(&aws.uri(), Arc::default(), HandClock::at(MIDNIGHT))
            .with_external_id(operator.map(str::to_owned));
        assert_eq!(told(&sources.fetch(&access_of(store), &[current("a")]).await), ["v@1"]);
        let calls = calls(&aws).await;
        let sent =
            |call: &Call| call.form.iter().find(|(key, _)| key == "ExternalId").map(|(_, id)| id.clone());
        let sent: Vec<_> = calls[..2].iter().map(sent).collect();
        assert_eq!(sent, want.map(|id| id.map(str::to_owned)), "{operator:?}");
    }
}

#[tokio::test]
async fn the_account_is_learnt_once_for_each_proof() {
    let aws = aws().await;
    let said = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
                <Arn>arn:aws:sts::210987654321:assumed-role/pawl/x</Arn><UserId>x</UserId><Account>210987654321</Account>\
                </GetCallerIdentityResult></GetCallerIdentityResponse>";
    Mock::given(body_string_contains("Action=GetCallerIdentity"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(said, "text/xml"))
        .expect(1)
        .mount(&aws)
        .await;
    let annotations = [("eks.amazonaws.com/role-arn", "arn:aws:iam::123456789012:role/pod")];
    let cluster = Arc::new(FakeCluster::default().with_account("shop/app", &annotations));
    let sources = sources_of(&aws.uri(), cluster, HandClock::at(MIDNIGHT));
    let ambient = access_of(store(AwsService::SecretsManager));
    for _ in 0..3 {
        assert_eq!(sources.account(&ambient).await.as_deref(), Some("210987654321"));
    }
    // A role that STS gave out has its account in its name.
    assert_eq!(sources.account(&access_of(service_account())).await.as_deref(), Some("123456789012"));
    let named = AwsStore { role: Some(role("reader")), ..store(AwsService::SecretsManager) };
    assert_eq!(sources.account(&access_of(named)).await.as_deref(), Some("123456789012"));
}

#[tokio::test]
async fn who_cannot_say_the_account_is_not_asked_for_each_change() {
    let aws = MockServer::start().await;
    Mock::given(body_string_contains("Action=GetCallerIdentity"))
        .respond_with(ResponseTemplate::new(403))
        .mount(&aws)
        .await;
    let sources = sources_of(&aws.uri(), Arc::default(), HandClock::at(MIDNIGHT));
    let ambient = access_of(store(AwsService::SecretsManager));
    assert_eq!(sources.account(&ambient).await, None);
    let asked = count(&aws).await;
    assert_eq!(sources.account(&ambient).await, None);
    assert_eq!(count(&aws).await, asked);
}
