//! Real servers for tests: moto as AWS, kube-apiserver with etcd, cargo-lambda's emulator; and a TCP proxy that breaks on demand.
//!
//! Each server is one type. `start()` returns when the server answers, on a loopback port that nobody chose; dropping the value ends
//! the server, all that it started, and its files. A server also ends when the test process does, however that dies: see [`process`].
//!
//! | type | plays | needs |
//! |---|---|---|
//! | [`Moto`] | Secrets Manager, Parameter Store, SQS, EventBridge, DynamoDB, STS | the tools: `make tools` |
//! | [`ApiServer`] | one Kubernetes cluster | `KUBEBUILDER_ASSETS`; tests with one are ignored, and run by `make kubernetes` |
//! | [`LambdaEmulator`], [`SqsPoller`] | the Lambda service and its SQS event source | the tools, and binaries to run |
//! | [`gcpsm`] | Google Secret Manager, and the services that prove identities to it | nothing |
//! | [`azurekv`] | Azure Key Vault, and the Entra ID that gives out its tokens | nothing |
//! | [`conjur`] | CyberArk Conjur | nothing |
//! | [`gitlab`] | CI/CD variables of GitLab | nothing |
//! | [`pairs`] | any API, by requests and answers that were written down | nothing |
//! | [`vault`] | Vault and OpenBao | nothing |
//! | [`webhook`] | an API of somebody's own, which keeps what it was asked | nothing |
//! | [`Internet`] | the hosts of vendors: leads to their doubles whoever asks for them by their own addresses | nothing |
//! | [`FaultProxy`] | a network that misbehaves | nothing |
//!
//! Start reading at [`process`], which all the servers stand on; then whichever server the test at hand needs.

mod apiserver;
pub mod azurekv;
pub mod conjur;
mod error;
pub mod gcpsm;
pub mod gitlab;
mod internet;
mod lambda;
mod moto;
pub mod pairs;
pub mod process;
mod proxy;
mod relay;
mod rest;
mod signer;
mod tools;
pub mod vault;
pub mod webhook;

pub use apiserver::{ApiRequest, ApiServer, ApiServerBuilder, ClientCertificate};
pub use error::{Error, Result};
pub use internet::Internet;
pub use lambda::{LambdaEmulator, SqsPoller};
pub use moto::{Aws, Message, Moto, Queue, Service, StoredSecret};
pub use proxy::{Fault, FaultProxy};
pub use relay::{Instead, Relay};
pub use rest::Asked;
pub use signer::Signer;
pub use tools::tools_directory;
