//! A service that answers its apps, and hands its state on.

use crate::{
    Frozen, expect,
    exports::jackfield::plugin::service::Guest,
    jackfield::plugin::{
        bus, contacts, dialer,
        events::{self, Event},
        log,
        types::Error,
    },
};

impl Guest for Frozen {
    fn run(saved: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, Error> {
        let starts = saved.and_then(|saved| saved.first().copied()).unwrap_or_default() + 1;
        rights()?;
        log::log(log::Level::Info, &format!("the service has started {starts} times"), &[]);
        loop {
            match events::next(None) {
                Some(Event::Message(message)) => {
                    if let Some(question) = message.reply {
                        bus::reply(question, Ok(&message.body))?;
                    }
                }
                Some(Event::Stop(_)) => return Ok(Some(vec![starts])),
                Some(_) | None => {}
            }
        }
    }
}

/// It may launch nothing, and there are no contacts: each says so in its way.
fn rights() -> Result<(), Error> {
    let launched = dialer::launch(&dialer::LaunchOptions {
        target: "101".into(),
        app: "frozen".into(),
        args: vec![("a".into(), "b".into())],
        caller: None,
        caller_name: None,
        ring_timeout: 1000,
        contact: None,
    });
    expect(matches!(launched, Err(Error::Denied(_))), "it may launch nothing")?;
    expect(dialer::cancel(7).is_err() && dialer::slots().0 == 0, "nothing is under way")?;
    expect(contacts::due("none", 0, 10).map_or(true, |due| due.is_empty()), "nobody is due")?;
    expect(!matches!(contacts::next_due("none"), Ok(Some(_))), "nor later")?;
    expect(
        contacts::postpone(7, 0).is_err() && contacts::finish(7, "gone").is_err(),
        "there is no such contact",
    )
}
