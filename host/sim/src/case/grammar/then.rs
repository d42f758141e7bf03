//! What is expected of the exchange, and what its operator does.

use super::{Forms, Piece, Piece::Text, Piece::Word, is_number, listed, nobody, pieces, time, unfit};
use crate::case::{
    mistake::Fault,
    script::{ContactIs, Operator, Then},
    token::Token,
};

pub(super) const FORMS: Forms = &[
    "rings alice",
    "rings alice and bob",
    "rings nobody",
    "waits 5 s",
    "result accueil is 1",
    "value visits is 3",
    "value visits is not set",
    "logs \"the caller chose\"",
    "reports \"trapped\"",
    "records \"Bonjour\"",
    "contact 101 is open",
    "contact 101 is finished with answered",
    "contact 101 was called 3 times",
    "all calls end",
];

pub(super) const OPERATOR: Forms = &[
    "starts prospection with 101 \"Alice\" and 102 \"Bob\"",
    "pauses prospection",
    "resumes prospection",
    "sends refresh",
    "sends call \"alice 0612345678\"",
    "waits 5 s",
];

pub(in crate::case) fn then(tokens: &[Token<'_>], names: &[&str]) -> Result<Then, Fault> {
    let pieces = pieces(tokens);
    let unfit = || unfit("then", tokens, FORMS);
    Ok(match &pieces[..] {
        [Word("rings"), Word("nobody")] => Then::RingsNobody,
        [Word("rings"), rest @ ..] => {
            let all = listed(rest).ok_or_else(unfit)?;
            if let Some(name) = all.iter().find(|name| !names.contains(name)) {
                return Err(nobody(tokens, name, names));
            }
            Then::Rings(all.into_iter().map(str::to_owned).collect())
        }
        [Word("waits"), rest @ ..] => Then::Wait(time(rest).ok_or_else(unfit)?),
        [Word("result"), name, Word("is"), value] => {
            Then::Result { name: name.value().to_owned(), value: value.value().to_owned() }
        }
        [Word("value"), key, Word("is"), Word("not"), Word("set")] => {
            Then::Value { key: key.value().to_owned(), value: None }
        }
        [Word("value"), key, Word("is"), value] => {
            Then::Value { key: key.value().to_owned(), value: Some(value.value().to_owned()) }
        }
        [Word("logs"), Text(text)] => Then::Logs((*text).to_owned()),
        [Word("reports"), Text(text)] => Then::Reports((*text).to_owned()),
        [Word("records"), Text(text)] => Then::Records((*text).to_owned()),
        [Word("contact"), Word(number), rest @ ..] => {
            Then::Contact { number: (*number).to_owned(), is: contact(rest).ok_or_else(unfit)? }
        }
        [Word("all"), Word("calls"), Word("end")] => Then::AllCallsEnd,
        _ => return Err(unfit()),
    })
}

fn contact(pieces: &[Piece<'_>]) -> Option<ContactIs> {
    match pieces {
        [Word("is"), Word("open")] => Some(ContactIs::Open),
        [Word("is"), Word("finished"), Word("with"), outcome] => {
            Some(ContactIs::Finished(outcome.value().to_owned()))
        }
        [Word("was"), Word("called"), Word(count), Word("time" | "times")] => {
            count.parse().ok().map(ContactIs::Called)
        }
        _ => None,
    }
}

pub(in crate::case) fn operator(tokens: &[Token<'_>]) -> Result<Operator, Fault> {
    let pieces = pieces(tokens);
    let unfit = || unfit("operator", tokens, OPERATOR);
    Ok(match &pieces[..] {
        [Word("starts"), Word(campaign), Word("with"), rest @ ..] => {
            let contacts = rest.split(|piece| *piece == Word("and")).map(listed_contact);
            let contacts: Option<Vec<_>> = contacts.collect();
            Operator::Starts { campaign: (*campaign).to_owned(), contacts: contacts.ok_or_else(unfit)? }
        }
        [Word("pauses"), Word(campaign)] => Operator::Pauses((*campaign).to_owned()),
        [Word("resumes"), Word(campaign)] => Operator::Resumes((*campaign).to_owned()),
        [Word("sends"), Word(topic)] => Operator::Sends { topic: (*topic).to_owned(), body: String::new() },
        [Word("sends"), Word(topic), Text(body)] => {
            Operator::Sends { topic: (*topic).to_owned(), body: (*body).to_owned() }
        }
        [Word("waits"), rest @ ..] => Operator::Wait(time(rest).ok_or_else(unfit)?),
        _ => return Err(unfit()),
    })
}

/// Number and name; the name may be missing.
fn listed_contact(pieces: &[Piece<'_>]) -> Option<(String, String)> {
    match pieces {
        [Word(number)] if is_number(number) => Some(((*number).to_owned(), String::new())),
        [Word(number), Text(name)] if is_number(number) => Some(((*number).to_owned(), (*name).to_owned())),
        _ => None,
    }
}
