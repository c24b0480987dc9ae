//! Arguments of `bianque serve` about the site's identity provider.

use std::path::PathBuf;

use bianque_server::NameClaim;
use clap::{Args, ValueEnum};

/// Single sign-on by OpenID Connect.
#[derive(Args)]
pub(crate) struct SignOnArguments {
    /// Single sign-on: the identity provider's issuer address.
    #[arg(long, value_name = "URL", requires = "oidc_client", requires = "public_address")]
    pub(crate) oidc_issuer: Option<String>,
    /// The client id that the provider has given this site.
    #[arg(long, value_name = "ID", requires = "oidc_issuer")]
    pub(crate) oidc_client: Option<String>,
    /// A file with the client's secret.
    #[arg(long, value_name = "FILE", requires = "oidc_issuer")]
    pub(crate) oidc_secret: Option<PathBuf>,
    /// Which claim is the account's login name the first time.
    #[arg(long, value_enum, default_value = "username", requires = "oidc_issuer")]
    pub(crate) oidc_name: NameArgument,
    /// What the provider is called on the login page.
    #[arg(long, value_name = "TEXT", default_value = "single sign-on", requires = "oidc_issuer")]
    pub(crate) oidc_called: String,
    /// The address under which browsers reach this server, for the way back from the provider.
    #[arg(long, value_name = "URL", requires = "oidc_issuer")]
    pub(crate) public_address: Option<String>,
}

/// The claim that names an account.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum NameArgument {
    /// preferred_username.
    Username,
    /// A verified e-mail address.
    Email,
    /// sub.
    Subject,
}

impl From<NameArgument> for NameClaim {
    fn from(argument: NameArgument) -> Self {
        match argument {
            NameArgument::Username => Self::PreferredUsername,
            NameArgument::Email => Self::Email,
            NameArgument::Subject => Self::Subject,
        }
    }
}
