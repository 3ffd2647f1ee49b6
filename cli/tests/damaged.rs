//! One document in the registry that cannot be read, as a later version of Pawl or a full disk leaves it, stops no command.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use crate::pawl::Pawl;
use rusqlite::Connection;

const DECLARATIONS: &str = "
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: shop}
spec:
  secretStoreRef: {name: fake, kind: ClusterSecretStore}
  data: [{secretKey: p, remoteRef: {key: app}}]
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: other, namespace: shop}
spec:
  secretStoreRef: {name: fake, kind: ClusterSecretStore}
  data: [{secretKey: p, remoteRef: {key: app}}]
";
const DAMAGED: &str = "blue/shop/db";
const OTHER: &str = "blue/shop/other";

/// What becomes of the document, in SQL, and whether it can still be read.
const TURNS: [(&str, bool); 4] = [
    // As a version before that field wrote it.
    (r#"replace(document, '"immutable":false,', '')"#, true),
    (r#"replace(document, '"version":1', '"version":1000')"#, false),
    ("substr(document, 1, length(document) / 2)", false),
    ("''", false),
];

#[test]
fn one_document_that_cannot_be_read_stops_no_command_and_can_be_mended() {
    for (turn, readable) in TURNS {
        for mends in ["apply --clusters -f manifests.yaml --cluster blue", "delete blue/shop/db"] {
            let pawl = Pawl::with(DECLARATIONS);
            damage(&pawl, turn);

            let shown = pawl.well("get");
            assert!(shown.contains(OTHER) && shown.contains(DAMAGED), "{turn}: {shown}");
            assert_eq!(shown.contains("unreadable"), !readable, "{turn}: {shown}");
            let shown = pawl.well(&format!("get declarations {OTHER}"));
            let rows = |id: &str| shown.lines().filter(|line| line.starts_with(id)).count();
            assert_eq!((rows(OTHER), rows(DAMAGED)), (1, 0), "{turn}: {shown}");
            assert!(pawl.well(&format!("explain {OTHER}")).contains("found by changes of"), "{turn}");
            let (code, said) = pawl.run(&format!("explain {DAMAGED}"));
            assert_eq!(code, i32::from(!readable), "{turn}: {said}");
            assert_eq!(
                said.contains("pawl: declaration blue/shop/db cannot be read"),
                !readable,
                "{turn}: {said}"
            );
            // Nobody can say whether it reads the key, and nobody says that nothing is missing.
            for (command, part) in [
                ("who app", "it may read this key: declaration blue/shop/db cannot be read"),
                ("wait app --timeout 0", "declaration blue/shop/db cannot be read"),
                ("diff blue/shop", "declaration blue/shop/db cannot be read"),
                ("history blue/shop/db", "pawl: declaration blue/shop/db cannot be read"),
            ] {
                let (_, said) = pawl.run(command);
                assert_eq!(said.contains(part), !readable, "{turn}: {command}: {said}");
            }
            // They go on until they meet the cluster, which is not there.
            for command in ["sweep --all", "sync blue/shop/other"] {
                let (code, said) = pawl.run(command);
                assert_eq!(code, 1, "{turn}: {command}: {said}");
                assert!(said.contains("cluster blue cannot be reached"), "{turn}: {command}: {said}");
            }

            let (_, mended) = pawl.run(mends);
            assert!(mended.contains(DAMAGED), "{turn}: {mends}: {mended}");
            let shown = pawl.well("get");
            assert!(!shown.contains("unreadable") && shown.contains(OTHER), "{turn}: {mends}: {shown}");
        }
    }
}

fn damage(pawl: &Pawl, turn: &str) {
    let file = Connection::open(pawl.path().join("pawl.db")).unwrap();
    // Ids are stored with spaces between their parts.
    let query = format!("UPDATE declarations SET document = {turn} WHERE id = ?1 AND document <> {turn}");
    assert_eq!(file.execute(&query, [DAMAGED.replace('/', " ")]).unwrap(), 1, "{turn}");
}
