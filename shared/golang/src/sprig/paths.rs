//! Paths with slashes. The `os` forms are the same, because ESO runs on Linux.

use super::Row;
use super::args::text;
use crate::value::Type::Str;

pub(super) const TABLE: &[Row] = &[
    Row("base", &[Str], None, |a| Ok(base(text(a, 0)).into())),
    Row("dir", &[Str], None, |a| Ok(dir(text(a, 0)).into())),
    Row("clean", &[Str], None, |a| Ok(clean(text(a, 0)).into())),
    Row("ext", &[Str], None, |a| Ok(ext(text(a, 0)).into())),
    Row("isAbs", &[Str], None, |a| Ok(text(a, 0).starts_with(b"/").into())),
    Row("osBase", &[Str], None, |a| Ok(base(text(a, 0)).into())),
    Row("osDir", &[Str], None, |a| Ok(dir(text(a, 0)).into())),
    Row("osClean", &[Str], None, |a| Ok(clean(text(a, 0)).into())),
    Row("osExt", &[Str], None, |a| Ok(ext(text(a, 0)).into())),
    Row("osIsAbs", &[Str], None, |a| Ok(text(a, 0).starts_with(b"/").into())),
];

fn base(path: &[u8]) -> &[u8] {
    let Some(last) = path.iter().rposition(|byte| *byte != b'/') else {
        return if path.is_empty() { b"." } else { b"/" };
    };
    let path = &path[..=last];
    path.iter().rposition(|byte| *byte == b'/').map_or(path, |slash| &path[slash + 1..])
}

fn dir(path: &[u8]) -> Vec<u8> {
    clean(path.iter().rposition(|byte| *byte == b'/').map_or(&[], |slash| &path[..=slash]))
}

fn ext(path: &[u8]) -> &[u8] {
    let name = path.iter().rposition(|byte| *byte == b'/').map_or(path, |slash| &path[slash + 1..]);
    name.iter().rposition(|byte| *byte == b'.').map_or(b"", |dot| &name[dot..])
}

fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.last().is_some_and(|last| *last != b"..") => {
                parts.pop();
            }
            b".." if rooted => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/", joined.as_slice()].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}
