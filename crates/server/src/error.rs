//! Why the server does not start, by who must act.

use std::{net::SocketAddr, path::PathBuf};

use bianque_slide::SlideError;

/// Why the server does not start or ends early.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The folder of slides cannot be read.
    #[error("the folder of slides {folder} cannot be read: {source}")]
    Folder {
        /// Which folder.
        folder: PathBuf,
        /// Why.
        source: SlideError,
    },
    /// Passwords and slides would cross the network in the clear.
    #[error(
        "{0} can be reached from other machines, and what is said would cross the network in the \
         clear: give --certificate and --key, or --behind-proxy where a proxy speaks TLS, or \
         listen on 127.0.0.1"
    )]
    InTheClear(SocketAddr),
    /// The demo has no login, so nobody else may reach it.
    #[error(
        "{0} can be reached from other machines, and the demo has no login: listen on 127.0.0.1 \
         or [::1], without a proxy"
    )]
    OpenDemo(SocketAddr),
    /// The demo and a site with logins would share a record.
    #[error(
        "{0}: the demo has no login, so it and real people never share a record; name another \
         folder with --keep"
    )]
    SharedRecord(&'static str),
    /// Another server keeps its things in the folder.
    #[error(
        "another server uses {0}: two would examine every slide twice and overwrite each other's \
         heads; end it, or name another folder with --keep"
    )]
    InUse(PathBuf),
    /// The record cannot be used.
    #[error("the record cannot be used: {0}")]
    Record(#[from] bianque_record::RecordError),
    /// The certificate or its key cannot be used.
    #[error("the certificate cannot be used: {0}")]
    Certificate(String),
    /// An origin that is to see answers is none.
    #[error(
        "'{0}' is no origin: give scheme, host and port alone, such as https://slim.example or \
         http://localhost:3000; there is no wildcard"
    )]
    Origin(String),
    /// Single sign-on is set up wrongly.
    #[error("single sign-on cannot be used: {0}")]
    SignOn(String),
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: {source}; is another program there? --listen names another"
    )]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system gave no threads or failed while serving.
    #[error("the server stopped: {0}")]
    System(#[from] std::io::Error),
}
