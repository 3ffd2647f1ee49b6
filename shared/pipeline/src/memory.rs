//! What a process remembers of what it met: never needed, for the ledger knows all that must be known, and useful.

use crate::agenda::Agenda;
use crate::breaker::Breakers;
use crate::careful::Care;
use crate::rules::Own;
use crate::settings::Settings;
use crate::shares::Shares;
use crate::sweep::{Lists, Marks};

/// One for all that a process does.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) breakers: Breakers,
    pub(crate) shares: Shares,
    pub(crate) marks: Marks,
    pub(crate) lists: Lists,
    pub(crate) agenda: Agenda,
    pub(crate) care: Care,
    pub(crate) own: Own,
}

impl Memory {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            breakers: Breakers::default(),
            shares: Shares::new(settings.concurrency),
            marks: Marks::default(),
            lists: Lists::default(),
            agenda: Agenda::default(),
            care: Care::default(),
            own: Own::default(),
        }
    }
}
