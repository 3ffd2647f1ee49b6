//! What stands in a manifest, to try things out with.

use pawl_domain::SecretValue;
use pawl_domain::store::FakeStore;
use pawl_ports::Generation;

pub(crate) fn made(spec: &FakeStore) -> Generation {
    let entries = spec.data.iter();
    let values = entries.map(|entry| (entry.key.clone(), SecretValue::new(entry.value.as_bytes())));
    Generation { values: values.collect(), expires: None }
}
