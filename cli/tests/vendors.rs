//! Webhooks of vendors at a running server: taken from who signs them with the webhook's secret.

use crate::server::Server;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn doppler_is_let_in_by_its_signature() {
    const EVENTS: &str = "/v1/doppler/events";
    const BODY: &str = r#"{"type":"config.secrets.update","config":{"name":"prd","project":"shop"},"workplace":{},"diff":{"updated":["DB_URL"]}}"#;
    // What `openssl dgst -sha256 -hmac <secret>` answers for it.
    const SIGNED: &str =
        "X-Doppler-Signature: sha256=1a16339290b4c3de3eadb6a8d49532efe1481fcb02e4243b1459ea8ac8d14c84";
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[("PAWL_DOPPLER_WEBHOOK_SECRET", SECRET)]);
    for (headers, body, status, said) in [
        (&[SIGNED][..], BODY, 200, r#""changes":1"#),
        (&[SIGNED], &BODY.replace("shop", "bank"), 401, "the signature does not fit"),
        (&["X-Doppler-Signature: sha256=00"], BODY, 401, "the signature does not fit"),
        (&["X-Doppler-Signature: 00"], BODY, 401, "x-doppler-signature does not hold a signature"),
        (&[], BODY, 401, "x-doppler-signature does not hold a signature"),
    ] {
        let (answered, _, told) = server.ask("POST", EVENTS, headers, body);
        assert_eq!(answered, status, "{headers:?}: {told}");
        assert!(told.contains(said), "{headers:?}: {told}");
    }
    let closed = tempfile::tempdir().unwrap();
    let (status, _, told) = Server::start(closed.path(), &[]).ask("POST", EVENTS, &[SIGNED], BODY);
    assert_eq!(status, 404, "{told}");
    assert!(told.contains("set PAWL_DOPPLER_WEBHOOK_SECRET"), "{told}");
}
