//! Who calls, and whether a route is open to them. The record looks again at every deed.

mod address;
mod caller;
mod cookie;
mod doors;
mod gate;
mod pace;

pub(crate) use address::{Address, Peer};
pub(crate) use caller::{Caller, Known, csrf_token};
pub(crate) use cookie::{
    clearing_cookie, clearing_sign_on_cookie, session_cookie, shown_sign_on, sign_on_cookie,
};
pub(crate) use doors::Doors;
pub(crate) use gate::{Access, Gate, gate};
pub(crate) use pace::{ALL_LOGINS, LOGINS, REQUESTS, STRANGERS};
pub(crate) use pace::{Pace, Paces};
