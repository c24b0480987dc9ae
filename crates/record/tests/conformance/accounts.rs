//! Who gets in, and as what.

use std::time::Duration;

use bianque_record::{
    Action, Actor, RecordError, Role,
    audit::{AuditQuery, Event},
    people::{LinkPurpose, NewAccount, NewServiceToken, Password, RecognisedPerson},
};

use crate::support::ground::{Ground, PASSWORD, accept};

fn refused<T: std::fmt::Debug>(result: bianque_record::Result<T>) -> bool {
    matches!(result, Err(RecordError::LoginRefused))
}

fn events(ground: &Ground, event: Event) -> Vec<String> {
    let query = AuditQuery { limit: 500, ..AuditQuery::default() };
    let entries = ground.record.audit_entries(&ground.administrator, &query).unwrap();
    let named = entries.into_iter().filter(|entry| entry.event == event.name());
    named.map(|entry| entry.outcome).collect()
}

pub fn logins_and_sessions(ground: &Ground) {
    let record = &ground.record;
    let opened = record.log_in("first", PASSWORD, Role::Pathologist).unwrap();
    assert_eq!(opened.actor, ground.pathologist);
    assert_eq!(record.session(opened.token.reveal()).unwrap().actor, ground.pathologist);
    assert!(refused(record.session("no token")));
    assert!(refused(record.log_in("first", "wrong password", Role::Pathologist)));
    assert!(refused(record.log_in("nobody", PASSWORD, Role::Pathologist)));
    assert!(refused(record.log_in("first", PASSWORD, Role::Administrator)), "not this role");
    assert!(refused(record.log_in("console", "", Role::Administrator)), "no password at all");
    assert_eq!(
        events(ground, Event::Login),
        ["refused", "refused", "refused", "refused", "done"],
        "newest first"
    );

    record.log_out(opened.token.reveal()).unwrap();
    assert!(refused(record.session(opened.token.reveal())));
    assert!(refused(record.log_out(opened.token.reveal())));

    let idle = record.log_in("first", PASSWORD, Role::Pathologist).unwrap();
    for _ in 0..11 {
        ground.wait(Duration::from_secs(3500));
        record.session(idle.token.reveal()).unwrap();
    }
    ground.wait(Duration::from_secs(3700));
    assert!(refused(record.session(idle.token.reveal())), "unused for an hour");

    let long = record.log_in("first", PASSWORD, Role::Pathologist).unwrap();
    for _ in 0..13 {
        ground.wait(Duration::from_secs(3400));
        let _ = record.session(long.token.reveal());
    }
    assert!(refused(record.session(long.token.reveal())), "twelve hours are over");

    let closed = record.log_in_recognised(ground.clinician.user(), Role::Clinician).unwrap();
    record.set_active(&ground.administrator, ground.clinician.user(), false).unwrap();
    assert!(refused(record.session(closed.token.reveal())));
    assert!(refused(record.log_in("clinician", PASSWORD, Role::Clinician)));
}

pub fn change_of_role(ground: &Ground) {
    let record = &ground.record;
    let both = [Role::Pathologist, Role::Administrator];
    record.set_roles(&ground.administrator, ground.pathologist.user(), &both).unwrap();
    let opened = record.log_in("first", PASSWORD, Role::Pathologist).unwrap();
    let stranger = record.change_role(opened.token.reveal(), Role::Researcher);
    assert!(matches!(stranger, Err(RecordError::Forbidden { .. })), "{stranger:?}");
    assert!(record.session(opened.token.reveal()).is_ok(), "a refusal ends nothing");
    ground.wait(Duration::from_secs(600));
    let changed = record.change_role(opened.token.reveal(), Role::Administrator).unwrap();
    assert_eq!(changed.actor.role(), Role::Administrator);
    assert_eq!(changed.expires, opened.expires, "it lasts no longer");
    assert!(refused(record.session(opened.token.reveal())));
    assert!(refused(record.change_role(opened.token.reveal(), Role::Pathologist)));
    assert_eq!(record.session(changed.token.reveal()).unwrap().actor, changed.actor);
    assert_eq!(events(ground, Event::RoleChanged), ["done", "refused"]);
}

pub fn single_sign_on(ground: &Ground) {
    let record = &ground.record;
    let person = |subject: &str, name: &str| RecognisedPerson {
        issuer: "https://identities.example".to_owned(),
        subject: subject.to_owned(),
        name: name.to_owned(),
    };
    let waits = NewAccount {
        login: "li.wei".parse().unwrap(),
        password: None,
        roles: vec![Role::Pathologist, Role::Administrator],
    };
    let user = record.add_account(&ground.administrator, &waits).unwrap();
    let enters = |subject, name, role| record.log_in_by_provider(&person(subject, name), role);

    assert!(refused(enters("s-1", "nobody", None)), "no account has this name");
    assert!(refused(enters("s-1", "first", None)), "this one opens by a password");
    assert!(refused(enters("s-1", "console", None)), "nobody's from outside");
    assert!(refused(enters("", "li.wei", None)), "a provider that names nobody");
    assert!(refused(enters("s-1", "li.wei", Some(Role::Clinician))), "not this role");
    let opened = enters("s-1", "li.wei", None).unwrap();
    assert_eq!((opened.actor.user(), opened.actor.role()), (user, Role::Pathologist));
    assert_eq!(record.session(opened.token.reveal()).unwrap().actor, opened.actor);

    // From now on the subject decides, whatever the names are.
    assert!(refused(enters("s-2", "li.wei", None)), "the name is another person's now");
    let renamed = enters("s-1", "li.wei.2", Some(Role::Administrator)).unwrap();
    assert_eq!((renamed.actor.user(), renamed.actor.role()), (user, Role::Administrator));
    let mut elsewhere = person("s-1", "li.wei");
    elsewhere.issuer = "https://elsewhere.example".to_owned();
    elsewhere.name = "first".to_owned();
    assert!(refused(record.log_in_by_provider(&elsewhere, None)), "another provider's s-1");

    record.set_active(&ground.administrator, user, false).unwrap();
    assert!(refused(record.session(opened.token.reveal())));
    assert!(refused(enters("s-1", "li.wei", None)), "closed");
    record.set_active(&ground.administrator, user, true).unwrap();
    assert_eq!(enters("s-2", "li.wei", None).unwrap().actor.user(), user, "whoever comes next");
    assert!(refused(enters("s-1", "li.wei", None)));
}

pub fn lockout(ground: &Ground) {
    let record = &ground.record;
    for _ in 0..5 {
        assert!(refused(record.log_in("first", "wrong password", Role::Pathologist)));
    }
    let locked = record.log_in("first", PASSWORD, Role::Pathologist);
    assert!(matches!(locked, Err(RecordError::Locked { .. })), "{locked:?}");
    assert!(record.log_in("third", PASSWORD, Role::Pathologist).is_ok(), "only that account");
    ground.wait(Duration::from_secs(901));
    record.log_in("first", PASSWORD, Role::Pathologist).unwrap();
    for _ in 0..4 {
        assert!(refused(record.log_in("first", "wrong password", Role::Pathologist)));
    }
    record.log_in("first", PASSWORD, Role::Pathologist).unwrap();
}

/// Whoever guesses from many places locks the account for places that are not known, and no more.
pub fn lockout_from_elsewhere(ground: &Ground) {
    let record = &ground.record;
    let role = Some(Role::Pathologist);
    let right = |source: &str| record.log_in_from(source, "first", PASSWORD, role);
    right("office").unwrap();
    for place in 0..5 {
        for _ in 0..4 {
            let wrong = record.log_in_from(&format!("bot {place}"), "first", "wrong one", role);
            assert!(refused(wrong));
        }
    }
    let locked = right("anywhere");
    assert!(matches!(locked, Err(RecordError::Locked { .. })), "{locked:?}");
    right("office").unwrap();
    let locked = right("anywhere");
    assert!(matches!(locked, Err(RecordError::Locked { .. })), "still: {locked:?}");
    for _ in 0..5 {
        assert!(refused(record.log_in_from("office", "first", "wrong one", role)));
    }
    let locked = right("office");
    assert!(matches!(locked, Err(RecordError::Locked { .. })), "its own failures: {locked:?}");
    record.set_active(&ground.administrator, ground.pathologist.user(), true).unwrap();
    right("office").unwrap();
    right("anywhere").unwrap();
}

/// The program's own account is no person's: no link, no change, no login, in no list.
pub fn the_programs_own(ground: &Ground) {
    let (record, administrator) = (&ground.record, &ground.administrator);
    let console = Actor::console().user();
    let link = record.issue_link(administrator, LinkPurpose::Password(console));
    assert!(matches!(link, Err(RecordError::Conflict(_))), "{link:?}");
    for deed in [
        record.set_active(administrator, console, false),
        record.set_roles(administrator, console, &[Role::Pathologist]),
    ] {
        assert!(matches!(deed, Err(RecordError::Conflict(_))), "{deed:?}");
    }
    let token = NewServiceToken {
        user: console,
        role: Role::Program,
        label: "watcher".parse().unwrap(),
        expires: None,
    };
    let issued = record.issue_service_token(administrator, &token);
    assert!(matches!(issued, Err(RecordError::Conflict(_))));
    let listed = record.accounts(administrator).unwrap();
    assert!(listed.iter().all(|account| account.id != console));
    assert!(listed.iter().any(|account| account.id == administrator.user()));
    assert!(refused(record.log_in("console", PASSWORD, Role::Program)));
}

pub fn links(ground: &Ground) {
    let (record, console) = (&ground.record, Actor::console());
    let first = record.issue_link(&console, LinkPurpose::FirstAdministrator);
    assert!(matches!(first, Err(RecordError::Conflict(_))), "there is an administrator");

    record.set_active(&console, ground.administrator.user(), false).unwrap();
    let old = record.issue_link(&console, LinkPurpose::FirstAdministrator).unwrap();
    let link = record.issue_link(&console, LinkPurpose::FirstAdministrator).unwrap();
    let (name, password) = ("root".parse().unwrap(), Password::new(PASSWORD).unwrap());
    let redeem = |token: &str| record.redeem_first_administrator(token, &name, &password);
    assert!(refused(redeem(old.token.reveal())), "a newer one was issued");
    assert!(refused(redeem("guess")));
    let root = redeem(link.token.reveal()).unwrap();
    assert!(refused(redeem(link.token.reveal())), "once");
    record.log_in("root", PASSWORD, Role::Administrator).unwrap();

    let root = record.actor(root, Role::Administrator).unwrap();
    let purpose = LinkPurpose::Password(ground.pathologist.user());
    let late = record.issue_link(&root, purpose).unwrap();
    ground.wait(Duration::from_secs(90_000));
    let other = Password::new("battery staple").unwrap();
    assert!(refused(record.redeem_password(late.token.reveal(), &other)), "a day is over");
    let link = record.issue_link(&root, purpose).unwrap();
    let session = record.log_in("first", PASSWORD, Role::Pathologist).unwrap();
    record.redeem_password(link.token.reveal(), &other).unwrap();
    assert!(refused(record.session(session.token.reveal())), "sessions end");
    assert!(refused(record.log_in("first", PASSWORD, Role::Pathologist)));
    record.log_in("first", "battery staple", Role::Pathologist).unwrap();
}

pub fn service_tokens(ground: &Ground) {
    let (record, root) = (&ground.record, &ground.administrator);
    let mut new = NewServiceToken {
        user: ground.program.user(),
        role: Role::Program,
        label: "scanner folder".parse().unwrap(),
        expires: None,
    };
    let (id, token) = record.issue_service_token(root, &new).unwrap();
    assert_eq!(record.service_actor(token.reveal()).unwrap(), ground.program);
    assert!(refused(record.service_actor("guess")));
    record.revoke_service_token(root, id).unwrap();
    assert!(refused(record.service_actor(token.reveal())));
    assert!(record.revoke_service_token(root, id).is_err());

    new.expires = Some(ground.now().after(Duration::from_secs(60)));
    let (_, token) = record.issue_service_token(root, &new).unwrap();
    record.service_actor(token.reveal()).unwrap();
    ground.wait(Duration::from_secs(60));
    assert!(refused(record.service_actor(token.reveal())));
    new.role = Role::Administrator;
    assert!(record.issue_service_token(root, &new).is_err(), "a role that it has not");
    let tokens = record.service_tokens(root).unwrap();
    assert_eq!(tokens.len(), 2);
    assert!(tokens.iter().any(|token| token.id == id && token.revoked.is_some()));
}

pub fn permissions(ground: &Ground) {
    let record = &ground.record;
    let (case, slide) = ground.case(bianque_record::cases::Reading::Single);
    let proposal = ground.adenoma(case, slide);
    let (technician, researcher) = (&ground.technician, &ground.researcher);
    let account = NewAccount { login: "x1".parse().unwrap(), password: None, roles: Vec::new() };
    let actions = [
        record.case(&ground.administrator, case).map(drop),
        record.case(&ground.clinician, case).map(drop),
        record.worklist(researcher, &Default::default()).map(drop),
        record.queue(&ground.clinician, &Default::default()).map(drop),
        record
            .add_case(researcher, &ground.new_case(bianque_record::cases::Reading::Single))
            .map(drop),
        record.decide(technician, proposal, &accept()).map(drop),
        record.decide(&ground.program, proposal, &accept()).map(drop),
        record.adjudicate(&ground.second_reader, proposal, &accept()).map(drop),
        record
            .sign_out(
                technician,
                case,
                &crate::support::ground::sign(bianque_record::release::Undecided::LeaveOut),
            )
            .map(drop),
        record.add_account(&ground.pathologist, &account).map(drop),
        record.audit_entries(&ground.pathologist, &AuditQuery::default()).map(drop),
        record.export_audit(&ground.program, Vec::new()).map(drop),
    ];
    for (index, action) in actions.iter().enumerate() {
        let forbidden = matches!(action, Err(RecordError::Forbidden { .. }));
        assert!(forbidden, "{index}: {action:?}");
    }
    let query = AuditQuery { limit: 500, ..AuditQuery::default() };
    let entries = record.audit_entries(&ground.administrator, &query).unwrap();
    let refusals = entries.iter().filter(|entry| entry.outcome == "refused").count();
    assert_eq!(refusals, actions.len());
    assert!(record.proposals(&ground.pathologist, case).unwrap()[0].standing.is_none());
}

pub fn lost_role(ground: &Ground) {
    let (record, root) = (&ground.record, &ground.administrator);
    let session = record.log_in("first", PASSWORD, Role::Pathologist).unwrap();
    record.set_roles(root, ground.pathologist.user(), &[Role::Technician]).unwrap();
    assert!(refused(record.session(session.token.reveal())));
    let refusal = record.worklist(&ground.pathologist, &Default::default());
    let forbidden =
        matches!(refusal, Err(RecordError::Forbidden { action: Action::ReadWorklist, .. }));
    assert!(forbidden, "an actor that was handed out before");
    assert!(record.actor(ground.pathologist.user(), Role::Pathologist).is_err());
    let accounts = record.accounts(root).unwrap();
    let account = accounts.iter().find(|a| a.id == ground.pathologist.user()).unwrap();
    assert_eq!(account.roles, [Role::Technician]);
    let again = NewAccount { login: "first".parse().unwrap(), password: None, roles: Vec::new() };
    assert!(matches!(record.add_account(root, &again), Err(RecordError::Conflict(_))));
}
