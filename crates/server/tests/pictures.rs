//! Tiles and pictures of a slide over HTTP: the file's own bytes where geometry allows, the right
//! pixels everywhere, and a refusal for what does not exist.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use bianque_core::{Level0, PixelRect};
use bianque_slide::{OpenOptions, Slide, TileIndex, content_digest, open};

#[allow(unreachable_pub, reason = "shared by tests")]
mod support;

use support::{Ground, Running};

trait Pictures {
    fn get(&self, path: &str) -> (u16, String, Vec<u8>);
    fn get_as(&self, path: &str, host: &str) -> (u16, String, Vec<u8>);
}

impl Pictures for Running {
    /// Status, head and body of an answer.
    fn get(&self, path: &str) -> (u16, String, Vec<u8>) {
        self.get_as(path, "localhost")
    }

    fn get_as(&self, path: &str, host: &str) -> (u16, String, Vec<u8>) {
        let answer = self.client().send("GET", path, &format!("Host: {host}\r\n"), &[]);
        (answer.status, answer.head, answer.body)
    }
}

struct Sample {
    ground: Ground,
    server: Running,
    slide: Box<dyn Slide>,
    id: String,
}

fn sample() -> Sample {
    let ground = Ground::new();
    let path = ground.folder.path().join("Zhang San 19600101.svs");
    let digest = content_digest(&path).unwrap().to_string();
    let id = digest.rsplit(':').next().unwrap()[..32].to_owned();
    let slide = open(&path, &OpenOptions::default()).unwrap();
    Sample { server: ground.demo(), ground, slide, id }
}

fn decoded(jpeg: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut decoder = jpeg_decoder::Decoder::new(jpeg);
    let pixels = decoder.decode().unwrap();
    let facts = decoder.info().unwrap();
    (u32::from(facts.width), u32::from(facts.height), pixels)
}

fn mean_difference(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let sum: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.len() as f64
}

#[test]
fn deep_zoom_passes_whole_tiles_through_and_codes_the_rest() {
    let sample = sample();
    let (status, _, xml) = sample.server.get(&format!("/deepzoom/{}.dzi", sample.id));
    assert_eq!(status, 200);
    let xml = String::from_utf8(xml).unwrap();
    assert!(xml.contains("Width=\"2100\"") && xml.contains("TileSize=\"256\""), "{xml}");

    let tile = |level: u32, place: &str| {
        sample.server.get(&format!("/deepzoom/{}_files/{level}/{place}.jpeg", sample.id))
    };
    let (status, head, bytes) = tile(12, "3_2");
    assert_eq!(status, 200);
    assert!(head.contains("x-picture-source: file") && head.contains("immutable"), "{head}");
    let raw = sample.slide.raw_tile(0, TileIndex { column: 3, row: 2 }).unwrap().unwrap();
    assert_eq!(bytes, raw.bytes.as_ref());

    // The last column holds 2,100 - 8 * 256 = 52 pixels.
    let (_, head, bytes) = tile(12, "8_0");
    assert!(head.contains("x-picture-source: decoded"), "{head}");
    let (width, height, pixels) = decoded(&bytes);
    assert_eq!((width, height), (52, 256));
    let region = PixelRect::new(2048, 0, 52, 256);
    let truth = sample.slide.read_region(0, region).unwrap();
    assert!(mean_difference(&pixels, truth.pixels()) < 4.0);

    // Half size is no level of the file.
    let (_, head, bytes) = tile(11, "1_1");
    assert!(head.contains("x-picture-source: decoded"), "{head}");
    assert_eq!(decoded(&bytes).0, 256);
    assert_eq!(tile(0, "0_0").0, 200);
    for absent in [tile(13, "0_0"), tile(12, "9_0"), tile(12, "0_-1"), tile(12, "x")] {
        assert_eq!(absent.0, 404);
    }
}

#[test]
fn iiif_describes_itself_and_gives_regions() {
    let sample = sample();
    let base = format!("/iiif/3/{}", sample.id);
    let (status, head, body) = sample.server.get(&format!("{base}/info.json"));
    assert_eq!(status, 200);
    assert!(head.contains("application/ld+json"), "{head}");
    let information: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (&information["width"], &information["type"]),
        (&2100.into(), &"ImageService3".into())
    );
    assert_eq!(sample.server.get(&base).0, 303);

    let (_, head, bytes) = sample.server.get(&format!("{base}/256,512,256,256/256,/0/default.jpg"));
    assert!(head.contains("x-picture-source: file"), "{head}");
    let raw = sample.slide.raw_tile(0, TileIndex { column: 1, row: 2 }).unwrap().unwrap();
    assert_eq!(bytes, raw.bytes.as_ref());

    let (_, _, bytes) = sample.server.get(&format!("{base}/100,100,400,200/100,/90/default.png"));
    let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((frame.width, frame.height), (50, 100));
    let truth = sample
        .slide
        .read_scaled(bianque_core::Point::<Level0>::new(100.0, 100.0), 4.0, 100, 50)
        .unwrap();
    let turned: Vec<u8> = (0..100)
        .flat_map(|y| (0..50).flat_map(move |x| [(y, 49 - x)]))
        .flat_map(|(x, y)| truth.pixel(x, y))
        .collect();
    assert_eq!(pixels, turned);
    for bad in [
        "full/9000,/0/default.jpg",
        "full/0,/0/default.jpg",
        "full/pct:0/0/default.jpg",
        "full/max/45/default.jpg",
        "full/max/0/bitonal.gif",
    ] {
        let (status, _, body) = sample.server.get(&format!("{base}/{bad}"));
        assert_eq!(status, 400, "{bad}");
        assert!(String::from_utf8(body).unwrap().contains("must be"), "{bad}");
    }
}

#[test]
fn nothing_tells_a_files_name_and_no_address_leaves_the_folder() {
    let sample = sample();
    for path in ["/api/v1/slides".to_owned(), format!("/api/v1/slides/{}", sample.id)] {
        let (status, _, body) = sample.server.get(&path);
        let body = String::from_utf8(body).unwrap();
        assert_eq!(status, 200);
        assert!(body.contains(&sample.id) && !body.contains("Zhang"), "{body}");
    }
    for path in [
        "/api/v1/slides/../../etc/passwd",
        "/api/v1/slides/..%2f..%2fetc%2fpasswd",
        "/deepzoom/..%2f..%2fetc%2fpasswd.dzi",
        "/iiif/3/Zhang%20San%2019600101.svs/info.json",
        "/api/v1/slides/00000000000000000000000000000000",
        "/nothing",
    ] {
        assert_eq!(sample.server.get(path).0, 404, "{path}");
    }
    let (status, head, _) = sample.server.get(&format!("/api/v1/slides/{}/thumbnail", sample.id));
    assert_eq!(status, 200);
    assert!(head.contains("content-security-policy") && head.contains("nosniff"), "{head}");
}

#[test]
fn another_sites_name_for_this_machine_is_refused() {
    let sample = sample();
    for host in ["evil.example", "localhost.evil.example", "192.168.1.5", ""] {
        assert_eq!(sample.server.get_as("/health", host).0, 421, "{host}");
    }
    for host in ["localhost:8080", "127.0.0.1", "[::1]:9"] {
        assert_eq!(sample.server.get_as("/health", host).0, 200, "{host}");
    }
}

#[test]
fn a_slide_that_vanishes_is_said_to_be_gone() {
    let sample = sample();
    let file =
        std::fs::read_dir(sample.ground.folder.path()).unwrap().next().unwrap().unwrap().path();
    std::fs::remove_file(file).unwrap();
    let (status, _, body) = sample.server.get(&format!("/deepzoom/{}.dzi", sample.id));
    let body = String::from_utf8(body).unwrap();
    assert!(status == 410 || status == 404, "{status} {body}");
    assert!(!body.contains("Zhang"), "{body}");
}
