//! TLS with an own certificate authority, made at first start. Phones are given
//! `ca.pem`; an operator with certificates of their own names them instead. Either way the files are followed,
//! and a new certificate is shown to new connections only.

use std::{
    fs, io,
    net::IpAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType,
};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use sha2::{Digest, Sha256};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tracing::{error, info, warn};

/// How soon a change of the files, or of this host's addresses, is noticed.
const LOOK: Duration = Duration::from_secs(2);

/// Where the certificate chain and its key lie, and who signed them.
#[derive(Clone, Debug)]
pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Also what we trust when we open TLS connections ourselves.
    pub authority: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("{}: {error}; it must be PEM", path.display())]
    Pem { path: PathBuf, error: rustls::pki_types::pem::Error },
    #[error("{}: {error}", path.display())]
    Refused { path: PathBuf, error: rustls::Error },
    #[error("a certificate could not be made: {0}")]
    Make(#[from] rcgen::Error),
}

/// The files of our own authority in `folder`; those that are missing are made. The certificate is made anew,
/// by the same authority, when it is for other names than `names`: host names and addresses.
pub fn own_authority(folder: &Path, names: &[String]) -> Result<Files, TlsError> {
    let at = |name: &str| folder.join(name);
    let files = Files { certificate: at("server.pem"), key: at("server.key"), authority: Some(at("ca.pem")) };
    let list = names.join("\n") + "\n";
    let has_authority = at("ca.pem").exists() && at("ca.key").exists();
    let has_certificate = files.certificate.exists() && files.key.exists();
    let is_for = |list: &str| fs::read_to_string(at("names")).map_or(true, |known| known == list);
    if has_authority && has_certificate && is_for(&list) {
        return Ok(files);
    }
    fs::create_dir_all(folder).map_err(|error| TlsError::File { path: folder.to_owned(), error })?;

    let authority = authority_params()?;
    if !has_authority {
        let key = KeyPair::generate()?;
        write(&at("ca.pem"), &authority.self_signed(&key)?.pem(), 0o644)?;
        write(&at("ca.key"), &key.serialize_pem(), 0o600)?;
    }
    let issuer = Issuer::new(authority, KeyPair::from_pem(&read(&at("ca.key"))?)?);

    let mut server = CertificateParams::new(names.to_vec())?;
    // Telephones with an older mbed TLS look for an address among the names only.
    for address in names.iter().filter(|name| name.parse::<IpAddr>().is_ok()) {
        server.subject_alt_names.push(SanType::DnsName(address.as_str().try_into()?));
    }
    server.distinguished_name = common_name("Jackfield");
    server.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    server.use_authority_key_identifier_extension = true;
    let server_key = KeyPair::generate()?;
    let server_pem = server.signed_by(&server_key, &issuer)?.pem();
    write(&files.key, &server_key.serialize_pem(), 0o600)?;
    write(&files.certificate, &format!("{server_pem}{}", read(&at("ca.pem"))?), 0o644)?;
    write(&at("names"), &list, 0o644)?;
    Ok(files)
}

fn authority_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = common_name("Jackfield authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), TlsError> {
    let failed = |error| TlsError::File { path: path.to_owned(), error };
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(mode).open(path).map_err(failed)?;
    io::Write::write_all(&mut file, text.as_bytes()).map_err(failed)
}

fn read(path: &Path) -> Result<String, TlsError> {
    fs::read_to_string(path).map_err(|error| TlsError::File { path: path.to_owned(), error })
}

/// The certificate that new handshakes get. It follows its files; connections keep what they began with.
#[derive(Debug)]
pub struct Certificate {
    files: Files,
    shown: Arc<Shown>,
    /// Of the files when they were looked at last.
    seen: Vec<u8>,
    /// Why what was seen is not shown.
    fault: Option<String>,
}

#[derive(Debug)]
struct Shown(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Certificate {
    pub fn open(files: Files) -> Result<Certificate, TlsError> {
        let shown = Arc::new(Shown(ArcSwap::from_pointee(load(&files)?)));
        Ok(Certificate { seen: content(&files), files, shown, fault: None })
    }

    /// Accepts TLS 1.2 and 1.3.
    pub fn acceptor(&self) -> TlsAcceptor {
        let config = ServerConfig::builder().with_no_client_auth().with_cert_resolver(self.shown.clone());
        TlsAcceptor::from(Arc::new(config))
    }

    /// Looks at the files again and again, for ever. `renew` makes those that are ours to make.
    pub async fn follow(mut self, renew: impl Fn() -> Result<(), TlsError>) {
        loop {
            tokio::time::sleep(LOOK).await;
            if let Err(error) = renew() {
                warn!("the own certificate stays as it was: {error}");
            }
            self.look();
        }
    }

    /// What is broken is told once, and not before it has been so for two looks: files are written one after
    /// the other.
    fn look(&mut self) {
        let content = content(&self.files);
        if content == self.seen {
            if let Some(fault) = self.fault.take() {
                error!("the certificate stays as it was: {fault}");
            }
            return;
        }
        self.seen = content;
        match load(&self.files) {
            Ok(key) => {
                self.shown.0.store(Arc::new(key));
                self.fault = None;
                info!(file = %self.files.certificate.display(), "new connections get the new certificate");
            }
            Err(error) => self.fault = Some(error.to_string()),
        }
    }
}

/// Both files, to see whether they changed.
fn content(files: &Files) -> Vec<u8> {
    let read = |path: &PathBuf| fs::read(path).unwrap_or_default();
    Sha256::digest([read(&files.certificate), vec![0], read(&files.key)].concat()).to_vec()
}

fn load(files: &Files) -> Result<CertifiedKey, TlsError> {
    let chain = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| TlsError::Pem { path: files.key.clone(), error })?;
    CertifiedKey::from_der(chain, key, &rustls::crypto::aws_lc_rs::default_provider())
        .map_err(|error| TlsError::Refused { path: files.certificate.clone(), error })
}

/// Opens TLS connections to hosts that our authority signed.
pub fn connector(files: &Files) -> Result<Option<TlsConnector>, TlsError> {
    let Some(path) = &files.authority else { return Ok(None) };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| TlsError::Refused { path: path.clone(), error })?;
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(Some(TlsConnector::from(Arc::new(config))))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |error| TlsError::Pem { path: path.to_owned(), error };
    CertificateDer::pem_file_iter(path).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)
}

/// What a certificate of this host should be for: `localhost`, the host's name,
/// and the addresses that it would be called at.
pub fn own_names(addresses: &[IpAddr]) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if let Ok(host) = fs::read_to_string("/etc/hostname") {
        names.push(host.trim().to_owned());
    }
    for address in addresses.iter().filter(|address| !address.is_unspecified()) {
        names.push(address.to_string());
    }
    // No packet is sent: the kernel only looks up its route.
    if let Ok(address) = super::udp::source_address(([192, 0, 2, 1], 9).into()) {
        names.push(address.to_string());
    }
    names.retain(|name| !name.is_empty());
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_stands_among_the_names_too() {
        let folder = tempfile::tempdir().unwrap();
        let files = own_authority(folder.path(), &["10.77.0.1".to_owned()]).unwrap();
        let own = &certificates(&files.certificate).unwrap()[0];
        // RFC 5280, 4.2.1.6: [2] is a dNSName, [7] an iPAddress.
        for name in [b"\x82\x0910.77.0.1".as_slice(), b"\x87\x04\x0a\x4d\x00\x01"] {
            assert!(own.windows(name.len()).any(|part| part == name), "{name:?}");
        }
    }
}
