//! A device of the host for tests: the kernels themselves, compiled as C++ with the sanitisers for
//! addresses and undefined behaviour, in a process of their own. What reads or writes outside a
//! buffer, by a byte, ends that process with the kernel's line.

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use super::{
    compile::cache_folder,
    device::Device,
    plan::{Argument, Buffer, Kind, Launch, Place, Product},
    shape::Shape,
    source::{definitions, digest, source},
};
use crate::{
    error::{Result, VisionError},
    recipe::Precision,
};

const MACHINE: (&str, &str) = ("machine.cuh", include_str!("emulation/machine.cuh"));
const THREADS: &str = include_str!("emulation/threads.h");
const MAIN: &str = include_str!("emulation/main.cpp");

pub(super) struct Emulator {
    child: Child,
    requests: ChildStdin,
    answers: ChildStdout,
    /// Whether a block's threads run in the order opposite to their numbers.
    pub(super) backwards: bool,
}

impl Emulator {
    /// Starts a process with the kernels for a shape, that has no buffers yet.
    pub(super) fn new(compiler: &Path, shape: &Shape, precision: Precision) -> Self {
        let program = program(compiler, &definitions(shape, precision));
        let mut child =
            Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let requests = child.stdin.take().unwrap();
        let answers = child.stdout.take().unwrap();
        Self { child, requests, answers, backwards: false }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.requests.write_all(bytes).map_err(ended)
    }
}

/// The compiled program for some numbers: from the cache folder, else compiled and put there.
fn program(compiler: &Path, definitions: &[String]) -> PathBuf {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let kernels = source(MACHINE);
    let parts = [&kernels, THREADS, MAIN, compiler.to_str().unwrap()].join("\0");
    let name = digest(&parts, definitions).to_string().replace(':', "-");
    let cache = cache_folder().unwrap_or_else(std::env::temp_dir);
    let program = cache.join(format!("{name}.emulator"));
    if program.is_file() {
        return program;
    }
    std::fs::create_dir_all(&cache).unwrap();
    let folder = tempfile::tempdir_in(&cache).unwrap();
    let file = |name: &str| folder.path().join(name);
    std::fs::write(file("kernels.inc"), kernels).unwrap();
    std::fs::write(file("threads.h"), THREADS).unwrap();
    std::fs::write(file("main.cpp"), MAIN).unwrap();
    let status = Command::new(compiler)
        .args(["-std=c++17", "-O1", "-g1", "-fsanitize=address,undefined"])
        .args(["-fno-sanitize-recover=all", "-Wall", "-Wextra", "-Werror"])
        .args(["-Wno-unknown-pragmas", "-ffp-contract=off"])
        .args(definitions.iter().map(|definition| format!("-D{definition}")))
        .arg(file("main.cpp"))
        .arg("-o")
        .arg(file("emulator"))
        .status()
        .unwrap();
    assert!(status.success(), "{} does not compile the kernels", compiler.display());
    std::fs::rename(file("emulator"), &program).unwrap();
    program
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended by itself, and then said why.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ended(error: std::io::Error) -> VisionError {
    VisionError::Runtime { what: format!("the emulation ended, see its message above: {error}") }
}

/// A request's bytes.
#[derive(Default)]
struct Request(Vec<u8>);

impl Request {
    fn new(what: u8) -> Self {
        Self::default().number(u32::from(what))
    }

    fn number(mut self, value: u32) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn size(mut self, value: usize) -> Self {
        self.0.extend((value as u64).to_le_bytes());
        self
    }

    fn place(self, place: Place) -> Self {
        self.number(place.buffer as u32).size(place.bytes)
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    fn argument(self, argument: &Argument) -> Self {
        match *argument {
            Argument::Place(place) => self.number(u32::from(b'p')).place(place),
            Argument::Int(value) => self.number(u32::from(b'i')).bytes(&value.to_le_bytes()),
            Argument::Long(value) => self.number(u32::from(b'l')).bytes(&value.to_le_bytes()),
            Argument::Float(value) => self.number(u32::from(b'f')).bytes(&value.to_le_bytes()),
        }
    }
}

impl Device for Emulator {
    fn allocate(&mut self, buffer: &Buffer) -> Result<()> {
        self.send(&Request::new(b'a').size(buffer.bytes()).0)
    }

    fn upload(&mut self, place: Place, bytes: &[u8]) -> Result<()> {
        self.send(&Request::new(b'u').place(place).size(bytes.len()).bytes(bytes).0)
    }

    fn download(&mut self, place: Place, bytes: &mut [u8]) -> Result<()> {
        self.send(&Request::new(b'd').place(place).size(bytes.len()).0)?;
        self.answers.read_exact(bytes).map_err(ended)
    }

    fn launch(&mut self, launch: &Launch) -> Result<()> {
        let name = launch.kernel.name();
        let mut request = Request::new(b'l').number(name.len() as u32).bytes(name.as_bytes());
        for axis in launch.grid {
            request = request.number(axis);
        }
        request = request
            .number(launch.block)
            .number(launch.shared)
            .number(u32::from(self.backwards))
            .number(launch.arguments.len() as u32);
        let request = launch.arguments.iter().fold(request, Request::argument);
        self.send(&request.0)
    }

    fn multiply(&mut self, product: &Product) -> Result<()> {
        let full = product.output_kind == Kind::Full;
        let batch = product.batch;
        let sizes = [
            product.rows,
            product.outputs,
            product.inputs,
            product.input_stride,
            product.weight_stride,
            product.output_stride,
            batch.map_or(1, |batch| batch.count),
            batch.map_or(0, |batch| batch.input_step),
            batch.map_or(0, |batch| batch.output_step),
        ];
        let request = Request::new(if full { b'f' } else { b'e' });
        let mut request = sizes
            .into_iter()
            .fold(request, Request::size)
            .place(product.input)
            .place(product.weight)
            .place(product.output)
            .number(u32::from(product.bias.is_some()));
        if let Some(bias) = product.bias {
            request = request.place(bias);
        }
        let request = request.number(u32::from(product.gelu)).number(u32::from(product.accumulate));
        self.send(&request.0)
    }
}
