mod emulator;
mod poller;

pub use emulator::LambdaEmulator;
pub use poller::SqsPoller;
