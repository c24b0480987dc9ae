//! GeoJSON (RFC 7946) with QuPath's conventions: level-0 pixels, `objectType`, `classification`,
//! `measurements`. Text in, text out: files are opened elsewhere.

use serde_json::{Map, Value, json};

use crate::{
    geometry::{Point, Polygon, Ring},
    units::Level0,
};

/// One annotated object: one or more polygons, or points, with a class and numbers.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Feature {
    /// The parts of the object; several make a `MultiPolygon`.
    pub polygons: Vec<Polygon<Level0>>,
    /// The places of an object that has no polygons; several make a `MultiPoint`.
    pub points: Vec<Point<Level0>>,
    /// The class, such as `Tumor`, if it has one.
    pub class: Option<String>,
    /// The class's colour in a viewer.
    pub color: Option<[u8; 3]>,
    /// A name for people, if it has one.
    pub name: Option<String>,
    /// Named numbers, in the order in which they are written.
    pub measurements: Vec<(String, f64)>,
    /// Further properties, kept as they are.
    pub properties: Map<String, Value>,
}

/// What is wrong with a GeoJSON text.
#[derive(Debug, thiserror::Error)]
pub enum GeoJsonError {
    /// The text is not JSON.
    #[error("the text is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The JSON is not what GeoJSON asks for.
    #[error("feature {feature}: {what}")]
    Shape {
        /// Which feature, from 0.
        feature: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// Neither a `FeatureCollection`, a `Feature` nor a list of features.
    #[error("no FeatureCollection, Feature or list of features")]
    NoFeatures,
}

/// Writes features as a `FeatureCollection` that QuPath opens.
#[must_use]
pub fn encode(features: &[Feature]) -> String {
    let features: Vec<Value> = features.iter().map(encode_feature).collect();
    json!({ "type": "FeatureCollection", "features": features }).to_string()
}

fn encode_feature(feature: &Feature) -> Value {
    let mut properties = feature.properties.clone();
    properties.entry("objectType").or_insert_with(|| json!("annotation"));
    if let Some(class) = &feature.class {
        let mut classification = json!({ "name": class });
        if let Some(color) = feature.color {
            classification["color"] = json!(color);
        }
        properties.insert("classification".into(), classification);
    }
    if let Some(name) = &feature.name {
        properties.insert("name".into(), json!(name));
    }
    if !feature.measurements.is_empty() {
        let measurements: Map<String, Value> =
            feature.measurements.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        properties.insert("measurements".into(), Value::Object(measurements));
    }
    json!({ "type": "Feature", "geometry": encode_geometry(feature), "properties": properties })
}

fn encode_geometry(feature: &Feature) -> Value {
    let place = |point: &Point<Level0>| json!([point.x, point.y]);
    match (feature.polygons.as_slice(), feature.points.as_slice()) {
        ([], [point]) => json!({ "type": "Point", "coordinates": place(point) }),
        ([], points @ [_, ..]) => {
            let places: Vec<Value> = points.iter().map(place).collect();
            json!({ "type": "MultiPoint", "coordinates": places })
        }
        ([polygon], _) => json!({ "type": "Polygon", "coordinates": encode_polygon(polygon) }),
        (polygons, _) => {
            let polygons: Vec<Value> = polygons.iter().map(encode_polygon).collect();
            json!({ "type": "MultiPolygon", "coordinates": polygons })
        }
    }
}

fn encode_polygon(polygon: &Polygon<Level0>) -> Value {
    let ring = |ring: &Ring<Level0>| -> Value {
        ring.iter().chain(ring.first()).map(|point| json!([point.x, point.y])).collect()
    };
    std::iter::once(&polygon.outer).chain(&polygon.holes).map(ring).collect()
}

/// Reads polygons and multipolygons, for what needs an area; features of other geometries (points,
/// lines) are left out.
///
/// # Errors
/// When the text is no JSON, or a polygon or point is malformed.
pub fn decode(text: &str) -> Result<Vec<Feature>, GeoJsonError> {
    let mut features = decode_with_points(text)?;
    features.retain(|feature| feature.points.is_empty());
    Ok(features)
}

/// Reads polygons and points, one or several of a feature; lines are left out.
///
/// # Errors
/// When the text is no JSON, or a polygon or point is malformed.
pub fn decode_with_points(text: &str) -> Result<Vec<Feature>, GeoJsonError> {
    let value: Value = serde_json::from_str(text)?;
    let list = match &value {
        Value::Array(list) => list.as_slice(),
        Value::Object(object) if object.get("type") == Some(&json!("Feature")) => {
            std::slice::from_ref(&value)
        }
        Value::Object(object) => {
            object.get("features").and_then(Value::as_array).ok_or(GeoJsonError::NoFeatures)?
        }
        _ => return Err(GeoJsonError::NoFeatures),
    };
    let decoded = list.iter().enumerate().map(|(index, value)| {
        decode_feature(value).map_err(|what| GeoJsonError::Shape { feature: index, what })
    });
    decoded.filter_map(Result::transpose).collect()
}

fn decode_feature(value: &Value) -> Result<Option<Feature>, &'static str> {
    let geometry = value.get("geometry").ok_or("has no geometry")?;
    let coordinates = &geometry["coordinates"];
    let list = || coordinates.as_array().ok_or("coordinates are no list");
    let (mut polygons, mut points) = (Vec::new(), Vec::new());
    match geometry["type"].as_str() {
        Some("Polygon") => polygons.push(decode_polygon(coordinates)?),
        Some("MultiPolygon") => {
            polygons = list()?.iter().map(decode_polygon).collect::<Result<_, _>>()?;
        }
        Some("Point") => points.push(decode_point(coordinates)?),
        Some("MultiPoint") => {
            points = list()?.iter().map(decode_point).collect::<Result<_, _>>()?;
            if points.is_empty() {
                return Ok(None);
            }
        }
        Some(_) => return Ok(None),
        None => return Err("its geometry has no type"),
    }
    let mut properties = value["properties"].as_object().cloned().unwrap_or_default();
    let class = properties.remove("classification");
    let class_name = class.as_ref().and_then(|class| class.get("name").unwrap_or(class).as_str());
    let color = class.as_ref().and_then(|class| {
        let parts: Vec<u8> = class["color"]
            .as_array()?
            .iter()
            .filter_map(|part| u8::try_from(part.as_u64()?).ok())
            .collect();
        <[u8; 3]>::try_from(parts).ok()
    });
    let name = properties.remove("name").and_then(|name| name.as_str().map(str::to_owned));
    let measurements = properties.remove("measurements");
    Ok(Some(Feature {
        polygons,
        points,
        class: class_name.map(str::to_owned),
        color,
        name,
        measurements: decode_measurements(measurements.as_ref()),
        properties,
    }))
}

/// QuPath 0.4 and later writes an object, earlier versions a list of name and value.
fn decode_measurements(value: Option<&Value>) -> Vec<(String, f64)> {
    match value {
        Some(Value::Object(object)) => object
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.as_f64()?)))
            .collect(),
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(|item| Some((item["name"].as_str()?.to_owned(), item["value"].as_f64()?)))
            .collect(),
        _ => Vec::new(),
    }
}

fn decode_polygon(value: &Value) -> Result<Polygon<Level0>, &'static str> {
    let rings = value.as_array().ok_or("a polygon is no list of rings")?;
    let mut rings = rings.iter().map(decode_ring);
    let outer = rings.next().ok_or("a polygon has no ring")??;
    Ok(Polygon { outer, holes: rings.collect::<Result<_, _>>()? })
}

fn decode_point(value: &Value) -> Result<Point<Level0>, &'static str> {
    let x = value.get(0).and_then(Value::as_f64).ok_or("a point has no x")?;
    let y = value.get(1).and_then(Value::as_f64).ok_or("a point has no y")?;
    if x.is_finite() && y.is_finite() { Ok(Point::new(x, y)) } else { Err("not finite") }
}

fn decode_ring(value: &Value) -> Result<Ring<Level0>, &'static str> {
    let points = value.as_array().ok_or("a ring is no list of points")?;
    let mut ring = points.iter().map(decode_point).collect::<Result<Ring<Level0>, _>>()?;
    if ring.len() > 1 && ring.first() == ring.last() {
        ring.pop();
    }
    if ring.len() < 3 { Err("a ring has fewer than three points") } else { Ok(ring) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(at: f64) -> Polygon<Level0> {
        Polygon::simple(vec![
            Point::new(at, at),
            Point::new(at + 2.0, at),
            Point::new(at + 2.0, at + 2.0),
            Point::new(at, at + 2.0),
        ])
    }

    #[test]
    fn what_is_written_is_read_back() {
        let features = vec![
            Feature {
                polygons: vec![square(0.0), square(9.0)],
                points: Vec::new(),
                class: Some("Tumor".into()),
                color: Some([200, 0, 0]),
                name: Some("lesion 1".into()),
                measurements: vec![("Score".into(), 0.5)],
                properties: Map::from_iter([("objectType".to_owned(), json!("annotation"))]),
            },
            Feature { polygons: vec![square(3.0)], ..Feature::default() },
        ];
        let back = decode(&encode(&features)).unwrap();
        assert_eq!(back[0], features[0]);
        assert_eq!(back[1].polygons, features[1].polygons);
    }

    #[test]
    fn malformed_texts_are_errors() {
        for text in [
            "",
            "7",
            "{}",
            r#"[{"geometry":{"type":"Polygon","coordinates":[]}}]"#,
            r#"[{"geometry":{"type":"Polygon","coordinates":[[[0,0],[1,1]]]}}]"#,
            r#"[{"geometry":{"type":"Polygon","coordinates":[[[0],[1,1],[2,2]]]}}]"#,
            r#"[{"geometry":{"coordinates":[]}}]"#,
            r#"[{"geometry":{"type":"Point","coordinates":[]}}]"#,
            r#"[{"geometry":{"type":"Point","coordinates":[1]}}]"#,
            r#"[{"geometry":{"type":"Point","coordinates":[1,1e999]}}]"#,
            r#"[{"geometry":{"type":"MultiPoint","coordinates":[[1,2],["x",3]]}}]"#,
        ] {
            assert!(decode(text).is_err(), "{text}");
        }
    }

    #[test]
    fn points_and_lines_are_left_out_where_an_area_is_asked_for() {
        let text = r#"[{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]}},
            {"type":"Feature","geometry":{"type":"MultiPoint","coordinates":[]}},
            {"type":"Feature","geometry":{"type":"LineString","coordinates":[[1,2],[3,4]]}}]"#;
        assert_eq!(decode(text).unwrap(), []);
        assert_eq!(decode_with_points(text).unwrap().len(), 1, "a line or nothing is neither");
    }

    #[test]
    fn points_are_read_back_as_points() {
        let class = Some("Tumor".to_owned());
        let one = Feature { points: vec![Point::new(1.0, 2.5)], class, ..Feature::default() };
        let two = vec![Point::new(0.0, 0.0), Point::new(7.0, 8.0)];
        let several = Feature { points: two.clone(), ..Feature::default() };
        let text = encode(&[one.clone(), several]);
        let written: Value = serde_json::from_str(&text).unwrap();
        let geometry = |at: usize| &written["features"][at]["geometry"];
        assert_eq!(*geometry(0), json!({ "type": "Point", "coordinates": [1.0, 2.5] }));
        assert_eq!(geometry(1)["type"], "MultiPoint");
        let back = decode_with_points(&text).unwrap();
        assert_eq!((&back[0].points, &back[0].class), (&one.points, &one.class));
        assert_eq!(back[1].points, two);
        assert!(back.iter().all(|feature| feature.polygons.is_empty()));
    }
}
