//! Synthetic slides with planted truth, format fixtures and broken files, for tests, benchmarks and the demo.
