//! Regions as GeoJSON that QuPath opens.

use bianque_core::{
    Level0, Point,
    geojson::{self, Feature},
};
use serde_json::{Map, Value, json};

use super::extract::Region;
use crate::task::{RESEARCH_USE, Task};

/// Regions as GeoJSON features: class and colour of the label, measurements `Score`, `Mean
/// probability`, `Lesion probability`, `Area mm2`, `Tiles`, `Peak x`, `Peak y`; the property
/// `peaks` lists every peak as `[x, y, score]`; the property `proposal` says that nobody has
/// confirmed the region, and which head drew it.
#[must_use]
pub fn regions_to_features(regions: &[Region], task: &Task) -> Vec<Feature> {
    let mut numbers = vec![0_usize; task.labels.len()];
    regions
        .iter()
        .map(|region| {
            let label = task.labels.get(region.class);
            let title = label.map_or("lesion", |label| label.title.as_str());
            let number = numbers.get_mut(region.class).map_or(1, |number| {
                *number += 1;
                *number
            });
            let rounded = |value: f64| (value * 1e6).round() / 1e6;
            let mut measurements = vec![
                ("Score".to_owned(), rounded(region.score)),
                ("Mean probability".to_owned(), rounded(region.mean_probability)),
                ("Lesion probability".to_owned(), rounded(region.lesion_probability)),
                ("Area mm2".to_owned(), rounded(region.area.0)),
                ("Tiles".to_owned(), region.tiles as f64),
            ];
            if let Some(peak) = region.peaks.first() {
                measurements.push(("Peak x".to_owned(), peak.point.x));
                measurements.push(("Peak y".to_owned(), peak.point.y));
            }
            Feature {
                polygons: region.polygons.clone(),
                points: Vec::new(),
                class: label.map(|label| label.name.clone()),
                color: label.map(|label| label.color),
                name: Some(format!("{title} {number}")),
                measurements,
                properties: properties(region, task),
            }
        })
        .collect()
}

fn properties(region: &Region, task: &Task) -> Map<String, Value> {
    let peaks: Vec<Value> = region
        .peaks
        .iter()
        .map(|peak| json!([peak.point.x, peak.point.y, (peak.score * 1e6).round() / 1e6]))
        .collect();
    let proposal = json!({
        "state": "unconfirmed",
        "notice": RESEARCH_USE,
        "task": task.name,
        "version": task.version,
        "head": task.head_digest.to_string(),
        "encoder": task.encoder.digest.to_string(),
    });
    Map::from_iter([("peaks".to_owned(), Value::Array(peaks)), ("proposal".to_owned(), proposal)])
}

/// Regions as a GeoJSON text; see [`regions_to_features`].
#[must_use]
pub fn regions_to_geojson(regions: &[Region], task: &Task) -> String {
    geojson::encode(&regions_to_features(regions, task))
}

/// The peaks that are written in a feature, or its one `Peak x`, `Peak y` with its `Score`; none
/// for a feature of another program.
#[must_use]
pub fn peaks_of(feature: &Feature) -> Vec<(Point<Level0>, f64)> {
    let listed = feature.properties.get("peaks").and_then(Value::as_array);
    let listed: Vec<_> = listed
        .into_iter()
        .flatten()
        .filter_map(|peak| {
            let number = |at: usize| peak.get(at).and_then(Value::as_f64).filter(|v| v.is_finite());
            Some((Point::new(number(0)?, number(1)?), number(2)?))
        })
        .collect();
    if !listed.is_empty() {
        return listed;
    }
    let measured = |name: &str| {
        let found = feature.measurements.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| *value)
    };
    let single =
        || Some((Point::new(measured("Peak x")?, measured("Peak y")?), measured("Score")?));
    single().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use bianque_core::{Polygon, SquareMillimetres};

    use super::*;
    use crate::{regions::Peak, task::tests::task};

    fn region() -> Region {
        let ring = [(0.0, 0.0), (9.0, 0.0), (9.0, 9.0)].map(|(x, y)| Point::new(x, y)).to_vec();
        Region {
            class: 1,
            polygons: vec![Polygon::simple(ring)],
            score: 0.912_345_678,
            mean_probability: 0.5,
            lesion_probability: 0.75,
            area: SquareMillimetres(0.25),
            tiles: 5,
            peaks: vec![
                Peak { point: Point::new(6.0, 3.0), score: 0.9 },
                Peak { point: Point::new(8.0, 5.0), score: 0.8 },
            ],
            evidence: vec![],
        }
    }

    #[test]
    fn regions_are_written_unconfirmed_and_read_back_with_their_peaks() {
        let text = regions_to_geojson(&[region(), region()], &task());
        let back = geojson::decode(&text).unwrap();
        assert_eq!(back[1].name.as_deref(), Some("Carcinoma 2"));
        assert_eq!(back[0].class.as_deref(), Some("carcinoma"));
        assert_eq!(back[0].color, Some([200, 0, 0]));
        assert_eq!(back[0].properties["proposal"]["state"], "unconfirmed");
        assert!(back[0].measurements.contains(&("Area mm2".into(), 0.25)));
        let peaks = peaks_of(&back[0]);
        assert_eq!(peaks, [(Point::new(6.0, 3.0), 0.9), (Point::new(8.0, 5.0), 0.8)]);
    }

    #[test]
    fn a_single_measured_peak_serves_and_others_have_none() {
        let mut feature = regions_to_features(&[region()], &task()).remove(0);
        feature.properties.clear();
        assert_eq!(peaks_of(&feature), [(Point::new(6.0, 3.0), 0.912_346)]);
        feature.measurements.clear();
        assert_eq!(peaks_of(&feature), []);
        feature.properties.insert("peaks".into(), json!([[1, "x", 2], 7]));
        assert_eq!(peaks_of(&feature), []);
    }
}
