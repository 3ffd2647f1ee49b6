//! Stores of vendors' products, each with every field and each way of proving an identity.

use pawl_domain::store::{
    Backend, BitwardenStore, CaProvider, ConjurAuth, ConjurStore, ConjurToken, DelineaStore, Given, IbmAuth,
    IbmStore, OracleStore, SecretKeyRef, SecretServerAuth, SecretServerStore,
};

pub(super) fn all(at: &dyn Fn(&str) -> SecretKeyRef) -> Vec<(&'static str, Backend)> {
    let mut all = conjur(at).to_vec();
    all.extend(ibm(at));
    all.push(("bitwarden.json", bitwarden(at)));
    all.extend(delinea(at));
    all.push(("oracle.json", oracle(at)));
    all
}

fn conjur(at: &dyn Fn(&str) -> SecretKeyRef) -> [(&'static str, Backend); 4] {
    let store = |auth| {
        let (url, account) = ("https://conjur.example.com".to_owned(), "shop".to_owned());
        let (ca_bundle, ca_provider) = (Some("PEM".to_owned()), Some(CaProvider::Secret(at("roots"))));
        ConjurStore { url, account, auth, ca_bundle, ca_provider }.into()
    };
    let (service, host) = (|| "k8s".to_owned(), || Some("host/shop".to_owned()));
    let account = ConjurToken::ServiceAccount {
        name: "pawl".parse().unwrap(),
        namespace: Some("infra".parse().unwrap()),
        audiences: vec!["conjur".to_owned()],
    };
    let jwt = |token| ConjurAuth::Jwt { service: service(), host: host(), token };
    let certificate =
        ConjurAuth::Certificate { service: service(), host: host(), certificate: at("cert"), key: at("key") };
    [
        ("conjur-key.json", store(ConjurAuth::ApiKey { user: at("user"), key: at("key") })),
        ("conjur-account.json", store(jwt(account))),
        ("conjur-token.json", store(jwt(ConjurToken::Secret(at("token"))))),
        ("conjur-certificate.json", store(certificate)),
    ]
}

fn ibm(at: &dyn Fn(&str) -> SecretKeyRef) -> [(&'static str, Backend); 2] {
    let store = |auth| {
        let url = "https://1.eu-de.secrets-manager.appdomain.cloud".to_owned();
        IbmStore { url, iam: "https://iam.cloud.ibm.com".to_owned(), auth }.into()
    };
    let profile = IbmAuth::Profile {
        profile: "shop".to_owned(),
        account: "pawl".parse().unwrap(),
        namespace: Some("infra".parse().unwrap()),
        audiences: vec!["iam".to_owned()],
    };
    [("ibm-key.json", store(IbmAuth::ApiKey(at("key")))), ("ibm-profile.json", store(profile))]
}

fn bitwarden(at: &dyn Fn(&str) -> SecretKeyRef) -> Backend {
    BitwardenStore {
        server: "https://sdk.example.com".to_owned(),
        api: "https://api.bitwarden.eu".to_owned(),
        identity: "https://identity.bitwarden.eu".to_owned(),
        organization: "org".to_owned(),
        project: "project".to_owned(),
        token: at("token"),
        ca_bundle: Some("PEM".to_owned()),
        ca_provider: Some(CaProvider::ConfigMap(at("roots"))),
    }
    .into()
}

fn delinea(at: &dyn Fn(&str) -> SecretKeyRef) -> [(&'static str, Backend); 4] {
    let server = |auth| {
        let url = "https://shop.secretservercloud.eu".to_owned();
        let (ca_bundle, ca_provider) = (Some("PEM".to_owned()), Some(CaProvider::Secret(at("roots"))));
        SecretServerStore { url, auth, ca_bundle, ca_provider }.into()
    };
    let password = SecretServerAuth::Password {
        user: Given::At(at("user")),
        password: at("password"),
        domain: "corp".to_owned(),
    };
    let vault = |client_id| {
        let url = "https://shop.secretsvaultcloud.com/v1".to_owned();
        DelineaStore { url, client_id, client_secret: at("secret") }.into()
    };
    [
        ("secretserver-password.json", server(password)),
        ("secretserver-token.json", server(SecretServerAuth::Token(at("token")))),
        ("delinea.json", vault(Given::At(at("id")))),
        ("delinea-written.json", vault(Given::Written("client".to_owned()))),
    ]
}

fn oracle(at: &dyn Fn(&str) -> SecretKeyRef) -> Backend {
    OracleStore {
        region: "eu-frankfurt-1".to_owned(),
        vault: "ocid1.vault.oc1..v".to_owned(),
        compartment: Some("ocid1.compartment.oc1..c".to_owned()),
        tenancy: "ocid1.tenancy.oc1..t".to_owned(),
        user: "ocid1.user.oc1..u".to_owned(),
        private_key: at("key"),
        fingerprint: at("fingerprint"),
    }
    .into()
}
