//! Campaigns as they go, with a clock of our own.

use jackfield_switch::{Cause, HangupInfo};

use super::*;
use crate::store::Store;

const PLUGIN: &str = "campaign";

struct House {
    _folder: tempfile::TempDir,
    store: Store,
}

impl House {
    async fn new(numbers: &[&str]) -> House {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.db")).await.unwrap();
        let house = House { _folder: folder, store };
        house.import(numbers, false).await.unwrap();
        house
    }

    async fn import(&self, numbers: &[&str], add: bool) -> Result<Imported, String> {
        let contact = |(index, number): (usize, &&str)| NewContact {
            line: index as u64 + 2,
            number: (*number).to_owned(),
            name: format!("Contact {index}"),
            fields: vec![
                ("NAME".to_owned(), format!("Contact {index}")),
                ("VILLE".to_owned(), "Marseille".to_owned()),
            ],
        };
        let contacts = numbers.iter().enumerate().map(contact).collect();
        let (campaign, plugin, file) = ("spring".to_owned(), PLUGIN.to_owned(), "contact.csv".to_owned());
        let import = Import { campaign, plugin, file, contacts, add };
        self.store.import_contacts(&import, 1000).await.map_err(|error| error.to_string())
    }

    async fn due(&self, now: u64) -> Vec<jackfield_plugin::Contact> {
        self.store.contacts_due(PLUGIN, "spring", now, 100).await.unwrap()
    }

    async fn next_due(&self) -> Option<u64> {
        self.store.contacts_next_due(PLUGIN, "spring").await.unwrap()
    }

    async fn start(&self, launch: u64, contact: u64, at: u64) -> Result<(), String> {
        let mut connection = self.store.writes.acquire().await.unwrap();
        started(&mut connection, launch, PLUGIN, Some(contact), "9101", at).await
    }

    async fn end(&self, launch: u64, answered_at: Option<u64>, cause: Cause) {
        let mut connection = self.store.writes.acquire().await.unwrap();
        let info = HangupInfo { cause, code: 486, by_peer: true };
        let results = vec![("digit".to_owned(), "1".to_owned())];
        ended(&mut connection, launch, answered_at, 9000, info, &results).await.unwrap();
    }

    async fn status(&self) -> Status {
        self.store.campaigns().await.unwrap().remove(0)
    }
}

#[tokio::test]
async fn a_contact_is_due_called_tried_again_and_finished() {
    let house = House::new(&["101", "102"]).await;
    assert!(house.due(999).await.is_empty());
    let due = house.due(1000).await;
    assert_eq!(due.iter().map(|contact| contact.number.as_str()).collect::<Vec<_>>(), ["101", "102"]);
    assert_eq!(due[0].fields[1], ("VILLE".to_owned(), "Marseille".to_owned()));
    let id = due[0].id;

    house.start(1, id, 2000).await.unwrap();
    assert_eq!(house.due(5000).await.len(), 1, "who is being called is not due");
    house.end(1, None, Cause::Busy).await;
    let again = house.due(5000).await.remove(0);
    assert_eq!((again.id, again.attempts, again.last_start), (id, 1, Some(2000)));
    assert_eq!(again.last, Some(HangupInfo { cause: Cause::Busy, code: 486, by_peer: true }));

    house.store.postpone_contact(PLUGIN, id, 62_000).await.unwrap();
    assert_eq!(house.due(61_999).await.len(), 1);
    assert_eq!(house.due(62_000).await.len(), 2);

    house.store.finish_contact(PLUGIN, id, "busy").await.unwrap();
    assert_eq!(house.due(99_999).await.len(), 1);
    let refused = house.start(2, id, 70_000).await.unwrap_err();
    assert_eq!(refused, format!("contact {id} is finished, paused, or not of a campaign of campaign"));
}

#[tokio::test]
async fn the_next_due_is_none_when_nobody_is_left() {
    let house = House::new(&["101", "102"]).await;
    let due = house.due(1000).await;
    assert_eq!(house.next_due().await, Some(1000));
    house.store.postpone_contact(PLUGIN, due[0].id, 5000).await.unwrap();
    house.store.finish_contact(PLUGIN, due[1].id, "answered").await.unwrap();
    assert_eq!(house.next_due().await, Some(5000));
    house.store.finish_contact(PLUGIN, due[0].id, "no-answer").await.unwrap();
    assert_eq!(house.next_due().await, None);
    assert_eq!(house.store.contacts_next_due(PLUGIN, "autumn").await.unwrap(), None);
}

#[tokio::test]
async fn nobody_is_called_twice_at_the_same_time() {
    let house = House::new(&["101"]).await;
    let id = house.due(1000).await[0].id;
    house.start(1, id, 2000).await.unwrap();
    assert_eq!(house.start(2, id, 2000).await.unwrap_err(), format!("contact {id} is being called already"));
}

#[tokio::test]
async fn a_number_twice_is_flagged_and_called_once() {
    let house = House::new(&["101", "102"]).await;
    assert!(house.import(&["103"], false).await.unwrap_err().contains("--add"));
    let imported = house.import(&["103", "101", "103"], true).await.unwrap();
    assert_eq!(imported.added, 1);
    assert_eq!(imported.duplicates, [(3, "101".to_owned(), 0), (4, "103".to_owned(), 2)]);
    assert_eq!(house.due(1000).await.len(), 3);
    assert_eq!(house.status().await.outcomes[DUPLICATE], 2);
}

#[tokio::test]
async fn a_paused_campaign_calls_nobody() {
    let house = House::new(&["101"]).await;
    let id = house.due(1000).await[0].id;
    assert_eq!(house.store.pause_campaign("spring", true).await.unwrap(), PLUGIN);
    assert!(house.due(1000).await.is_empty());
    assert_eq!(house.next_due().await, None);
    assert!(house.start(1, id, 1000).await.is_err());
    house.store.pause_campaign("spring", false).await.unwrap();
    assert_eq!(house.due(1000).await.len(), 1);
    let error = house.store.pause_campaign("autumn", true).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no campaign autumn");
}

#[tokio::test]
async fn contacts_of_another_plugin_are_out_of_reach() {
    let house = House::new(&["101"]).await;
    let id = house.due(1000).await[0].id;
    assert!(house.store.contacts_due("thief", "spring", 1000, 10).await.unwrap().is_empty());
    assert!(house.store.finish_contact("thief", id, "mine").await.is_err());
    assert!(house.store.postpone_contact("thief", id, 5).await.is_err());
    let mut connection = house.store.writes.acquire().await.unwrap();
    assert!(started(&mut connection, 1, "thief", Some(id), "9101", 1).await.is_err());
}

#[tokio::test]
async fn what_a_killed_daemon_left_open_is_interrupted_and_counts() {
    let house = House::new(&["101", "102"]).await;
    let id = house.due(1000).await[0].id;
    house.start(1, id, 2000).await.unwrap();
    // The daemon is killed and starts again: launches are numbered anew.
    assert_eq!(house.store.close_open_attempts(3000).await.unwrap(), 1);
    let contact = house.due(3000).await.into_iter().find(|contact| contact.id == id).unwrap();
    assert_eq!(contact.attempts, 1);
    assert_eq!(contact.last.unwrap().cause, Cause::Interrupted);
    house.start(1, id, 4000).await.unwrap();
    house.end(1, Some(5000), Cause::Normal).await;
    let history = house.store.campaign_history("spring").await.unwrap().remove(0);
    let causes: Vec<&str> = history.attempts.iter().map(|attempt| attempt.cause.as_str()).collect();
    assert_eq!(causes, [INTERRUPTED, "normal"]);
    assert_eq!(history.attempts[1].answered_at, Some(5000));
    assert_eq!(history.attempts[1].results, [("digit".to_owned(), "1".to_owned())]);
}

#[tokio::test]
async fn the_status_counts_every_contact_once() {
    let house = House::new(&["101", "102", "103", "103"]).await;
    let due = house.due(1000).await;
    house.start(1, due[0].id, 2000).await.unwrap();
    house.end(1, Some(3000), Cause::Normal).await;
    house.store.finish_contact(PLUGIN, due[0].id, "answered").await.unwrap();
    house.start(2, due[1].id, 2000).await.unwrap();
    let status = house.status().await;
    assert_eq!((status.contacts, status.waiting, status.calling), (4, 1, 1));
    assert_eq!((status.attempts, status.answered, status.next_due), (2, 1, Some(1000)));
    assert_eq!(status.outcomes["answered"], 1);
    assert_eq!(status.outcomes[DUPLICATE], 1);
}
