//! Every route of the description, asked by schemathesis in every role: no fault, and no answer that
//! the description does not have.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[allow(unreachable_pub, reason = "shared by tests")]
mod support;

use std::{path::Path, process::Command};

use bianque_record::Role;
use serde_json::json;
use support::{Client, Ground, examined_case, findings, text};

/// Requests for each route and role: all roles together take about a minute on two cores. More are
/// made with `BIANQUE_FUZZ_EXAMPLES`.
const EXAMPLES: &str = "3";
/// Roles that are tried at once.
const AT_ONCE: usize = 2;

/// Who asks, with which values that are really there, and how he is known.
type Asked<'a> = (&'static str, Vec<(&'a str, &'a str)>, Vec<String>);

/// Runs schemathesis against a server; gives what it said, and whether it found nothing.
fn fuzz(base: &str, seed: usize, values: &[(&str, &str)], headers: &[String]) -> (bool, String) {
    let python =
        std::env::var_os("BIANQUE_PYTHON").expect("BIANQUE_PYTHON names the judges' Python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/fuzz.py");
    let examples = std::env::var("BIANQUE_FUZZ_EXAMPLES").unwrap_or_else(|_| EXAMPLES.to_owned());
    let values = serde_json::Map::from_iter(
        values.iter().map(|(name, value)| (format!("path.{name}"), json!(value))),
    );
    let output = Command::new(python)
        .arg(script)
        .args([base, &seed.to_string(), &examples, &json!(values).to_string()])
        .args(headers)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// A token for each role, of one account that has them all.
fn tokens(admin: &mut Client) -> Vec<(Role, String)> {
    let roles: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
    let new = json!({ "login": "everything", "roles": roles });
    let made = admin.post("/api/v1/users", &new);
    assert_eq!(made.status, 200, "{}", made.text());
    let users = admin.get("/api/v1/users").json();
    let user = users.as_array().unwrap().iter().find(|user| user["login"] == "everything").unwrap();
    let user = text(&user["id"]);
    Role::ALL
        .into_iter()
        .map(|role| {
            let token = json!({ "user": user, "role": role.name(), "label": role.name() });
            let issued = admin.post("/api/v1/service-tokens", &token);
            assert_eq!(issued.status, 200, "{}", issued.text());
            (role, text(&issued.json()["token"]))
        })
        .collect()
}

#[test]
fn no_route_has_a_fault_or_an_answer_that_is_not_described() {
    let ground = Ground::new();
    let (server, mut admin) = ground.closed();
    let base = format!("http://127.0.0.1:{}", server.address.port());
    let all = tokens(&mut admin);
    let mut reader = server.client();
    reader.bearer = Some(all[0].1.clone());
    let case = examined_case(&reader);
    let id = text(&case["id"]);
    let instances = reader.get("/dicomweb/instances").json();
    let uid = |tag: &str| text(&instances[0][tag]["Value"][0]);
    let finding = text(&findings(&reader, &id, "lesion-region")[0]["id"]);
    // Of these the first is what is really there, so that requests come through to the work; in
    // the other half of the roles they are made up.
    let (slide, key) = (text(&case["slides"][0]["id"]), text(&case["slides"][0]["key"]));
    let (study, series, instance) = (uid("0020000D"), uid("0020000E"), uid("00080018"));
    let (descriptor, files) = (format!("{key}.dzi"), format!("{key}_files"));
    let real = [
        ("case", id.as_str()),
        ("finding", &finding),
        ("descriptor", &descriptor),
        ("files", &files),
        ("study", &study),
        ("series", &series),
        ("instance", &instance),
    ];
    let mut all_asked: Vec<Asked<'_>> = vec![("nobody", Vec::new(), Vec::new())];
    for (role, token) in &all {
        let known: Vec<(&str, &str)> = match role {
            // The slide of a case by its id, else the file by its key: both are called `slide`.
            Role::Pathologist => [&real[..], &[("slide", slide.as_str())]].concat(),
            Role::Technician => [&real[..], &[("slide", key.as_str())]].concat(),
            Role::Program => real.to_vec(),
            _ => Vec::new(),
        };
        all_asked.push((role.name(), known, vec![format!("Authorization: Bearer {token}")]));
    }
    let mut failed = String::new();
    for (round, asked) in all_asked.chunks(AT_ONCE).enumerate() {
        let base = &base;
        let said: Vec<(bool, String)> = std::thread::scope(|scope| {
            let ask = |(_, values, headers): &'_ Asked<'_>| fuzz(base, round, values, headers);
            let running: Vec<_> =
                asked.iter().map(|asked| scope.spawn(move || ask(asked))).collect();
            running.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for ((who, ..), (passed, said)) in asked.iter().zip(said) {
            if !passed {
                failed.push_str(&format!("\n== as {who}\n{said}\n"));
            }
        }
    }
    assert!(failed.is_empty(), "{failed}");
    // What was asked has broken nothing. An administrator may close any account, so nobody is asked.
    let location = bianque_record::database::Location::Sqlite(ground.data.path().join("record.db"));
    let mut database = location.connect().unwrap();
    let report = bianque_record::audit::verify_database(database.as_mut(), &[]).unwrap();
    assert!(report.whole, "{report:?}");
}
