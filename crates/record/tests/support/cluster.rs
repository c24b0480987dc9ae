//! A private PostgreSQL server: in a folder of its own, on a unix socket, gone at the end.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use bianque_record::database::Location;
use bianque_testkit::surroundings;

pub struct Cluster {
    folder: tempfile::TempDir,
    programs: PathBuf,
    databases: u32,
    port: u16,
}

impl Cluster {
    /// `None` where PostgreSQL is not installed; that is said, and fails on a build server.
    pub fn start() -> Option<Self> {
        let programs = surroundings::postgresql()?;
        let folder = tempfile::tempdir().unwrap();
        let mut cluster = Self { folder, programs, databases: 0, port: 0 };
        if is_root() {
            cluster.call(Command::new("chown").arg("postgres").arg(cluster.path()));
        }
        let data = cluster.path().join("data");
        let mut initialise = cluster.program("initdb");
        initialise.args(["--auth=trust", "--username=bianque", "--no-sync"]);
        initialise.args(["--encoding=UTF8", "--locale=C", "-D"]);
        cluster.call(initialise.arg(&data));
        let certificate = cluster.certificate();
        cluster.port = free_port();
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={} -c fsync=off -c shared_buffers=16MB -k {} \
             -c ssl=on -c ssl_cert_file={} -c ssl_key_file={}",
            cluster.port,
            cluster.path().display(),
            certificate[0].display(),
            certificate[1].display(),
        );
        let mut start = cluster.program("pg_ctl");
        start.args(["start", "--wait", "--silent", "--options", &options, "-D"]).arg(&data);
        cluster.call(start.arg("--log").arg(cluster.path().join("log")));
        cluster.databases = 1;
        Some(cluster)
    }

    /// An empty database.
    pub fn database(&mut self) -> Location {
        let name = format!("record{}", self.databases);
        self.databases += 1;
        let mut postgres = self.location("postgres").connect().unwrap();
        postgres.batch(&format!("CREATE DATABASE {name}")).unwrap();
        self.location(&name)
    }

    fn location(&self, name: &str) -> Location {
        let socket = self.path().display();
        let port = self.port;
        format!("postgresql:///{name}?host={socket}&port={port}&user=bianque").parse().unwrap()
    }

    /// The server by its name, and by TLS with the certificate of an authority of the tests.
    pub fn encrypted(&self, options: &str) -> Location {
        let port = self.port;
        format!("postgresql://bianque@localhost:{port}/postgres?{options}").parse().unwrap()
    }

    /// The server's certificate and key, where it may read them.
    fn certificate(&self) -> [PathBuf; 2] {
        let from = surroundings::crate_folder().join("tests/certificate");
        ["localhost.pem", "localhost.key"].map(|name| {
            let copy = self.path().join(name);
            fs::copy(from.join(name), &copy).unwrap();
            self.call(Command::new("chmod").arg("600").arg(&copy));
            if is_root() {
                self.call(Command::new("chown").arg("postgres").arg(&copy));
            }
            copy
        })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// PostgreSQL refuses to run as root: then it runs as the user that Debian makes for it.
    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        if !is_root() {
            return Command::new(program);
        }
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program).current_dir(self.path());
        command
    }

    fn call(&self, command: &mut Command) {
        // Not piped: the server would keep the pipe open.
        let log = fs::File::create(self.folder.path().join("calls")).unwrap();
        let status = command.stdout(log.try_clone().unwrap()).stderr(log).status().unwrap();
        let said = fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        assert!(status.success(), "{command:?}: {said}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = self.program("pg_ctl");
        stop.args(["stop", "--wait", "--silent", "--mode=immediate", "-D"]);
        let _ = stop.arg(self.path().join("data")).status();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.trim_ascii() == b"0"
}
