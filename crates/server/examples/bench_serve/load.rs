//! A client of many connections that measures each answer.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use crate::Failure;

/// What was measured.
pub(crate) struct Measured {
    wall: f64,
    /// Milliseconds of each answer, ascending.
    milliseconds: Vec<f64>,
}

impl Measured {
    pub(crate) fn count(&self) -> usize {
        self.milliseconds.len()
    }

    pub(crate) fn rate(&self) -> f64 {
        self.count() as f64 / self.wall
    }

    fn quantile(&self, share: f64) -> f64 {
        let at = (share * (self.count() as f64 - 1.0)).round() as usize;
        self.milliseconds.get(at).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn cells(&self) -> String {
        format!("{:.0} | {:.2} | {:.2}", self.rate(), self.quantile(0.5), self.quantile(0.99))
    }
}

/// Asks for every path once, over so many connections, for so long at most.
pub(crate) fn measure(
    port: u16,
    paths: &[String],
    connections: usize,
    longest: Duration,
) -> Result<Measured, Failure> {
    let (next, start) = (AtomicUsize::new(0), Instant::now());
    let each: Vec<Result<Vec<f64>, Failure>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|_| {
                scope.spawn(|| {
                    let mut connection = BufReader::new(TcpStream::connect(("127.0.0.1", port))?);
                    connection.get_ref().set_nodelay(true)?;
                    let mut times = Vec::new();
                    while start.elapsed() < longest {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(path) = paths.get(at) else { break };
                        let asked = Instant::now();
                        ask(&mut connection, path)?;
                        times.push(asked.elapsed().as_secs_f64() * 1e3);
                    }
                    Ok(times)
                })
            })
            .collect();
        let failed = || Err(Failure::from("a connection's thread panicked"));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| failed())).collect()
    });
    let wall = start.elapsed().as_secs_f64();
    let mut milliseconds = Vec::new();
    for times in each {
        milliseconds.extend(times?);
    }
    milliseconds.sort_by(f64::total_cmp);
    Ok(Measured { wall, milliseconds })
}

fn ask(connection: &mut BufReader<TcpStream>, path: &str) -> Result<(), Failure> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    connection.get_mut().write_all(request.as_bytes())?;
    let (mut line, mut length, mut first) = (String::new(), 0_usize, true);
    loop {
        line.clear();
        if connection.read_line(&mut line)? == 0 {
            return Err("the connection was closed".into());
        }
        if first && !line.contains(" 200 ") {
            return Err(format!("{path}: {line}").into());
        }
        first = false;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body)?;
    Ok(())
}
