//! TLS by rustls: handshakes go on beside each other, so that one slow client keeps nobody waiting.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::serve::Listener;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
    server::TlsStream,
};

use crate::{CertificateFiles, ServerError};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Handshakes at once.
const AT_ONCE: usize = 256;

type Connection = (TlsStream<TcpStream>, SocketAddr);

/// Connections whose handshake is done.
pub(crate) struct TlsListener {
    address: SocketAddr,
    ready: mpsc::Receiver<Connection>,
}

/// Reads a certificate and its key.
///
/// # Errors
/// When they cannot be read or do not belong together.
pub(crate) fn acceptor(files: &CertificateFiles) -> Result<TlsAcceptor, ServerError> {
    let wrong = |what: &dyn std::fmt::Display| ServerError::Certificate(what.to_string());
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(&error))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| wrong(&error))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| wrong(&error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl TlsListener {
    /// Takes over a listener; call it within the runtime.
    pub(crate) fn over(listener: TcpListener, acceptor: TlsAcceptor, address: SocketAddr) -> Self {
        let (tell, ready) = mpsc::channel(AT_ONCE);
        tokio::spawn(shake(listener, acceptor, tell));
        Self { address, ready }
    }
}

async fn shake(listener: TcpListener, acceptor: TlsAcceptor, tell: mpsc::Sender<Connection>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, address)) = listener.accept().await else {
            // No file handles are left: some come back when answers end.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (acceptor, tell) = (acceptor.clone(), tell.clone());
        tokio::spawn(async move {
            let _place = place;
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                // Nobody listens any more once the server stops.
                let _ = tell.send((stream, address)).await;
            }
        });
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Connection {
        match self.ready.recv().await {
            Some(connection) => connection,
            // The task that makes connections never ends before the runtime does.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
