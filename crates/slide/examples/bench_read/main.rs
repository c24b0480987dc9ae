//! Reading a slide, Bianque beside openslide-python: `bench_read SLIDE [ROUNDS]`.
//!
//! Both read the same regions of the same file in one run, turn by turn; the best of the rounds
//! counts. Needs `BIANQUE_PYTHON`. Prints Markdown.

mod decoders;
mod measure;
mod peer;
mod plan;

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use bianque_core::{PixelRect, Point};
use bianque_slide::{Codec, OpenOptions, Slide, open};
use measure::Cost;
use peer::Peer;
use plan::Plan;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Left, top, width and height in level-0 pixels.
type Region = (i64, i64, u32, u32);

const OPENINGS: u32 = 20;

const ONE_THREAD: &str = "tissue tiles in order, 1 thread";
const TWO_THREADS: &str = "tissue tiles in order, 2 threads";

/// One line of the table: how much work it was, and what each side took.
struct Line {
    name: &'static str,
    work: Work,
    threads: usize,
    ours: Cost,
    peer: Cost,
    aim: f64,
}

enum Work {
    Openings(u32),
    Tiles(usize, f64),
}

fn options() -> OpenOptions {
    // The benchmark needs some scale to ask for half of it; a stated one makes no difference.
    OpenOptions { mpp: Some(0.25), ..OpenOptions::default() }
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args_os().skip(1);
    let slide = PathBuf::from(arguments.next().ok_or("usage: bench_read SLIDE [ROUNDS]")?);
    let rounds: u32 = match arguments.next() {
        Some(text) => text.to_string_lossy().parse()?,
        None => 3,
    };
    let plan = Plan::new(open(&slide, &options())?.as_ref())?;
    let mut peer = Peer::start(&slide)?;
    let lines = measure_all(&slide, &plan, &mut peer, rounds)?;
    let memory = measure::peak_memory()?;
    let (peer_memory, version) = peer.finish()?;
    let tiles = plan.jpeg_tiles(open(&slide, &options())?.as_ref())?;
    let mut out = std::io::stdout().lock();
    let name = slide.file_name().unwrap_or_default().to_string_lossy();
    writeln!(
        out,
        "{name}: {} tiles with tissue; OpenSlide {version}; best of {rounds}\n",
        plan.tissue.len()
    )?;
    present(&mut out, &lines)?;
    writeln!(out, "| peak memory | {memory:.0} MB | {peer_memory:.0} MB | | | 300 MB |\n")?;
    if tiles.is_empty() {
        writeln!(out, "The slide's tiles are not JPEG: the bare decoders are not measured.")?;
        return Ok(());
    }
    let rates = decoders::rates(&tiles, plan.tile_pixels, rounds)?;
    present_decoders(&mut out, &rates, &lines)
}

/// Runs ours and the peer's turn by turn and keeps the best of each.
fn turns(
    rounds: u32,
    mut ours: impl FnMut() -> Result<Cost, Failure>,
    mut peer: impl FnMut() -> Result<Cost, Failure>,
) -> Result<(Cost, Cost), Failure> {
    let mut best = (ours()?, peer()?);
    for _ in 1..rounds {
        best = (best.0.best(ours()?), best.1.best(peer()?));
    }
    Ok(best)
}

fn measure_all(
    path: &Path,
    plan: &Plan,
    peer: &mut Peer,
    rounds: u32,
) -> Result<Vec<Line>, Failure> {
    let mut lines = Vec::new();
    let mut add = |name, work, (ours, peer), aim| {
        let threads = if name == TWO_THREADS { 2 } else { 1 };
        lines.push(Line { name, work, threads, ours, peer, aim });
    };
    let opened = turns(rounds, || open_often(path), || peer.open(OPENINGS))?;
    add("open", Work::Openings(OPENINGS), opened, 3.0);

    let count = |regions: &[Region]| {
        let pixels: f64 = regions.iter().map(|r| f64::from(r.2) * f64::from(r.3)).sum();
        Work::Tiles(regions.len(), pixels / 1e6)
    };
    let tissue = plan.tissue.as_slice();
    let ordered = turns(rounds, || read(path, tissue, 1), || peer.read(tissue, 1))?;
    let raw = turns(rounds, || raw_tiles(path, plan), || Ok(ordered.1))?;
    add("raw tile bytes (peer: pixels)", count(tissue), raw, 50.0);
    for (name, regions, aim) in [
        ("2,000 random 256² regions, unaligned", &plan.random, 2.0),
        ("2,000 random 256² regions, aligned", &plan.random_aligned, 5.0),
    ] {
        let cost = turns(rounds, || read(path, regions, 1), || peer.read(regions, 1))?;
        add(name, count(regions), cost, aim);
    }
    add(ONE_THREAD, count(tissue), ordered, 5.0);
    let two = turns(rounds, || read(path, tissue, 2), || peer.read(tissue, 2))?;
    add(TWO_THREADS, count(tissue), two, 5.0);
    for (name, regions) in [
        ("256² at 20x from 40x, in order", &plan.doubled),
        ("256² at 20x from 40x, random places", &plan.doubled_random),
    ] {
        let cost = turns(rounds, || halve(path, regions), || peer.halve(regions))?;
        add(name, count(regions), cost, 8.0);
    }
    Ok(lines)
}

fn open_often(path: &Path) -> Result<Cost, Failure> {
    measure::cost(|| {
        for _ in 0..OPENINGS {
            std::hint::black_box(open(path, &options())?);
        }
        Ok(())
    })
}

fn read(path: &Path, regions: &[Region], threads: usize) -> Result<Cost, Failure> {
    measure::cost(|| {
        let slide = open(path, &options())?;
        in_threads(slide.as_ref(), regions, threads, |slide, &(x, y, width, height)| {
            std::hint::black_box(slide.read_region(0, PixelRect::new(x, y, width, height))?);
            Ok(())
        })
    })
}

fn halve(path: &Path, regions: &[Region]) -> Result<Cost, Failure> {
    measure::cost(|| {
        let slide = open(path, &options())?;
        in_threads(slide.as_ref(), regions, 1, |slide, &(x, y, width, height)| {
            let origin = Point::new(x as f64, y as f64);
            std::hint::black_box(slide.read_at_mpp(origin, 0.5, width / 2, height / 2)?);
            Ok(())
        })
    })
}

fn raw_tiles(path: &Path, plan: &Plan) -> Result<Cost, Failure> {
    measure::cost(|| {
        let slide = open(path, &options())?;
        for &tile in &plan.tiles {
            std::hint::black_box(slide.raw_tile(0, tile)?);
        }
        Ok(())
    })
}

fn in_threads(
    slide: &dyn Slide,
    regions: &[Region],
    threads: usize,
    work: impl Fn(&dyn Slide, &Region) -> Result<(), Failure> + Sync,
) -> Result<(), Failure> {
    let next = AtomicUsize::new(0);
    let run = || {
        while let Some(region) = regions.get(next.fetch_add(1, Ordering::Relaxed)) {
            work(slide, region)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        run()?;
        others.into_iter().try_for_each(|other| other.join().map_err(|_| "a thread panicked")?)
    })
}

/// Rates per second of processor time, which other programs on the machine disturb least; per
/// second of wall time where threads are the point or the processor clock is too coarse.
fn present(out: &mut impl Write, lines: &[Line]) -> Result<(), Failure> {
    writeln!(out, "| reading | Bianque | openslide-python | ratio (CPU) | ratio (wall) | aim |")?;
    writeln!(out, "|---|---|---|---|---|---|")?;
    for line in lines {
        let by_wall = line.ours.processor < 0.2 || line.threads > 1;
        let rate = |cost: Cost| {
            let seconds = if by_wall { cost.wall } else { cost.processor };
            match line.work {
                Work::Openings(times) => format!("{:.2} ms", seconds * 1e3 / f64::from(times)),
                Work::Tiles(count, megapixels) => {
                    format!("{:.0}/s, {:.0} Mpx/s", count as f64 / seconds, megapixels / seconds)
                }
            }
        };
        let processor = if line.ours.processor < 0.2 {
            "-".to_owned()
        } else {
            format!("{:.1}", line.peer.processor / line.ours.processor)
        };
        let (name, ours, peer) = (line.name, rate(line.ours), rate(line.peer));
        let wall = line.peer.wall / line.ours.wall;
        let clock = if by_wall { "wall" } else { "CPU" };
        writeln!(
            out,
            "| {name} ({clock}) | {ours} | {peer} | {processor} | {wall:.1} | {} |",
            line.aim
        )?;
    }
    Ok(())
}

fn present_decoders(
    out: &mut impl Write,
    rates: &[decoders::Rate],
    lines: &[Line],
) -> Result<(), Failure> {
    writeln!(
        out,
        "| bare decoder, level-0 Mpx per CPU second | full size | 1/2 | 1/8 |\n|---|---|---|---|"
    )?;
    let cell = |rate: Option<f64>| rate.map_or("-".to_owned(), |rate| format!("{rate:.0}"));
    for rate in rates {
        let (half, eighth) = (cell(rate.half), cell(rate.eighth));
        writeln!(out, "| {} | {:.0} | {half} | {eighth} |", rate.name, rate.full)?;
    }
    let ordered = lines.iter().find(|line| line.name == ONE_THREAD);
    if let (Some(Line { work: Work::Tiles(_, megapixels), ours, .. }), Some(rate)) =
        (ordered, rates.first())
    {
        let share = megapixels / ours.processor / rate.full * 100.0;
        writeln!(out, "\nTiles in order reach {share:.0} % of {}'s rate (aim: 80 %).", rate.name)?;
    }
    Ok(())
}

/// Whether a tile is a JPEG stream.
fn is_jpeg(codec: Codec) -> bool {
    codec == Codec::Jpeg
}
