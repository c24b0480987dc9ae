//! Who may do what: roles, accounts, passwords, sessions, tokens.

mod accounts;
mod actor;
mod link;
mod login;
mod login_source;
mod password;
mod recognised;
mod role;
mod service_token;
mod session;

pub use accounts::{Account, NewAccount};
pub use actor::Actor;
pub use link::{Link, LinkPurpose};
pub use login::LoginPolicy;
pub use password::{Password, PasswordCost};
pub use recognised::RecognisedPerson;
pub use role::{Action, Role};
pub use service_token::{NewServiceToken, ServiceToken};
pub use session::{OpenedSession, Session};
