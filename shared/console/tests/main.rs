//! The console through its router, over the fakes of every port.

mod html;
mod listing;
mod pages;
mod style;
mod visitor;
mod who;
