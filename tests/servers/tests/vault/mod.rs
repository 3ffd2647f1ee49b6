//! The double of Vault does what OpenBao was seen to do, and what tests ask of it beside that.

mod hooks;
mod logins;
mod neutral;
mod recorded;
mod steps;
