use pawl_domain::store::YandexStore;

// Without its folder a store would take names for ids, and without its certificates trust others.
fields!(YandexStore {
    "endpoint" => must endpoint,
    "key" => must key,
    "ca" => must ca,
    "folder" => must folder,
});
