//! Runs a cluster until it is interrupted, for a try with kubectl:
//! `cargo run -p pawl-devcluster --example serve > /tmp/kubeconfig & kubectl --kubeconfig /tmp/kubeconfig get secrets -A`.

use pawl_devcluster::{DevCluster, Options, User};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let cluster = DevCluster::start(Options::named("dev")).await?;
    if let Some(token) = std::env::args().nth(1) {
        cluster.add_token(&token, User::new("low"));
    }
    #[expect(clippy::print_stdout, reason = "the kubeconfig is what this program is for")]
    {
        println!("{}", cluster.kubeconfig());
    }
    tokio::signal::ctrl_c().await
}
