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
    /// There are no accounts yet, so the server must not be reached from other machines.
    #[error(
        "{0} can be reached from other machines, and this version has no accounts: listen on \
         127.0.0.1 or [::1], and put a proxy that asks for a login in front of it"
    )]
    NotLoopback(SocketAddr),
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
