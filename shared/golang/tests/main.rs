//! Go's visible behaviours, case by case.

mod differential;
mod gjson;
mod jsonpath;
mod readme;
mod sjson;
mod sprig;
mod template;
mod template_differential;
