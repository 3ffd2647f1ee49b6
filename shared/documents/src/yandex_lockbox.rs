use pawl_domain::store::YandexLockboxStore;

fields!(YandexLockboxStore {
    "at" => must at,
});
