//! The servers that tests start.

mod apiserver;
mod deployable;
mod lambda;
mod moto;
mod proxy;
mod vault;
