//! The servers that tests start.

mod apiserver;
mod deployable;
mod lambda;
mod moto;
mod pairs;
mod proxy;
mod vault;
