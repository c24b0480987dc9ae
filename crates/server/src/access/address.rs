//! From where somebody calls: the other end of the connection, or what the site's own proxy says.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request},
    http::{Extensions, HeaderMap, request::Parts},
};
use bianque_core::Digest;

use crate::{answer::Refusal, routes::State};

/// In it proxies append who called them.
const FORWARDED: &str = "x-forwarded-for";

/// The other end of a connection.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Peer(SocketAddr);

impl Peer {
    pub(crate) fn of(address: SocketAddr) -> Self {
        Self(address)
    }
}

/// From where somebody calls, as far as callers are told apart: of IPv6 the network that a site or a
/// household has, since whoever has one address there has all of them.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address(IpAddr);

impl Address {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::from(address) & !u128::from(u64::MAX);
                Self(IpAddr::V6(Ipv6Addr::from(network)))
            }
            address => Self(address),
        }
    }

    /// Where a request comes from. Only the last hop of the header is believed, and only where the
    /// site said that its proxy writes it: what stands before it anybody could have sent.
    fn of_request(behind_proxy: bool, peer: Option<IpAddr>, headers: &HeaderMap) -> Self {
        let last = headers.get_all(FORWARDED).into_iter().next_back();
        let hop = last
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.rsplit(',').next())
            .and_then(|hop| hop.trim().trim_matches(['[', ']']).parse().ok());
        let address = if behind_proxy { hop.or(peer) } else { peer };
        Self::of(address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)))
    }

    fn of_parts(state: &State, extensions: &Extensions, headers: &HeaderMap) -> Self {
        let peer = extensions.get::<ConnectInfo<Peer>>();
        let peer = peer.map(|ConnectInfo(Peer(address))| address.ip());
        Self::of_request(state.behind_proxy, peer, headers)
    }

    /// Where a request comes from, before it is taken apart.
    pub(super) fn of_request_to(state: &State, request: &Request) -> Self {
        Self::of_parts(state, request.extensions(), request.headers())
    }

    /// What the record keeps of it: enough to know it again, and no address.
    pub(crate) fn mark(&self) -> String {
        Digest::of(format!("login from {self}").as_bytes()).to_string()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromRequestParts<State> for Address {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Refusal> {
        Ok(Self::of_parts(state, &parts.extensions, &parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(behind_proxy: bool, header: Option<&'static str>) -> String {
        let mut headers = HeaderMap::new();
        if let Some(text) = header {
            headers.insert(FORWARDED, axum::http::HeaderValue::from_static(text));
        }
        let peer = "127.0.0.1".parse().ok();
        Address::of_request(behind_proxy, peer, &headers).to_string()
    }

    #[test]
    fn only_the_last_hop_of_ones_own_proxy_is_believed() {
        assert_eq!(asked(false, Some("10.0.0.9")), "127.0.0.1");
        assert_eq!(asked(true, Some("6.6.6.6, 10.0.0.9")), "10.0.0.9");
        assert_eq!(asked(true, Some("nonsense")), "127.0.0.1");
        assert_eq!(asked(true, None), "127.0.0.1");
    }

    #[test]
    fn neighbours_of_one_network_are_one() {
        let of = |text: &str| Address::of(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:10.0.0.9"), "10.0.0.9");
        assert_ne!(of("10.0.0.9"), of("10.0.0.8"));
    }
}
