//! A private PostgreSQL server, which PostgreSQL calls a cluster: in a folder of the caller's, gone
//! when this is dropped.

use std::{
    fs,
    io::Error,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{Result, TestkitError, surroundings};

/// A running server with empty databases to be had.
pub struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    databases: AtomicU32,
}

/// By what the server speaks TLS, as PEM.
#[derive(Copy, Clone, Debug)]
pub struct Certificate<'a> {
    /// The certificate.
    pub certificate: &'a Path,
    /// Its private key.
    pub key: &'a Path,
}

impl Cluster {
    /// Starts a server in an empty folder, on a socket there and on a free port of this machine.
    /// `None` where PostgreSQL is not installed; that is said, and fails on a build server.
    ///
    /// # Errors
    /// When one of PostgreSQL's programs fails, with what it said.
    pub fn start(folder: &Path, certificate: Option<Certificate<'_>>) -> Result<Option<Self>> {
        let Some(programs) = surroundings::postgresql() else { return Ok(None) };
        let folder = folder.to_owned();
        let port = free_port().map_err(io(&folder))?;
        let cluster = Self { programs, folder, port, databases: AtomicU32::new(1) };
        cluster.give_away(&cluster.folder)?;
        let mut initialise = cluster.program("initdb");
        initialise.args(["--auth=trust", "--username=bianque", "--no-sync"]);
        initialise.args(["--encoding=UTF8", "--locale=C", "-D"]);
        cluster.call(initialise.arg(cluster.data()))?;
        let mut options = format!(
            "-c listen_addresses=127.0.0.1 -c port={port} -c fsync=off -c shared_buffers=16MB -k {}",
            cluster.folder.display(),
        );
        if let Some(certificate) = certificate {
            let chain = cluster.copied(certificate.certificate, "server.pem")?;
            let key = cluster.copied(certificate.key, "server.key")?;
            options += " -c ssl=on";
            options += &format!(" -c ssl_cert_file={}", chain.display());
            options += &format!(" -c ssl_key_file={}", key.display());
        }
        let mut start = cluster.program("pg_ctl");
        start.args(["start", "--wait", "--silent", "--options", &options, "-D"]);
        start.arg(cluster.data()).arg("--log").arg(cluster.folder.join("log"));
        cluster.call(&mut start)?;
        Ok(Some(cluster))
    }

    /// The name of a new, empty database.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn database(&self) -> Result<String> {
        self.copy("template1")
    }

    /// The name of a new database with everything that is in another one, to which nobody is
    /// connected.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn copy(&self, template: &str) -> Result<String> {
        let name = format!("record{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.call(self.client("createdb").args(["--template", template, &name]))?;
        Ok(name)
    }

    /// Removes a database, whoever is connected to it.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn remove(&self, name: &str) -> Result<()> {
        self.call(self.client("dropdb").args(["--force", name]))
    }

    /// A database's URL, by the socket.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        let (socket, port) = (self.folder.display(), self.port);
        format!("postgresql:///{name}?host={socket}&port={port}&user=bianque")
    }

    /// The server's port on this machine.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// A copy of a key that the server accepts: its own, and nobody else's to read.
    fn copied(&self, from: &Path, name: &str) -> Result<PathBuf> {
        let copy = self.folder.join(name);
        fs::copy(from, &copy).map_err(io(&copy))?;
        self.call(Command::new("chmod").arg("600").arg(&copy))?;
        self.give_away(&copy)?;
        Ok(copy)
    }

    /// Makes a file that of the user under which the server runs.
    fn give_away(&self, path: &Path) -> Result<()> {
        if is_root() { self.call(Command::new("chown").arg("postgres").arg(path)) } else { Ok(()) }
    }

    /// PostgreSQL refuses to run as root: then it runs as the user that Debian makes for it.
    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        if !is_root() {
            return Command::new(program);
        }
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program).current_dir(&self.folder);
        command
    }

    /// A program that asks the server for something.
    fn client(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.arg("--host").arg(&self.folder).args(["--port", &self.port.to_string()]);
        command.args(["--username", "bianque", "--maintenance-db", "postgres"]);
        command
    }

    fn call(&self, command: &mut Command) -> Result<()> {
        // Not piped: the server would keep the pipe open.
        let path = self.folder.join("calls");
        let log = fs::File::create(&path).map_err(io(&path))?;
        let other = log.try_clone().map_err(io(&path))?;
        let status = command.stdout(log).stderr(other).status().map_err(io(&path))?;
        if status.success() {
            return Ok(());
        }
        let said = fs::read_to_string(&path).unwrap_or_default();
        Err(TestkitError::Request(format!("{command:?} failed: {said}")))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = self.program("pg_ctl");
        stop.args(["stop", "--wait", "--silent", "--mode=immediate", "-D"]);
        // It fails only where the server never came up.
        let _ = self.call(stop.arg(self.data()));
    }
}

fn io(path: &Path) -> impl FnOnce(Error) -> TestkitError {
    let path = path.to_owned();
    move |source| TestkitError::Io { path, source }
}

fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
