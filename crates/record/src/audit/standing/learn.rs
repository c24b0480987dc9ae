//! What each entry says of the states beside the chain.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::{Expected, Standing};
use crate::{
    audit::{Entry, Event},
    canonical::canonical,
    cases::{Status, Urgency},
    identity::UserId,
    people::Role,
    proposals::State,
};

fn text(value: &Json) -> Option<String> {
    match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        Json::Bool(truth) => Some(u8::from(*truth).to_string()),
        other => Some(other.to_string()),
    }
}

impl Standing {
    /// Takes the next entry; what was refused changes nothing.
    pub(in crate::audit) fn take(&mut self, entry: &Entry) {
        if entry.outcome != "done" {
            return;
        }
        let detail = || serde_json::from_str::<Json>(&entry.detail).unwrap_or_default();
        let is = |event: Event| entry.event == event.name();
        if is(Event::ChainOpened) {
            self.console(entry);
        } else if is(Event::ProposalAdded) {
            self.proposed(entry, &detail());
        } else if is(Event::Decided) || is(Event::Adjudicated) || is(Event::Amended) {
            self.decided(entry, &detail());
        } else if is(Event::CaseAdded) || is(Event::MaterialAdded) || is(Event::CaseAssigned) {
            self.registered(entry, &detail());
        } else if is(Event::SlideMoved) {
            self.moved(entry, &detail());
        } else if is(Event::ReadingCommitted) {
            self.committed(entry, &detail());
        } else if is(Event::SignedOut) {
            self.signed(entry, &detail());
        } else if is(Event::Reopened) {
            self.case(entry).set("status", Some(Status::Amending.name().to_owned()));
        } else if is(Event::InstanceStored) {
            self.stored(entry, &detail());
        } else if is(Event::DiscrepancyClosed) {
            self.row("discrepancy", entry, &entry.object).set("closed", Some("1".to_owned()));
        } else if is(Event::Revealed) {
            self.row("reveal", entry, &format!("{} {}", entry.object, entry.actor));
        } else if is(Event::SettingChanged) {
            // A long value stands in the entry by its digest only.
            let value = detail().get("value").map(canonical);
            let row = self.row("site_setting", entry, &entry.object);
            value.into_iter().for_each(|value| row.set("value", Some(value)));
        } else if is(Event::Examined) {
            let detail = detail();
            let key = format!("{} {}", entry.object, text(&detail["producer"]).unwrap_or_default());
            self.row("examination", entry, &key).set("outputs", text(&detail["outputs"]));
        } else {
            self.people(entry, &detail);
        }
    }

    fn row(&mut self, table: &'static str, entry: &Entry, key: &str) -> &mut Expected {
        let rows = self.tables.entry(table).or_default();
        let row = rows.entry(key.to_owned()).or_insert_with(|| Expected::new(entry.sequence));
        row.sequence = entry.sequence;
        row
    }

    fn case(&mut self, entry: &Entry) -> &mut Expected {
        self.row("laboratory_case", entry, &entry.object)
    }

    fn console(&mut self, entry: &Entry) {
        let console = UserId::CONSOLE.to_string();
        self.row("account", entry, &console).set("active", Some("1".to_owned()));
        for role in [Role::Administrator, Role::Program] {
            self.row("account_role", entry, &format!("{console} {role}"));
        }
    }

    fn proposed(&mut self, entry: &Entry, detail: &Json) {
        let Some(id) = text(&detail["id"]) else { return };
        self.row("proposal", entry, &id);
        let row = self.row("proposal_state", entry, &id);
        row.set("case", Some(entry.object.clone()));
        row.set("state", Some(State::Proposed.name().to_owned()));
        row.set("standing", None);
        if let Some(shown) = text(&detail["shown"]) {
            row.set("shown", Some(shown));
        }
        self.of_case.entry(entry.object.clone()).or_default().push(id.clone());
        if let Some(slide) = text(&detail["slide"]) {
            self.of_slide.entry(slide).or_default().push(id.clone());
        }
        if let Some(discrepancy) = text(&detail["discrepancy"]) {
            let row = self.row("discrepancy", entry, &discrepancy);
            row.set("proposal", Some(id));
            row.set("closed", Some("0".to_owned()));
        }
    }

    fn decided(&mut self, entry: &Entry, detail: &Json) {
        let (Some(id), Some(proposal)) = (text(&detail["id"]), text(&detail["proposal"])) else {
            return;
        };
        self.row("decision", entry, &id);
        let state = text(&detail["state"]);
        let known = state.as_deref().and_then(|state| state.parse::<State>().ok());
        let row = self.row("proposal_state", entry, &proposal);
        row.set("state", state);
        row.set("standing", known.filter(|state| !state.is_undecided()).map(|_| id));
        row.fields.retain(|(name, _)| *name != "shown");
        if let Some(shown) = text(&detail["shown"]) {
            row.set("shown", Some(shown));
        }
    }

    fn registered(&mut self, entry: &Entry, detail: &Json) {
        if let Some(slide) = text(&detail["slide"]) {
            let row = self.row("slide", entry, &slide);
            row.set("case", Some(entry.object.clone()));
            row.set("digest", text(&detail["digest"]));
        }
        for placed in detail["slides"].as_array().into_iter().flatten() {
            let Some(slide) = text(&placed["slide"]) else { continue };
            let row = self.row("slide", entry, &slide);
            row.set("case", Some(entry.object.clone()));
            if let Some(digest) = placed.get("digest") {
                row.set("digest", text(digest));
            }
        }
        if entry.event == Event::MaterialAdded.name() {
            return;
        }
        let is_new = entry.event == Event::CaseAdded.name();
        let row = self.case(entry);
        if is_new {
            row.set("status", Some(Status::Open.name().to_owned()));
            row.set("assigned", None);
        }
        for (key, name) in [
            ("number", "number"),
            ("reading", "reading"),
            ("patient", "patient"),
            ("reader", "assigned"),
            ("requested_by", "requested by"),
        ] {
            if let Some(value) = detail.get(key) {
                row.set(name, text(value));
            }
        }
        let urgency = detail["urgency"].as_str().and_then(|name| name.parse::<Urgency>().ok());
        if let Some(urgency) = urgency {
            row.set("urgency", Some(urgency.rank().to_string()));
        }
    }

    /// A slide goes to another case with all that is said of it; who was shown there what machines
    /// say has seen it here too.
    fn moved(&mut self, entry: &Entry, detail: &Json) {
        let (Some(slide), Some(to)) = (text(&detail["slide"]), text(&detail["to"])) else { return };
        let from = &entry.object;
        self.row("laboratory_case", entry, &to);
        self.row("slide", entry, &slide).set("case", Some(to.clone()));
        let proposals = self.of_slide.get(&slide).cloned().unwrap_or_default();
        for proposal in &proposals {
            self.row("proposal_state", entry, proposal).set("case", Some(to.clone()));
        }
        let gone: HashSet<&String> = proposals.iter().collect();
        self.of_case.entry(from.clone()).or_default().retain(|id| !gone.contains(id));
        self.of_case.entry(to.clone()).or_default().extend(proposals.iter().cloned());
        let prefix = format!("{from} ");
        let reveals = self.tables.entry("reveal").or_default();
        let seen: Vec<String> =
            reveals.keys().filter_map(|key| key.strip_prefix(&prefix)).map(str::to_owned).collect();
        for account in seen {
            self.row("reveal", entry, &format!("{to} {account}"));
        }
    }

    fn committed(&mut self, entry: &Entry, detail: &Json) {
        if let Some(id) = text(&detail["id"]) {
            self.row("unaided_reading", entry, &id).set("digest", text(&detail["digest"]));
        }
    }

    fn signed(&mut self, entry: &Entry, detail: &Json) {
        self.case(entry).set("status", Some(Status::Signed.name().to_owned()));
        if let Some(version) = text(&detail["id"]) {
            let row = self.row("case_version", entry, &version);
            row.set("digest", text(&detail["digest"]));
            row.set("signed by", Some(entry.actor.clone()));
            row.set("at", Some(entry.at.to_string()));
        }
        // What was confirmed is part of the signed version now.
        for proposal in self.of_case.get(&entry.object).cloned().unwrap_or_default() {
            let rows = self.tables.entry("proposal_state").or_default();
            let Some(row) = rows.get_mut(&proposal) else { continue };
            let state = row.get("state").and_then(|state| state.parse::<State>().ok());
            if state.is_some_and(State::is_confirmed) {
                row.sequence = entry.sequence;
                row.set("state", Some(State::Released.name().to_owned()));
            }
        }
    }

    fn stored(&mut self, entry: &Entry, detail: &Json) {
        if detail["again"] == true {
            return;
        }
        let Some(uid) = text(&detail["id"]) else { return };
        let row = self.row("stored_instance", entry, &uid);
        row.set("object", text(&detail["digest"]));
        row.set("stored by", Some(entry.actor.clone()));
        row.set("at", Some(entry.at.to_string()));
    }

    /// Accounts, roles, tokens, single sign-on and consent.
    fn people(&mut self, entry: &Entry, detail: &dyn Fn() -> Json) {
        let is = |event: Event| entry.event == event.name();
        if is(Event::AccountAdded) || is(Event::RolesSet) {
            let detail = detail();
            self.roles(entry, &detail["roles"]);
            let is_new = is(Event::AccountAdded);
            let row = self.row("account", entry, &entry.object);
            if is_new {
                row.set("active", Some("1".to_owned()));
            }
            if let Some(password) = detail.get("password") {
                row.set("password", text(password));
            }
        } else if is(Event::LinkUsed) {
            self.link_used(entry, &detail());
        } else if is(Event::AccountActivity) {
            let active = detail()["active"] == true;
            let row = self.row("account", entry, &entry.object);
            row.set("active", Some(u8::from(active).to_string()));
            if !active {
                self.end_tokens(entry);
                let people = self.tables.entry("recognised_person").or_default();
                people.retain(|_, row| row.get("account") != Some(&entry.object));
            }
        } else if is(Event::ServiceTokenIssued) {
            self.token_issued(entry, &detail());
        } else if is(Event::ServiceTokenRevoked) {
            self.row("service_token", entry, &entry.object).set("revoked", Some("1".to_owned()));
        } else if is(Event::ConsentRecorded) {
            self.consented(entry, &detail());
        } else if is(Event::Login) {
            self.bound(entry, &detail());
        }
    }

    fn roles(&mut self, entry: &Entry, roles: &Json) {
        let prefix = format!("{} ", entry.object);
        let rows = self.tables.entry("account_role").or_default();
        rows.retain(|key, _| !key.starts_with(&prefix));
        for role in roles.as_array().into_iter().flatten().filter_map(Json::as_str) {
            self.row("account_role", entry, &format!("{prefix}{role}"));
        }
    }

    fn link_used(&mut self, entry: &Entry, detail: &Json) {
        if detail["purpose"] == "first-administrator" {
            self.row("account", entry, &entry.object).set("active", Some("1".to_owned()));
            self.row("account_role", entry, &format!("{} {}", entry.object, Role::Administrator));
        } else {
            self.end_tokens(entry);
        }
        let row = self.row("account", entry, &entry.object);
        row.fields.retain(|(name, _)| *name != "password");
        if let Some(password) = detail.get("password") {
            row.set("password", text(password));
        }
    }

    /// Tokens of an account that was closed or given another password.
    fn end_tokens(&mut self, entry: &Entry) {
        let tokens = self.tables.entry("service_token").or_default();
        for row in tokens.values_mut().filter(|row| row.get("account") == Some(&entry.object)) {
            row.sequence = entry.sequence;
            row.set("revoked", Some("1".to_owned()));
        }
    }

    fn token_issued(&mut self, entry: &Entry, detail: &Json) {
        let row = self.row("service_token", entry, &entry.object);
        row.set("revoked", Some("0".to_owned()));
        for (key, name) in
            [("account", "account"), ("role", "role"), ("expires", "expires"), ("token", "token")]
        {
            if let Some(value) = detail.get(key) {
                row.set(name, text(value));
            }
        }
    }

    fn consented(&mut self, entry: &Entry, detail: &Json) {
        self.consents += 1;
        let ordinal = self.consents.to_string();
        let row = self.row("consent", entry, &ordinal);
        row.set("patient", Some(entry.object.clone()));
        row.set("purpose", text(&detail["purpose"]));
        row.set("granted", text(&detail["granted"]));
        row.set("at", Some(entry.at.to_string()));
        row.set("recorded by", Some(entry.actor.clone()));
        if let Some(until) = detail.get("until") {
            row.set("until", text(until));
        }
    }

    fn bound(&mut self, entry: &Entry, detail: &Json) {
        if detail["first"] != true {
            return;
        }
        match text(&detail["person"]) {
            Some(person) => {
                let account = Some(entry.object.clone());
                self.row("recognised_person", entry, &person).set("account", account);
            }
            None => self.old_bindings = true,
        }
    }
}
