//! Fakes of every port, builders and the contract suites that fakes and adapters share.
