//! Character classes: `[a-z[:digit:]\pL]`, `\d`, `\p{Greek}`.

use super::RegexpError;
use super::input::{Input, NEVER, Reason};

/// The general categories of Unicode.
const CATEGORIES: &str = "C Cc Cf Cn Co Cs L Lc Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs";
/// Their long names, in the canonical form of [`canonical`].
const LONG_NAMES: &str = "Casedletter=LC Closepunctuation=Pe Cntrl=Cc Combiningmark=M Connectorpunctuation=Pc Control=Cc \
    Currencysymbol=Sc Dashpunctuation=Pd Decimalnumber=Nd Digit=Nd Enclosingmark=Me Finalpunctuation=Pf Format=Cf \
    Initialpunctuation=Pi Letter=L Letternumber=Nl Lineseparator=Zl Lowercaseletter=Ll Mark=M Mathsymbol=Sm \
    Modifierletter=Lm Modifiersymbol=Sk Nonspacingmark=Mn Number=N Openpunctuation=Ps Other=C Otherletter=Lo \
    Othernumber=No Otherpunctuation=Po Othersymbol=So Paragraphseparator=Zp Privateuse=Co Punct=P Punctuation=P \
    Separator=Z Spaceseparator=Zs Spacingmark=Mc Surrogate=Cs Symbol=S Titlecaseletter=Lt Unassigned=Cn \
    Uppercaseletter=Lu";
/// The scripts that Go 1.26 finds by name. Scripts of more than one word are not among them: Go folds the name that it is
/// asked for and then looks for the unfolded one.
const SCRIPTS: &str = "Adlam Ahom Arabic Armenian Avestan Balinese Bamum Batak Bengali Bhaiksuki Bopomofo Brahmi Braille \
    Buginese Buhid Carian Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot Cyrillic Deseret Devanagari \
    Dogra Duployan Elbasan Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gurmukhi Han Hangul \
    Hanunoo Hatran Hebrew Hiragana Inherited Javanese Kaithi Kannada Katakana Kawi Kharoshthi Khmer Khojki Khudawadi \
    Lao Latin Lepcha Limbu Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen Medefaidrin Miao \
    Modi Mongolian Mro Multani Myanmar Nabataean Nandinagari Newa Nko Nushu Ogham Oriya Osage Osmanya Palmyrene \
    Phoenician Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham Sinhala Sogdian Soyombo Sundanese Syriac \
    Tagalog Tagbanwa Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Toto Ugaritic Vai Vithkuqi \
    Wancho Yezidi Yi";

/// Reads a class in brackets, whose opening bracket is next.
pub(super) fn bracketed(input: &mut Input<'_>) -> Result<String, RegexpError> {
    let start = input.at;
    input.at += 1;
    let mut out = String::from("[");
    if input.eat("^") {
        out.push('^');
    }
    let mut is_first = true;
    while is_first || !input.eat("]") {
        is_first = false;
        if let Some(class) = named(input)? {
            out.push_str(&class);
            continue;
        }
        if let Some(class) = escaped(input)? {
            out.push_str(&class);
            continue;
        }
        let range = input.at;
        let low = member(input, start)?;
        let mut high = low;
        if input.rest().starts_with('-') && !matches!(input.rest().as_bytes(), [b'-', b']', ..] | [b'-']) {
            input.at += 1;
            high = member(input, start)?;
            if high < low {
                return Err(input.error_at(range, Reason::InvalidCharRange));
            }
        }
        push_range(&mut out, low, high);
    }
    out.push(']');
    Ok(out)
}

/// Reads `\d`, `\pL` and the like, if one is next.
pub(super) fn escaped(input: &mut Input<'_>) -> Result<Option<String>, RegexpError> {
    let class = match input.rest().as_bytes() {
        [b'\\', b'p' | b'P', ..] => return unicode(input).map(Some),
        [b'\\', b'd', ..] => "[0-9]",
        [b'\\', b'D', ..] => "[^0-9]",
        [b'\\', b's', ..] => r"[\t\n\f\r ]",
        [b'\\', b'S', ..] => r"[^\t\n\f\r ]",
        [b'\\', b'w', ..] => "[0-9A-Za-z_]",
        [b'\\', b'W', ..] => "[^0-9A-Za-z_]",
        _ => return Ok(None),
    };
    input.at += 2;
    Ok(Some(class.to_owned()))
}

/// Reads `[:alpha:]` or `[:^alpha:]`, if one is next. Both languages know the same names.
fn named(input: &mut Input<'_>) -> Result<Option<String>, RegexpError> {
    let Some((name, _)) = input.rest().strip_prefix("[:").and_then(|rest| rest.split_once(":]")) else {
        return Ok(None);
    };
    const NAMES: [&str; 14] = [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
        "upper", "word", "xdigit",
    ];
    if !NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
        return Err(input.error(Reason::InvalidCharRange));
    }
    input.at += name.len() + 4;
    Ok(Some(format!("[:{name}:]")))
}

/// One character of a class that starts at `start`, as a code point.
fn member(input: &mut Input<'_>, start: usize) -> Result<u32, RegexpError> {
    if input.rest().starts_with('\\') {
        return input.escape();
    }
    input.next().map(u32::from).ok_or(input.error_at(start, Reason::MissingBracket))
}

/// Appends a range without the surrogates, which occur in no text.
fn push_range(out: &mut String, low: u32, high: u32) {
    let parts = [(low, high.min(0xd7ff)), (low.max(0xe000), high)];
    let before = out.len();
    for (low, high) in parts.into_iter().filter(|(low, high)| low <= high && !(0xd800..0xe000).contains(high))
    {
        out.push_str(&format!("\\x{{{low:X}}}-\\x{{{high:X}}}"));
    }
    if out.len() == before {
        out.push_str(NEVER);
    }
}

/// Reads `\pL`, `\p{Greek}`, `\P{^Lu}` and the like.
fn unicode(input: &mut Input<'_>) -> Result<String, RegexpError> {
    let start = input.at;
    let invalid = input.error_at(start, Reason::InvalidCharRange);
    let mut is_negated = input.rest().starts_with("\\P");
    input.at += 2;
    let mut name = match input.next() {
        Some('{') => {
            let (name, _) = input.rest().split_once('}').ok_or(invalid)?;
            input.at += name.len() + 1;
            name
        }
        Some(letter) => &input.text[input.at - letter.len_utf8()..input.at],
        None => return Err(invalid),
    };
    if let Some(inner) = name.strip_prefix('^') {
        is_negated = !is_negated;
        name = inner;
    }
    let name = canonical(name);
    let long = LONG_NAMES.split_ascii_whitespace().filter_map(|pair| pair.split_once('='));
    let class = match &*name {
        "Any" => r"\x{0}-\x{10FFFF}".to_owned(),
        "Ascii" => r"\x{0}-\x{7F}".to_owned(),
        "Assigned" => r"\P{Cn}".to_owned(),
        name if CATEGORIES.split(' ').any(|known| known == name) => category(name),
        name if SCRIPTS.split_ascii_whitespace().any(|known| known == name) => format!(r"\p{{sc={name}}}"),
        name => category(long.into_iter().find(|(known, _)| *known == name).ok_or(invalid)?.1),
    };
    Ok(if is_negated { format!("[^{class}]") } else { format!("[{class}]") })
}

fn category(name: &str) -> String {
    if name == "Cs" { NEVER.to_owned() } else { format!(r"\p{{gc={name}}}") }
}

/// A name with its first letter in upper case, the others in lower case, and separators left out.
fn canonical(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for sign in name.chars().filter(|sign| !matches!(sign, '_' | '-' | ' ')) {
        out.push(if out.is_empty() { sign.to_ascii_uppercase() } else { sign.to_ascii_lowercase() });
    }
    out
}
