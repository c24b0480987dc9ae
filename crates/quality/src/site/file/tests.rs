use std::fs;

use bianque_core::Digest;
use proptest::prelude::*;

use super::*;
use crate::Verdict;

fn record(slide: usize) -> SlideRecord {
    SlideRecord {
        digest: Digest::of(&slide.to_le_bytes()),
        name: None,
        scanner: Some("Maker X 12".into()),
        stainer: Some("north".into()),
        day: "2026-03-02".parse().unwrap(),
        version: "0.1.0".into(),
        verdict: Verdict::Pass,
        measures: [("focus.edge_width_um".to_owned(), slide as f64)].into(),
    }
}

fn site() -> (tempfile::TempDir, SiteFile) {
    let folder = tempfile::tempdir().unwrap();
    let site = SiteFile::at(folder.path().join("site.jsonl"));
    (folder, site)
}

fn count(site: &SiteFile) -> (usize, usize) {
    let log = site.read(ReadLimits::default()).unwrap();
    (log.rows().len(), log.damaged)
}

#[test]
fn a_line_cut_by_a_power_loss_costs_only_itself() {
    let (_folder, site) = site();
    assert_eq!(count(&site), (0, 0));
    site.append(&[record(1), record(2), record(3)]).unwrap();
    let whole = fs::read(site.path()).unwrap();
    for cut in [1, 2, 50] {
        fs::write(site.path(), &whole[..whole.len() - cut]).unwrap();
        // Without its line feed alone a record is still whole.
        let left = if cut == 1 { (3, 0) } else { (2, 1) };
        assert_eq!(count(&site), left, "cut by {cut}");
        site.append(&[record(4)]).unwrap();
        assert_eq!(count(&site), (left.0 + 1, left.1), "cut by {cut}, then added");
    }
}

#[test]
fn the_same_slide_counts_once() {
    let (_folder, site) = site();
    for _ in 0..3 {
        site.append(&[record(1), record(2)]).unwrap();
    }
    assert_eq!(count(&site), (2, 0));
}

#[test]
fn many_writers_lose_nothing() {
    let (_folder, site) = site();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let site = site.clone();
            scope.spawn(move || {
                for n in 0..25 {
                    site.append(&[record(1000 * writer + n), record(1000 * writer + 500 + n)])
                        .unwrap();
                }
            });
        }
        for _ in 0..10 {
            assert_eq!(count(&site).1, 0, "a reader saw half a line");
        }
    });
    assert_eq!(count(&site), (400, 0));
}

#[test]
fn a_hostile_file_is_bounded() {
    let (_folder, site) = site();
    let mut bytes = vec![b'x'; 1 << 20];
    bytes.push(b'\n');
    bytes.extend_from_slice("[".repeat(30_000).as_bytes());
    bytes.extend_from_slice(b"\n\n{}\nnull\n\xff\xfe\n");
    fs::write(site.path(), bytes).unwrap();
    site.append(&[record(1)]).unwrap();
    assert_eq!(count(&site), (1, 5));
    let records: Vec<_> = (0..100).map(record).collect();
    site.append(&records).unwrap();
    let limits = ReadLimits { most_lines: 10, ..ReadLimits::default() };
    let log = site.read(limits).unwrap();
    assert_eq!((log.rows().len(), log.damaged), (10, 0));
    assert!(log.left_out > 90);
}

#[test]
fn no_file_name_is_kept_unless_given() {
    let (_folder, site) = site();
    site.append(&[record(1)]).unwrap();
    assert!(!fs::read_to_string(site.path()).unwrap().contains("name"));
}

#[test]
fn a_folder_is_no_site_file() {
    let folder = tempfile::tempdir().unwrap();
    let site = SiteFile::at(folder.path());
    let error = site.append(&[record(1)]).unwrap_err().to_string();
    assert!(error.starts_with("the site's memory cannot be written"), "{error}");
    assert!(site.read(ReadLimits::default()).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let (_folder, site) = site();
        fs::write(site.path(), bytes).unwrap();
        site.read(ReadLimits::default()).unwrap();
        site.append(&[record(1)]).unwrap();
        prop_assert_eq!(count(&site).0, 1);
    }
}
