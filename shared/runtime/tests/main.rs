//! What all ways to run Pawl share.

mod audit;
mod feed;
mod jobs;
mod pull;
