//! `http`: requests to the hosts that were granted.

use url::Url;

use super::{
    Failure, MAX_BODY, MAX_NAME, MAX_TEXT, at_most,
    bindings::jackfield::plugin::http::{Host, Request, Response},
    millis, types,
};
use crate::{
    instance::State,
    services::{HttpRequest, HttpResponse},
};

/// Of one request; the next one is the answer.
const MAX_REDIRECTS: usize = 5;

/// What is for the one host only that it was written for.
const PRIVATE: [&str; 2] = ["authorization", "cookie"];

impl Host for State {
    async fn fetch(&mut self, request: Request) -> Result<Response, Failure> {
        self.not_in_check("http")?;
        at_most("method", request.method.len(), MAX_NAME)?;
        at_most("url", request.url.len(), MAX_TEXT)?;
        at_most("body", request.body.len(), MAX_BODY)?;
        self.rights().http(&request.url)?;
        let mut request = HttpRequest {
            method: request.method,
            url: request.url,
            headers: types::from_headers(request.headers)?,
            body: request.body,
            timeout: millis(request.timeout),
        };
        let ends = self.host.services.now() + request.timeout.as_millis() as u64;
        for _ in 0..MAX_REDIRECTS {
            let answer = self.send(request.clone()).await?;
            let Some(next) = redirect(&request, &answer).filter(|next| self.rights().http(&next.url).is_ok())
            else {
                return Ok(to_response(answer));
            };
            let left = ends.saturating_sub(self.host.services.now());
            request = HttpRequest { timeout: std::time::Duration::from_millis(left), ..next };
        }
        Ok(to_response(self.send(request).await?))
    }
}

impl State {
    async fn send(&mut self, request: HttpRequest) -> Result<HttpResponse, Failure> {
        let (plugin, services) = self.services();
        let answer = services.http(plugin, request);
        self.wait(answer).await
    }
}

fn to_response(answer: HttpResponse) -> Response {
    Response { status: answer.status, headers: types::to_headers(answer.headers), body: answer.body }
}

/// Where a request that changes nothing is sent on to. What else is redirected is an answer.
fn redirect(request: &HttpRequest, answer: &HttpResponse) -> Option<HttpRequest> {
    let is_safe = ["GET", "HEAD"].contains(&request.method.as_str());
    if !is_safe || ![301, 302, 303, 307, 308].contains(&answer.status) {
        return None;
    }
    let (_, place) = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("location"))?;
    let here = Url::parse(&request.url).ok()?;
    let mut there = here.join(place).ok()?;
    there.set_fragment(None);
    let mut next = HttpRequest { url: there.to_string(), ..request.clone() };
    if here.origin() != there.origin() {
        next.headers.retain(|(name, _)| !PRIVATE.iter().any(|private| name.eq_ignore_ascii_case(private)));
    }
    Some(next)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sent_on(method: &str, status: u16, place: &str) -> Option<HttpRequest> {
        let request = HttpRequest {
            method: method.to_owned(),
            url: "https://api.example.com/v1/users?x=1".to_owned(),
            headers: vec![
                ("Authorization".to_owned(), "Bearer x".to_owned()),
                ("Accept".to_owned(), "*/*".to_owned()),
            ],
            body: Vec::new(),
            timeout: Duration::from_secs(1),
        };
        let headers = vec![("location".to_owned(), place.to_owned())];
        redirect(&request, &HttpResponse { status, headers, body: Vec::new() })
    }

    #[test]
    fn what_changes_nothing_is_sent_on() {
        let to = |place| sent_on("GET", 302, place).map(|next| (next.url, next.headers.len()));
        let url = |url: &str, headers| Some((url.to_owned(), headers));
        assert_eq!(to("/v2#here"), url("https://api.example.com/v2", 2));
        assert_eq!(to("../v2/x"), url("https://api.example.com/v2/x", 2));
        assert_eq!(to("https://other.example/"), url("https://other.example/", 1), "without its password");
        assert_eq!(to("http://api.example.com/"), url("http://api.example.com/", 1));
        assert_eq!(sent_on("POST", 302, "/v2"), None);
        assert_eq!(sent_on("GET", 304, "/v2"), None);
        assert_eq!(sent_on("GET", 301, "https://"), None);
    }
}
