//! The files of the web app, which are part of the program.

use std::{collections::BTreeMap, sync::LazyLock};

use bianque_core::Digest;

const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/web_app_files.rs"));

/// What is shown by a program that was built without the web app.
const PLACEHOLDER: &[u8] = include_bytes!("../../../web/placeholder/index.html");

/// A file of the web app.
pub(crate) struct WebFile {
    pub(crate) bytes: &'static [u8],
    /// Tells versions apart.
    pub(crate) tag: String,
}

static BY_NAME: LazyLock<BTreeMap<&'static str, WebFile>> = LazyLock::new(|| {
    let placeholder = FILES.is_empty().then_some(("index.html", PLACEHOLDER));
    let all = FILES.iter().copied().chain(placeholder);
    all.map(|(name, bytes)| (name, WebFile { bytes, tag: Digest::of(bytes).short() })).collect()
});

/// A file by its name below the app's folder; nothing outside it has a name.
pub(crate) fn file(name: &str) -> Option<&'static WebFile> {
    BY_NAME.get(name)
}

/// What files are, by their endings.
pub(crate) const MEDIA_TYPES: [(&str, &str); 14] = [
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("webp", "image/webp"),
    ("ico", "image/x-icon"),
    ("woff2", "font/woff2"),
    ("json", "application/json"),
    ("wasm", "application/wasm"),
    ("txt", "text/plain; charset=utf-8"),
];

/// What a file is, by its ending.
pub(crate) fn media_type(name: &str) -> &'static str {
    let ending = name.rsplit('.').next().unwrap_or_default();
    match ending {
        "webmanifest" => "application/json",
        _ => {
            let known = MEDIA_TYPES.iter().find(|(known, _)| *known == ending);
            known.map_or("application/octet-stream", |(_, kind)| kind)
        }
    }
}
