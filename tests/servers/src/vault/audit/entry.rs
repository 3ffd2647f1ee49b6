//! One record, in the order in which OpenBao 2.6 writes its fields. What is empty is left out.

use crate::vault::json::Json;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Entry {
    pub(crate) time: String,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) auth: Auth,
    pub(crate) request: Request,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response: Option<Response>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Auth {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) client_token: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) accessor: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) display_name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) policies: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) token_policies: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) policy_results: Option<PolicyResults>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) num_uses: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) remaining_uses: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) entity_id: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) entity_created: bool,
    pub(crate) token_type: &'static str,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) token_ttl: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) token_issue_time: String,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct PolicyResults {
    pub(crate) allowed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) granting_policies: Vec<GrantingPolicy>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct GrantingPolicy {
    pub(crate) name: String,
    pub(crate) namespace_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) namespace_path: String,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
}

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Request {
    pub(crate) id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) client_id: String,
    pub(crate) operation: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) mount_point: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) mount_type: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) mount_accessor: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) mount_running_version: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) mount_class: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) client_token: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) client_token_accessor: String,
    pub(crate) namespace: Namespace,
    pub(crate) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Json>,
    pub(crate) remote_address: String,
    pub(crate) remote_port: u16,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) wrap_ttl: u64,
    #[serde(skip)]
    pub(crate) clear_keys: Vec<String>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Namespace {
    pub(crate) id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) path: String,
}

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Response {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) auth: Option<Auth>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) mount_point: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) mount_type: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) mount_accessor: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) mount_running_plugin_version: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) mount_class: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<Lease>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Json>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wrap_info: Option<WrapInfo>,
    #[serde(skip)]
    pub(crate) clear_keys: Vec<String>,
}

/// A lease. Engines without leases leave it empty.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Lease {}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct WrapInfo {
    pub(crate) ttl: u64,
    pub(crate) token: String,
    pub(crate) accessor: String,
    pub(crate) creation_time: String,
    pub(crate) creation_path: String,
}

impl Entry {
    /// Puts the number of names in the place of the names.
    pub(crate) fn count_list(&mut self) {
        if self.request.operation != "list" {
            return;
        }
        if let Some(Some(Json::Object(data))) = self.response.as_mut().map(|response| response.data.as_mut())
        {
            for key in ["keys", "key_info"] {
                if let Some(listed @ (Json::Array(_) | Json::Object(_))) = data.get_mut(key) {
                    *listed = listed.count();
                }
            }
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
