//! Dialogs: the state that both ends of a session share (RFC 3261 12).

use crate::message::{Builder, HeaderError, Message, Method, Name, Uri};

/// What the start of every request says, kept to write its ACK and CANCEL.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) uri: String,
    pub(crate) via: String,
    pub(crate) routes: Vec<String>,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) call_id: String,
    pub(crate) cseq: u32,
    /// Max-Forwards.
    pub(crate) hops: u8,
}

/// Hops that a request of ours may take (RFC 3261 8.1.1.6).
pub(crate) const HOPS: u8 = 70;

impl Head {
    pub(crate) fn builder(&self, method: &Method) -> Builder {
        let mut builder = Builder::request(method, &self.uri)
            .header(Name::Via, &self.via)
            .header(Name::MaxForwards, self.hops);
        for route in &self.routes {
            builder = builder.header(Name::Route, route);
        }
        builder
            .header(Name::From, &self.from)
            .header(Name::To, &self.to)
            .header(Name::CallId, &self.call_id)
            .header(Name::CSeq, format_args!("{} {method}", self.cseq))
    }
}

/// One end of a dialog.
#[derive(Clone, Debug)]
pub(crate) struct Dialog {
    pub(crate) call_id: String,
    /// Our From, with our tag.
    local: String,
    /// Our To, with the peer's tag.
    remote: String,
    /// None for a peer of RFC 2543.
    pub(crate) remote_tag: Option<String>,
    local_cseq: u32,
    remote_cseq: Option<u32>,
    /// Where the peer's Contact wants its requests.
    target: String,
    routes: Vec<String>,
    /// Of the last reliable response of the peer (RFC 3262 4).
    pub(crate) last_rseq: Option<u32>,
    /// Before the 2xx: the offer of the INVITE has been answered reliably.
    pub(crate) is_agreed: bool,
}

impl Dialog {
    /// The dialog that our answer to `request` makes (RFC 3261 12.1.1).
    pub(crate) fn as_server(request: &Message, local_tag: &str) -> Result<Dialog, HeaderError> {
        let remote = request.from()?;
        let (cseq, _) = request.cseq()?;
        // A peer of RFC 2543 has no tag, and need not have a Contact: it is where its calls come from.
        let from = || remote.tag().is_none().then(|| remote.uri().to_string());
        Ok(Dialog {
            call_id: request.call_id().ok_or(HeaderError::Missing(Name::CallId))?.to_owned(),
            local: format!("{};tag={local_tag}", request.to()?),
            target: contact(request).or_else(from).ok_or(HeaderError::Missing(Name::Contact))?,
            remote_tag: remote.tag().map(str::to_owned),
            remote: remote.to_string(),
            local_cseq: 0,
            remote_cseq: Some(cseq),
            routes: request.record_routes(),
            last_rseq: None,
            is_agreed: false,
        })
    }

    /// The dialog that a peer's answer to our request makes (RFC 3261 12.1.2).
    pub(crate) fn as_client(request: &Head, response: &Message) -> Result<Dialog, HeaderError> {
        let remote = response.to()?;
        let mut routes = response.record_routes();
        routes.reverse();
        Ok(Dialog {
            call_id: request.call_id.clone(),
            local: request.from.clone(),
            remote_tag: remote.tag().map(str::to_owned),
            remote: remote.to_string(),
            local_cseq: request.cseq,
            remote_cseq: None,
            // A Contact is mandatory, but a call is worth more than a rule.
            target: contact(response).unwrap_or_else(|| request.uri.clone()),
            routes,
            last_rseq: None,
            is_agreed: false,
        })
    }

    /// The number of our next request.
    pub(crate) fn next_cseq(&mut self) -> u32 {
        self.local_cseq += 1;
        self.local_cseq
    }

    /// The start of a request to the peer.
    pub(crate) fn head(&self, cseq: u32, via: String) -> Head {
        let (uri, routes) = routed(&self.target, &self.routes);
        Head {
            uri,
            via,
            routes,
            from: self.local.clone(),
            to: self.remote.clone(),
            call_id: self.call_id.clone(),
            cseq,
            hops: HOPS,
        }
    }

    /// Notes the number of a request of the peer; false if it comes behind a later one (RFC 3261 12.2.2).
    pub(crate) fn is_in_order(&mut self, cseq: u32) -> bool {
        let in_order = self.remote_cseq.is_none_or(|last| cseq >= last);
        if in_order {
            self.remote_cseq = Some(cseq);
        }
        in_order
    }

    /// The early dialog that this confirmed one was knows the peer's last number.
    pub(crate) fn inherit(&mut self, early: &Dialog) {
        self.remote_cseq = early.remote_cseq;
        self.local_cseq = self.local_cseq.max(early.local_cseq);
    }

    /// Takes the peer's new Contact from a target refresh request, or from the 2xx to one.
    pub(crate) fn refresh_target(&mut self, message: &Message) {
        if let Some(target) = contact(message) {
            self.target = target;
        }
    }
}

fn contact(message: &Message) -> Option<String> {
    let contacts = message.contacts().ok()?;
    contacts.first().filter(|contact| !contact.is_star()).map(|contact| contact.uri().to_string())
}

/// Request URI and Route headers towards `target` over a route set. A first route without `lr` is a
/// strict router: it wants to be the request URI, and the target at the end (RFC 3261 12.2.1.1).
pub(crate) fn routed(target: &str, routes: &[String]) -> (String, Vec<String>) {
    let Some((first, rest)) = routes.split_first() else { return (target.to_owned(), Vec::new()) };
    let uri = first.split_once('<').and_then(|(_, uri)| uri.split_once('>')).map_or(&**first, |(uri, _)| uri);
    let is_strict = Uri::parse(uri).is_ok_and(|uri| uri.param("lr").is_none());
    if !is_strict {
        return (target.to_owned(), routes.to_vec());
    }
    let uri = uri.split_once('?').map_or(uri, |(uri, _)| uri);
    let routes = rest.iter().cloned().chain([format!("<{target}>")]).collect();
    (uri.to_owned(), routes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| text.to_string()).collect()
    }

    fn invite() -> Message {
        let text = "INVITE sip:600@pbx SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n\
            From: Alice <sip:alice@a>;tag=a1\r\nTo: <sip:600@pbx>\r\nCall-ID: c1\r\nCSeq: 7 INVITE\r\n\
            Record-Route: <sip:p2;lr>, <sip:p1;lr>\r\nContact: <sip:alice@10.0.0.1>\r\nContent-Length: 0\r\n\r\n";
        Message::parse(text.into()).unwrap()
    }

    #[test]
    fn without_routes_requests_go_to_the_target() {
        assert_eq!(routed("sip:a@b", &[]), ("sip:a@b".to_owned(), vec![]));
    }

    #[test]
    fn loose_routers_leave_the_request_uri_alone() {
        let routes = route(&["<sip:p1;lr>", "<sip:p2>"]);
        assert_eq!(routed("sip:a@b", &routes), ("sip:a@b".to_owned(), routes));
    }

    #[test]
    fn a_strict_router_becomes_the_request_uri() {
        let routes = route(&["\"P\" <sip:p1;x=1>;y", "<sip:p2;lr>"]);
        let expected = ("sip:p1;x=1".to_owned(), route(&["<sip:p2;lr>", "<sip:a@b>"]));
        assert_eq!(routed("sip:a@b", &routes), expected);
    }

    #[test]
    fn the_server_keeps_the_route_set_in_order_and_counts_from_the_request() {
        let mut dialog = Dialog::as_server(&invite(), "t1").unwrap();
        let cseq = dialog.next_cseq();
        let bye =
            dialog.head(cseq, "SIP/2.0/UDP pbx;branch=z9hG4bK2".to_owned()).builder(&Method::Bye).build();
        let bye = Message::parse(bye).unwrap();
        assert_eq!(bye.uri(), Some("sip:alice@10.0.0.1"));
        assert_eq!(bye.routes(), ["<sip:p2;lr>", "<sip:p1;lr>"]);
        assert_eq!(bye.from().unwrap().tag(), Some("t1"));
        assert_eq!(bye.to().unwrap().tag(), Some("a1"));
        assert!(!dialog.is_in_order(6));
        assert!(dialog.is_in_order(8));
        assert!(!dialog.is_in_order(7));
    }

    #[test]
    fn the_client_reverses_the_route_set() {
        let head = Head {
            uri: "sip:600@pbx".to_owned(),
            via: String::new(),
            routes: vec![],
            from: "<sip:alice@a>;tag=a1".to_owned(),
            to: "<sip:600@pbx>".to_owned(),
            call_id: "c1".to_owned(),
            cseq: 7,
            hops: HOPS,
        };
        let answer = Builder::response_to(&invite(), 200, "", Some("t1"))
            .header(Name::Contact, "<sip:b@10.0.0.2;transport=tcp>")
            .build();
        let mut dialog = Dialog::as_client(&head, &Message::parse(answer).unwrap()).unwrap();
        assert_eq!(dialog.remote_tag.as_deref(), Some("t1"));
        assert_eq!(dialog.next_cseq(), 8);
        let head = dialog.head(8, String::new());
        assert_eq!(head.uri, "sip:b@10.0.0.2;transport=tcp");
        assert_eq!(head.routes, ["<sip:p1;lr>", "<sip:p2;lr>"]);
    }
}
