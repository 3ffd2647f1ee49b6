//! The servers that tests start.

mod apiserver;
mod lambda;
mod moto;
mod proxy;
mod vault;
