//! Single sign-on, with somebody else's identity provider in the test (`oidc-provider-mock`).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[allow(unreachable_pub, reason = "shared by tests")]
mod support;

use std::{
    net::{SocketAddr, TcpListener},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use bianque_server::{NameClaim, Settings, SingleSignOn};
use bianque_testkit::Ending;
use serde_json::json;
use support::{Answer, Client, Ground, Running};

const BEGIN: &str = "/api/v1/session/provider";

/// The provider, which ends with the test.
struct Provider {
    _process: Ending,
    address: SocketAddr,
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Provider {
    fn start() -> Self {
        let python =
            std::env::var_os("BIANQUE_PYTHON").expect("BIANQUE_PYTHON names the judges' Python");
        let address = free_address();
        let process = Command::new(python)
            .args(["-m", "oidc_provider_mock", "--port", &address.port().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let provider = Self { _process: Ending(process), address };
        let until = Instant::now() + Duration::from_secs(60);
        while provider.ask("GET", "/.well-known/openid-configuration", "", "").is_none() {
            assert!(Instant::now() < until, "the provider does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        provider
    }

    fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    fn ask(&self, method: &str, path: &str, kind: &str, body: &str) -> Option<Answer> {
        let client =
            Client { address: self.address, cookie: None, csrf: String::new(), bearer: None };
        let headers = format!("Host: {}\r\nContent-Type: {kind}\r\n", self.address);
        client.try_send(method, path, &headers, body.as_bytes()).ok()
    }

    /// What the provider will say of somebody.
    fn knows(&self, subject: &str, claims: &serde_json::Value) {
        let path = format!("/users/{subject}");
        let set = self.ask("PUT", &path, "application/json", &claims.to_string()).unwrap();
        assert_eq!(set.status, 204, "{}", set.text());
    }

    /// Somebody logs in there, or turns back; gives the way back to the site.
    fn log_in(&self, address: &str, form: &str) -> String {
        let path = address.strip_prefix(&self.issuer()).unwrap_or_else(|| panic!("{address}"));
        let kind = "application/x-www-form-urlencoded";
        let answer = self.ask("POST", path, kind, form).unwrap();
        header(&answer, "location").unwrap_or_else(|| panic!("{}", answer.text()))
    }
}

fn header(answer: &Answer, name: &str) -> Option<String> {
    let line = answer.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.map(str::to_owned)
}

/// The value that an answer gives a cookie.
fn cookie(answer: &Answer, name: &str) -> Option<String> {
    let lines = answer.head.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
    let mut given = lines.filter_map(|line| line.strip_prefix(&format!("{name}=")));
    given.next().map(|value| value.split(';').next().unwrap().to_owned())
}

fn settings(ground: &Ground, issuer: String, listen: SocketAddr) -> Settings {
    Settings {
        listen,
        single_sign_on: Some(SingleSignOn {
            issuer,
            client: "bianque".to_owned(),
            secret: Some("a secret".to_owned()),
            name_claim: NameClaim::PreferredUsername,
            called: "Hospital account".to_owned(),
            public_address: format!("http://{listen}"),
        }),
        ..ground.settings()
    }
}

/// A browser at the site: what it kept, and where it was sent.
struct Visit {
    browser: Client,
    address: String,
}

impl Visit {
    fn begin(server: &Running) -> Self {
        let mut browser = server.client();
        let begun = browser.get(BEGIN);
        assert_eq!(begun.status, 303, "{}", begun.text());
        let kept = cookie(&begun, "bianque-sign-on").unwrap();
        browser.cookie = Some(format!("bianque-sign-on={kept}"));
        Self { browser, address: header(&begun, "location").unwrap() }
    }

    /// Follows the way back; gives where the site sends it then, and the session.
    fn come_back(&self, server: &Running, back: &str) -> (String, Option<String>) {
        let site = format!("http://{}", server.address);
        let path = back.strip_prefix(&site).unwrap_or_else(|| panic!("{back}"));
        let answer = self.browser.get(path);
        assert_eq!(answer.status, 303, "{}", answer.text());
        (header(&answer, "location").unwrap(), cookie(&answer, "bianque-session"))
    }
}

/// A server with a provider, and an administrator who logs in by a password.
fn site(ground: &Ground, issuer: String) -> (Running, Client) {
    ground.closed_by(settings(ground, issuer, free_address()))
}

#[test]
fn who_is_recognised_opens_the_account_that_was_made_for_them_and_no_other() {
    let (ground, provider) = (Ground::new(), Provider::start());
    provider.knows("s-17", &json!({ "preferred_username": "li.wei" }));
    provider.knows("s-18", &json!({ "preferred_username": "root" }));
    provider.knows("s-19", &json!({ "preferred_username": "stranger" }));
    provider.knows("s-20", &json!({ "preferred_username": "li.wei", "aud": "another site" }));
    provider.knows("s-21", &json!({ "preferred_username": "li.wei", "nonce": "another's" }));
    provider.knows("s-22", &json!({ "preferred_username": "li.wei", "iss": "http://else" }));
    provider.knows("s-23", &json!({ "preferred_username": "li.wei", "exp": 1_000_000_000 }));
    provider.knows("s-24", &json!({ "email": "li.wei" }));
    let (server, mut admin) = site(&ground, provider.issuer());
    let new = json!({ "login": "li.wei", "roles": ["pathologist"] });
    assert_eq!(admin.post("/api/v1/users", &new).status, 200);
    let shown = server.client().get("/api/v1/session").json();
    assert_eq!(shown["provider"], "Hospital account");

    // What the provider must not be believed, or of whom the site knows nothing.
    for (subject, expected) in [
        ("s-18", "/#/login?sign-on=unknown"),
        ("s-19", "/#/login?sign-on=unknown"),
        ("s-20", "/#/login?sign-on=provider"),
        ("s-21", "/#/login?sign-on=provider"),
        ("s-22", "/#/login?sign-on=provider"),
        ("s-23", "/#/login?sign-on=provider"),
        ("s-24", "/#/login?sign-on=provider"),
    ] {
        let visit = Visit::begin(&server);
        let back = provider.log_in(&visit.address, &format!("sub={subject}"));
        let came = visit.come_back(&server, &back);
        assert_eq!(came, (expected.to_owned(), None), "{subject}");
    }

    let visit = Visit::begin(&server);
    for needed in ["response_type=code", "code_challenge_method=S256", "nonce=", "state="] {
        assert!(visit.address.contains(needed), "{}", visit.address);
    }
    let back = provider.log_in(&visit.address, "sub=s-17");
    let stranger = Visit::begin(&server);
    let led = stranger.come_back(&server, &back);
    assert_eq!(led, ("/#/login?sign-on=again".to_owned(), None), "a link into another's account");
    let (address, session) = visit.come_back(&server, &back);
    assert_eq!(address, "/");
    let mut member = server.client();
    member.cookie = Some(format!("bianque-session={}", session.unwrap()));
    let me = member.get("/api/v1/session").json()["me"].clone();
    assert_eq!((&me["login"], &me["role"]), (&json!("li.wei"), &json!("pathologist")));
    assert_eq!(member.get("/api/v1/worklist").status, 200);
    let again = visit.come_back(&server, &back);
    assert_eq!(again, ("/#/login?sign-on=again".to_owned(), None), "it works once");

    // The name is given to somebody else one day: the account is not theirs.
    provider.knows("s-99", &json!({ "preferred_username": "li.wei" }));
    let visit = Visit::begin(&server);
    let back = provider.log_in(&visit.address, "sub=s-99");
    assert_eq!(visit.come_back(&server, &back).0, "/#/login?sign-on=unknown");

    let visit = Visit::begin(&server);
    let back = provider.log_in(&visit.address, "action=deny");
    assert_eq!(visit.come_back(&server, &back).0, "/#/login?sign-on=again");

    let verified = admin.get("/api/v1/audit/verify").json();
    assert_eq!(verified["whole"], true, "{verified}");
}

#[test]
fn a_provider_that_is_away_keeps_nobody_with_a_password_out() {
    let ground = Ground::new();
    let (server, admin) = site(&ground, format!("http://{}", free_address()));
    let begun = server.client().get(BEGIN);
    assert_eq!(header(&begun, "location").unwrap(), "/#/login?sign-on=provider");
    assert_eq!(admin.get("/api/v1/worklist").status, 403, "an administrator, but in");
}

#[test]
fn without_a_provider_there_is_nothing_to_begin() {
    let ground = Ground::new();
    let (server, _) = ground.closed();
    assert_eq!(server.client().get(BEGIN).status, 404);
    assert_eq!(server.client().get("/api/v1/session/provider/return?code=a&state=b").status, 404);
    assert_eq!(server.client().get("/api/v1/session").json()["provider"], json!(null));
}
