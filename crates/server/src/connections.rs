//! Connections: how many there may be, how long a request's head may take, and how they end.

use std::{
    collections::HashMap,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{Request, body::Incoming, server::conn::http1, service::Service};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    access::{Address, Peer},
    tls,
};

/// After the system could not give a connection: some file handles come back when answers end.
const BREATH: Duration = Duration::from_millis(100);

/// How many connections there may be, and how long they may say nothing.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// How long a request's head may take, counted from when the connection is free for it: a
    /// connection that asks nothing is closed after it too.
    pub head: Duration,
    /// Connections from one address. This machine's own programs and a site's proxy, which speaks
    /// for everybody, are held to the number in all only.
    pub of_one_address: usize,
    /// Connections in all: fewer than the 1,024 files that a system gives a program.
    pub in_all: usize,
}

impl ConnectionLimits {
    /// The limits of a server that clients reach themselves.
    pub const DIRECT: Self =
        Self { head: Duration::from_secs(30), of_one_address: 128, in_all: 768 };
    /// The limits behind a proxy, which keeps its own connections for a minute.
    pub const BEHIND_PROXY: Self = Self { head: Duration::from_secs(75), ..Self::DIRECT };
}

/// What every connection needs.
pub(crate) struct Connections {
    pub(crate) router: Router,
    pub(crate) acceptor: Option<TlsAcceptor>,
    pub(crate) limits: ConnectionLimits,
    pub(crate) behind_proxy: bool,
}

impl Connections {
    /// Answers until `stop` is done, then until the answers under way are finished.
    pub(crate) async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let shared = Arc::new(self);
        let places = Arc::new(Places::new(shared.limits, shared.behind_proxy));
        let (ending, _) = watch::channel(false);
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_of_one_client(&error) => continue,
                Err(error) => {
                    tracing::warn!(%error, "no connection can be taken now");
                    tokio::time::sleep(BREATH).await;
                    continue;
                }
            };
            let Some(place) = places.take(peer.ip()) else {
                tracing::debug!("a connection too many is closed");
                continue;
            };
            let (shared, told) = (Arc::clone(&shared), ending.subscribe());
            tokio::spawn(async move {
                let _place = place;
                shared.answer(stream, peer, told).await;
            });
        }
        drop(listener);
        let _ = ending.send(true);
        ending.closed().await;
    }

    async fn answer(&self, stream: TcpStream, peer: SocketAddr, told: watch::Receiver<bool>) {
        match &self.acceptor {
            None => self.requests(stream, peer, told).await,
            Some(acceptor) => {
                if let Some(stream) = tls::shaken(acceptor, stream).await {
                    self.requests(stream, peer, told).await;
                }
            }
        }
    }

    /// One request after the other.
    async fn requests(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        peer: SocketAddr,
        mut told: watch::Receiver<bool>,
    ) {
        let routes = TowerToHyperService::new(self.router.clone());
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(Peer::of(peer)));
            routes.call(request)
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(self.limits.head);
        let connection = http.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        // How a connection ended is its client's concern.
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = told.wait_for(|ending| *ending) => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

/// Whether only the client that was about to connect has failed.
fn is_of_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// Places for connections.
struct Places {
    limits: ConnectionLimits,
    behind_proxy: bool,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    in_all: usize,
    of: HashMap<Address, usize>,
}

/// A connection's place, free again when this is dropped.
struct Place {
    places: Arc<Places>,
    address: Address,
}

impl Places {
    fn new(limits: ConnectionLimits, behind_proxy: bool) -> Self {
        Self { limits, behind_proxy, taken: Mutex::default() }
    }

    /// A place, unless all are taken, or all of this address.
    fn take(self: &Arc<Self>, from: IpAddr) -> Option<Place> {
        let speaks_for_many = self.behind_proxy || from.to_canonical().is_loopback();
        let most = if speaks_for_many { self.limits.in_all } else { self.limits.of_one_address };
        let address = Address::of(from);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = taken.of.get(&address).copied().unwrap_or(0);
        if taken.in_all >= self.limits.in_all || of_address >= most {
            return None;
        }
        taken.in_all += 1;
        taken.of.insert(address, of_address + 1);
        Some(Place { places: Arc::clone(self), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.in_all = taken.in_all.saturating_sub(1);
        let left = taken.of.get(&self.address).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            taken.of.remove(&self.address);
        } else {
            taken.of.insert(self.address, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(behind_proxy: bool) -> Arc<Places> {
        let limits = ConnectionLimits { of_one_address: 2, in_all: 4, ..ConnectionLimits::DIRECT };
        Arc::new(Places::new(limits, behind_proxy))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_cannot_take_every_place() {
        let places = places(false);
        let first = places.take(ip("10.0.0.1")).unwrap();
        let _second = places.take(ip("::ffff:10.0.0.1")).unwrap();
        assert!(places.take(ip("10.0.0.1")).is_none());
        let _other = places.take(ip("10.0.0.2")).unwrap();
        drop(first);
        let _again = places.take(ip("10.0.0.1")).unwrap();
        let _last = places.take(ip("10.0.0.3")).unwrap();
        assert!(places.take(ip("10.0.0.4")).is_none(), "all are taken");
    }

    #[test]
    fn this_machine_and_a_proxy_are_held_to_the_number_in_all() {
        for (behind_proxy, address) in [(false, "127.0.0.1"), (false, "::1"), (true, "10.0.0.1")] {
            let places = places(behind_proxy);
            let taken: Vec<_> = (0..5).filter_map(|_| places.take(ip(address))).collect();
            assert_eq!(taken.len(), 4, "{address}");
            drop(taken);
            assert_eq!(places.taken.lock().unwrap().of.len(), 0, "nothing is kept of who left");
        }
    }
}
