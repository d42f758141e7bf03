//! `http`: requests to the hosts that were granted.

use super::{
    Failure, MAX_BODY, MAX_NAME, MAX_TEXT, at_most,
    bindings::jackfield::plugin::http::{Host, Request, Response},
    millis, types,
};
use crate::{instance::State, services::HttpRequest};

impl Host for State {
    async fn fetch(&mut self, request: Request) -> Result<Response, Failure> {
        self.not_in_check("http")?;
        at_most("method", request.method.len(), MAX_NAME)?;
        at_most("url", request.url.len(), MAX_TEXT)?;
        at_most("body", request.body.len(), MAX_BODY)?;
        self.rights().http(&request.url)?;
        let request = HttpRequest {
            method: request.method,
            url: request.url,
            headers: types::from_headers(request.headers)?,
            body: request.body,
            timeout: millis(request.timeout),
        };
        let (plugin, services) = self.services();
        let answer = services.http(plugin, request);
        let response = self.wait(answer).await?;
        Ok(Response {
            status: response.status,
            headers: types::to_headers(response.headers),
            body: response.body,
        })
    }
}
