//! `cargo xtask bench`: ours and a peer's figures side by side, from one run.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::{bench_run, process::run as start, python, tools};

const TISSUE_SLIDES: [&str; 4] = [
    "polyp-section-1.svs",
    "svs/CMU-1-Small-Region.svs",
    "svs/tcga-cr-7395-01a-01-ts1.svs",
    "composed/composed-1.svs",
];

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    subject: Subject,
}

#[derive(Subcommand)]
enum Subject {
    /// Reading a slide, against openslide-python.
    Read {
        /// The slide; polyp-section-1.svs of the real slides unless named.
        slide: Option<PathBuf>,
    },
    /// Encoding tiles, against PyTorch with timm and ONNX Runtime.
    Encode {
        /// Only rows whose name, such as `vit_base_patch16_224 onnxruntime 2-threads` or `convnet`,
        /// has this in it; several must all be in it.
        #[arg(long)]
        only: Vec<String>,
        /// Where to encode: cpu or cuda.
        #[arg(long, default_value = "cpu")]
        device: String,
        /// Rounds, of which the best counts.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// Serving Deep Zoom tiles, against an OpenSlide Deep Zoom server in Python.
    Serve {
        /// The slide; polyp-section-1.svs of the real slides unless named.
        slide: Option<PathBuf>,
        /// Watch the server's memory for so many minutes instead.
        #[arg(long)]
        minutes: Option<u32>,
    },
    /// Training a head of slides (ABMIL), against PyTorch.
    Mil {
        /// Slides, tiles a slide, passes.
        numbers: Vec<usize>,
    },
    /// A slide from file to features, against OpenSlide, PyTorch's data loader and timm.
    Run(bench_run::Arguments),
    /// Finding tissue, against the double-threshold method, on painted scenes and on slides.
    Tissue {
        /// Where to lay pictures of both outlines.
        #[arg(long)]
        pictures: Option<PathBuf>,
        /// The slides; four of the real slides unless named.
        slides: Vec<PathBuf>,
    },
    /// Judging slides: artefacts planted in known strength and place, faulty files, clean slides.
    Quality {
        /// Chooses windows, places and generated slides; from 1000 on nothing was set by them.
        #[arg(long, default_value_t = 1000)]
        seed: u32,
        /// Places per ground and strength.
        #[arg(long, default_value_t = 1)]
        places: u32,
        /// Where to write the figures for programs.
        #[arg(long)]
        json: Option<PathBuf>,
        /// Only artefacts and files whose name contains this.
        #[arg(long)]
        only: Option<String>,
        /// Where to lay pictures of what was missed at the visible strength.
        #[arg(long)]
        pictures: Option<PathBuf>,
        /// A checkout of HistoQC to run on the same clean slides.
        #[arg(long)]
        histoqc: Option<PathBuf>,
        /// A Python with HistoQC's dependencies; BIANQUE_PYTHON unless named.
        #[arg(long, requires = "histoqc")]
        python: Option<PathBuf>,
    },
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let slides = tools::real_slides()?;
    let example = |package: &str, example: &str, arguments: &[PathBuf]| {
        let mut command = tools::cargo();
        command.args(["run", "--release", "--package", package, "--example", example]);
        if tools::can_build_turbojpeg() && package == "bianque-slide" {
            command.args(["--features", "turbojpeg"]);
        }
        if example == "bench_encode" {
            command.args(["--features", "cuda"]);
        }
        command.env("BIANQUE_PYTHON", python::interpreter()?);
        if let Some(slides) = &slides {
            command.env("BIANQUE_SLIDES", slides);
        }
        start(command.arg("--").args(arguments))
    };
    match &arguments.subject {
        Subject::Read { slide } => {
            let slide = slide.clone().or(slides.as_ref().map(|s| s.join("polyp-section-1.svs")));
            let Some(slide) = slide else {
                anyhow::bail!("name a slide: `cargo xtask bench read SLIDE`");
            };
            example("bianque-slide", "bench_read", &[slide])
        }
        Subject::Serve { slide, minutes } => {
            let slide = slide.clone().or(slides.as_ref().map(|s| s.join("polyp-section-1.svs")));
            let Some(slide) = slide else {
                anyhow::bail!("name a slide: `cargo xtask bench serve SLIDE`");
            };
            let minutes = minutes.map(|minutes| ["--minutes".into(), minutes.to_string().into()]);
            let words: Vec<PathBuf> =
                [slide].into_iter().chain(minutes.into_iter().flatten()).collect();
            example("bianque-server", "bench_serve", &words)
        }
        Subject::Encode { only, device, rounds } => {
            let convnet = only.iter().all(|word| "convnet".contains(word.as_str()));
            if !convnet || only.is_empty() {
                let rounds = rounds.to_string();
                let mut words = vec!["--device", device, "--rounds", &rounds];
                words.extend(only.iter().flat_map(|word| ["--only", word.as_str()]));
                let words: Vec<_> = words.into_iter().map(PathBuf::from).collect();
                example("bianque-vision", "bench_encode", &words)?;
            }
            if convnet && device == "cpu" {
                example("bianque-vision", "bench_convnet", &[])?;
            }
            Ok(())
        }
        Subject::Mil { numbers } => {
            let arguments: Vec<_> = numbers.iter().map(|n| n.to_string().into()).collect();
            example("bianque-lesion", "bench_mil", &arguments)
        }
        Subject::Run(arguments) => bench_run::run(arguments, slides.as_deref()),
        Subject::Tissue { pictures, slides: named } => {
            let mut arguments = Vec::new();
            if let Some(folder) = pictures {
                arguments.extend([PathBuf::from("--pictures"), folder.clone()]);
            }
            arguments.extend_from_slice(named);
            if let (true, Some(folder)) = (named.is_empty(), &slides) {
                arguments.extend(TISSUE_SLIDES.map(|slide| folder.join(slide)));
            }
            example("bianque-quality", "compare_tissue", &arguments)
        }
        Subject::Quality { seed, places, json, only, pictures, histoqc, python } => {
            let mut command = tools::cargo();
            command.args(["run", "--release", "--package", "bianque-quality"]);
            if tools::can_build_turbojpeg() {
                command.args(["--features", "bianque-slide/turbojpeg"]);
            }
            command.args(["--example", "bench_quality", "--", "--places", &places.to_string()]);
            command.args(["--seed", &seed.to_string()]);
            if let Some(only) = only {
                command.args(["--only", only]);
            }
            let paths = [
                ("--json", json),
                ("--pictures", pictures),
                ("--histoqc", histoqc),
                ("--python", python),
            ];
            for (name, path) in paths {
                if let Some(path) = path {
                    command.arg(name).arg(path);
                }
            }
            if let Some(slides) = &slides {
                command.env("BIANQUE_SLIDES", slides);
            }
            start(&mut command)
        }
    }
}
