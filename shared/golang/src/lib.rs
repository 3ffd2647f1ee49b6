//! What Go does where ESO's manifests can see it: text/template, sprig, gjson, RE2, durations, base64, YAML 1.1 and printing.

pub mod base64;
pub mod duration;
pub mod gjson;
pub mod json;
pub mod number;
pub mod regexp;
pub mod yaml;
pub mod fmt;
mod literal;
pub mod template;
mod unicode;
pub mod value;
