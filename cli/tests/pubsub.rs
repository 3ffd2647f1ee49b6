//! What `pawl serve` says of a subscription of Pub/Sub that it cannot pull.

use crate::pawl::command;
use crate::server::Server;

const SUBSCRIPTION: &str = "projects/shop/subscriptions/pawl";

#[test]
fn a_subscription_that_is_not_named_whole_or_has_no_identity_is_refused_at_once() {
    for (subscription, credentials, said) in [
        (
            "pawl",
            Some("google.json"),
            "PAWL_PUBSUB_SUBSCRIPTION is not valid: write projects/<project>/subscriptions/<id>",
        ),
        ("projects/shop/topics/pawl", Some("google.json"), "write projects/<project>/subscriptions/<id>"),
        (SUBSCRIPTION, None, "PAWL_GOOGLE_CREDENTIALS"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let mut command = command(directory.path(), "serve --listen 127.0.0.1:0");
        command.env("PAWL_PUBSUB_SUBSCRIPTION", subscription);
        command.envs(credentials.map(|file| ("PAWL_GOOGLE_CREDENTIALS", file)));
        let ended = command.output().unwrap();
        let told = String::from_utf8(ended.stderr).unwrap();
        assert!(!ended.status.success() && told.contains(said), "{subscription}: {told}");
        assert!(!directory.path().join("pawl.db").exists(), "{subscription}: a registry was made");
    }
}

/// The file may come later, and the sweep makes up for what is not told meanwhile.
#[test]
fn a_server_whose_identity_cannot_be_proven_serves_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let variables =
        [("PAWL_PUBSUB_SUBSCRIPTION", SUBSCRIPTION), ("PAWL_GOOGLE_CREDENTIALS", "/there/is/no/such/file")];
    let mut server = Server::start(directory.path(), &variables);
    let told = server.says("PAWL_GOOGLE_CREDENTIALS");
    assert!(told.contains("Pub/Sub: ") && told.contains("check path and rights"), "{told}");
    assert_eq!(server.ask("GET", "/healthz", &[], "").0, 200);
}
