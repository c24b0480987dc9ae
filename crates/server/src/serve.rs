//! Listening, watching the folder, and stopping without cutting an answer off.

use std::{
    fs::{File, TryLockError},
    future::Future,
    io,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bianque_record::{
    Actor, Record, RecordError, Settings as RecordSettings, identity::Token, people::LinkPurpose,
};
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_rustls::TlsAcceptor;

use crate::{
    ServerError, Settings,
    connections::Connections,
    examine::Watch,
    library::Library,
    router,
    routes::{
        Parts, State,
        session::{DEMO_PREFIX, demo_actor},
    },
    sign_on::SignOn,
    tls,
};

/// A server that listens and has seen its folder once.
pub struct Server {
    runtime: Runtime,
    listener: TcpListener,
    address: SocketAddr,
    state: State,
    settings: Settings,
    first_link: Option<String>,
    acceptor: Option<TlsAcceptor>,
    /// Held as long as the server is there.
    lock: File,
}

impl Server {
    /// Opens the record, looks at the folder, which reads every slide once, and listens.
    ///
    /// # Errors
    /// When the folder or the record cannot be used, what is said would be in the clear on a
    /// network, or the address is taken.
    pub fn new(settings: Settings) -> Result<Self, ServerError> {
        let loopback = settings.listen.ip().is_loopback();
        if settings.demo && (!loopback || settings.behind_proxy) {
            return Err(ServerError::OpenDemo(settings.listen));
        }
        if !loopback && settings.certificate.is_none() && !settings.behind_proxy {
            return Err(ServerError::InTheClear(settings.listen));
        }
        if settings.demo && settings.single_sign_on.is_some() {
            let why = "the demo has no login: leave one of the two out";
            return Err(ServerError::SignOn(why.to_owned()));
        }
        let acceptor = settings.certificate.as_ref().map(tls::acceptor).transpose()?;
        let lock = lock(&settings.data)?;
        let (parts, first_link) = parts(&settings)?;
        let state = State::new(&settings, parts);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let failed = |source| ServerError::Listen { address: settings.listen, source };
        let listener = runtime.block_on(TcpListener::bind(settings.listen)).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let _ = state.port.set(address.port());
        Ok(Self { runtime, listener, address, state, settings, first_link, acceptor, lock })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many slides it has.
    #[must_use]
    pub fn slides(&self) -> usize {
        self.state.library.entries().len()
    }

    /// Where the first administrator is made, when there is none: works once, within a day.
    #[must_use]
    pub fn first_administrator_link(&self) -> Option<&str> {
        self.first_link.as_deref()
    }

    /// Answers until `stop` is done; answers under way are finished.
    ///
    /// # Errors
    /// When the system fails.
    pub fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), ServerError> {
        let Self { runtime, listener, state, settings, acceptor, lock, .. } = self;
        let stopping = Arc::new(AtomicBool::new(false));
        let watch = Watch::new(state.clone(), settings.examiner.clone(), Arc::clone(&stopping));
        let watching = std::thread::spawn(move || watch.run());
        let only_loopback = settings.listen.ip().is_loopback() && !settings.behind_proxy;
        let router = router::router(&state, only_loopback);
        let connections = Connections {
            router,
            acceptor,
            limits: settings.connections(),
            behind_proxy: settings.behind_proxy,
        };
        let flag = Arc::clone(&stopping);
        runtime.block_on(async {
            let (tell, told) = tokio::sync::oneshot::channel::<()>();
            let stop = async move {
                stop.await;
                flag.store(true, Ordering::SeqCst);
                drop(tell);
            };
            // An open stream of events is no answer that ends: it is cut after a while.
            let cut = after(told, Duration::from_secs(3));
            tokio::select! { () = connections.serve(listener, stop) => {}, () = cut => {} }
        });
        stopping.store(true, Ordering::SeqCst);
        state.improvement.stop();
        // The examination ends at its next look at the flag; a decoder that is still busy with an
        // abandoned request is not waited for.
        let _ = watching.join();
        runtime.shutdown_timeout(Duration::from_secs(2));
        drop(lock);
        Ok(())
    }
}

/// Done a while after the other end is dropped.
async fn after(told: tokio::sync::oneshot::Receiver<()>, a_while: Duration) {
    let _ = told.await;
    tokio::time::sleep(a_while).await;
}

/// Makes the folder this server's own until the file that is given back is closed; the system closes
/// it however the program ends.
fn lock(data: &Path) -> Result<File, ServerError> {
    std::fs::create_dir_all(data)?;
    let file = File::options().create(true).append(true).open(data.join("in-use"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ServerError::InUse(data.to_owned())),
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
            tracing::warn!(?data, "no locks here: nothing keeps a second server out");
            Ok(file)
        }
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// What the routes need, and the first administrator's link where there is no administrator.
fn parts(settings: &Settings) -> Result<(Parts, Option<String>), ServerError> {
    let record = Record::open(&settings.location(), RecordSettings::default())?;
    refuse_shared(&record, settings.demo)?;
    let demo = settings.demo.then(|| demo_actor(&record)).transpose()?;
    let first_link = if settings.demo { None } else { first_link(&record)? };
    let sign_on = settings.single_sign_on.clone().map(SignOn::new).transpose()?;
    let library = Library::new(settings.folder.clone(), settings.data.join("slides.json"));
    library
        .rescan()
        .map_err(|source| ServerError::Folder { folder: settings.folder.clone(), source })?;
    let parts = Parts {
        library: Arc::new(library),
        record: Arc::new(record),
        objects: settings.objects().open()?,
        secret: Token::fresh()?.reveal().to_owned(),
        demo,
        sign_on,
    };
    Ok((parts, first_link))
}

/// Whoever reaches the demo is let in: its record must hold nobody's work, and no site may begin on
/// accounts that have no password.
fn refuse_shared(record: &Record, demo: bool) -> Result<(), ServerError> {
    let names = record.login_names()?;
    let (of_demo, of_people): (Vec<_>, Vec<_>) =
        names.iter().partition(|name| name.as_str().starts_with(DEMO_PREFIX));
    if demo && !of_people.is_empty() {
        return Err(ServerError::SharedRecord("this record has accounts of people"));
    }
    if !demo && !of_demo.is_empty() {
        return Err(ServerError::SharedRecord("this record is the demo's"));
    }
    Ok(())
}

fn first_link(record: &Record) -> Result<Option<String>, ServerError> {
    match record.issue_link(&Actor::console(), LinkPurpose::FirstAdministrator) {
        Ok(link) => Ok(Some(format!("/#/first-administrator?token={}", link.token.reveal()))),
        Err(RecordError::Conflict(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
