//! End to end: real binaries, moto, embedded and real API servers; and the demo.
