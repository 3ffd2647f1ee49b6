//! The composition root: configuration, telemetry and wiring.
