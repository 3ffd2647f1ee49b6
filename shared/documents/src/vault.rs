use crate::part::{Fault, Out, Part};
use pawl_domain::store::{
    CaProvider, ClientCertificate, Headers, KvVersion, OpenBaoStore, RoleId, VaultAuth, VaultGcpAuth,
    VaultIamAuth, VaultProof, VaultStore,
};
use serde_json::Value;

fields!(VaultStore {
    "server" => must server,
    "path" => may path,
    "version" => may version,
    "namespace" => may namespace,
    "ca_bundle" => may ca_bundle,
    "ca_provider" => may ca_provider,
    "client_certificate" => may client_certificate,
    "headers" => may headers,
    "read_your_writes" => may read_your_writes,
    "forward_inconsistent" => may forward_inconsistent,
    "auth" => may auth,
    "auth_namespace" => may auth_namespace,
    "max_retries" => may max_retries,
});

/// As the engine that it reads.
impl Part for OpenBaoStore {
    fn write(&self, out: &mut Out) {
        self.engine().write(out);
    }

    fn read(value: Value) -> Result<Self, Fault> {
        Part::read(value).map(Self::new)
    }
}

impl Part for Headers {
    fn write(&self, out: &mut Out) {
        self.0.write(out);
    }

    fn read(value: Value) -> Result<Self, Fault> {
        Part::read(value).map(Self)
    }
}

choices!(KvVersion {
    "V1" => V1,
    "V2" => V2,
});

choices!(CaProvider {
    "Secret" => Secret(at),
    "ConfigMap" => ConfigMap(at),
});

fields!(ClientCertificate {
    "certificate" => must certificate,
    "key" => must key,
});

choices!(VaultAuth {
    "Token" => Token(at),
    "AppRole" => AppRole {
        "path" => must path,
        "role_id" => must role_id,
        "secret_id" => must secret_id,
    },
    "Kubernetes" => Kubernetes {
        "path" => must path,
        "role" => must role,
        "proof" => must proof,
    },
    "Ldap" => Ldap {
        "path" => must path,
        "username" => must username,
        "password" => must password,
    },
    "UserPass" => UserPass {
        "path" => must path,
        "username" => must username,
        "password" => must password,
    },
    "Jwt" => Jwt {
        "path" => must path,
        "role" => may role,
        "proof" => must proof,
    },
    "Cert" => Cert {
        "path" => must path,
        "role" => may role,
        "certificate" => must certificate,
    },
    "Iam" => Iam(iam),
    "Gcp" => Gcp(gcp),
});

choices!(RoleId {
    "Given" => Given(id),
    "Secret" => Secret(at),
});

choices!(VaultProof {
    "Secret" => Secret(at),
    "ServiceAccount" => ServiceAccount {
        "name" => must name,
        "namespace" => may namespace,
        "audiences" => may audiences,
        "lifetime" => may lifetime,
    },
});

fields!(VaultIamAuth {
    "path" => must path,
    "region" => must region,
    "vault_role" => must vault_role,
    "role" => may role,
    "external_id" => may external_id,
    "server_id" => may server_id,
    "identity" => must identity,
});

fields!(VaultGcpAuth {
    "path" => must path,
    "role" => must role,
    "key" => may key,
});
