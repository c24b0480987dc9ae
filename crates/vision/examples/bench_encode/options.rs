//! What the user asked for.

use crate::Failure;

/// Where engines compute.
#[derive(Copy, Clone, PartialEq, Eq)]
pub(crate) enum Device {
    Cpu,
    Cuda,
}

pub(crate) struct Options {
    pub(crate) device: Device,
    pub(crate) threads: Vec<usize>,
    pub(crate) rounds: usize,
    only: Vec<String>,
}

impl Options {
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let mut options =
            Self { device: Device::Cpu, threads: vec![1, 2], rounds: 5, only: Vec::new() };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let value = rest.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--only" => options.only.push(value.clone()),
                "--rounds" => options.rounds = value.parse()?,
                "--threads" => {
                    options.threads = value.split(',').map(str::parse).collect::<Result<_, _>>()?;
                }
                "--device" => {
                    options.device = match value.as_str() {
                        "cpu" => Device::Cpu,
                        "cuda" => Device::Cuda,
                        other => return Err(format!("--device {other}: cpu or cuda").into()),
                    }
                }
                other => return Err(format!("unknown option {other}").into()),
            }
        }
        if options.device == Device::Cuda {
            options.threads = vec![1];
        }
        Ok(options)
    }

    /// Whether a row is asked for: every `--only` occurs in its name.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.iter().all(|word| name.contains(word.as_str()))
    }
}
