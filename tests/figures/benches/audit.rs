//! The audit log of a busy Vault over a loopback socket in odd chunks: 1,000,000 records, of which exactly the changes
//! must be found.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot be made must end")]

use pawl_figures::{Size, Table, audit, runtime};

fn main() {
    let records = Size::read().of(1_000_000, 20_000);
    let soaked = runtime(2).block_on(audit::soak(records));
    assert_eq!(soaked.found, soaked.expected, "exactly the changes are found");
    let second = soaked.took.as_secs_f64();
    let mut table = Table::new(format!("{records} audit records over a socket, 1 % of them writes"));
    table.beside("changes found, none missing and none too many", soaked.found.len());
    table.beside("megabytes", soaked.bytes / 1_000_000);
    table.beside("seconds", format!("{second:.1}"));
    let micros = second * 1e6 / records as f64;
    table.at_most("a record, writer and reader on one machine", 10.0, micros, " µs");
    table.print();
}
