//! Manifests that a command makes.

use super::tame::tame_json;
use crate::args::Output;
use serde::Serialize;

/// Manifests as `pawl apply` takes them: a List where JSON is asked for, else YAML.
pub(crate) fn printed(documents: &[impl Serialize], output: Output) -> String {
    match output {
        Output::Json => {
            let list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": documents });
            tame_json(&serde_json::to_string_pretty(&list).unwrap_or_default()) + "\n"
        }
        Output::Table | Output::Wide | Output::Name | Output::Csv | Output::Yaml => {
            // Each begins anew, so that the lists of several places can stand one behind the other.
            let one = |each| format!("---\n{}", serde_saphyr::to_string(each).unwrap_or_default());
            documents.iter().map(one).collect()
        }
    }
}
