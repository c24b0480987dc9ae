//! Whether, and by whose word, the way to a PostgreSQL server is encrypted.

use std::{path::PathBuf, sync::Arc};

use postgres::{
    Config,
    config::{Host, SslMode},
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::opening;
use crate::{RecordError, Result};

/// A server, and the file of authorities that may vouch for it.
pub(super) struct Address {
    pub(super) config: Config,
    authorities: Option<PathBuf>,
}

/// Reads a URL. Of libpq's options that the client does not know, `sslrootcert` and the modes
/// `verify-ca` and `verify-full` are understood: a certificate is always held against the
/// authorities and the server's name.
pub(super) fn read(url: &str) -> Result<Address> {
    let (before, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut kept, mut authorities) = (Vec::new(), None);
    for option in query.split('&').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("sslrootcert", file)) => {
                let file = percent_encoding::percent_decode_str(file).decode_utf8();
                let file = file.map_err(|_| wrong("the file of 'sslrootcert' is not UTF-8"))?;
                authorities = Some(PathBuf::from(file.as_ref()));
            }
            Some(("sslmode", "verify-ca" | "verify-full")) => kept.push("sslmode=require"),
            _ => kept.push(option),
        }
    }
    let mut address = [before, &kept.join("&")].join("?");
    if kept.is_empty() {
        before.clone_into(&mut address);
    }
    let mut config: Config = address.parse().map_err(|error: postgres::Error| opening(&error))?;
    if !stays_here(&config) {
        if config.get_ssl_mode() == SslMode::Disable {
            return Err(wrong(
                "the server is another machine and 'sslmode=disable' would send findings in the \
                 clear: leave it out",
            ));
        }
        config.ssl_mode(SslMode::Require);
    }
    Ok(Address { config, authorities })
}

impl Address {
    /// What encrypts, where something must: nothing between programs of one machine, unless asked.
    pub(super) fn encryption(&self) -> Result<Option<MakeRustlsConnect>> {
        if self.config.get_ssl_mode() != SslMode::Require {
            return Ok(None);
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(&error.to_string()))?
            .with_root_certificates(self.roots()?)
            .with_no_client_auth();
        Ok(Some(MakeRustlsConnect::new(config)))
    }

    fn roots(&self) -> Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        let Some(file) = &self.authorities else {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            return Ok(roots);
        };
        let named = |why: &dyn std::fmt::Display| {
            wrong(&format!("the authorities of {} cannot be used: {why}", file.display()))
        };
        for certificate in CertificateDer::pem_file_iter(file).map_err(|error| named(&error))? {
            let certificate = certificate.map_err(|error| named(&error))?;
            roots.add(certificate).map_err(|error| named(&error))?;
        }
        if roots.is_empty() {
            return Err(named(&"it has no certificate"));
        }
        Ok(roots)
    }
}

/// Whether what is said never leaves this machine.
fn stays_here(config: &Config) -> bool {
    let addresses_stay = config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback);
    let names_stay = config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => ["localhost", "127.0.0.1", "::1"].contains(&name.as_str()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    });
    addresses_stay && names_stay
}

fn wrong(what: &str) -> RecordError {
    RecordError::Database { doing: "opened", what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> SslMode {
        read(url).unwrap().config.get_ssl_mode()
    }

    #[test]
    fn another_machine_is_spoken_to_encrypted_or_not_at_all() {
        for url in [
            "postgresql://records.example/site",
            "postgresql://records.example/site?sslmode=prefer",
            "postgresql://localhost,records.example/site",
            "postgresql://localhost/site?hostaddr=192.0.2.7",
            "postgresql:///site?hostaddr=192.0.2.7",
        ] {
            assert_eq!(mode(url), SslMode::Require, "{url}");
            let disabled =
                format!("{url}{}sslmode=disable", if url.contains('?') { '&' } else { '?' });
            assert!(read(&disabled).is_err(), "{disabled}");
        }
    }

    #[test]
    fn this_machine_is_spoken_to_in_the_clear_unless_asked_otherwise() {
        for url in ["postgresql:///site?host=/run/postgresql", "postgresql://127.0.0.1:5432/site"] {
            assert!(read(url).unwrap().encryption().unwrap().is_none(), "{url}");
        }
        assert_eq!(mode("postgresql://localhost/site?sslmode=verify-full"), SslMode::Require);
    }

    #[test]
    fn a_file_of_authorities_must_be_one() {
        let ground = tempfile::tempdir().unwrap();
        let file = ground.path().join("our roots.pem");
        std::fs::write(&file, "nothing").unwrap();
        let path = file.display().to_string().replace(' ', "%20");
        let url = format!("postgresql://records.example/site?sslrootcert={path}");
        let error = read(&url).unwrap().encryption().err().unwrap().to_string();
        assert!(error.contains("our roots.pem"), "{error}");
    }
}
