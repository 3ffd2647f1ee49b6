use pawl_domain::store::YandexCertificateManagerStore;

fields!(YandexCertificateManagerStore {
    "at" => must at,
});
