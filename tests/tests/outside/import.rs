//! Asterisk's files become an exchange: imported, checked, started and called.

use std::{fs, path::Path, time::Duration};

use jackfield_tests::{Phone, Site, exchange::password, files, speech::assert_spoken};

use crate::{
    calls::assert_talk,
    menu::{INVALID, PROMPTS, await_length, number_of},
};

const LIMIT: Duration = Duration::from_secs(10);

#[test]
fn the_seeds_dialplan_is_imported_and_its_menu_is_heard() {
    let (site, said) = Site::imported("seed");
    for place in ["extensions.conf:14: defect:", "extensions.conf:16: defect:", "appels.sh:25: defect:"] {
        assert!(said.contains(place), "{place}\n{said}");
    }
    let report = fs::read_to_string(site.beside("report.txt")).unwrap();
    assert!(said.starts_with(&report), "{report}");
    site.jackfield(&["check"]).expect_good();
    site.import_users();
    let cases = files::repository().join("tests/asterisk/seed.case").display().to_string();
    site.jackfield(&["test", "--plugin", "imported/plugins/ivr1", &cases]).expect_good();

    let exchange = site.start();
    let (alice, bob) = (Phone::registered(&exchange, "alice"), Phone::registered(&exchange, "bob"));
    let mut call = alice.call(&number_of(exchange.site(), "ivr1"));
    let mut sentences = PROMPTS.to_vec();
    await_length(&call, &sentences);
    call.audio.press('7');
    sentences.push(INVALID);
    sentences.extend(PROMPTS);
    await_length(&call, &sentences);
    assert_spoken(&call.audio.heard().samples(), &sentences, "fr");
    call.audio.press('2');
    let ringing = bob.incoming();
    ringing.ring();
    let mut there = ringing.answer();
    assert_talk(&call, &there);
    there.hang_up();
    call.await_end(LIMIT);
    exchange.await_calls(0);
}

#[test]
fn phones_log_in_with_the_passwords_of_pjsip_conf_which_no_file_shows() {
    let (site, said) = Site::imported("office");
    site.jackfield(&["check"]).expect_good();
    assert!(!said.contains(&password("alice")), "{said}");
    assert_nowhere(&site.beside("."), password("alice").as_bytes());

    let exchange = site.start();
    let (alice, malcom) = (Phone::registered(&exchange, "alice"), Phone::registered(&exchange, "malcom"));
    let dialing = malcom.dial("101");
    let mut there = alice.incoming().answer();
    let mut call = dialing.outcome(LIMIT).unwrap();
    assert_talk(&call, &there);
    there.hang_up();
    call.await_end(LIMIT);
}

#[test]
fn an_import_overwrites_nothing_and_wants_something_to_import() {
    let (site, _) = Site::imported("seed");
    let config = fs::read(site.config()).unwrap();
    let here = site.folder().display().to_string();
    let again = site.jackfield(&["import", "asterisk", &here, "--to", "imported"]).expect_bad();
    assert!(again.contains("imported is there already"), "{again}");
    assert_eq!(fs::read(site.config()).unwrap(), config);

    site.write("empty/notes.txt", "nothing");
    let empty = site.folder().join("empty").display().to_string();
    let nothing = site.jackfield(&["import", "asterisk", &empty, "--to", "other"]).expect_bad();
    assert!(nothing.contains("nothing in it can be imported"), "{nothing}");
    let nobody = site.jackfield(&["import", "asterisk", "gone", "--to", "other"]).expect_bad();
    assert!(nobody.contains("gone: there is no such folder"), "{nobody}");
    assert!(!site.folder().join("other").exists());
}

/// No file below that folder has those bytes in it.
#[track_caller]
fn assert_nowhere(folder: &Path, bytes: &[u8]) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_nowhere(&path, bytes);
        } else {
            let content = fs::read(&path).unwrap();
            assert!(!content.windows(bytes.len()).any(|window| window == bytes), "{}", path.display());
        }
    }
}
