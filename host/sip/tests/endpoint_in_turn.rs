//! Keys and news of a transfer reach the peer in their order: one request is out at a time.
#![allow(clippy::unwrap_used, reason = "tests")]

mod lone;
mod pair;

use jackfield_sip::{ClientId, Event, Failure, Message, Method, SessionId};
use lone::*;
use pair::LONG;

/// Asks for a request with that body.
fn send(lone: &mut Lone, session: SessionId, method: Method, body: &str) -> Option<ClientId> {
    let body = Some(("text/plain".to_owned(), body.to_owned().into()));
    lone.act(|end, now| end.session_request(now, session, method, vec![], body))
}

/// The bodies of the requests that left since the last look.
fn left(lone: &mut Lone) -> Vec<Message> {
    let out = std::mem::take(&mut lone.out);
    out.into_iter().map(|(_, message)| message).filter(|message| message.method().is_some()).collect()
}

fn bodies(requests: &[Message]) -> Vec<String> {
    requests.iter().map(|request| String::from_utf8(request.body().to_vec()).unwrap()).collect()
}

/// What was said of our requests.
fn outcomes(lone: &mut Lone) -> Vec<(ClientId, Result<u16, Failure>)> {
    let events = std::mem::take(&mut lone.events);
    let outcome = |event| match event {
        Event::Response { client, result } => Some((client, result.map(|answer| answer.status().unwrap()))),
        _ => None,
    };
    events.into_iter().filter_map(outcome).collect()
}

#[test]
fn one_is_out_at_a_time_and_all_come_in_their_order() {
    let mut lone = Lone::udp();
    let (session, _) = lone.talk();
    let methods = [Method::Notify, Method::Info, Method::Notify];
    let clients: Vec<_> = methods
        .into_iter()
        .zip(["1", "2", "3"])
        .map(|(method, body)| send(&mut lone, session, method, body).unwrap())
        .collect();
    let mut cseqs = Vec::new();
    for (client, body) in clients.iter().zip(["1", "2", "3"]) {
        let requests = left(&mut lone);
        assert_eq!(bodies(&requests), [body]);
        cseqs.push(requests[0].cseq().unwrap().0);
        lone.answer(&requests[0], 200, "");
        assert_eq!(outcomes(&mut lone), [(*client, Ok(200))]);
    }
    assert!(cseqs.is_sorted_by(|a, b| a < b), "{cseqs:?}");
    assert!(left(&mut lone).is_empty());
    assert_eq!(lone.endpoint.audit(), Vec::<String>::new());
}

#[test]
fn an_offer_does_not_wait_for_them() {
    let mut lone = Lone::udp();
    let (session, _) = lone.talk();
    send(&mut lone, session, Method::Info, "1").unwrap();
    send(&mut lone, session, Method::Info, "2").unwrap();
    lone.act(|end, now| end.session_request(now, session, Method::Invite, vec![], None).unwrap());
    let methods: Vec<_> = left(&mut lone).iter().filter_map(Message::method).collect();
    assert_eq!(methods, [Method::Info, Method::Invite]);
}

#[test]
fn one_that_is_refused_or_never_answered_makes_room_for_the_next() {
    let mut lone = Lone::udp();
    let (session, _) = lone.talk();
    let clients = ["1", "2", "3"].map(|body| send(&mut lone, session, Method::Info, body).unwrap());
    let first = left(&mut lone).remove(0);
    lone.answer(&first, 405, "");
    assert_eq!(bodies(&left(&mut lone)), ["2"]);
    lone.run_for(LONG);
    assert_eq!(bodies(&left(&mut lone)).last().unwrap(), "3");
    assert_eq!(outcomes(&mut lone), [(clients[0], Ok(405)), (clients[1], Err(Failure::Timeout))]);
}

#[test]
fn the_end_of_the_session_ends_those_that_wait() {
    let mut lone = Lone::udp();
    let (session, tag) = lone.talk();
    let clients = ["1", "2"].map(|body| send(&mut lone, session, Method::Info, body).unwrap());
    lone.receive(&request("BYE", 2, "bye", Some(&tag)));
    assert_eq!(outcomes(&mut lone), [(clients[1], Err(Failure::Ended))]);
    // The one that is out is told of when its transaction ends.
    lone.run_for(LONG);
    assert_eq!(outcomes(&mut lone), [(clients[0], Err(Failure::Timeout))]);

    let mut lone = Lone::udp();
    let (session, _) = lone.talk();
    send(&mut lone, session, Method::Info, "1").unwrap();
    let waiting = send(&mut lone, session, Method::Info, "2").unwrap();
    lone.act(|end, now| end.end(now, session, 0, None));
    assert_eq!(send(&mut lone, session, Method::Info, "3"), None, "nothing after our BYE");
    let requests = left(&mut lone);
    assert_eq!(requests.iter().filter_map(Message::method).collect::<Vec<_>>(), [Method::Info, Method::Bye]);
    lone.answer(&requests[1], 200, "");
    assert!(outcomes(&mut lone).contains(&(waiting, Err(Failure::Ended))));
}

#[test]
fn not_more_than_64_wait() {
    let mut lone = Lone::udp();
    let (session, _) = lone.talk();
    let sent = (0..70).filter(|_| send(&mut lone, session, Method::Info, "1").is_some()).count();
    assert_eq!(sent, 65, "one is out");
}

#[test]
fn byes_that_cross_are_both_answered() {
    let mut lone = Lone::udp();
    let (session, tag) = lone.talk();
    lone.act(|end, now| end.end(now, session, 0, None));
    lone.statuses();
    lone.receive(&request("BYE", 2, "bye", Some(&tag)));
    assert_eq!(lone.statuses(), [200]);
}
