//! TLS with a certificate of our own, judged by Python's client.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[allow(unreachable_pub, reason = "shared by tests")]
mod support;

use std::process::Command;

use bianque_server::{CertificateFiles, Settings};
use support::{Ground, Running};

/// A key on P-256 and its certificate for `localhost`, valid until 2126; made by OpenSSL for this
/// test and used nowhere else.
const CERTIFICATE: &str = include_str!("certificate/localhost.pem");
const KEY: &str = include_str!("certificate/localhost.key");

#[test]
fn a_foreign_client_accepts_the_certificate() {
    let ground = Ground::new();
    let folder = tempfile::tempdir().unwrap();
    let files = CertificateFiles {
        certificate: folder.path().join("site.pem"),
        key: folder.path().join("site.key"),
    };
    std::fs::write(&files.certificate, CERTIFICATE).unwrap();
    std::fs::write(&files.key, KEY).unwrap();
    let settings = Settings { certificate: Some(files.clone()), ..ground.settings() };
    let server = Running::with(settings);
    let script = "import ssl, sys, urllib.request\n\
        context = ssl.create_default_context(cafile=sys.argv[2])\n\
        url = f'https://localhost:{sys.argv[1]}/health'\n\
        print(urllib.request.urlopen(url, context=context, timeout=20).read().decode())\n";
    let output = Command::new(std::env::var_os("BIANQUE_PYTHON").unwrap_or("python3".into()))
        .args(["-c", script, &server.address.port().to_string()])
        .arg(&files.certificate)
        .env_remove("HTTPS_PROXY")
        .env("NO_PROXY", "localhost")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("alive"), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    // What is not TLS gets no answer.
    assert!(server.client().try_send("GET", "/health", "", &[]).is_err());
}
