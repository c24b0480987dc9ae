//! Single sign-on by OpenID Connect: who the site's own identity provider says somebody is.
//!
//! The authorisation code flow with PKCE, `state` and `nonce` (OpenID Connect Core 1.0, section 3.1;
//! RFC 7636; RFC 9700). The provider says who somebody is; which account and roles that is, the record.

mod fetch;
mod pending;
mod settings;

use bianque_record::{identity::Token, people::RecognisedPerson};
use openidconnect::{
    AccessToken, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge,
    RedirectUrl, Scope, SubjectIdentifier, TokenResponse,
    core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims},
};

pub use settings::{NameClaim, SingleSignOn};

use fetch::Fetcher;
use pending::{Pending, Waiting};

use crate::ServerError;

/// Where the provider sends people back to, under the site's own address.
pub(crate) const RETURN: &str = "/api/v1/session/provider/return";

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Why somebody was not recognised, for the log; never with what the provider said of a person.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignOnError {
    /// The provider cannot be used; the site must act.
    #[error("the identity provider cannot be used: {0}")]
    Provider(String),
    /// What came back does not belong to a sign-on that this browser began here.
    #[error("no sign-on of this browser waits for this answer: it is too old, used, or another's")]
    NotAsked,
    /// The provider refused, or the person turned back.
    #[error("the identity provider refused: {0}")]
    Refused(String),
    /// What the provider vouches for does not hold.
    #[error("the identity provider's token is not accepted: {0}")]
    Token(String),
}

/// A sign-on that has begun.
pub(crate) struct Begun {
    /// Where the browser goes.
    pub(crate) address: String,
    /// What the browser must show when it comes back, besides the address.
    pub(crate) state: String,
}

/// What somebody came back with.
pub(crate) struct Returned {
    pub(crate) state: String,
    pub(crate) code: String,
}

/// The site's identity provider.
pub(crate) struct SignOn {
    settings: SingleSignOn,
    issuer: IssuerUrl,
    redirect: RedirectUrl,
    fetcher: Fetcher,
    pending: Pending,
}

impl SignOn {
    /// Checks the settings; the provider itself is asked at each login, so that it may be down when
    /// the server starts and may change its keys when it likes.
    pub(crate) fn new(settings: SingleSignOn) -> Result<Self, ServerError> {
        let (issuer, redirect) = settings.addresses()?;
        let fetcher = Fetcher::new(settings::is_this_machine(issuer.url()));
        let fetcher = fetcher.map_err(|error| ServerError::SignOn(error.to_string()))?;
        Ok(Self { settings, issuer, redirect, fetcher, pending: Pending::default() })
    }

    /// What the provider is called on the login page.
    pub(crate) fn called(&self) -> &str {
        &self.settings.called
    }

    /// Begins a sign-on; in `role`, if somebody asks for one.
    pub(crate) async fn begin(&self, role: Option<String>) -> Result<Begun, SignOnError> {
        let client = self.client().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let state = Token::fresh().map_err(|error| SignOnError::Provider(error.to_string()))?;
        let state = state.reveal().to_owned();
        let given = state.clone();
        let (address, _, nonce) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(given),
                Nonce::new_random,
            )
            .add_scopes(self.settings.name_claim.scopes().map(|scope| Scope::new(scope.into())))
            .set_pkce_challenge(challenge)
            .url();
        self.pending.keep(&state, Waiting::new(nonce, verifier, role));
        Ok(Begun { address: address.into(), state })
    }

    /// Who came back, and in which role they asked to act. `shown` is what the browser kept.
    pub(crate) async fn recognise(
        &self,
        returned: Returned,
        shown: Option<&str>,
    ) -> Result<(RecognisedPerson, Option<String>), SignOnError> {
        // Otherwise somebody could be led into another's account by a link.
        if shown != Some(returned.state.as_str()) {
            return Err(SignOnError::NotAsked);
        }
        let waiting = self.pending.take(&returned.state).ok_or(SignOnError::NotAsked)?;
        let client = self.client().await?;
        let refused = |error: String| SignOnError::Refused(error);
        let answer = client
            .exchange_code(AuthorizationCode::new(returned.code))
            .map_err(|error| SignOnError::Provider(error.to_string()))?
            .set_pkce_verifier(waiting.verifier)
            .request_async(&self.fetcher.asking())
            .await
            .map_err(|error| refused(error.to_string()))?;
        let token = answer.id_token();
        let token = token.ok_or_else(|| SignOnError::Token("it sent none".to_owned()))?;
        let claims = token
            .claims(&client.id_token_verifier(), &waiting.nonce)
            .map_err(|error| SignOnError::Token(error.to_string()))?;
        let claim = self.settings.name_claim;
        let name = match claim.of_token(claims) {
            Some(name) => name,
            // Some providers tell names only to who asks for them with the access token.
            None => {
                let subject = claims.subject().clone();
                let more = self.more_claims(&client, answer.access_token().clone(), subject);
                let absent = || SignOnError::Token(format!("it states no {claim}"));
                claim.of_person(&more.await?).ok_or_else(absent)?
            }
        };
        let person = RecognisedPerson {
            issuer: self.issuer.as_str().to_owned(),
            subject: claims.subject().as_str().to_owned(),
            name,
        };
        Ok((person, waiting.role))
    }

    async fn client(&self) -> Result<Client, SignOnError> {
        let http = self.fetcher.asking();
        let metadata = CoreProviderMetadata::discover_async(self.issuer.clone(), &http)
            .await
            .map_err(|error| SignOnError::Provider(error.to_string()))?;
        let secret = self.settings.secret.clone().map(ClientSecret::new);
        let id = ClientId::new(self.settings.client.clone());
        let client = CoreClient::from_provider_metadata(metadata, id, secret);
        Ok(client.set_redirect_uri(self.redirect.clone()))
    }

    async fn more_claims(
        &self,
        client: &Client,
        token: AccessToken,
        subject: SubjectIdentifier,
    ) -> Result<CoreUserInfoClaims, SignOnError> {
        client
            .user_info(token, Some(subject))
            .map_err(|error| SignOnError::Token(error.to_string()))?
            .request_async(&self.fetcher.asking())
            .await
            .map_err(|error| SignOnError::Token(error.to_string()))
    }
}
