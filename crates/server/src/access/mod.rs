//! Who calls, and whether a route is open to them. The record looks again at every deed.

mod caller;
mod cookie;
mod doors;
mod gate;
mod pace;

pub(crate) use caller::{Caller, Known, csrf_token};
pub(crate) use cookie::{
    clearing_cookie, clearing_sign_on_cookie, session_cookie, shown_sign_on, sign_on_cookie,
};
pub(crate) use doors::Doors;
pub(crate) use gate::{Access, Gate, gate};
pub(crate) use pace::Pace;
