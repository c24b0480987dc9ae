//! The one binary, `bianque`: command line, reports, exit codes.

fn main() {}
