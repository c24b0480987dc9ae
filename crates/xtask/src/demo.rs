//! `cargo xtask demo`: from a fresh clone to lesions on a slide.

use std::path::Path;

use crate::{process, tools};

pub(crate) fn run(out: &Path) -> anyhow::Result<()> {
    tools::require_c_compiler()?;
    let mut command = tools::cargo();
    command.args(["run", "--release", "--package", "bianque-cli"]);
    if tools::can_build_turbojpeg() {
        command.args(["--features", "turbojpeg"]);
    }
    process::run(command.args(["--", "demo", "--out"]).arg(out))
}
