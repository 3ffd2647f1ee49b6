//! The audit log: what is recorded of a call, how strings are hashed, and the devices that take the lines.

mod device;
mod entry;
mod hash;

pub use device::AuditDevice;
pub(crate) use device::Devices;
pub(crate) use entry::{
    Auth, Entry, GrantingPolicy, Lease, Namespace, PolicyResults, Request, Response, WrapInfo,
};
