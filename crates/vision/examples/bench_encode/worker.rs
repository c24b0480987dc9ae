//! Our engines, in a process of their own.

use std::{io::BufRead, path::Path, time::Instant};

use bianque_core::RgbImage;
use bianque_vision::{Device, Encoder, Precision, load_on};

use crate::{Failure, process::recipe_file};

/// Answers line by line as `peers.py` does.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let [engine, folder, _, threads, batch] = arguments else {
        return Err("worker ENGINE FOLDER MODEL THREADS BATCH".into());
    };
    let (arithmetic, device) = match engine.as_str() {
        "bianque" => ("f32", Device::Cpu),
        "bianque-int8" => ("int8", Device::Cpu),
        "bianque-cuda" => ("f32", Device::Cuda(Precision::Bf16)),
        other => return Err(format!("{other}: this program has no such engine").into()),
    };
    let encoder = load_on(&recipe_file(Path::new(folder), arithmetic), None, device)?.encoder;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.parse()?).build()?;
    pool.install(|| encode(encoder.as_ref(), batch.parse()?))?;
    println!("{}", std::env::consts::ARCH);
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let Some(tiles) = line.strip_prefix("time ") else { break };
        let (wall, processor) = pool.install(|| encode(encoder.as_ref(), tiles.parse()?))?;
        println!("{wall} {processor}");
    }
    println!("{}", peak_memory()?);
    Ok(())
}

/// Wall and processor seconds of some tiles.
fn encode(encoder: &dyn Encoder, count: usize) -> Result<(f64, f64), Failure> {
    let pixels =
        |tile: usize| (0..224 * 224 * 3).map(|i| ((i * 31 + tile * 17) % 251) as u8).collect();
    let tiles: Vec<RgbImage> = (0..count)
        .map(|tile| RgbImage::from_pixels(224, 224, pixels(tile)))
        .collect::<Result<_, _>>()?;
    let mut out = vec![0.0; count * encoder.dimension()];
    let (wall, processor) = (Instant::now(), processor_seconds()?);
    encoder.encode(&tiles, &mut out)?;
    Ok((wall.elapsed().as_secs_f64(), processor_seconds()? - processor))
}

/// User and system time of this process so far, from /proc (fields 14 and 15, in 1/100 s).
fn processor_seconds() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: Vec<f64> =
        after.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

/// MiB of this process at its largest.
fn peak_memory() -> Result<f64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmHWM")?;
    Ok(kilobytes.parse::<f64>()? / 1024.0)
}
