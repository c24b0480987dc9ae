//! Listening, watching the folder, and stopping without cutting an answer off.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpListener, runtime::Runtime, time::MissedTickBehavior};

use crate::{ServerError, Settings, library::Library, router};

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A server that listens and has seen its folder once.
pub struct Server {
    runtime: Runtime,
    listener: TcpListener,
    address: SocketAddr,
    library: Arc<Library>,
}

impl Server {
    /// Looks at the folder, which reads every slide once, and listens.
    ///
    /// # Errors
    /// When the folder cannot be read, the address is not a loopback address or is taken.
    pub fn new(settings: Settings) -> Result<Self, ServerError> {
        if !settings.listen.ip().is_loopback() {
            return Err(ServerError::NotLoopback(settings.listen));
        }
        let library = Arc::new(Library::new(settings.folder.clone()));
        library
            .rescan()
            .map_err(|source| ServerError::Folder { folder: settings.folder.clone(), source })?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let failed = |source| ServerError::Listen { address: settings.listen, source };
        let listener = runtime.block_on(TcpListener::bind(settings.listen)).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { runtime, listener, address, library })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many slides it has.
    #[must_use]
    pub fn slides(&self) -> usize {
        self.library.entries().len()
    }

    /// Answers until `stop` is done; answers under way are finished.
    ///
    /// # Errors
    /// When the system fails.
    pub fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), ServerError> {
        let Self { runtime, listener, library, .. } = self;
        let watched = Arc::clone(&library);
        runtime.spawn(async move { watch(watched).await });
        runtime.block_on(async {
            axum::serve(listener, router::router(library)).with_graceful_shutdown(stop).await
        })?;
        // A decoder that is still busy with an abandoned request is not waited for.
        runtime.shutdown_timeout(Duration::from_secs(2));
        Ok(())
    }
}

async fn watch(library: Arc<Library>) {
    let mut clock = tokio::time::interval(LOOK_EVERY);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        clock.tick().await;
        let library = Arc::clone(&library);
        // A folder on a share that went away comes back; what was known stays until then.
        let _ = tokio::task::spawn_blocking(move || library.rescan()).await;
    }
}
