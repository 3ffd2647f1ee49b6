//! Go's visible behaviours, case by case.

mod differential;
mod gjson;
mod jsonpath;
mod readme;
mod sprig;
mod template;
mod template_differential;
