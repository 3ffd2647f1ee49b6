//! What templates may call: Go's builtins, sprig's functions, and ESO's own.

mod certificates;
mod documents;

use jiff::Timestamp;
use pawl_golang::sprig::{self, Environment};
use pawl_golang::template::{self, ParseError, Template};
use std::sync::Arc;

/// The functions that templates may call. Making the table costs some work: make it once and share it.
#[derive(Clone)]
pub struct Functions(Arc<template::Functions>);

impl Functions {
    /// All functions, with this clock behind `now` and its like. The local time zone is UTC, as in ESO's image.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let mut table = sprig::functions(&Environment::new(now));
        documents::add_to(&mut table);
        certificates::add_to(&mut table);
        Self(Arc::new(table))
    }

    /// Whether a text is a template and calls only these functions.
    ///
    /// # Errors
    /// What is wrong with it, and on which line.
    pub fn check(&self, name: &str, text: &str) -> Result<(), ParseError> {
        Template::parse(name, text, &template::Options::new(&self.0)).map(|_| ())
    }

    pub(super) fn table(&self) -> &template::Functions {
        &self.0
    }
}

impl std::fmt::Debug for Functions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Functions")
    }
}

/// Whether the same values give other bytes next time.
pub(super) fn is_random(template: &Template) -> bool {
    template.functions().into_iter().any(|name| RANDOM.contains(&name))
}

/// Functions that are random, and those that look at the clock, be it only for some arguments.
const RANDOM: [&str; 32] = [
    "ago",
    "bcrypt",
    "date",
    "dateInZone",
    "date_in_zone",
    "durationRound",
    "encryptAES",
    "fullPemToPkcs12",
    "fullPemToPkcs12Pass",
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "htmlDate",
    "htmlDateInZone",
    "htpasswd",
    "now",
    "pemToPkcs12",
    "pemToPkcs12Pass",
    "pemTruststoreToPKCS12",
    "pemTruststoreToPKCS12Pass",
    "randAlpha",
    "randAlphaNum",
    "randAscii",
    "randBytes",
    "randInt",
    "randNumeric",
    "shuffle",
    "uuidv4",
];
