//! Holds every answer that a test receives against the interface's description: one that it does not
//! have fails the test.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::Answer;

static PATHS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    let document: Value = serde_json::from_str(bianque_server::description()).unwrap();
    document["paths"].as_object().unwrap().clone()
});

/// Parameters that stand for the rest of an address.
const RESTS: [&str; 2] = ["{path}", "{way}"];

/// How many segments a template names, if it is this address's.
fn named_segments(template: &str, path: &str) -> Option<usize> {
    let templates: Vec<&str> = template.split('/').collect();
    let parts: Vec<&str> = path.split('/').collect();
    let has_rest = templates.last().is_some_and(|last| RESTS.contains(last));
    let fits = parts.len() == templates.len() || has_rest && parts.len() > templates.len();
    let each = templates.iter().zip(&parts);
    let all = each.clone().all(|(template, part)| {
        if template.starts_with('{') { !part.is_empty() } else { template == part }
    });
    let named = each.filter(|(template, _)| !template.starts_with('{')).count();
    (fits && all).then_some(named)
}

/// What is described of an address and a method, if anything.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let path = path.split('?').next().unwrap_or_default();
    let fitting = PATHS
        .iter()
        .filter_map(|(template, item)| named_segments(template, path).map(|named| (named, item)));
    let (_, item) = fitting.max_by_key(|(named, _)| *named)?;
    let method = if method == "HEAD" { "get".to_owned() } else { method.to_ascii_lowercase() };
    item.get(&method)
}

/// The answer's media type without its parameters.
fn media_type(answer: &Answer) -> Option<String> {
    let line = answer.head.lines().find_map(|line| line.strip_prefix("content-type: "))?;
    Some(line.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// The content that is described of a status.
fn content(operation: &Value, status: u16) -> Option<Vec<String>> {
    let responses = &operation["responses"];
    let class = format!("{}XX", status / 100);
    let described = responses.get(status.to_string()).or_else(|| responses.get(&class))?;
    let refers = described["$ref"] == "#/components/responses/Problem";
    let kinds = described["content"].as_object().into_iter().flat_map(|content| content.keys());
    let kinds = kinds.cloned().chain(refers.then(|| "application/problem+json".to_owned()));
    Some(kinds.collect())
}

/// Why the description does not have this answer, if it does not.
fn undescribed(method: &str, path: &str, answer: &Answer) -> Option<String> {
    // What is no HTTP is refused before any route is known, and has no number.
    if !answer.head.contains("x-request-id: ") {
        return None;
    }
    let (status, kind) = (answer.status, media_type(answer));
    let Some(operation) = operation(method, path) else {
        // Browsers ask by OPTIONS before a page of another origin does.
        let is_refused = status >= 400 && kind.as_deref() == Some("application/problem+json");
        let is_asked_before = method == "OPTIONS" && status == 204;
        return (!is_refused && !is_asked_before).then(|| "the address is not there".to_owned());
    };
    let Some(kinds) = content(operation, status) else {
        return Some(format!("status {status} is not described"));
    };
    match kind {
        Some(kind) => (!kinds.contains(&kind)).then(|| format!("{kind} is none of {kinds:?}")),
        None => (!answer.body.is_empty()).then(|| "it has a body of no type".to_owned()),
    }
}

/// Fails the test whose answer the description does not have.
pub fn check(method: &str, path: &str, answer: &Answer) {
    if let Some(why) = undescribed(method, path, answer) {
        panic!("{method} {path} {}: {why}\n{}", answer.status, answer.head);
    }
}

/// That a wrong answer is noticed.
pub fn notices(method: &str, path: &str, status: u16, kind: &str) -> bool {
    let head = format!("HTTP/1.1 {status}\nx-request-id: 1\ncontent-type: {kind}");
    undescribed(method, path, &Answer { status, head, body: b"x".to_vec() }).is_some()
}
