//! What any database behind the record must do; run on each.
#![allow(unreachable_pub, missing_docs, clippy::unwrap_used)]

mod accounts;
mod arrangement;
mod audit;
mod decisions;
mod improvement;
mod proposals;
mod reading;
mod release;
mod worklist;

use crate::support::ground::Ground;

type Check = fn(&Ground);

/// Every check; each gets an empty record.
pub const SUITE: &[(&str, Check)] = &[
    ("a login opens a session that can end in every way", accounts::logins_and_sessions),
    ("failures lock an account for a while", accounts::lockout),
    ("guessing from elsewhere locks nobody out", accounts::lockout_from_elsewhere),
    ("links work once", accounts::links),
    ("the program's own account is no person's", accounts::the_programs_own),
    ("a session goes on in another role", accounts::change_of_role),
    ("a recognised person opens one account", accounts::single_sign_on),
    ("programs act by tokens", accounts::service_tokens),
    ("who has not the role is refused, and the refusal is recorded", accounts::permissions),
    ("a role that is taken away is gone at once", accounts::lost_role),
    ("any kind goes through the same tables and queue", proposals::three_kinds),
    ("a proposal of another case's slide is refused", proposals::foreign_slide),
    ("a proposal comes back as it was put", proposals::comes_back),
    ("one reader decides", decisions::single_reading),
    ("a correction keeps old, new and difference", decisions::correction),
    ("a decision is amended by a new one", decisions::amendment),
    ("two readers are blind to each other", decisions::blind),
    ("two readers who differ are settled by a third", decisions::dispute),
    ("what a third settled no reader overturns", decisions::settled_by_a_third),
    ("one of two who agreed does not overturn both", decisions::one_of_two_who_agreed),
    ("agreement is measured pair by pair", decisions::agreement),
    ("agreement is of the content", decisions::agreement_is_of_the_content),
    ("points are compared by their distance", decisions::agreement_about_points),
    ("only confirmed findings are signed", release::sign_out),
    ("a late proposal opens a discrepancy and alters nothing", release::late_proposal),
    ("a signed case is amended by another version", release::amended_version),
    ("what leaves unconfirmed says so", release::exports),
    ("clinicians and researchers see what they may", release::who_sees_what),
    ("a request that is sent twice counts once", reading::sent_twice),
    ("a reader sees what stands, and nothing of the other's", reading::seen_findings),
    ("what was revealed and looked at is kept by reader", reading::revealed_and_viewed),
    ("a reading is fixed before machines speak", reading::unaided),
    ("settings, staff, lone slides and examinations are the site's", reading::the_site),
    ("decisions that stand teach, as far as patients agree", improvement::lessons),
    ("a refitted head is kept, activated with a reason and taken back", improvement::heads),
    ("the worklist has bad slides first, then urgency", worklist::order),
    ("the worklist is paged and filtered", worklist::pages),
    ("slides make one case, with what was said of them", arrangement::put_together),
    ("what is decided or signed is not moved", arrangement::refused),
    ("a slide is taken out again", arrangement::taken_out),
    ("every deed is in the chain, and the chain holds", audit::chain_holds),
    ("the audit is asked by event, day and thing", audit::asked_for),
    ("the database refuses to change what is appended", audit::append_only),
    ("an export verifies without the database", audit::export),
    ("what entries testify to cannot be changed unseen", audit::deeds),
    ("many threads make one chain", audit::threads),
    ("hostile texts are only texts", audit::hostile_texts),
];

/// Runs every check on an empty record of its own.
#[allow(clippy::print_stdout, reason = "says which check failed")]
pub fn run(mut location: impl FnMut() -> bianque_record::database::Location) {
    for (name, check) in SUITE {
        // Shown only where a check fails: tests keep what they print to themselves.
        println!("{name}");
        check(&Ground::new(location()));
    }
}
