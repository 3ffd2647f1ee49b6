//! The servers that tests start.

mod apiserver;
mod lambda;
mod moto;
mod pairs;
mod proxy;
mod vault;
