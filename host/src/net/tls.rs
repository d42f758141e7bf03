//! TLS with an own certificate authority, made at first start. Phones are given
//! `ca.pem`; an operator with certificates of their own names them instead.

use std::{
    fs, io,
    net::IpAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

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

/// The files of our own authority in `folder`; those that are missing are made.
///
/// `names` are the host names and addresses that the certificate is for.
pub fn own_authority(folder: &Path, names: &[String]) -> Result<Files, TlsError> {
    let at = |name: &str| folder.join(name);
    let files = Files { certificate: at("server.pem"), key: at("server.key"), authority: Some(at("ca.pem")) };
    if files.certificate.exists() && files.key.exists() && at("ca.pem").exists() {
        return Ok(files);
    }
    fs::create_dir_all(folder).map_err(|error| TlsError::File { path: folder.to_owned(), error })?;

    let (authority, authority_key) = authority_params()?;
    let authority_pem = authority.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(authority, authority_key);

    let mut server = CertificateParams::new(names.to_vec())?;
    server.distinguished_name = common_name("Jackfield");
    server.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    server.use_authority_key_identifier_extension = true;
    let server_key = KeyPair::generate()?;
    let server_pem = server.signed_by(&server_key, &issuer)?.pem();

    write(&at("ca.pem"), &authority_pem, 0o644)?;
    write(&at("ca.key"), &issuer.key().serialize_pem(), 0o600)?;
    write(&files.key, &server_key.serialize_pem(), 0o600)?;
    write(&files.certificate, &format!("{server_pem}{authority_pem}"), 0o644)?;
    Ok(files)
}

fn authority_params() -> Result<(CertificateParams, KeyPair), rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = common_name("Jackfield authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok((params, KeyPair::generate()?))
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

/// Accepts TLS 1.2 and 1.3 with these files.
pub fn acceptor(files: &Files) -> Result<TlsAcceptor, TlsError> {
    let chain = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| TlsError::Pem { path: files.key.clone(), error })?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| TlsError::Refused { path: files.certificate.clone(), error })?;
    Ok(TlsAcceptor::from(Arc::new(config)))
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
