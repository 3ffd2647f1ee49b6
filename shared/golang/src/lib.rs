//! What Go does where ESO's manifests can see it: text/template, sprig, gjson, RE2, durations, base64, YAML 1.1 and printing.

pub mod base64;
pub mod duration;
pub mod fmt;
pub mod gjson;
pub mod json;
mod literal;
pub mod number;
pub mod regexp;
pub mod sprig;
pub mod template;
mod unicode;
pub mod value;
pub mod yaml;
