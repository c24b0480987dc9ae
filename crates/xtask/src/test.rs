//! `cargo xtask test`: everything that must hold before a change lands.

use std::process::Command;

use anyhow::bail;

use crate::{
    process::{run, succeeds},
    python, tools, web,
};

/// Format, lints, all tests with foreign judges and real slides, documentation.
pub(crate) fn run_everything() -> anyhow::Result<()> {
    tools::require_c_compiler()?;
    // First, because the server puts it into the program.
    let with_web = web::check()?;
    let turbojpeg = tools::can_build_turbojpeg();
    let features: &[&str] = if turbojpeg {
        &[
            "--features",
            "bianque-cli/turbojpeg,bianque-slide/turbojpeg,bianque-cli/onnxruntime,\
             bianque-record/postgresql,bianque-record/object-store",
        ]
    } else if tools::is_ci() {
        bail!("the build server must test libjpeg-turbo: install cmake and nasm");
    } else {
        &[
            "--features",
            "bianque-cli/onnxruntime,bianque-record/postgresql,bianque-record/object-store",
        ]
    };
    run(tools::cargo().args(["fmt", "--all", "--check"]))?;
    run(tools::cargo()
        .args(["clippy", "--workspace", "--all-targets"])
        .args(features)
        .args(["--", "-D", "warnings"]))?;
    let interpreter = python::interpreter()?;
    let judged = |command: &mut Command| -> anyhow::Result<()> {
        command.env("BIANQUE_PYTHON", &interpreter);
        if let Some(slides) = tools::real_slides()? {
            command.env("BIANQUE_SLIDES", slides);
        } else if tools::is_ci() {
            bail!("the build server must test real slides: set BIANQUE_SLIDES to their folder");
        } else {
            println!(
                "note: no folder of real slides (BIANQUE_SLIDES): tests on real slides say so and \
                 test nothing"
            );
        }
        run(command)
    };
    judged(tools::cargo().args(["test", "--workspace"]).args(features))?;
    // The pure-Rust decoders are what a plain `cargo build` gives.
    judged(tools::cargo().args(["test", "--package", "bianque-slide"]))?;
    run(tools::cargo().env("RUSTDOCFLAGS", "-D warnings").args([
        "doc",
        "--workspace",
        "--no-deps",
    ]))?;
    if with_web { web::browser_tests(turbojpeg) } else { Ok(()) }
}

/// Installs what a bare Debian machine lacks, then runs everything.
pub(crate) fn ci() -> anyhow::Result<()> {
    let mut missing: Vec<&str> =
        [("cmake", "cmake"), ("nasm", "nasm"), ("python3", "python3-venv"), ("npm", "npm")]
            .into_iter()
            .filter(|(program, _)| !succeeds(program, &["--version"]))
            .map(|(_, package)| package)
            .collect();
    if !web::has_browser() {
        missing.push("chromium");
    }
    if !web::has_chinese_font() {
        missing.push("fonts-noto-cjk");
    }
    if !tools::has_postgresql() {
        missing.push("postgresql");
    }
    if !missing.is_empty() {
        run(Command::new("apt-get").args(["update", "--quiet"]))?;
        run(Command::new("apt-get").args(["install", "--yes", "--quiet"]).args(&missing))?;
    }
    run_everything()
}
