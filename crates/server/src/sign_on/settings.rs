//! How the site's identity provider is reached and what it says of people.

use std::fmt;

use openidconnect::{
    EndUserEmail, EndUserUsername, IssuerUrl, RedirectUrl, SubjectIdentifier,
    core::{CoreIdTokenClaims, CoreUserInfoClaims},
    url::{Host, Url},
};

use super::RETURN;
use crate::ServerError;

/// An identity provider that speaks OpenID Connect, and what it knows this site as.
#[derive(Clone)]
pub struct SingleSignOn {
    /// The provider's issuer address, exactly as its discovery document states it.
    pub issuer: String,
    /// The client id that the provider has given this site.
    pub client: String,
    /// The client's secret, unless the provider treats it as a public client. Never logged.
    pub secret: Option<String>,
    /// Which claim is the account's login name at the first sign-on.
    pub name_claim: NameClaim,
    /// What the provider is called on the login page.
    pub called: String,
    /// The address under which browsers reach this site, for the way back.
    pub public_address: String,
}

/// The claim by which an account is found at somebody's first sign-on.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default)]
pub enum NameClaim {
    /// `preferred_username`: the name in the site's directory.
    #[default]
    PreferredUsername,
    /// `email`, only where the provider says that it has verified it.
    Email,
    /// `sub`: the provider's own name for the person.
    Subject,
}

impl fmt::Display for NameClaim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::PreferredUsername => "preferred_username",
            Self::Email => "verified email",
            Self::Subject => "subject",
        })
    }
}

impl NameClaim {
    pub(super) fn scopes(self) -> impl Iterator<Item = &'static str> {
        let scope = match self {
            Self::PreferredUsername => Some("profile"),
            Self::Email => Some("email"),
            Self::Subject => None,
        };
        scope.into_iter()
    }

    pub(super) fn of_token(self, claims: &CoreIdTokenClaims) -> Option<String> {
        let verified = claims.email_verified() == Some(true);
        let email = claims.email().filter(|_| verified);
        self.of(claims.subject(), claims.preferred_username(), email)
    }

    pub(super) fn of_person(self, claims: &CoreUserInfoClaims) -> Option<String> {
        let verified = claims.email_verified() == Some(true);
        let email = claims.email().filter(|_| verified);
        self.of(claims.subject(), claims.preferred_username(), email)
    }

    fn of(
        self,
        subject: &SubjectIdentifier,
        username: Option<&EndUserUsername>,
        verified_email: Option<&EndUserEmail>,
    ) -> Option<String> {
        match self {
            Self::PreferredUsername => username.map(|name| name.to_string()),
            Self::Email => verified_email.map(|email| email.to_string()),
            Self::Subject => Some(subject.to_string()),
        }
    }
}

impl SingleSignOn {
    /// The provider's address and the way back, both over TLS unless they stay on this machine.
    pub(super) fn addresses(&self) -> Result<(IssuerUrl, RedirectUrl), ServerError> {
        let wrong = |what: &str, why: &str| ServerError::SignOn(format!("{what}: {why}"));
        let issuer = IssuerUrl::new(self.issuer.clone())
            .map_err(|error| wrong("the issuer's address", &error.to_string()))?;
        if !is_guarded(issuer.url()) {
            return Err(wrong("the issuer's address", "it must begin with https://"));
        }
        let public = Url::parse(&self.public_address)
            .map_err(|error| wrong("the site's public address", &error.to_string()))?;
        if !is_guarded(&public) || public.path() != "/" || public.query().is_some() {
            return Err(wrong(
                "the site's public address",
                "it must be https:// and a host, with a port if need be, and nothing after that",
            ));
        }
        let back = public.join(RETURN);
        let back = back.map_err(|error| wrong("the site's public address", &error.to_string()))?;
        if self.client.is_empty() {
            return Err(wrong("the client id", "it is empty"));
        }
        Ok((issuer, RedirectUrl::from_url(back)))
    }
}

fn is_guarded(address: &Url) -> bool {
    address.scheme() == "https" || (address.scheme() == "http" && is_this_machine(address))
}

pub(super) fn is_this_machine(address: &Url) -> bool {
    match address.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(issuer: &str, public_address: &str) -> SingleSignOn {
        SingleSignOn {
            issuer: issuer.to_owned(),
            client: "bianque".to_owned(),
            secret: None,
            name_claim: NameClaim::default(),
            called: "Hospital".to_owned(),
            public_address: public_address.to_owned(),
        }
    }

    #[test]
    fn addresses_are_guarded_and_the_way_back_is_ours() {
        let (issuer, back) = settings("https://id.example/realms/h", "https://slides.example:8443")
            .addresses()
            .unwrap();
        assert_eq!(issuer.as_str(), "https://id.example/realms/h");
        assert_eq!(back.as_str(), &format!("https://slides.example:8443{RETURN}"));
        assert!(settings("http://127.0.0.1:9", "http://localhost:8080").addresses().is_ok());
        for (issuer, public) in [
            ("http://id.example", "https://slides.example"),
            ("https://id.example", "http://slides.example"),
            ("https://id.example", "https://slides.example/path"),
            ("id.example", "https://slides.example"),
            ("https://id.example", "javascript:alert(1)"),
        ] {
            assert!(settings(issuer, public).addresses().is_err(), "{issuer} {public}");
        }
    }
}
