//! The interface's description, OpenAPI 3.1, made of the table of routes.

use std::sync::LazyLock;

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::{
    access::Access,
    answer::PROBLEM,
    routes::{Answer, Further, RequestBody, Route, table},
};

static TEXT: LazyLock<String> = LazyLock::new(|| {
    // A document of texts and numbers always serialises.
    serde_json::to_string_pretty(&document()).unwrap_or_default()
});

/// The interface's description, as `/api/v1/openapi.json` has it.
#[must_use]
pub fn description() -> &'static str {
    TEXT.as_str()
}

/// `/api/v1/openapi.json`.
pub(crate) async fn show() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}

/// The document.
pub(crate) fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for route in table() {
        let path = route.path.replace("{*", "{");
        let item = paths.entry(path).or_insert_with(|| json!({}));
        item[route.method.as_str().to_ascii_lowercase()] = operation(&route, &mut generator);
    }
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Bianque",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "For research use until a site validates it. A person decides; the \
                            program proposes. Coordinates are level-0 pixels.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "session": { "type": "apiKey", "in": "cookie", "name": "bianque-session" },
                "token": { "type": "http", "scheme": "bearer" },
            },
            "responses": { "Problem": {
                "description": "Why not, as RFC 9457 has it",
                "content": { PROBLEM: { "schema": problem() } },
            } },
        },
    })
}

/// A refusal's form.
fn problem() -> Value {
    json!({
        "type": "object",
        "properties": {
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
        },
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut parameters: Vec<Value> = names(route.path)
        .map(|name| {
            let schema = json!({ "type": "string" });
            json!({ "name": name, "in": "path", "required": true, "schema": schema })
        })
        .collect();
    if let Some(query) = route.query {
        parameters.extend(query_parameters(&query(generator).to_value()));
    }
    if !route.method.is_safe() {
        parameters.push(json!({
            "name": "X-CSRF-Token", "in": "header", "required": false,
            "description": "The session's `csrf`; programs with a token need none.",
            "schema": { "type": "string" },
        }));
    }
    let mut operation = json!({
        "summary": route.summary,
        "parameters": parameters,
        "responses": responses(route, generator),
        "security": match route.access {
            Access::Everybody => json!([]),
            _ => json!([{ "session": [] }, { "token": [] }]),
        },
    });
    if let Some(body) = route.body {
        operation["requestBody"] = request_body(body, generator);
    }
    operation
}

fn request_body(body: RequestBody, generator: &mut SchemaGenerator) -> Value {
    match body {
        RequestBody::Json(schema) => json!({
            "required": true,
            "content": { "application/json": { "schema": schema(generator) } },
        }),
        RequestBody::Bytes(kind, what) => {
            let bytes = json!({ "schema": { "type": "string", "format": "binary" } });
            json!({
                "required": true,
                "description": what,
                "content": Map::from_iter([(kind.to_owned(), bytes)]),
            })
        }
    }
}

fn responses(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let done = match route.answer {
        Answer::Json(schema) => {
            let schema = schema(generator);
            json!({ "200": {
                "description": route.summary,
                "content": { "application/json": { "schema": schema } },
            } })
        }
        Answer::Standard(kind) | Answer::Bytes(kind) => {
            let content = Map::from_iter([(kind.to_owned(), json!({}))]);
            json!({ "200": { "description": route.summary, "content": content } })
        }
        Answer::Elsewhere(kind) => {
            let content = Map::from_iter([(kind.to_owned(), json!({}))]);
            json!({
                "303": { "description": "Where it is" },
                "200": { "description": "What whoever follows finds", "content": content },
            })
        }
        Answer::Nothing => json!({ "204": { "description": route.summary } }),
    };
    let mut all = done;
    for further in &route.further {
        describe_further(&mut all, route, *further);
    }
    // Not `default`: an answer that nobody thought of must not pass for a described one.
    for refused in ["4XX", "5XX"] {
        all[refused] = json!({ "$ref": "#/components/responses/Problem" });
    }
    all
}

fn describe_further(all: &mut Value, route: &Route, Further(status, kind): Further) {
    let answer = &mut all[status.to_string()];
    if answer.is_null() {
        let description = if status == 304 { "The client has it" } else { route.summary };
        *answer = json!({ "description": description });
    }
    if let Some(kind) = kind {
        // The media type alone: what follows it is no name of a type.
        let kind = kind.split(';').next().unwrap_or(kind);
        answer["content"][kind] = json!({});
    }
    if status >= 400 {
        answer["content"][PROBLEM] = json!({ "schema": problem() });
    }
}

fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| {
        let inside = part.strip_prefix('{')?.strip_suffix('}')?;
        Some(inside.trim_start_matches('*'))
    })
}

fn query_parameters(schema: &Value) -> Vec<Value> {
    let properties = schema["properties"].as_object();
    let needed = |name: &str| {
        let all = schema["required"].as_array();
        all.is_some_and(|all| all.iter().any(|needed| needed == name))
    };
    let parameter = |(name, schema): (&String, &Value)| {
        let mut parameter =
            json!({ "name": name, "in": "query", "required": needed(name), "schema": schema });
        if let Some(text) = schema.get("description") {
            parameter["description"] = text.clone();
        }
        parameter
    };
    properties.into_iter().flatten().map(parameter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The document that is kept for readers and foreign clients is the one that is served. Set
    /// `BIANQUE_WRITE_OPENAPI=1` to write it anew.
    #[test]
    fn the_kept_document_is_the_routers() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
        let text = format!("{}\n", TEXT.as_str());
        if std::env::var_os("BIANQUE_WRITE_OPENAPI").is_some() {
            std::fs::write(path, &text).unwrap();
        }
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(kept == text, "docs/openapi.json differs: run with BIANQUE_WRITE_OPENAPI=1");
    }

    #[test]
    fn every_route_is_described_once_and_every_reference_leads_somewhere() {
        let document = document();
        let mut count = 0;
        for route in table() {
            let path = route.path.replace("{*", "{");
            let method = route.method.as_str().to_ascii_lowercase();
            assert!(document["paths"][&path][&method].is_object(), "{method} {path}");
            count += 1;
        }
        let described: usize = document["paths"]
            .as_object()
            .unwrap()
            .values()
            .map(|p| p.as_object().unwrap().len())
            .sum();
        assert_eq!(count, described);
        let text = document.to_string();
        for part in text.split("\"#").skip(1) {
            let pointer = part.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }
}
