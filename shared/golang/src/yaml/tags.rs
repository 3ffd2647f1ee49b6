//! Directives, anchors and tags.

use super::YamlError;
use super::scanner::{Scanner, Token};
use super::source::Mark;

impl Scanner {
    /// Reads `%YAML 1.1` or `%TAG !handle! prefix` with the rest of its line.
    pub(super) fn scan_directive(&mut self) -> Result<Token, YamlError> {
        let mark = self.source.mark;
        self.source.skip(1);
        let mut name = String::new();
        self.source.read_word(&mut name);
        if name.is_empty() || !self.source.is_gap(0) {
            return Err(mark.error("a directive without a name"));
        }
        self.source.skip_blanks();
        let token = match name.as_str() {
            "YAML" => {
                let major = self.scan_version(mark)?;
                if self.source.peek(0) != '.' {
                    return Err(mark.error("a %YAML directive without a version"));
                }
                self.source.skip(1);
                Token::Version(major, self.scan_version(mark)?)
            }
            "TAG" => {
                let handle = self.scan_tag_handle(mark)?;
                if handle.len() > 1 && !handle.ends_with('!') || !self.source.is_blank(0) {
                    return Err(mark.error("a %TAG directive without a handle"));
                }
                self.source.skip_blanks();
                let prefix = self.scan_uri("", mark)?;
                if !self.source.is_gap(0) {
                    return Err(mark.error("a %TAG directive with a bad prefix"));
                }
                Token::TagDirective(handle.into_bytes(), prefix)
            }
            _ => return Err(mark.error("an unknown directive")),
        };
        self.source.skip_blanks();
        self.source.skip_comment();
        if !self.source.is_break_or_end(0) {
            return Err(mark.error("more on the line of a directive"));
        }
        self.source.skip_line();
        Ok(token)
    }

    fn scan_version(&mut self, mark: Mark) -> Result<u8, YamlError> {
        let mut number = None;
        for _ in 0..2 {
            if let Some(digit) = self.source.peek(0).to_digit(10) {
                number = Some(number.unwrap_or(0) * 10 + digit as u8);
                self.source.skip(1);
            }
        }
        number
            .filter(|_| !self.source.peek(0).is_ascii_digit())
            .ok_or(mark.error("a %YAML directive without a version"))
    }

    /// Reads the name behind `&` or `*`.
    pub(super) fn scan_anchor(&mut self, mark: Mark) -> Result<String, YamlError> {
        self.source.skip(1);
        let mut name = String::new();
        self.source.read_word(&mut name);
        let ends = self.source.is_gap(0)
            || matches!(self.source.peek(0), '?' | ':' | ',' | ']' | '}' | '%' | '@' | '`');
        if name.is_empty() || !ends {
            return Err(mark.error("an anchor or alias without a name"));
        }
        Ok(name)
    }

    /// Reads `!`, `!suffix`, `!handle!suffix` or `!<tag>`.
    pub(super) fn scan_tag(&mut self, mark: Mark) -> Result<Token, YamlError> {
        let token = if self.source.peek(1) == '<' {
            self.source.skip(2);
            let tag = self.scan_uri("", mark)?;
            if self.source.peek(0) != '>' {
                return Err(mark.error("a tag without '>'"));
            }
            self.source.skip(1);
            Token::Tag(Vec::new(), tag)
        } else {
            let handle = self.scan_tag_handle(mark)?;
            if handle.len() > 1 && handle.ends_with('!') {
                let suffix = self.scan_uri("", mark)?;
                Token::Tag(handle.into_bytes(), suffix)
            } else {
                match self.scan_uri(&handle, mark)? {
                    suffix if suffix.is_empty() => Token::Tag(Vec::new(), b"!".to_vec()),
                    suffix => Token::Tag(b"!".to_vec(), suffix),
                }
            }
        };
        if !self.source.is_gap(0) {
            return Err(mark.error("a tag with more behind it"));
        }
        Ok(token)
    }

    fn scan_tag_handle(&mut self, mark: Mark) -> Result<String, YamlError> {
        if self.source.peek(0) != '!' {
            return Err(mark.error("a tag without '!'"));
        }
        let mut handle = String::new();
        self.source.read(&mut handle);
        self.source.read_word(&mut handle);
        if self.source.peek(0) == '!' {
            self.source.read(&mut handle);
        }
        Ok(handle)
    }

    /// Reads the characters of a URI; those behind the `!` of `head` count as its start.
    fn scan_uri(&mut self, head: &str, mark: Mark) -> Result<Vec<u8>, YamlError> {
        let mut uri = head.bytes().skip(1).collect::<Vec<_>>();
        let mut found = !head.is_empty();
        loop {
            let sign = self.source.peek(0);
            if sign == '%' {
                uri.push(self.scan_uri_octet(mark)?);
                // Go checks the octets behind the first against UTF-8, and takes any that fit.
                let width = match uri.last() {
                    Some(0..0x80) => 1,
                    Some(0xc0..0xe0) => 2,
                    Some(0xe0..0xf0) => 3,
                    Some(0xf0..0xf8) => 4,
                    _ => return Err(mark.error("a tag with a bad escape")),
                };
                for _ in 1..width {
                    let octet = self.scan_uri_octet(mark)?;
                    if octet & 0xc0 != 0x80 {
                        return Err(mark.error("a tag with a bad escape"));
                    }
                    uri.push(octet);
                }
            } else if sign.is_ascii_alphanumeric() || "_-;/?:@&=+$,.!~*'()[]".contains(sign) {
                uri.push(sign as u8);
                self.source.skip(1);
            } else {
                break;
            }
            found = true;
        }
        if found { Ok(uri) } else { Err(mark.error("a tag without a name")) }
    }

    fn scan_uri_octet(&mut self, mark: Mark) -> Result<u8, YamlError> {
        let digits = [self.source.peek(1).to_digit(16), self.source.peek(2).to_digit(16)];
        let ('%', [Some(high), Some(low)]) = (self.source.peek(0), digits) else {
            return Err(mark.error("a tag with a bad escape"));
        };
        self.source.skip(3);
        Ok((high * 16 + low) as u8)
    }
}
