//! Keeping sessions alive, and noticing that they are dead (RFC 4028).

use std::time::Duration;

use super::Endpoint;
use super::clients::Purpose;
use super::sessions::State;
use super::timers::Owner;
use super::types::{Answer, Event, ServerId, SessionEnd, SessionId};
use crate::Time;
use crate::message::{Message, Method, Name};
use crate::session_timer::{self as timer, MIN_SE, Refresher, SessionExpires};
use crate::transaction::timer::Timer;

/// How a session is kept alive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refresh {
    /// Seconds.
    interval: u32,
    is_ours: bool,
    /// The peer answers UPDATE, so that a refresh needs no offer.
    has_update: bool,
}

impl Endpoint {
    /// The headers with which a refreshing request of ours goes out.
    pub(super) fn refreshing_headers(&self, id: Option<SessionId>) -> Vec<(Name, String)> {
        let ours = self.config.session_expires;
        if ours == 0 {
            return Vec::new();
        }
        let refresh = id.and_then(|id| self.sessions.get(&id)).and_then(|session| session.refresh);
        let interval = refresh.map_or(ours, |refresh| refresh.interval);
        let refresher = refresh.map(|refresh| if refresh.is_ours { Refresher::Uac } else { Refresher::Uas });
        vec![(Name::SessionExpires, SessionExpires { interval, refresher }.to_string())]
    }

    /// 422 for a peer that wants to be heard of more often than is good (RFC 4028 8.1).
    pub(super) fn too_brief(request: &Message) -> Option<Answer> {
        let is_refresh = matches!(request.method(), Some(Method::Invite | Method::Update));
        let is_brief = SessionExpires::of(request).is_some_and(|asked| asked.interval < MIN_SE);
        // Who does not know timers does not know 422: its proxy asked, and gets a longer one.
        (is_refresh && is_brief && timer::is_supported(request))
            .then(|| Answer::status(422).header(Name::MinSe, MIN_SE.to_string()))
    }

    /// Adds what a 2xx to a refreshing request says of the timer, and starts it.
    pub(super) fn agree_refresh(
        &mut self,
        now: Time,
        id: SessionId,
        server: ServerId,
        answer: Answer,
    ) -> Answer {
        let Some(request) = self.servers.get(&server).and_then(|server| server.request.as_ref()) else {
            return answer;
        };
        let ours = self.config.session_expires;
        if ours == 0 || !matches!(request.method(), Some(Method::Invite | Method::Update)) {
            return answer;
        }
        let said = timer::answer(request, ours);
        let is_by_peer = said.is_some_and(|said| said.refresher == Some(Refresher::Uac));
        let has_update = self.knows_update(id, request);
        let interval = said.map_or(ours, |said| said.interval);
        self.keep_alive(now, id, Refresh { interval, is_ours: !is_by_peer, has_update });
        let Some(said) = said else { return answer };
        let answer = answer.header(Name::SessionExpires, said.to_string());
        if is_by_peer { answer.header(Name::Require, timer::TAG) } else { answer }
    }

    /// Takes what a 2xx says to our INVITE, re-INVITE or UPDATE. A peer that does not know timers is
    /// refreshed by us.
    pub(super) fn take_refresh(&mut self, now: Time, id: SessionId, response: &Message) {
        let ours = self.config.session_expires;
        let said = SessionExpires::of(response);
        if ours == 0 && said.is_none() {
            return;
        }
        let is_by_peer = said.is_some_and(|said| said.refresher == Some(Refresher::Uas));
        let has_update = self.knows_update(id, response);
        let interval = said.map_or(ours, |said| said.interval.max(MIN_SE));
        self.keep_alive(now, id, Refresh { interval, is_ours: !is_by_peer, has_update });
    }

    /// A message without Allow says nothing new.
    fn knows_update(&self, id: SessionId, message: &Message) -> bool {
        let known = self.sessions.get(&id).and_then(|session| session.refresh);
        match message.header(&Name::Allow) {
            Some(_) => message.values(&Name::Allow).any(|method| method == "UPDATE"),
            None => known.is_some_and(|refresh| refresh.has_update),
        }
    }

    fn keep_alive(&mut self, now: Time, id: SessionId, refresh: Refresh) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.refresh = Some(refresh);
        let interval = Duration::from_secs(refresh.interval.into());
        // RFC 4028 10: refreshed at half of it; given up a third, at most 32 s, before its end.
        let (timer, delay) = match refresh.is_ours {
            true => (Timer::Refresh, interval / 2),
            false => (Timer::Expired, interval - (interval / 3).min(Duration::from_secs(32))),
        };
        self.schedule.start_at(now + delay, timer, Owner::Session(id), &mut session.expiry);
    }

    /// It is time to refresh: by UPDATE where the peer knows it, else by the user's re-INVITE.
    pub(super) fn refresh(&mut self, now: Time, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(refresh) = session.refresh else { return };
        if session.state != State::Confirmed || session.ending.is_some() {
            return;
        }
        // The next one, should this one come to nothing.
        self.keep_alive(now, id, refresh);
        if !refresh.has_update {
            return self.tell(Event::RefreshDue { session: id });
        }
        let headers = self.refreshing_headers(Some(id));
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.is_cut {
            return self.finish(now, id, SessionEnd::Transport);
        }
        let Some(dialog) = session.dialogs.last_mut() else { return };
        let cseq = dialog.next_cseq();
        let (flow, head) = (session.flow, dialog.head(cseq, String::new()));
        let sent = self.sent(&flow, Method::Update, head, &headers, &None);
        self.open_client(now, &flow, sent, Purpose::Refresh(id));
    }

    /// A final response to our UPDATE. Whatever it says, somebody is there; but a dialog that is unknown
    /// there is over.
    pub(super) fn refresh_answered(&mut self, now: Time, id: SessionId, response: &Message) {
        match response.status() {
            Some(200..300) => {
                if let Some(dialog) =
                    self.sessions.get_mut(&id).and_then(|session| session.dialogs.last_mut())
                {
                    dialog.refresh_target(response);
                }
                self.take_refresh(now, id, response);
            }
            Some(408 | 481) => self.hang_up(now, id, SessionEnd::Rejected(response.clone())),
            Some(status) => self.refresh_refused(now, id, status, response),
            None => {}
        }
    }

    pub(super) fn refresh_refused(&mut self, now: Time, id: SessionId, status: u16, response: &Message) {
        let wait = self.glare_wait(id).max(Duration::from_secs(1));
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(refresh) = session.refresh.as_mut() else { return };
        match status {
            405 | 420 | 501 => refresh.has_update = false,
            422 => refresh.interval = refresh.interval.max(timer::min_se(response)),
            491 | 500 => {}
            _ => return,
        }
        self.schedule.start_at(now + wait, Timer::Refresh, Owner::Session(id), &mut session.expiry);
    }
}
