//! A private PostgreSQL server with places for records.

use bianque_record::database::Location;
use bianque_testkit::{Certificate, surroundings};

pub struct Cluster {
    // Before its folder, so that it ends before its folder goes.
    server: bianque_testkit::Cluster,
    _folder: tempfile::TempDir,
}

impl Cluster {
    /// `None` where PostgreSQL is not installed; that is said, and fails on a build server.
    pub fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let from = surroundings::crate_folder().join("tests/certificate");
        let (certificate, key) = (&from.join("localhost.pem"), &from.join("localhost.key"));
        let certificate = Some(Certificate { certificate, key });
        let server = bianque_testkit::Cluster::start(folder.path(), certificate).unwrap()?;
        Some(Self { server, _folder: folder })
    }

    /// An empty database.
    pub fn database(&self) -> Location {
        self.location(&self.server.database().unwrap())
    }

    /// A database with everything that is in another one, to which nobody is connected.
    pub fn copy(&self, location: &Location) -> Location {
        self.location(&self.server.copy(&name(location)).unwrap())
    }

    pub fn remove(&self, location: &Location) {
        self.server.remove(&name(location)).unwrap();
    }

    fn location(&self, name: &str) -> Location {
        self.server.url(name).parse().unwrap()
    }

    /// The server by its name, and by TLS with the certificate of an authority of the tests.
    pub fn encrypted(&self, options: &str) -> Location {
        let port = self.server.port();
        format!("postgresql://bianque@localhost:{port}/postgres?{options}").parse().unwrap()
    }
}

/// What a location shows of itself ends in the database's name.
fn name(location: &Location) -> String {
    location.to_string().rsplit('/').next().unwrap().to_owned()
}
