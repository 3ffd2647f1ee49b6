//! `push` as it is called: by its schedule, and by hand.
#![expect(clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

use crate::told::{Told, nothing_watched};
use pawl_pipeline::Settings;
use pawl_ports::Ports;
use pawl_world::{Fault, Point};

/// What EventBridge Scheduler sends when nothing else is said.
const SCHEDULED: &str = "{}";

const MANIFESTS: &str = "
apiVersion: external-secrets.io/v1alpha1
kind: PushSecret
metadata: { name: db, namespace: shop }
spec:
  deletionPolicy: Delete
  secretStoreRefs: [{ name: aws, kind: ClusterSecretStore }]
  selector: { secret: { name: db } }
  data:
    - match: { secretKey: password, remoteRef: { remoteKey: app/db, property: password } }
    - match: { secretKey: nothing, remoteRef: { remoteKey: app/nothing } }
  dataTo:
    - storeRef: { name: aws, kind: ClusterSecretStore }
      match: { regexp: ^tls }
      rewrite: [{ regexp: { source: ^, target: app/ } }]
";

async fn index(told: &Told, manifests: &str) -> pawl_index::Summary {
    let request = pawl_index::Request {
        manifests: Some(manifests.to_owned()),
        clusters: vec!["blue".parse().unwrap()],
        set: Some("shop".parse().unwrap()),
        prune: true,
        ..Default::default()
    };
    pawl_index::handle(&told.pipeline, &nothing_watched(), request).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_declared_is_pushed_on_schedule_and_goes_with_its_manifest() {
    let told = Told::with(Settings { pushes: true, ..Settings::default() });
    told.world.write_secret(
        "blue/shop/db",
        &[("password", &told.value(1)), ("tls.key", &told.value(2)), ("tls.crt", "crt")],
    );
    let summary = index(&told, MANIFESTS).await;
    assert_eq!(summary.failed.len(), 0, "{summary:?}");
    let request: pawl_push::Request = serde_json::from_str(SCHEDULED).unwrap();
    let pushed = pawl_push::handle(&told.pipeline, request).await.unwrap();
    assert_eq!((pushed.pushed, pushed.failed.len()), (0, 1), "{pushed:?}");
    assert!(pushed.failed[0].contains("secret key nothing does not exist"), "{pushed:?}");
    let want = format!(r#"{{"password":"{}"}}"#, told.value(1));
    assert_eq!(told.world.stored("app/db"), Some(want));
    assert_eq!(told.world.stored("app/tls.key"), Some(told.value(2)));
    told.canary.assert_absent_from("the summary", &format!("{pushed:?}"));

    let summary = index(
        &told,
        &MANIFESTS
            .replace("    - match: { secretKey: nothing, remoteRef: { remoteKey: app/nothing } }\n", ""),
    )
    .await;
    assert_eq!(summary.failed.len(), 0, "{summary:?}");
    let pushed = pawl_push::handle(&told.pipeline, request).await.unwrap();
    assert_eq!((pushed.pushed, pushed.written), (1, 0), "{pushed:?}");
    let summary = index(&told, "").await;
    assert_eq!(summary.failed.len(), 0, "{summary:?}");
    told.world.inject(Fault::fail(pawl_domain::Kind::Throttled).at(Point::Unpush).on("app/tls.key").times(1));
    let pushed = pawl_push::handle(&told.pipeline, request).await.unwrap();
    assert_eq!(pushed.failed.len(), 1, "{pushed:?}");
    assert!(told.world.stored("app/tls.key").is_some() && told.world.stored("app/db").is_none());
    let pushed = pawl_push::handle(&told.pipeline, pawl_push::Request { all: true }).await.unwrap();
    assert_eq!((pushed.pushed, pushed.removed), (1, 1), "{pushed:?}");
    assert_eq!(told.world.stored("app/tls.key"), None, "what could not be removed at once is removed later");
    assert_eq!(told.world.push_record("blue/shop/db"), None);
    told.end();
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_a_source_is_pushed_with_its_delivery() {
    let told = Told::with(Settings { pushes: true, ..Settings::default() });
    told.world.declare(pawl_world::declaration("blue/shop/db").reads("upstream/db").into_key("password"));
    index(
        &told,
        &MANIFESTS
            .replace("    - match: { secretKey: nothing, remoteRef: { remoteKey: app/nothing } }\n", ""),
    )
    .await;
    for number in [1, 2] {
        let change = told.world.rotate("upstream/db", told.value(number));
        assert_eq!(told.hear_of(&change).await, [0; 0]);
        let want = format!(r#"{{"password":"{}"}}"#, told.value(number));
        assert_eq!(told.world.stored("app/db"), Some(want), "without waiting for a schedule");
    }
    told.end();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_pushed_unless_it_is_switched_on() {
    let told = Told::new();
    told.world.write_secret("blue/shop/db", &[("password", &told.value(1))]);
    index(&told, MANIFESTS).await;
    let pushed = pawl_push::handle(&told.pipeline, pawl_push::Request { all: true }).await.unwrap();
    assert_eq!(pushed, pawl_push::Summary::default());
    assert_eq!(told.world.calls().pushes, 0);
    assert!(told.world.registry().push_record_of(&"blue/shop/db".parse().unwrap()).is_none());
    told.end();
}
