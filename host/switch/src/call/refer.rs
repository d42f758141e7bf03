//! REFER: what a phone asks for when it transfers, and what it is told of it (RFC 3515, 4488, 5589).

use jackfield_media::LegId;
use jackfield_sip::{
    Answer, Message, Method, Name, NameAddr, Replaces, ServerId, SessionId, Uri, percent_decoded,
};

use super::leg::Leg;
use crate::{command::HangupInfo, route::dialled, switch::Switch};

/// Seconds that a transfer may take; what nobody answers ends before.
const SUBSCRIPTION: u32 = 600;

/// Whom the transferor is told, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    session: SessionId,
    /// The second and later REFERs of a session are told apart by their CSeq (RFC 3515 2.4.6).
    id: Option<u32>,
}

/// A transfer as it was asked for, and may be.
#[derive(Debug)]
pub(crate) struct Wish {
    /// The leg whose party asks.
    pub(crate) by: LegId,
    /// The one that he talks with.
    pub(crate) transferee: LegId,
    pub(crate) to: Destination,
    /// None: he does not want to know (`Refer-Sub: false`).
    pub(crate) report: Option<Report>,
}

#[derive(Debug)]
pub(crate) enum Destination {
    Number {
        number: String,
        /// Users can be dialled without a route.
        users: bool,
    },
    /// Whoever talks or rings on the other end of this leg, which is the transferor's too.
    Partner(LegId),
}

impl Switch {
    pub(crate) fn referred(&mut self, session: SessionId, server: ServerId, request: &Message) {
        let wish = match self.wish(session, request) {
            Ok(wish) => wish,
            Err(answer) => return self.endpoint.respond(self.now, server, answer),
        };
        let accepted = Answer::status(202);
        let accepted = match wish.report {
            Some(_) => accepted,
            None => accepted.header(refer_sub(), "false"),
        };
        self.endpoint.respond(self.now, server, accepted);
        self.transfer(wish);
    }

    /// Who wants whom to be where; or why not.
    fn wish(&mut self, session: SessionId, request: &Message) -> Result<Wish, Answer> {
        let target = refer_to(request).ok_or(Answer::status(400))?;
        let replaces = replaces_in(target.uri()).map_err(|()| Answer::status(400))?;
        if !target.uri().is_sip() {
            return Err(Answer::status(416));
        }
        let &by = self.sessions.get(&session).ok_or(Answer::status(481))?;
        let leg = self.legs.get(&by).ok_or(Answer::status(481))?;
        let bridged = leg.joined.as_ref().filter(|joined| !joined.is_early());
        // Who talks with nobody, or with a plugin, has nobody to transfer.
        let transferee = bridged.map(|joined| joined.other()).ok_or(Answer::status(403))?;
        if self.legs.get(&transferee).is_none_or(|leg| leg.transfer.is_some()) || leg.transfer.is_some() {
            return Err(Answer::status(491));
        }
        let to = match replaces {
            Some(replaces) => {
                let replaced = self.endpoint.replaced(&replaces).ok_or(Answer::status(481))?;
                let &other = self.sessions.get(&replaced.session).ok_or(Answer::status(481))?;
                Destination::Partner(other)
            }
            None => {
                let number = target.uri().user().and_then(dialled).ok_or(Answer::status(404))?;
                Destination::Number { number, users: self.may_dial(leg)? }
            }
        };
        Ok(Wish { by, transferee, to, report: self.report_to(by, session, request) })
    }

    /// Whether the party of a leg may dial users without a route; an error for one that may dial nobody.
    fn may_dial(&self, leg: &Leg) -> Result<bool, Answer> {
        let call = self.calls.get(&leg.call);
        if leg.is_inbound() {
            return Ok(call.is_some_and(|call| call.caller.is_user));
        }
        if self.settings.users.contains(&leg.info.callee) {
            return Ok(true);
        }
        // Whoever was called by an address is a stranger, unless it is that of a peer.
        let peer = leg.flow.and_then(|flow| self.settings.peer_at(flow.remote.ip()));
        peer.map(|_| false).ok_or(Answer::status(403))
    }

    fn report_to(&mut self, by: LegId, session: SessionId, request: &Message) -> Option<Report> {
        let leg = self.legs.get_mut(&by)?;
        leg.refers += 1;
        let is_first = leg.refers == 1;
        if request.text(&refer_sub()).is_some_and(|value| value.trim().eq_ignore_ascii_case("false")) {
            return None;
        }
        let cseq = request.cseq().ok().map(|(number, _)| number);
        Some(Report { session, id: cseq.filter(|_| !is_first) })
    }

    /// NOTIFY with the start line of the response that the new call has had (RFC 3515 2.4.5).
    pub(crate) fn report(&mut self, report: Option<&Report>, status: u16) {
        let Some(report) = report else { return };
        let id = report.id.map(|id| format!(";id={id}")).unwrap_or_default();
        let state = match status {
            ..200 => format!("active;expires={SUBSCRIPTION}"),
            _ => "terminated;reason=noresource".to_owned(),
        };
        let headers = vec![(Name::Event, format!("refer{id}")), (Name::SubscriptionState, state)];
        let reason = jackfield_sip::reason_phrase(status);
        let body = format!("SIP/2.0 {status} {reason}\r\n");
        let body = Some(("message/sipfrag;version=2.0".to_owned(), body.into()));
        // A transferor that has hung up is not told.
        let _ = self.endpoint.session_request(self.now, report.session, Method::Notify, headers, body);
    }

    pub(crate) fn report_failure(&mut self, report: Option<&Report>, info: HangupInfo) {
        self.report(report, info.status());
    }
}

/// RFC 4488: `false` when nobody is to be told.
fn refer_sub() -> Name {
    Name::from("Refer-Sub")
}

/// The one target of a REFER (RFC 3515 2.4.2).
fn refer_to(request: &Message) -> Option<NameAddr> {
    let mut targets = request.values(&Name::ReferTo);
    let target = targets.next().filter(|_| targets.next().is_none())?;
    NameAddr::parse(&target).ok()
}

/// The dialog that the target is to replace, written as a header in its URI (RFC 3261 19.1.1).
fn replaces_in(uri: &Uri) -> Result<Option<Replaces>, ()> {
    let headers = uri.headers().split('&').filter_map(|header| header.split_once('='));
    let mut found = headers.filter(|(name, _)| name.eq_ignore_ascii_case("Replaces"));
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some((_, value)), None) => Replaces::parse(&percent_decoded(value)).map(Some).map_err(|_| ()),
        _ => Err(()),
    }
}
