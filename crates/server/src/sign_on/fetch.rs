//! Asking the provider: with a time limit, without following it elsewhere, and never reading more
//! than its documents justify.

use std::{future::Future, pin::Pin, time::Duration};

use openidconnect::{HttpRequest, HttpResponse, http};

/// Discovery documents, key sets and tokens have a few kilobytes.
const LONGEST: usize = 1 << 20;

/// Why the provider did not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error(transparent)]
    Form(#[from] http::Error),
    #[error("the answer is longer than {LONGEST} bytes")]
    TooLong,
}

/// An answer under way.
pub(super) type Answering = Pin<Box<dyn Future<Output = Result<HttpResponse, FetchError>> + Send>>;

/// A client for the provider.
pub(super) struct Fetcher(reqwest::Client);

impl Fetcher {
    /// A client that asks through the proxy of the environment, except on this machine.
    pub(super) fn new(on_this_machine: bool) -> Result<Self, FetchError> {
        let builder = reqwest::Client::builder();
        let builder = if on_this_machine { builder.no_proxy() } else { builder };
        let client = builder
            // Whoever is led elsewhere carries the client's secret there.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(10))
            .build()?;
        Ok(Self(client))
    }

    /// How the protocol's library asks: a future that borrows nothing.
    pub(super) fn asking(&self) -> impl Fn(HttpRequest) -> Answering + Send + Sync + use<> {
        let client = self.0.clone();
        move |request| Box::pin(fetch(client.clone(), request))
    }
}

async fn fetch(client: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, FetchError> {
    let mut answer = client.execute(request.try_into()?).await?;
    let mut built = http::Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        built = built.header(name, value);
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > LONGEST {
            return Err(FetchError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(built.body(body)?)
}
