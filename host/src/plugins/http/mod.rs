//! Requests of plugins to the world: HTTP/1.1, with TLS by the system's authorities.
//!
//! The right to a URL was checked by the plugin host, which follows redirects too. Here it is made
//! sure that a granted name leads to no address inside, that nothing grows without bound, and that a
//! request ends with its future. Connections are kept and used again.

mod reach;

use std::{
    error::Error as StdError,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    HeaderMap, Method, Request, Response, Uri,
    body::Incoming,
    header::{self, HeaderName, HeaderValue},
    http::uri::Scheme,
};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, Error as ClientError, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use jackfield_plugin::{HttpRequest, HttpResponse};
use jackfield_switch::Error;
use tokio::time::timeout;
use tracing::warn;

pub use self::reach::Reach;
use self::reach::{Blocked, Names};

/// What a body may bring: twenty seconds of the best speech in base64.
const MAX_BODY: usize = 4 << 20;
/// All header fields of an answer together.
const MAX_HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 128;
const LONGEST: Duration = Duration::from_secs(120);
/// Kept for each host, so long.
const IDLE: (usize, Duration) = (4, Duration::from_secs(30));

/// What belongs to a connection, and not to a request.
const OURS: [HeaderName; 8] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::EXPECT,
];

type Connector = HttpsConnector<HttpConnector<Names>>;

/// One for all plugins.
pub struct HttpClient {
    reach: Arc<Reach>,
    /// Made for the first request: the authorities are read from disk.
    client: OnceLock<Client<Connector, Full<Bytes>>>,
}

impl HttpClient {
    pub fn new(reach: Arc<Reach>) -> HttpClient {
        HttpClient { reach, client: OnceLock::new() }
    }

    /// The answer, whatever its status. Dropping the future ends the request and its connection.
    pub async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, Error> {
        let time = request.timeout.min(LONGEST);
        let request = build(request)?;
        let host = request.uri().host().unwrap_or_default().to_owned();
        let client = self.client.get_or_init(|| client(&self.reach, tls()));
        let exchange = async {
            let answer = client.request(request).await.map_err(|error| failed(&host, &error))?;
            read(&host, answer).await
        };
        timeout(time, exchange).await.unwrap_or(Err(Error::Timeout))
    }
}

fn client(reach: &Arc<Reach>, tls: rustls::ClientConfig) -> Client<Connector, Full<Bytes>> {
    let mut tcp = HttpConnector::new_with_resolver(Names(reach.clone()));
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let https = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    let (places, time) = IDLE;
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(time)
        .pool_max_idle_per_host(places)
        .http1_max_buf_size(MAX_HEAD)
        .http1_max_headers(MAX_HEADERS)
        .build(https)
}

/// Trusts what this machine trusts.
fn tls() -> rustls::ClientConfig {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = rustls::RootCertStore::empty();
    let (good, _) = roots.add_parsable_certificates(found.certs);
    if good == 0 {
        let why = found.errors.first().map(ToString::to_string).unwrap_or_default();
        warn!(
            "no certificate authorities on this machine (Debian: ca-certificates): no https for plugins {why}"
        );
    }
    rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()
}

fn build(request: HttpRequest) -> Result<Request<Full<Bytes>>, Error> {
    let invalid = |what: &str, text: &str| Err(Error::Invalid(format!("http: {text:?} is no {what}")));
    let Ok(uri) = request.url.parse::<Uri>() else { return invalid("URL", &request.url) };
    let ours = [&Scheme::HTTP, &Scheme::HTTPS];
    if uri.host().is_none_or(str::is_empty) || !uri.scheme().is_some_and(|scheme| ours.contains(&scheme)) {
        return invalid("URL of http or https", &request.url);
    }
    let Ok(method) = Method::from_bytes(request.method.as_bytes()) else {
        return invalid("method", &request.method);
    };
    if method == Method::CONNECT {
        return invalid("method for plugins", &request.method);
    }
    let mut built = Request::new(Full::new(Bytes::from(request.body)));
    *built.method_mut() = method;
    *built.uri_mut() = uri;
    *built.headers_mut() = headers(request.headers)?;
    Ok(built)
}

fn headers(list: Vec<(String, String)>) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::with_capacity(list.len() + 1);
    for (name, value) in list {
        let (Ok(key), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value))
        else {
            return Err(Error::Invalid(format!("http: header {name}: not as HTTP allows it")));
        };
        if OURS.contains(&key) || key.as_str().starts_with("proxy-") {
            return Err(Error::Invalid(format!("http: header {name}: the exchange itself says that")));
        }
        headers.append(key, value);
    }
    let agent = concat!("Jackfield/", env!("CARGO_PKG_VERSION"));
    headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(agent));
    Ok(headers)
}

async fn read(host: &str, answer: Response<Incoming>) -> Result<HttpResponse, Error> {
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, MAX_BODY).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            return Error::Limit(format!("http: {host} sent more than {} MiB", MAX_BODY >> 20));
        }
        Error::Unavailable(format!("http: {host}: {}", root(&*error)))
    })?;
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Ok(HttpResponse {
        status: head.status.as_u16(),
        headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: body.to_bytes().into(),
    })
}

fn failed(host: &str, error: &ClientError) -> Error {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(blocked) = error.downcast_ref::<Blocked>() {
            return Error::Denied(format!("http: {blocked}"));
        }
        cause = error.source();
    }
    Error::Unavailable(format!("http: {host}: {}", root(error)))
}

/// What happened in the end: "Connection refused (os error 111)".
fn root(error: &(dyn StdError + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests;
