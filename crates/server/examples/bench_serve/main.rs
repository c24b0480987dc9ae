//! Deep Zoom tiles over HTTP, Bianque beside an OpenSlide Deep Zoom server in Python:
//! `bench_serve SLIDE [SECONDS]`; `bench_serve SLIDE --minutes N` watches the server's memory instead.
//!
//! Both serve the same tiles of the same file on this machine in one run, turn by turn; the client
//! keeps its connections. "Cold" is each tile's first request, the file put out of the system's cache
//! before, "warm" the same tiles once more. Needs `BIANQUE_PYTHON`. Prints Markdown.
#![allow(clippy::print_stdout, reason = "its result is what it prints")]

mod load;
mod memory;

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use bianque_server::{Server, Settings};
use bianque_slide::{OpenOptions, content_digest, open};
use bianque_testkit::Ending;
use load::{Measured, measure};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The most tiles of a kind that are asked for.
const MOST_TILES: usize = 4000;

/// The other server and its port.
struct Peer {
    _program: Ending,
    port: u16,
}

impl Peer {
    fn start(slide: &Path, edge: u32) -> Result<Self, Failure> {
        let python = std::env::var_os("BIANQUE_PYTHON").ok_or("BIANQUE_PYTHON is not set")?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/bench_serve/peer.py");
        let mut child = Command::new(python)
            .arg(script)
            .arg(slide)
            .arg(edge.to_string())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        Ok(Self { _program: Ending(child), port: line.trim().parse()? })
    }
}

/// Tiles of one kind.
struct Kind {
    name: &'static str,
    /// Level, column and row.
    tiles: Vec<(u32, u32, u32)>,
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args_os().skip(1);
    let slide = PathBuf::from(arguments.next().ok_or("usage: bench_serve SLIDE [SECONDS]")?);
    let more: Vec<String> = arguments.map(|text| text.to_string_lossy().into_owned()).collect();
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    match more.as_slice() {
        [memory::SERVE] => memory::serve(&slide),
        ["--minutes", minutes] => watch_memory(&slide, minutes.parse()?),
        [] => compare(&slide, 4),
        [seconds] => compare(&slide, seconds.parse()?),
        _ => Err("usage: bench_serve SLIDE [SECONDS | --minutes N]".into()),
    }
}

/// A folder with the slide alone, where it is and its key.
fn alone(slide: &Path) -> Result<(tempfile::TempDir, PathBuf, String), Failure> {
    let folder = tempfile::tempdir()?;
    let name = slide.file_name().ok_or("the slide has no name")?;
    let link = folder.path().join(name);
    std::fs::hard_link(slide, &link).or_else(|_| std::fs::copy(slide, &link).map(drop))?;
    let digest = content_digest(&link)?.to_string();
    let key = digest.rsplit(':').next().unwrap_or_default()[..32].to_owned();
    Ok((folder, link, key))
}

fn deep_zoom(key: &str, (level, column, row): (u32, u32, u32)) -> String {
    format!("/deepzoom/{key}_files/{level}/{column}_{row}.jpeg")
}

fn watch_memory(slide: &Path, minutes: u64) -> Result<(), Failure> {
    let (folder, link, key) = alone(slide)?;
    let (kinds, _) = kinds(&link)?;
    memory::run(folder.path(), &kinds, minutes, &|tile| deep_zoom(&key, tile))
}

fn compare(slide: &Path, seconds: u64) -> Result<(), Failure> {
    let (folder, link, key) = alone(slide)?;
    let (kinds, edge) = kinds(&link)?;
    print!("| tiles | connections | | Bianque tiles/s | p50 ms | p99 ms ");
    println!("| OpenSlide tiles/s | p50 ms | p99 ms | ratio |");
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for kind in &kinds {
        for connections in [1, 16, 64] {
            let ours = with_server(folder.path(), |port| {
                forget(&link)?;
                twice(port, kind, connections, seconds, &|tile| deep_zoom(&key, tile))
            })?;
            let peer = Peer::start(&link, edge)?;
            let path =
                |(level, column, row): (u32, u32, u32)| format!("/{level}/{column}_{row}.jpeg");
            forget(&link)?;
            let theirs = twice(peer.port, kind, connections, seconds, &path)?;
            for ((name, a), b) in ["cold", "warm"].iter().zip(&ours).zip(&theirs) {
                println!(
                    "| {} | {connections} | {name} | {} | {} | {:.1} |",
                    kind.name,
                    a.cells(),
                    b.cells(),
                    a.rate() / b.rate()
                );
            }
        }
    }
    Ok(())
}

/// Puts a file out of the system's cache, so that its next reader waits for the disk.
fn forget(file: &Path) -> Result<(), Failure> {
    std::fs::File::open(file)?.sync_all()?;
    let input = [std::ffi::OsStr::new("if="), file.as_os_str()].join(std::ffi::OsStr::new(""));
    let dd =
        Command::new("dd").arg(input).args(["iflag=nocache", "count=0", "status=none"]).status()?;
    dd.success().then_some(()).ok_or_else(|| "dd could not drop the file's cache".into())
}

fn twice(
    port: u16,
    kind: &Kind,
    connections: usize,
    seconds: u64,
    path: &(dyn Fn((u32, u32, u32)) -> String + Sync),
) -> Result<[Measured; 2], Failure> {
    let longest = Duration::from_secs(seconds);
    let paths: Vec<String> = kind.tiles.iter().map(|tile| path(*tile)).collect();
    let first = measure(port, &paths, connections, longest)?;
    // Only tiles that were asked for before are asked for again.
    let seen = &paths[..first.count().clamp(1, paths.len())];
    Ok([first, measure(port, seen, connections, longest)?])
}

fn with_server<T>(
    folder: &Path,
    work: impl FnOnce(u16) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let data = tempfile::tempdir()?;
    let listen = "127.0.0.1:0".parse()?;
    let mut settings = Settings::new(folder.to_owned(), data.path().to_owned(), listen);
    settings.demo = true;
    let server = Server::new(settings)?;
    let port = server.address().port();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        server.serve(async move {
            let _ = stopped.await;
        })
    });
    let done = work(port);
    drop(stop);
    thread.join().map_err(|_| "the server panicked")??;
    done
}

/// Tiles that are the file's own, and tiles of a level between, which both have to make.
fn kinds(slide: &Path) -> Result<(Vec<Kind>, u32), Failure> {
    let opened = open(slide, &OpenOptions { mpp: Some(0.5), ..OpenOptions::default() })?;
    let level = *opened.facts().levels.first().ok_or("the slide has no level")?;
    let edge = level.tile_width;
    let last = level.width.max(level.height).next_power_of_two().trailing_zeros();
    let full = |at: u32, level_index: u32| -> Vec<(u32, u32, u32)> {
        let (columns, rows) = ((level.width >> at) / edge, (level.height >> at) / edge);
        let all = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
        let mut all: Vec<_> = all.map(|(column, row)| (level_index, column, row)).collect();
        shuffle(&mut all);
        all.truncate(MOST_TILES);
        all
    };
    let kinds = vec![
        Kind { name: "the file's own", tiles: full(0, last) },
        Kind { name: "half size, made", tiles: full(1, last - 1) },
    ];
    Ok((kinds, edge))
}

/// The same disorder each time.
fn shuffle<T>(list: &mut [T]) {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for at in (1..list.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        list.swap(at, (state >> 33) as usize % (at + 1));
    }
}
