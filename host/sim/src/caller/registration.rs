//! How a phone makes itself known to the registrar, and stays so.

use std::time::Duration;

use jackfield_sip::{ClientId, Failure, Message, Method, Name, OutRequest};

use super::telephone::Telephone;

/// Seconds that a registration is asked for; it is refreshed at half of that.
pub(crate) const EXPIRES: u32 = 3600;

#[derive(Clone, Debug, Default)]
pub(super) struct Registration {
    pub(super) request: Option<(ClientId, u32, bool)>,
    /// Accepted for so many seconds; 0: not registered.
    pub(super) granted: u32,
    pub(super) refresh: Option<Duration>,
    pub(super) refused: Option<u16>,
}

impl Telephone {
    pub(crate) fn is_registered(&self) -> bool {
        self.registration.granted > 0
    }

    /// The status that a REGISTER was refused with.
    pub(crate) fn refused(&self) -> Option<u16> {
        self.registration.refused
    }

    pub(crate) fn is_registering(&self) -> bool {
        self.registration.request.is_some()
    }

    /// 0 seconds: not to be called any more.
    pub(crate) fn register(&mut self, now: Duration, expires: u32) {
        self.registration.refresh = None;
        self.send_register(now, expires, None);
    }

    fn send_register(&mut self, now: Duration, expires: u32, authorization: Option<String>) {
        let proven = authorization.is_some();
        let contact = format!("<sip:{}@{}>", self.setup.name, self.flow.local);
        let mut headers = vec![(Name::Contact, contact), (Name::Expires, expires.to_string())];
        headers.extend(authorization.map(|value| (Name::Authorization, value)));
        let request = OutRequest {
            method: Method::Register,
            uri: self.domain(),
            to: self.own_address(),
            from: self.own_address(),
            routes: Vec::new(),
            headers,
            body: None,
        };
        if let Ok(client) = self.endpoint.request(now, &self.flow, request) {
            self.registration.request = Some((client, expires, proven));
        }
        self.turn(now);
    }

    pub(super) fn registered(&mut self, now: Duration, client: ClientId, result: Result<Message, Failure>) {
        let Some((_, expires, proven)) = self.registration.request.take_if(|(id, _, _)| *id == client) else {
            return;
        };
        let Ok(response) = result else {
            self.registration.refused = Some(408);
            return;
        };
        match response.status() {
            Some(200) => {
                self.registration.granted = expires;
                let half = Duration::from_secs(u64::from(expires) / 2);
                self.registration.refresh = (expires > 0).then_some(now + half);
            }
            Some(401) if !proven => {
                let authorization = self.authorization(&response, "REGISTER", &self.domain());
                match authorization {
                    Some(authorization) => self.send_register(now, expires, Some(authorization)),
                    None => self.registration.refused = Some(401),
                }
            }
            status => self.registration.refused = status,
        }
    }
}
