//! How the server is set up.

use std::{net::SocketAddr, path::PathBuf};

/// How the server is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder whose slides are served; it is looked at again every few seconds.
    pub folder: PathBuf,
    /// Where to listen; a loopback address. Port 0 takes a free one.
    pub listen: SocketAddr,
}
