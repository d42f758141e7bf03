//! A service hands its state from version to version, and a campaign goes on.

use std::{fs, thread, time::Duration};

use jackfield_tests::{Phone, Site, await_within, files};
use toml_edit::value;

use super::rename_over;

const VERSIONS: u32 = 10;

#[test]
fn a_service_hands_its_state_on_through_ten_versions() {
    let site = Site::new("");
    let folder = site.beside("guests/fickle");
    fs::create_dir_all(&folder).unwrap();
    let wasm = files::guest("fickle");
    fs::write(folder.join("fickle.wasm"), &wasm).unwrap();
    let manifest = "[plugin]\nname = \"fickle\"\nversion = \"1.0.0\"\nwit = \"0.1.0\"\ncomponent = \"fickle.wasm\"\n\
                    kind = [\"service\"]\n";
    fs::write(folder.join("plugin.toml"), manifest).unwrap();
    site.edit(|config| config["plugins"]["fickle"]["path"] = value("guests/fickle"));
    let exchange = site.start();
    exchange.await_log(&["fickle", "start 1"]);
    for number in 1..=VERSIONS {
        let live = exchange.plugin("fickle");
        rename_over(&folder.join("fickle.wasm"), files::other_wasm(&wasm, number));
        exchange.await_version_after(&live);
        exchange.await_log(&["fickle", &format!("start {}", number + 1)]);
    }
}

#[test]
fn a_campaign_calls_everybody_once_while_its_version_changes_ten_times() {
    let site = Site::example("la-plateforme");
    let wasm = site.beside("plugins/campaign/campaign.wasm");
    let csv = site.write("contacts.csv", "NAME,NUMBER\nAlice,101\nBob,102\nMalcom,103\n");
    let exchange = site.start();
    let phones = ["alice", "bob", "malcom"].map(|user| Phone::registered(&exchange, user));
    let answering: Vec<_> = phones
        .into_iter()
        .map(|phone| {
            thread::spawn(move || {
                let mut call = phone.incoming_within(Duration::from_secs(60)).expect("a call").answer();
                thread::sleep(Duration::from_secs(2));
                call.hang_up();
                phone.incoming_within(Duration::from_secs(5)).is_some()
            })
        })
        .collect();

    exchange.operator(&["campaign", "start", "prospection", &csv.display().to_string()]);
    let first = fs::read(&wasm).unwrap();
    for number in 1..=VERSIONS {
        let live = exchange.plugin("campaign");
        rename_over(&wasm, files::other_wasm(&first, number));
        exchange.await_version_after(&live);
    }
    for phone in answering {
        assert!(!phone.join().unwrap(), "called twice");
    }
    await_within(Duration::from_secs(60), "the end of the campaign", || {
        let status = exchange.operator(&["campaign", "status", "prospection"]);
        status.contains("done").then_some(())
    });

    // What the versions have counted together, the last one says.
    let live = exchange.plugin("campaign");
    rename_over(&wasm, &first);
    exchange.await_version_after(&live);
    exchange.await_log(&["stops: ", "launched=\"3\""]);
    assert!(!exchange.log().contains("is started again"));
}
