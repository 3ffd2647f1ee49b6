//! No circle between the files of the flow, nor between those of the command line. Who uses whom is derived from the code.
//!
//! A file uses another one where it names it in a path (`crate::queue`, `super::visit`), and where it calls a method that is
//! defined there: methods of one type stand in many files, and calling them takes no import. Of calls on anything but `self`
//! and its parts (`self.base`, as `parts.rs` declares them) only those count whose name nothing else has; the types that
//! they are called on are named in paths anyway. Of the command line only paths count: its files share no types.

use super::{files, root};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::PathBuf;

/// Methods that types of other libraries have as well, so that a call of one says nothing.
const COMMON: &[&str] = &[
    "add", "any", "begin", "clone", "contains", "count", "default", "enter", "extend", "fail", "filter",
    "get", "insert", "is_empty", "iter", "keep", "key", "lock", "map", "next", "note", "of", "pop", "push",
    "put", "read", "remove", "render", "search", "set", "take", "values", "with", "write",
];

/// A file of the crate, `sweep/visit`, and what stands in it.
struct Source<'a> {
    name: &'a str,
    tokens: Vec<&'a str>,
}

/// What each file uses, with how it does that.
type Uses = BTreeMap<String, BTreeMap<String, String>>;

#[test]
fn files_of_the_command_line_use_each_other_in_no_circle() {
    let texts = texts("cli/src");
    let found = paths(&sources(&texts));
    assert_eq!(found["args"]["args/offer"], "names it", "children are found");
    assert_eq!(found["verbs/plan"]["verbs/offer"], "names it", "what stands beside a file is found");
    assert_eq!(found["verbs/who"]["flow"], "names it", "paths from the root are found");
    assert_eq!(circle(&found), None, "move what is needed of each other into a file below both");
}

#[test]
fn files_of_the_flow_use_each_other_in_no_circle() {
    let texts = texts("shared/pipeline/src");
    let mut foreign: BTreeSet<String> = COMMON.iter().map(|name| (*name).to_owned()).collect();
    for known in ["shared/domain/src", "shared/documents/src", "shared/ports/src"] {
        for path in files(&root().join(known), ".rs") {
            foreign.extend(functions(&tokens(&fs::read_to_string(path).unwrap())));
        }
    }
    let found = uses(&sources(&texts), &foreign);
    assert_eq!(found["deliver"]["deliver/carry"], "calls carry_all_out", "calls are found");
    assert_eq!(found["sync"]["deliver"], "calls deliver_work", "calls of parts are found");
    assert_eq!(found["sweep/stores"]["sweep/visit"], "names it", "paths are found");
    assert_eq!(circle(&found), None, "move what is needed of each other into a file below both");
}

/// The files of a crate by name, without tests. The root gives out the names of all, so it does not count.
fn texts(folder: &str) -> Vec<(String, String)> {
    let folder = root().join(folder);
    let read = |path: &PathBuf| {
        let name = path.strip_prefix(&folder).unwrap().with_extension("").display().to_string();
        (name.trim_end_matches("/mod").to_owned(), fs::read_to_string(path).unwrap())
    };
    let texts = files(&folder, ".rs").into_iter().map(|path| read(&path));
    texts.filter(|(name, _)| !["lib", "main"].contains(&name.as_str()) && !name.ends_with("/tests")).collect()
}

fn sources(texts: &[(String, String)]) -> Vec<Source<'_>> {
    texts.iter().map(|(name, text)| Source { name, tokens: tokens(text) }).collect()
}

/// The shortest circle, as text.
fn circle(uses: &Uses) -> Option<String> {
    let circles = uses.keys().filter_map(|from| way_back(uses, from));
    let shortest = circles.min_by_key(Vec::len)?;
    let told = shortest.iter().zip(shortest.iter().cycle().skip(1));
    Some(told.map(|(from, to)| format!("{from} uses {to}: it {}\n", uses[*from][*to])).collect())
}

/// The shortest way from a file back to it.
fn way_back<'a>(uses: &'a Uses, from: &'a String) -> Option<Vec<&'a String>> {
    let mut before: BTreeMap<&String, &String> = BTreeMap::new();
    let mut open = VecDeque::from([from]);
    while let Some(here) = open.pop_front() {
        for next in uses.get(here).into_iter().flat_map(BTreeMap::keys) {
            if next == from {
                let mut way = vec![here];
                while let Some(earlier) = before.get(way[way.len() - 1]) {
                    way.push(earlier);
                }
                way.reverse();
                return Some(way);
            }
            if !before.contains_key(next) {
                before.insert(next, here);
                open.push_back(next);
            }
        }
    }
    None
}

/// By paths and by calls.
fn uses(sources: &[Source<'_>], foreign: &BTreeSet<String>) -> Uses {
    let mut of_types: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    let mut of_any: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for source in sources {
        for (of, method) in source.methods() {
            of_types.entry((of, method)).or_default().insert(source.name);
            of_any.entry(method).or_default().insert(source.name);
        }
    }
    let parts = sources.iter().find(|source| source.name == "parts").map(Source::fields).unwrap_or_default();
    let mut found = paths(sources);
    for source in sources {
        let used = found.entry(source.name.to_owned()).or_default();
        for (of, method) in source.calls(&parts) {
            let homes = match of {
                Some(of) => of_types.get(&(of, method)),
                None => of_any.get(method).filter(|homes| homes.len() == 1 && !foreign.contains(method)),
            };
            for home in homes.into_iter().flatten() {
                used.insert((*home).to_owned(), format!("calls {method}"));
            }
        }
        used.remove(source.name);
    }
    found
}

/// By paths alone.
fn paths(sources: &[Source<'_>]) -> Uses {
    let names: BTreeSet<&str> = sources.iter().map(|source| source.name).collect();
    let of = |source: &Source<'_>| {
        let mut homes = source.named(&names);
        homes.remove(source.name);
        let named = homes.into_iter().map(|home| (home, "names it".to_owned()));
        (source.name.to_owned(), named.collect())
    };
    sources.iter().map(of).collect()
}

impl<'a> Source<'a> {
    /// Each token with its position and the type whose `impl` it stands in, if that is not of a trait.
    fn walk(&self) -> Vec<(usize, Option<&'a str>, usize)> {
        let (mut depth, mut of, mut found) = (0_usize, None, Vec::new());
        for (at, token) in self.tokens.iter().enumerate() {
            let begins =
                at.checked_sub(1).is_none_or(|before| matches!(self.tokens[before], "}" | ";" | "]"));
            match *token {
                "impl" if depth == 0 && begins => of = implemented(&self.tokens[at + 1..]),
                "{" => depth += 1,
                "}" => {
                    depth = depth.saturating_sub(1);
                    of = of.filter(|_| depth > 0);
                }
                _ => {}
            }
            found.push((at, of, depth));
        }
        found
    }

    /// The methods that are defined here, each with its type.
    fn methods(&self) -> BTreeSet<(&'a str, &'a str)> {
        let defined = |(at, of, depth): (usize, Option<&'a str>, usize)| {
            (self.tokens[at] == "fn" && depth == 1).then_some((of?, *self.tokens.get(at + 1)?))
        };
        self.walk().into_iter().filter_map(defined).collect()
    }

    /// The fields that are shared parts, `base: Arc<Base<P>>`, each with its type.
    fn fields(&self) -> BTreeMap<&'a str, &'a str> {
        let shared = self.tokens.windows(5).filter(|five| five[1..4] == [":", "Arc", "<"]);
        shared.map(|five| (five[0], five[4])).collect()
    }

    /// The methods that are called here, with their types where these are plain.
    fn calls(&self, parts: &BTreeMap<&str, &'a str>) -> BTreeSet<(Option<&'a str>, &'a str)> {
        let token = |at: usize| self.tokens.get(at).copied().unwrap_or_default();
        let mut found = BTreeSet::new();
        for (at, of, _) in self.walk() {
            let before = |back: usize| at.checked_sub(back).map(token).unwrap_or_default();
            match token(at) {
                "." if matches!(token(at + 2), "(" | "::") => {
                    let own = before(1) == "self" && before(2) != ".";
                    let part = parts.get(before(1)).copied();
                    let part = part.filter(|_| before(2) == "." && before(3) == "self");
                    found.insert((part.or(of.filter(|_| own)), token(at + 1)));
                }
                "Self" if token(at + 1) == "::" && of.is_some() => drop(found.insert((of, token(at + 2)))),
                _ => {}
            }
        }
        found
    }

    /// The files that paths name here.
    fn named(&self, names: &BTreeSet<&str>) -> BTreeSet<String> {
        let own: Vec<&str> = self.name.split('/').collect();
        let mut found = BTreeSet::new();
        for at in 0..self.tokens.len() {
            let rest = &self.tokens[at..];
            if rest.get(1) != Some(&"::") || at > 0 && self.tokens[at - 1] == "::" {
                continue;
            }
            let mut base = match rest[0] {
                "crate" => Vec::new(),
                "super" => own[..own.len() - 1].to_vec(),
                "self" => own.clone(),
                child if names.contains([&own[..], &[child]].concat().join("/").as_str()) => {
                    [&own[..], &[child]].concat()
                }
                _ => continue,
            };
            let mut next = 2;
            while rest[next] == "super" {
                base.pop();
                next += 2;
            }
            for mut path in listed(&rest[next..]) {
                let mut home = base.clone();
                while let Some((first, others)) = path.split_first()
                    && names.contains([&home[..], &[*first]].concat().join("/").as_str())
                {
                    home.push(first);
                    path = others.to_vec();
                }
                found.extend((!home.is_empty()).then(|| home.join("/")));
            }
        }
        found
    }
}

/// The paths that a path ends in: one, or those of a list.
fn listed<'a>(tokens: &[&'a str]) -> Vec<Vec<&'a str>> {
    let path = |tokens: &[&'a str]| {
        let parts =
            tokens.chunks(2).take_while(|part| is_word(part[0]) && part.get(1).is_none_or(|it| *it == "::"));
        let mut found: Vec<&'a str> = parts.map(|part| part[0]).collect();
        // The last word is followed by something else.
        found.extend(tokens.get(found.len() * 2).filter(|last| is_word(last)));
        found
    };
    match tokens.first() {
        Some(&"{") => {
            let end = tokens.iter().position(|token| *token == "}").unwrap_or(tokens.len());
            tokens[1..end].split(|token| *token == ",").map(path).filter(|path| !path.is_empty()).collect()
        }
        _ => vec![path(tokens)],
    }
}

/// The type that an `impl` with this head is of; `None` where it is of a trait.
fn implemented<'a>(head: &[&'a str]) -> Option<&'a str> {
    let end = head.iter().position(|token| matches!(*token, "{" | "where"))?;
    let (mut angles, mut plain) = (0_usize, Vec::new());
    for token in &head[..end] {
        match *token {
            "<" => angles += 1,
            ">" => angles -= 1,
            token if angles == 0 => plain.push(token),
            _ => {}
        }
    }
    if plain.contains(&"for") { None } else { plain.last().copied() }
}

/// The names of all functions that are defined in this code.
fn functions(tokens: &[&str]) -> BTreeSet<String> {
    let pairs = tokens.windows(2).filter(|pair| pair[0] == "fn");
    pairs.map(|pair| pair[1].to_owned()).collect()
}

fn is_word(token: &str) -> bool {
    token.starts_with(|sign: char| sign.is_alphanumeric() || sign == '_')
}

/// The words and signs of some code, without comments, texts, characters and tests.
fn tokens(text: &str) -> Vec<&str> {
    let mut rest = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let mut found = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (length, counts) = match first {
            '/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), false),
            '"' => (quoted(rest), false),
            'r' if rest.starts_with("r#\"") => (rest.find("\"#").unwrap_or(rest.len() - 2) + 2, false),
            '\'' => (character(rest), false),
            '-' if rest.starts_with("->") => (2, false),
            '=' if rest.starts_with("=>") => (2, false),
            ':' if rest.starts_with("::") => (2, true),
            sign if sign.is_alphanumeric() || sign == '_' => {
                let end = rest.find(|sign: char| !(sign.is_alphanumeric() || sign == '_'));
                (end.unwrap_or(rest.len()), true)
            }
            sign => (sign.len_utf8(), !sign.is_whitespace()),
        };
        let (token, after) = rest.split_at(length);
        found.extend(counts.then_some(token));
        rest = after;
    }
    found
}

/// The length of a text in quotes.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, sign) in text.char_indices().skip(1) {
        match sign {
            '"' if !escaped => return at + 1,
            _ => escaped = sign == '\\' && !escaped,
        }
    }
    text.len()
}

/// The length of a character in quotes, or of the sign before a lifetime.
fn character(text: &str) -> usize {
    let mut signs = text.char_indices().skip(1);
    match (signs.next(), signs.next()) {
        (Some((_, '\\')), Some((at, _))) => text[at + 1..].find('\'').map_or(1, |end| at + end + 2),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Option<String> {
        let texts: Vec<_> =
            files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        circle(&uses(&sources(&texts), &BTreeSet::from(["get".to_owned()])))
    }

    const FLOW: &str = "pub(crate) struct Flow<P>(P);";
    const FIRST: &str = "use crate::flow::Flow; impl<P: Ports> Flow<P> { fn first(&self) { self.second() } }";
    const SECOND: &str =
        "impl<P> crate::flow::Flow<P> { async fn second(&self) { self.0.x().await; self.third() } }";

    #[test]
    fn a_circle_of_calls_is_found_and_named() {
        let third =
            "impl<P> Flow<P> { fn third<'a>(&'a self, call: impl Fn()) { if true { self\n.first() } } }";
        let told = found(&[("flow", FLOW), ("a", FIRST), ("b", SECOND), ("c", third)]).unwrap();
        assert_eq!(told, "a uses b: it calls second\nb uses c: it calls third\nc uses a: it calls first\n");
        let ends = "impl<P> Flow<P> { fn third(&self) {} }";
        assert_eq!(found(&[("flow", FLOW), ("a", FIRST), ("b", SECOND), ("c", ends)]), None);
    }

    #[test]
    fn a_circle_of_calls_and_paths_is_found() {
        let plan = "pub struct Plan; impl Plan { pub fn is_done(&self) { super::b::done() } }";
        for call in ["plan.is_done()", "it.plan.is_done::<P>()"] {
            let user = format!("fn done() {{ {call} }}");
            assert!(found(&[("sweep/a", plan), ("sweep/b", &user)]).is_some(), "{call}");
        }
        let child = ("sweep", "mod a; use a::Plan;");
        let parent = ("sweep/a", "use super::{Round, b}; pub struct Plan;");
        assert_eq!(
            found(&[child, parent]).unwrap(),
            "sweep uses sweep/a: it names it\nsweep/a uses sweep: it names it\n"
        );
        assert_eq!(found(&[child, ("sweep/a", "use super::b::Round;"), ("sweep/b", "")]), None);
    }

    #[test]
    fn what_says_nothing_does_not_count() {
        let stores = "impl Stores { fn get(&self) { self.find() } fn find(&self) {} }";
        let lists = "impl Lists { fn find(&self) { map.get() } }";
        assert_eq!(found(&[("stores", stores), ("lists", lists)]), None, "each type has its own");
        let lists = "impl fmt::Display for Lists { fn fmt(&self) {} } fn x() { stores.find() }";
        let stores = "impl Stores { fn find(&self) { x.fmt() } }";
        assert_eq!(found(&[("stores", stores), ("lists", lists)]), None, "a trait's methods are no file's");
        let silent = "// self.third()\nfn x() { log(\"self.third() \\\" crate::c\", '\"', self.third) }";
        let third = "impl Flow { fn third(&self) { crate::b::x() } }";
        assert_eq!(found(&[("b", silent), ("c", third)]), None);
        let tested = "fn x() {}\n#[cfg(test)]\nmod tests { use crate::c; }";
        assert_eq!(found(&[("b", tested), ("c", third)]), None);
    }
}
