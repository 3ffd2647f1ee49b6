use pawl_domain::store::{
    Backend, Condition, FakeEntry, FakeStore, LabelOperator, LabelRequirement, LabelSelector, SecretKeyRef,
};
use pawl_domain::{Store, StoreId};

// Without its conditions a store would be open to every namespace.
fields!(Store {
    "id" => must id,
    "backend" => must backend,
    "conditions" => must conditions,
    "set" => later set,
    "labels" => later labels,
});

fields!(StoreId {
    "home" => must home,
    "namespace" => may namespace,
    "name" => must name,
    "generator" => later generator,
});

choices!(Backend {
    "Aws" => Aws(store),
    "Vault" => Vault(store),
    "Fake" => Fake(store),
    "OpenBao" => OpenBao(store),
    "GitLab" => GitLab(store),
    "GcpSecretManager" => GcpSecretManager(store),
    "AzureKv" => AzureKv(store),
    "Kubernetes" => Kubernetes(store),
    "Crd" => Crd(store),
    "Webhook" => Webhook(store),
    "Conjur" => Conjur(store),
    "Ibm" => Ibm(store),
    "Bitwarden" => Bitwarden(store),
    "SecretServer" => SecretServer(store),
    "Delinea" => Delinea(store),
    "Oracle" => Oracle(store),
    "OnePassword" => OnePassword(store),
    "Doppler" => Doppler(store),
    "Scaleway" => Scaleway(store),
    "Pulumi" => Pulumi(store),
    "Previder" => Previder(store),
    "Fortanix" => Fortanix(store),
    "Ovh" => Ovh(store),
    "Senhasegura" => Senhasegura(store),
    "BeyondtrustWorkloadCredentials" => BeyondtrustWorkloadCredentials(store),
    "Barbican" => Barbican(store),
    "Chef" => Chef(store),
    "Dvls" => Dvls(store),
    "Generator" => Generator(generator),
    "Beyondtrust" => Beyondtrust(store),
    "PasswordDepot" => PasswordDepot(store),
    "Volcengine" => Volcengine(store),
    "YandexCertificateManager" => YandexCertificateManager(store),
    "YandexLockbox" => YandexLockbox(store),
    "Infisical" => Infisical(store),
});

fields!(SecretKeyRef {
    "name" => must name,
    "key" => must key,
    "namespace" => may namespace,
});

fields!(Condition {
    "namespaces" => may namespaces,
    "regexes" => may regexes,
    "selector" => may selector,
});

// An empty selector matches every namespace.
fields!(LabelSelector {
    "labels" => must labels,
    "expressions" => must expressions,
});

fields!(LabelRequirement {
    "key" => must key,
    "operator" => must operator,
});

choices!(LabelOperator {
    "In" => In(values),
    "NotIn" => NotIn(values),
    "Exists" => Exists,
    "DoesNotExist" => DoesNotExist,
});

fields!(FakeStore {
    "data" => may data,
    "is_refused" => later is_refused,
});

fields!(FakeEntry {
    "key" => must key,
    "value" => must value,
    "version" => may version,
});
