use pawl_domain::store::DvlsStore;

// Without its vault a store would read its keys otherwise.
fields!(DvlsStore {
    "server_url" => must server_url,
    "vault" => must vault,
    "insecure" => must insecure,
    "app_id" => must app_id,
    "app_secret" => must app_secret,
});
