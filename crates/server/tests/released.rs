//! Who sees nothing but what is signed: clinicians their own cases, researchers those of patients who
//! agree.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[allow(unreachable_pub, reason = "shared by tests")]
mod support;

use serde_json::json;
use support::{Client, Ground, examined_case, findings, key, text};

const LIST: &str = "/api/v1/released";

fn seen(client: &Client) -> usize {
    client.get(LIST).json()["items"].as_array().unwrap().len()
}

#[test]
fn clinicians_and_researchers_see_what_is_signed_and_theirs() {
    let ground = Ground::new();
    let (server, mut admin) = ground.closed();
    let mut reader = server.member(&mut admin, "reader", "pathologist");
    let mut technician = server.member(&mut admin, "technician", "technician");
    let mut clinician = server.member(&mut admin, "clinician", "clinician");
    let other = server.member(&mut admin, "other", "clinician");
    let researcher = server.member(&mut admin, "researcher", "researcher");
    let listed = examined_case(&reader);
    let (case, number) = (text(&listed["id"]), text(&listed["number"]));
    let staff = technician.get("/api/v1/readers").json();
    let id_of = |login: &str| {
        let found = staff.as_array().unwrap().iter().find(|one| one["login"] == login);
        text(&found.unwrap()["id"])
    };
    let requester = format!("/api/v1/cases/{case}/requester");
    let wrong = json!({ "clinician": id_of("reader") });
    assert_eq!(technician.change("PUT", &requester, &wrong).status, 400);
    let asked = json!({ "clinician": id_of("clinician") });
    assert_eq!(technician.change("PUT", &requester, &asked).status, 204);
    assert_eq!(seen(&clinician), 0, "nothing is signed");
    let report = format!("{LIST}/{case}");
    assert_eq!(clinician.get(&report).status, 404);

    for region in findings(&reader, &case, "lesion-region") {
        let decide = format!("/api/v1/findings/{}/decision", text(&region["id"]));
        assert_eq!(reader.post(&decide, &json!({ "key": key(), "verdict": "accept" })).status, 200);
    }
    let sign = json!({ "conclusion": "Carcinoma.", "leave_out_undecided": true });
    assert_eq!(reader.post(&format!("/api/v1/cases/{case}/sign-out"), &sign).status, 200);
    assert_eq!((seen(&clinician), seen(&other), seen(&researcher)), (1, 0, 0));
    let signed = clinician.get(&report).json();
    assert_eq!(signed["report"]["signed"]["conclusion"], "Carcinoma.");
    assert_eq!(signed["report"]["findings"].as_array().unwrap().len(), 2);
    assert!(signed["report"]["findings"][0]["area_mm2"].is_number(), "{signed}");
    assert_eq!((other.get(&report).status, researcher.get(&report).status), (403, 403));
    assert_eq!(clinician.get(&format!("/api/v1/cases/{case}")).status, 403, "nothing but that");

    let consent = format!("/api/v1/cases/{case}/consent");
    let research = |granted: bool, until: &str| {
        let until = (!until.is_empty()).then_some(until);
        json!({ "purpose": "research", "granted": granted, "until": until })
    };
    for bad in ["2020-01-01", "2030-02-30", "soon"] {
        assert_eq!(clinician.post(&consent, &research(true, bad)).status, 400, "{bad}");
    }
    assert_eq!(
        clinician.post(&consent, &json!({ "purpose": "care", "granted": true })).status,
        400
    );
    assert_eq!(clinician.post(&consent, &research(true, "2999-12-31")).status, 204);
    let written = clinician.get(&consent).json();
    assert!(text(&written[0]["until"]).starts_with("2999-12-31"), "{written}");
    assert_eq!(other.get(&consent).status, 403);
    for path in ["", "/findings", "/report"] {
        let told = researcher.get(&format!("/api/v1/cases/{case}{path}"));
        assert_eq!(told.status, 200, "{}", told.text());
        assert!(!told.text().contains(&number), "the number: {}", told.text());
    }
    let line = researcher.get(LIST).json()["items"][0].clone();
    assert_eq!((&line["number"], &line["case"]), (&json!(null), &json!(case)));
    let export = format!("/api/v1/cases/{case}/exports/geojson?purpose=research");
    assert!(researcher.get(&export).text().contains("released"));
    let reopen = format!("/api/v1/cases/{case}/reopen");
    assert_eq!(reader.post(&reopen, &json!({ "reason": "once more" })).status, 204);
    for path in ["", "/findings", "/report"] {
        let open = researcher.get(&format!("/api/v1/cases/{case}{path}"));
        assert_eq!(open.status, 403, "it is open again: {}", open.text());
    }
    assert_eq!((seen(&researcher), researcher.get(&export).status), (0, 403));
    assert_eq!(reader.post(&format!("/api/v1/cases/{case}/sign-out"), &sign).status, 200);
    assert_eq!(seen(&researcher), 1);
    assert_eq!(technician.post(&consent, &research(false, "")).status, 204);
    assert_eq!((seen(&researcher), researcher.get(&export).status), (0, 403));
    assert_eq!(admin.get(LIST).status, 403);
    let audit = admin.get("/api/v1/audit?limit=100").text();
    assert!(audit.contains("released.read") && audit.contains("consent.recorded"), "{audit}");
}

#[test]
fn a_late_proposal_is_a_question_until_somebody_closes_it() {
    let ground = Ground::new();
    let server = ground.demo();
    let mut reader = server.demo("demo-pathologist");
    let case = examined_case(&reader);
    let (id, slide) = (text(&case["id"]), text(&case["slides"][0]["id"]));
    let sign = json!({ "conclusion": "Nothing.", "leave_out_undecided": true });
    assert_eq!(reader.post(&format!("/api/v1/cases/{id}/sign-out"), &sign).status, 200);
    let open = "/api/v1/discrepancies";
    assert_eq!(reader.get(open).json(), json!([]));
    let body = [&b"BNA1"[..], &1_u32.to_le_bytes(), &[0; 9]].concat();
    let late = format!(
        "/api/v1/cases/{id}/slides/{slide}/annotations?key={}&label=nuclei&classes=a",
        key()
    );
    let csrf = format!("X-CSRF-Token: {}\r\n", reader.csrf);
    assert_eq!(reader.send("POST", &late, &csrf, &body).status, 200);
    let found = reader.get(open).json();
    assert_eq!((&found[0]["case"], &found[0]["version"]), (&json!(id), &json!(1)), "{found}");
    assert_eq!(found[0]["number"], case["number"], "{found}");
    let close = format!("{open}/{}/close", text(&found[0]["id"]));
    let why = json!({ "reason": "seen, benign" });
    let mut technician = server.demo("demo-technician");
    assert_eq!(technician.post(&close, &why).status, 403);
    assert_eq!(reader.post(&close, &why).status, 204);
    assert_eq!(reader.get(open).json(), json!([]));
    assert_eq!(server.demo("demo-clinician").get(open).status, 403);
}
