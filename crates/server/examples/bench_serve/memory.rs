//! The server as a process of its own under a mixed load: what it holds, minute by minute.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use bianque_testkit::Ending;

use crate::{Failure, Kind, load::measure, with_server};

/// What is said when the child is to serve: `bench_serve FOLDER SERVE`.
pub(crate) const SERVE: &str = "--serve";
/// Connections at once.
const CONNECTIONS: usize = 16;
/// How long one kind of tile is asked for before the next.
const TURN: Duration = Duration::from_secs(5);

struct Serving(Ending, u16);

impl Serving {
    fn start(folder: &Path) -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(folder)
            .arg(SERVE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        Ok(Self(Ending(child), line.trim().parse()?))
    }

    /// Resident memory now and the most so far, in MB.
    fn resident(&self) -> Result<(f64, f64), Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let field = |name: &str| -> Result<f64, Failure> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            let kilobytes: f64 = number.ok_or("the system does not say")?.parse()?;
            Ok(kilobytes / 1e3)
        };
        Ok((field("VmRSS:")?, field("VmHWM:")?))
    }
}

/// The child: serves the folder until its input ends.
pub(crate) fn serve(folder: &Path) -> Result<(), Failure> {
    with_server(folder, |port| {
        println!("{port}");
        std::io::stdin().read_to_end(&mut Vec::new())?;
        Ok(())
    })
}

/// Asks for tiles of all kinds in turns, and prints a row a minute.
pub(crate) fn run(
    folder: &Path,
    kinds: &[Kind],
    minutes: u64,
    path: &(dyn Fn((u32, u32, u32)) -> String + Sync),
) -> Result<(), Failure> {
    let server = Serving::start(folder)?;
    let (start, at_rest) = (Instant::now(), server.resident()?.0);
    println!("At rest {at_rest:.0} MB. {CONNECTIONS} connections, kinds in turns of 5 s.\n");
    println!("| minute | answers | resident MB | most so far MB |");
    println!("|---|---|---|---|");
    let mut paths: Vec<Vec<String>> = Vec::new();
    for kind in kinds {
        paths.push(kind.tiles.iter().map(|tile| path(*tile)).collect());
    }
    let mut answers = 0;
    for minute in 1..=minutes {
        while start.elapsed() < Duration::from_secs(minute * 60) {
            for kind in &paths {
                answers += for_a_turn(server.1, kind)?;
            }
        }
        let (now, most) = server.resident()?;
        println!("| {minute} | {answers} | {now:.0} | {most:.0} |");
    }
    Ok(())
}

fn for_a_turn(port: u16, paths: &[String]) -> Result<usize, Failure> {
    let (start, mut answers) = (Instant::now(), 0);
    while start.elapsed() < TURN {
        answers += measure(port, paths, CONNECTIONS, TURN - start.elapsed())?.count();
    }
    Ok(answers)
}
