//! The program in a folder of its own, with nothing of the environment of whoever runs the test.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A cluster that is not there, and a store whose key `app` has a value that nothing may show.
const WORLD: &str = "
apiVersion: pawl.dev/v1alpha1
kind: Cluster
metadata: {name: blue}
spec: {url: {url: 'https://127.0.0.1:9', tokenFile: TOKEN}}
---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: fake}
spec: {provider: {fake: {data: [{key: app, value: canary-7f3c}, {key: app, value: canary-7f3c, version: v1}]}}}
";

/// The program with these arguments, and a home.
pub(crate) fn command(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pawl"));
    command.args(arguments.split_whitespace()).current_dir(folder).env_clear().env("HOME", folder);
    command
}

/// A folder with a registry.
pub(crate) struct Pawl(TempDir);

impl Pawl {
    /// Where nothing is registered.
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Where the cluster, the store and these declarations are applied from `manifests.yaml`; nobody has delivered them.
    pub(crate) fn with(declarations: &str) -> Self {
        let pawl = Self::new();
        let token = pawl.path().join("token");
        std::fs::write(&token, "t").unwrap();
        let manifests = WORLD.replace("TOKEN", &token.display().to_string()) + declarations;
        std::fs::write(pawl.path().join("manifests.yaml"), manifests).unwrap();
        pawl.well("apply --clusters -f manifests.yaml --cluster blue");
        pawl
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// What the program needs to use that store and that cluster.
    pub(crate) fn variables(&self) -> [(&'static str, &str); 2] {
        [("PAWL_UNSAFE_FAKE_STORES", "1"), ("PAWL_CLUSTER_FILES", self.path().to_str().unwrap())]
    }

    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = command(self.path(), arguments);
        command.envs(self.variables());
        command
    }

    /// Its exit code, and all that it says.
    pub(crate) fn run(&self, arguments: &str) -> (i32, String) {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(!said.contains("canary-7f3c"), "{arguments} shows a value: {said}");
        (output.status.code().unwrap(), said)
    }

    /// What it says where all goes well.
    pub(crate) fn well(&self, arguments: &str) -> String {
        let (code, said) = self.run(arguments);
        assert_eq!(code, 0, "{arguments}: {said}");
        said
    }

    /// Its result for programs.
    pub(crate) fn json(&self, arguments: &str) -> Value {
        let output = self.command(&format!("{arguments} -o json")).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }
}
