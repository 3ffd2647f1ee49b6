use pawl_domain::store::OracleStore;

// Without its compartment a store would search elsewhere than was declared.
fields!(OracleStore {
    "region" => must region,
    "vault" => must vault,
    "compartment" => must compartment,
    "tenancy" => must tenancy,
    "user" => must user,
    "private_key" => must private_key,
    "fingerprint" => must fingerprint,
});
