//! The client against servers that say what is written here.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::*;

/// Listens, and gives each connection to `serve`.
async fn server<F: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// One request in small letters, to the end of its head and a body as long as it says.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).await.ok()? == 0 {
            return None;
        }
        text.push(byte[0]);
    }
    let head = String::from_utf8(text).unwrap().to_ascii_lowercase();
    let length = head
        .split_once("content-length: ")
        .map_or(0, |(_, rest)| rest.split_once('\r').map_or(0, |(length, _)| length.parse().unwrap()));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(head + &String::from_utf8(body).unwrap())
}

/// A server that answers each request with the same.
async fn answering(answer: &'static str) -> SocketAddr {
    server(move |mut stream| async move {
        while request(&mut stream).await.is_some() {
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await
}

fn get(url: String) -> HttpRequest {
    HttpRequest {
        method: "GET".to_owned(),
        url,
        headers: Vec::new(),
        body: Vec::new(),
        timeout: Duration::from_secs(20),
    }
}

fn client() -> HttpClient {
    HttpClient::new(Arc::default())
}

#[tokio::test]
async fn a_request_goes_out_as_it_was_written_and_its_connection_is_used_again() {
    static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);
    let (sender, mut requests) = mpsc::channel(8);
    let address = server(move |mut stream| {
        CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        let sender = sender.clone();
        async move {
            while let Some(text) = request(&mut stream).await {
                sender.send(text).await.unwrap();
                stream.write_all(b"HTTP/1.1 404 No\r\nX-A: b\r\nContent-Length: 2\r\n\r\nhi").await.unwrap();
            }
        }
    })
    .await;
    let client = client();
    for _ in 0..3 {
        let answer = client
            .fetch(HttpRequest {
                method: "POST".to_owned(),
                headers: vec![("X-Key".to_owned(), "a b".to_owned())],
                body: b"body".to_vec(),
                ..get(format!("http://{address}/v1?x=1"))
            })
            .await
            .unwrap();
        assert_eq!((answer.status, answer.body), (404, b"hi".to_vec()), "any status is an answer");
        assert!(answer.headers.contains(&("x-a".to_owned(), "b".to_owned())));
        let text = requests.recv().await.unwrap();
        for part in [
            "post /v1?x=1 http/1.1",
            "x-key: a b",
            "content-length: 4",
            "user-agent: jackfield/",
            "\r\n\r\nbody",
        ] {
            assert!(text.contains(part), "no {part:?} in {text}");
        }
    }
    assert_eq!(CONNECTIONS.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_cannot_be_asked_is_named() {
    let said = async |request| client().fetch(request).await.unwrap_err().to_string();
    for url in ["", "/v1", "ftp://127.0.0.1/", "http://", "127.0.0.1:80", "http://a b/"] {
        let said = said(get(url.to_owned())).await;
        assert!(said.contains(&format!("{url:?} is no URL")), "{said}");
    }
    let with = |method: &str, header: &str| HttpRequest {
        method: method.to_owned(),
        headers: vec![(header.to_owned(), "x".to_owned())],
        ..get("http://127.0.0.1:1/".to_owned())
    };
    assert!(said(with("CONNECT", "a")).await.contains("no method for plugins"));
    assert!(said(with("G T", "a")).await.contains("no method"));
    for header in ["Host", "Content-Length", "transfer-encoding", "Proxy-Authorization", "a b"] {
        assert!(said(with("GET", header)).await.contains(&format!("header {header}")), "{header}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused = client().fetch(get(format!("http://{closed}/"))).await;
    assert!(matches!(&refused, Err(Error::Unavailable(text)) if text.contains("refused")), "{refused:?}");
}

#[tokio::test]
async fn an_answer_is_bounded() {
    let endless = server(|mut stream| async move {
        request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        while stream.write_all(&[0; 4096]).await.is_ok() {}
    })
    .await;
    let answer = client().fetch(get(format!("http://{endless}/"))).await;
    assert!(matches!(&answer, Err(Error::Limit(text)) if text.contains("4 MiB")), "{answer:?}");
    let talkative = server(|mut stream| async move {
        request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(b"X-A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n").await.is_ok() {}
    })
    .await;
    let answer = client().fetch(get(format!("http://{talkative}/"))).await;
    assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
}

#[tokio::test]
async fn time_is_kept_and_who_gives_up_ends_the_request() {
    let (sender, mut ended) = mpsc::channel(8);
    let silent = server(move |mut stream| {
        let sender = sender.clone();
        async move {
            request(&mut stream).await;
            // Until the other end has gone.
            assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0);
            sender.send(()).await.unwrap();
        }
    })
    .await;
    let client = client();
    let short = HttpRequest { timeout: Duration::from_millis(50), ..get(format!("http://{silent}/")) };
    assert_eq!(client.fetch(short).await, Err(Error::Timeout));
    ended.recv().await.unwrap();
    let dropped = timeout(Duration::from_millis(50), client.fetch(get(format!("http://{silent}/")))).await;
    assert!(dropped.is_err());
    ended.recv().await.unwrap();
}

#[tokio::test]
async fn a_public_name_that_leads_inside_is_denied() {
    let address = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    // The resolver takes an address for a name, and this one has dots like any public name.
    let reach = Arc::new(Reach::default());
    let names = Names(reach.clone());
    let lookup = async |name: &str| {
        let mut names = names.clone();
        tower_service::Service::call(&mut names, name.parse().unwrap()).await
    };
    assert!(lookup("localhost").await.is_ok());
    let blocked = lookup("127.0.0.1").await.unwrap_err();
    assert!(blocked.is::<Blocked>(), "{blocked}");
    assert!(blocked.to_string().contains("`inside` of [http]"), "{blocked}");
    reach.replace(vec!["127.0.0.0/8".parse().unwrap()]);
    assert!(lookup("127.0.0.1").await.is_ok());
    let client = HttpClient::new(Arc::default());
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("http://{host}:{}/", address.port());
        assert_eq!(client.fetch(get(url)).await.unwrap().status, 200, "{host}");
    }
}

#[tokio::test]
async fn a_server_of_https_shows_a_certificate_of_a_known_authority() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = key.cert.der().clone();
    let secret = rustls::pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], secret)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let address = server(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let _ = stream.read(&mut [0; 1024]).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await.unwrap();
        }
    })
    .await;
    let url = format!("https://localhost:{}/", address.port());
    let unknown = client().fetch(get(url.clone())).await;
    assert!(matches!(&unknown, Err(Error::Unavailable(text)) if text.contains("certificate")), "{unknown:?}");

    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let trusting = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let reach = Arc::default();
    let known = HttpClient { client: OnceLock::from(super::client(&reach, trusting)), reach };
    assert_eq!(known.fetch(get(url)).await.unwrap().body, b"hi");
}
