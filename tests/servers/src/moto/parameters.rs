use super::aws::{Aws, Service};
use crate::{Error, Result};
use serde_json::json;

impl Aws {
    /// PutParameter of a SecureString, over one that is there. Returns the new version's number.
    ///
    /// # Errors
    /// [`Error::Refused`] when the name is not a parameter's.
    pub async fn put_parameter(&self, region: &str, name: &str, value: &str) -> Result<i64> {
        let body = json!({ "Name": name, "Value": value, "Type": "SecureString", "Overwrite": true });
        let answer = self.call(region, Service::SSM, "PutParameter", &body).await?;
        answer["Version"]
            .as_i64()
            .ok_or_else(|| Error::Incomplete { call: "PutParameter".to_owned(), field: "Version" })
    }

    /// DeleteParameter.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is no such parameter.
    pub async fn delete_parameter(&self, region: &str, name: &str) -> Result<()> {
        self.call(region, Service::SSM, "DeleteParameter", &json!({ "Name": name })).await.map(drop)
    }
}
