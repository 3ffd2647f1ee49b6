//! The same use cases by hand and as a server.
