//! Sends the recorded requests to a real API server and prints the recording anew:
//! `cargo run -p pawl-devcluster --example record -- https://127.0.0.1:6443 <admin's token> <low's token>`.
//!
//! The server needs a user `admin` in `system:masters`, a user `low` without any right, CustomResourceDefinitions of
//! ExternalSecret and ClusterSecretStore that preserve unknown fields, no controller manager, and no namespace
//! `recorded`.

#[path = "../tests/recorded/mod.rs"]
mod recording;

use kube::{Client, Config};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, admin, low] = arguments.as_slice() else {
        return Err("give the server's URL, the token of admin and the token of low".into());
    };
    let client = |token: &str| {
        let mut config = Config::new(url.parse()?);
        config.accept_invalid_certs = true;
        config.default_retry = false;
        config.auth_info.token = Some(token.to_owned().into());
        Ok::<_, Box<dyn std::error::Error>>(Client::try_from(config)?)
    };
    let (admin, low, nobody) = (client(admin)?, client(low)?, client("nobody")?);
    for mut exchange in recording::exchanges() {
        let client = match exchange.user.as_str() {
            "admin" => &admin,
            "low" => &low,
            _ => &nobody,
        };
        (exchange.code, exchange.answer) = recording::send(client, &exchange).await;
        #[expect(clippy::print_stdout, reason = "the recording is what this program is for")]
        {
            println!("{}", serde_json::to_string(&exchange)?);
        }
    }
    Ok(())
}
