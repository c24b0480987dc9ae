//! HTTP: slides, tiles, worklist and findings for browsers and other programs; the web app.
//!
//! [`Server::new`] looks at a folder of slides, [`Server::serve`] answers until it is told to stop.
//! Routes and wire types live here and nowhere else.

mod access;
mod answer;
mod case_list;
mod connections;
mod counts;
mod cross_origin;
mod dicomweb;
mod error;
mod events;
pub mod examine;
mod guard;
pub mod improve;
mod library;
mod log;
mod open_api;
mod router;
mod routes;
mod serve;
mod settings;
mod sign_on;
mod tiles;
mod tls;
mod web_app;

pub use connections::ConnectionLimits;
pub use cross_origin::Origin;
pub use error::ServerError;
pub use open_api::description;
pub use serve::Server;
pub use settings::{CertificateFiles, ControlledLabel, Gravity, Settings};
pub use sign_on::{NameClaim, SingleSignOn};
