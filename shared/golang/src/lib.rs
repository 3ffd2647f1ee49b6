#![doc = include_str!("../README.md")]

pub mod base64;
pub mod budget;
pub mod duration;
pub mod fmt;
pub mod gjson;
pub mod json;
pub mod jsonpath;
mod literal;
pub mod number;
pub mod prices;
pub mod regexp;
pub mod sjson;
pub mod sprig;
pub mod template;
mod unicode;
pub mod value;
pub mod yaml;
