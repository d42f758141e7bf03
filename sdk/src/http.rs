//! Requests to the hosts that the manifest asks for and the operator granted.
//!
//! ```no_run
//! use jackfield_sdk::http::Request;
//!
//! let answer = Request::get("https://api.example.com/customer/42").send()?;
//! if answer.status == 200 {
//!     jackfield_sdk::info!("{}", String::from_utf8_lossy(&answer.body));
//! }
//! # Ok::<(), jackfield_sdk::Error>(())
//! ```

use std::time::Duration;

use serde::Serialize;

use crate::{Header, Result, bindings::jackfield::plugin::http as raw, types::millis};

/// What came back.
///
/// ```no_run
/// # use jackfield_sdk::http::Request;
/// let ok = Request::get("https://api.example.com/").send()?.status == 200;
/// # Ok::<(), jackfield_sdk::Error>(())
/// ```
pub use raw::Response;

/// A request, in the making; it waits 10 seconds unless said otherwise.
///
/// ```no_run
/// # use jackfield_sdk::http::Request;
/// let answer = Request::post("https://api.example.com/log").body("called").send()?;
/// # Ok::<(), jackfield_sdk::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send()`"]
pub struct Request(raw::Request);

impl Request {
    /// Any method.
    ///
    /// ```no_run
    /// # use jackfield_sdk::http::Request;
    /// Request::new("DELETE", "https://api.example.com/42").send()?;
    /// # Ok::<(), jackfield_sdk::Error>(())
    /// ```
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        let (method, url) = (method.into(), url.into());
        Self(raw::Request { method, url, headers: Vec::new(), body: Vec::new(), timeout: 10_000 })
    }

    /// GET.
    ///
    /// ```no_run
    /// # use jackfield_sdk::http::Request;
    /// let answer = Request::get("https://api.example.com/42").send()?;
    /// # Ok::<(), jackfield_sdk::Error>(())
    /// ```
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// POST.
    ///
    /// ```no_run
    /// # use jackfield_sdk::http::Request;
    /// Request::post("https://api.example.com/log").body("called").send()?;
    /// # Ok::<(), jackfield_sdk::Error>(())
    /// ```
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// One more header.
    ///
    /// ```no_run
    /// # use jackfield_sdk::http::Request;
    /// Request::get("https://api.example.com/").header("Accept", "text/plain").send()?;
    /// # Ok::<(), jackfield_sdk::Error>(())
    /// ```
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.headers.push(Header { name: name.into(), value: value.into() });
        self
    }

    /// The body as it is.
    ///
    /// ```no_run
    /// # use jackfield_sdk::http::Request;
    /// Request::post("https://api.example.com/").body("called").send()?;
    /// # Ok::<(), jackfield_sdk::Error>(())
    /// ```
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.0.body = body.into();
        self
    }

    /// The body as JSON.
    ///
    /// ```no_run
    /// # use jackfield_sdk::http::Request;
    /// Request::post("https://api.example.com/").json(&["alice", "bob"])?.send()?;
    /// # Ok::<(), jackfield_sdk::Error>(())
    /// ```
    pub fn json(self, body: &impl Serialize) -> Result<Self> {
        Ok(self.header("Content-Type", "application/json").body(serde_json::to_vec(body)?))
    }

    /// How long to wait; 10 seconds unless said.
    ///
    /// ```no_run
    /// # use jackfield_sdk::http::Request;
    /// Request::get("https://api.example.com/").timeout(std::time::Duration::from_secs(2)).send()?;
    /// # Ok::<(), jackfield_sdk::Error>(())
    /// ```
    pub fn timeout(mut self, time: Duration) -> Self {
        self.0.timeout = millis(time);
        self
    }

    /// Sends it, and waits for the answer. A status of 404 is an answer, not an error.
    ///
    /// ```no_run
    /// # use jackfield_sdk::http::Request;
    /// let answer = Request::get("https://api.example.com/").send()?;
    /// # Ok::<(), jackfield_sdk::Error>(())
    /// ```
    pub fn send(&self) -> Result<Response> {
        Ok(raw::fetch(&self.0)?)
    }
}
