//! TLS from outside: nothing older than 1.2, and a certificate that is replaced while a call is up.

use std::{fs, path::Path, process::Command};

use jackfield_tests::{
    Exchange, Site,
    audio::RATE,
    await_until,
    baresip::{Baresip, Over},
    exchange::USERS,
    netns,
    process::{Said, run},
};
use toml_edit::value;

const TONES: [f32; 2] = [1000.0, 1300.0];

/// A file of the site that the operator's file names.
const CERTIFICATE: &str = "server.pem";
const KEY: &str = "server.key";

/// The site's own authority; the phones trust the file where the exchange's own would lie.
fn make_authority(site: &Site) {
    let folder = site.beside("var/tls");
    fs::create_dir_all(&folder).unwrap();
    let subject = ["-days", "2", "-subj", "/CN=Authority", "-keyout", "ca.key", "-out", "ca.pem"];
    openssl(&folder, &["req", "-x509"], &[NEW_KEY, &subject].concat());
}

const NEW_KEY: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/// Puts a new certificate with that serial number, and its new key, in the place of what was there.
fn renew(site: &Site, serial: &str) {
    let folder = site.folder();
    let name = format!("subjectAltName=IP:{}", netns::ADDRESS);
    let subject = ["-subj", "/CN=exchange", "-addext", &name, "-keyout", "new.key", "-out", "new.csr"];
    openssl(folder, &["req"], &[NEW_KEY, &subject].concat());
    let signed = ["-CA", "var/tls/ca.pem", "-CAkey", "var/tls/ca.key", "-set_serial", serial, "-days", "2"];
    let files = ["-in", "new.csr", "-copy_extensions", "copy", "-out", "new.pem"];
    openssl(folder, &["x509", "-req"], &[signed.as_slice(), &files].concat());
    fs::rename(folder.join("new.pem"), folder.join(CERTIFICATE)).unwrap();
    fs::rename(folder.join("new.key"), folder.join(KEY)).unwrap();
}

fn openssl(folder: &Path, command: &[&str], arguments: &[&str]) {
    run(Command::new("openssl").args(command).args(arguments).current_dir(folder), b"").expect_good();
}

/// A handshake of that version only.
fn handshake(exchange: &Exchange, version: &str) -> Said {
    let mut client = Command::new("openssl");
    client.args(["s_client", "-connect", &exchange.site().tls().to_string(), version]);
    // Of itself, the client is too strict to try the old ones.
    client.args(["-cipher", "DEFAULT:@SECLEVEL=0"]);
    run(&mut client, b"")
}

/// The serial number that a new handshake shows, in hexadecimal.
fn serial(exchange: &Exchange) -> String {
    let shown = handshake(exchange, "-tls1_3").expect_good();
    let mut reader = Command::new("openssl");
    let serial = run(reader.args(["x509", "-noout", "-serial"]), shown.as_bytes()).expect_good();
    serial.trim().trim_start_matches("serial=").to_owned()
}

#[test]
fn nothing_older_than_tls_1_2_is_spoken() {
    let exchange = Exchange::start("");
    for version in ["-tls1_2", "-tls1_3"] {
        let said = handshake(&exchange, version).expect_good();
        assert!(said.contains("BEGIN CERTIFICATE"), "{version}:\n{said}");
    }
    for version in ["-tls1", "-tls1_1"] {
        let said = handshake(&exchange, version).expect_bad();
        // The exchange says that it will not; it is not that the client could not ask.
        assert!(said.contains("SSL alert number"), "{version}:\n{said}");
    }
}

#[test]
fn a_certificate_is_replaced_during_a_call_and_a_broken_one_is_not_taken() {
    if !netns::inside("certificates::a_certificate_is_replaced_during_a_call_and_a_broken_one_is_not_taken") {
        return;
    }
    let site = Site::at(netns::ADDRESS.parse().unwrap(), "[routes]\n\"10X\" = { user = \"*\" }\n");
    make_authority(&site);
    renew(&site, "0x1001");
    site.edit(|document| {
        document["listen"]["certificate"] = value(CERTIFICATE);
        document["listen"]["key"] = value(KEY);
    });
    let exchange = site.start();
    assert_eq!(serial(&exchange), "1001");
    let phones =
        [0, 1].map(|index| Baresip::start(&exchange, USERS[index].0, Over::Tls, TONES[index], index as u16));
    let talk = |call: usize, seconds: f32| {
        phones[0].await_tone(call, TONES[1], seconds);
        phones[1].await_tone(call, TONES[0], seconds);
    };
    phones[0].dial(USERS[1].1);
    talk(0, 1.0);

    renew(exchange.site(), "0x2002");
    await_until("the new certificate", || (serial(&exchange) == "2002").then_some(()));
    // What was heard until then, and a second more.
    let heard = |phone: &Baresip| phone.heard().concat().len() as f32 / RATE as f32;
    talk(0, heard(&phones[0]) + 1.0);

    let site = exchange.site();
    let good = fs::read(site.beside(CERTIFICATE)).unwrap();
    site.write(CERTIFICATE, &good[..good.len() / 2]);
    await_count(&exchange, KEPT, 1);
    assert_eq!(serial(&exchange), "2002");
    site.write(CERTIFICATE, &good);
    await_count(&exchange, TAKEN, 2);
    // A key that does not fit is no better.
    let curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-out", KEY];
    openssl(site.folder(), &["genpkey"], &curve);
    await_count(&exchange, KEPT, 2);
    assert_eq!(serial(&exchange), "2002");

    // Still the same call.
    talk(0, heard(&phones[0]) + 1.0);
    assert_eq!(phones.each_ref().map(Baresip::ended), [0, 0]);
    phones[1].hang_up();
    exchange.await_calls(0);
    // And the connections with which the phones registered.
    phones[1].dial(USERS[0].1);
    talk(1, 1.0);
    phones[1].hang_up();
    exchange.await_calls(0);
}

const TAKEN: &str = "new connections get the new certificate";
const KEPT: &str = "the certificate stays as it was";

#[track_caller]
fn await_count(exchange: &Exchange, line: &str, count: usize) {
    await_until(&format!("{line}, {count} times"), || {
        (exchange.log().matches(line).count() == count).then_some(())
    });
}
