//! The vector kernels on a processor that this machine need not be.

use anyhow::ensure;

use crate::{
    process::{run, succeeds},
    tools,
};

const TARGET: &str = "aarch64-unknown-linux-gnu";
const LINKER: &str = "aarch64-linux-gnu-gcc";
const EMULATOR: &str = "qemu-aarch64-static";

/// Runs the unit tests of `vision` for NEON: for this machine where it is one, else emulated. A
/// compiler with the target's library may be named in `RUSTC`.
pub(crate) fn test() -> anyhow::Result<()> {
    let mut tests = tools::cargo();
    tests.args(["test", "--package", "bianque-vision", "--lib"]);
    if cfg!(target_arch = "aarch64") {
        return run(&mut tests);
    }
    for (program, package) in [(LINKER, "gcc-aarch64-linux-gnu"), (EMULATOR, "qemu-user-static")] {
        ensure!(
            succeeds(program, &["--version"]),
            "no {program} (Debian: apt-get install {package}), which builds and runs for aarch64"
        );
    }
    // Linked whole: the emulator of Debian 12 starts no thread of a program that loads libraries.
    run(tests
        .args(["--target", TARGET])
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", LINKER)
        .env("CC_aarch64_unknown_linux_gnu", LINKER)
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", EMULATOR)
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS", "-C target-feature=+crt-static"))
}
