//! Keys as ESO writes them: JSON Web Keys with members in the order of its clients.

use pawl_domain::SecretValue;
use serde_json::{Map, Value};

/// In the order of the struct in `services/keyvault/v7.0` of the Azure SDK, which ESO marshals.
const OLD: [&str; 16] =
    ["kid", "kty", "key_ops", "n", "e", "d", "dp", "dq", "qi", "p", "q", "k", "key_hsm", "crv", "x", "y"];

/// A key of a vault as JSON. The newer client (`useAzureSDK`) sorts the members; the older one has an order of its own. What
/// neither knows is left out.
pub(super) fn written(key: &Map<String, Value>, use_azure_sdk: bool) -> SecretValue {
    let mut order = OLD;
    if use_azure_sdk {
        order.sort_unstable();
    }
    let known = order.into_iter().filter_map(|name| Some((name, key.get(name)?)));
    let members =
        known.filter(|(_, value)| !is_left_out(value)).map(|(name, value)| format!("\"{name}\":{value}"));
    SecretValue::new(format!("{{{}}}", members.collect::<Vec<_>>().join(",")))
}

/// Go's `omitempty`.
fn is_left_out(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_stand_in_the_order_of_the_client() {
        let key = json!({
            "x": "eA", "kty": "EC", "crv": "P-256", "y": "eQ", "kid": "https://v/keys/k/1", "key_ops": ["sign"],
            "n": null, "later": 1, "e": "",
        });
        let key = key.as_object().unwrap();
        for (new, want) in [
            (
                false,
                r#"{"kid":"https://v/keys/k/1","kty":"EC","key_ops":["sign"],"crv":"P-256","x":"eA","y":"eQ"}"#,
            ),
            (
                true,
                r#"{"crv":"P-256","key_ops":["sign"],"kid":"https://v/keys/k/1","kty":"EC","x":"eA","y":"eQ"}"#,
            ),
        ] {
            assert_eq!(written(key, new).expose_str(), Some(want));
        }
    }
}
