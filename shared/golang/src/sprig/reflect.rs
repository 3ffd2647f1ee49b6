//! Types and kinds by name.

use super::Row;
use super::args::{arg, text};
use crate::value::Type::{Any, Str};
use crate::value::deep_equal;

pub(super) const TABLE: &[Row] = &[
    Row("typeOf", &[Any], None, |a| Ok(arg(a, 0).type_name().as_ref().into())),
    Row("typeIs", &[Str, Any], None, |a| Ok((text(a, 0) == arg(a, 1).type_name().as_bytes()).into())),
    Row("typeIsLike", &[Str, Any], None, |a| {
        let name = arg(a, 1).type_name();
        let name = name.as_bytes();
        Ok((text(a, 0) == name || name.strip_prefix(b"*").is_some_and(|name| text(a, 0) == name)).into())
    }),
    Row("kindOf", &[Any], None, |a| Ok(arg(a, 0).kind().name().into())),
    Row("kindIs", &[Str, Any], None, |a| Ok((text(a, 0) == arg(a, 1).kind().name().as_bytes()).into())),
    Row("deepEqual", &[Any, Any], None, |a| Ok(deep_equal(arg(a, 0), arg(a, 1))?.into())),
];
