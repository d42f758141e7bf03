//! A plugin in one signed file: the real `minisign` and the real `tar` read what we write, and an exchange that wants
//! signatures runs nothing else.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use jackfield_tests::{
    Exchange, Phone, Site,
    process::{Said, run},
    rtp::Voice,
};
use toml_edit::{Array, value};

use crate::guests::{add_guest, route};

const PASSWORD: &[u8] = b"correct horse\ncorrect horse\n";

/// A folder in which a plugin was packed, with the keys of its author.
struct Workshop<'a> {
    site: &'a Site,
}

impl Workshop<'_> {
    fn path(&self, name: &str) -> String {
        self.site.folder().join(name).display().to_string()
    }

    fn minisign(&self, arguments: &[&str], input: &[u8]) -> Said {
        run(Command::new("minisign").args(arguments).current_dir(self.site.folder()), input)
    }

    /// A pair of keys, made by `minisign`; the public one.
    fn keys(&self, name: &str) -> String {
        let (public, secret) = (format!("{name}.pub"), format!("{name}.key"));
        self.minisign(&["-G", "-W", "-p", &public, "-s", &secret], b"").expect_good();
        let text = fs::read_to_string(self.path(&public)).unwrap();
        text.lines().last().unwrap().to_owned()
    }

    /// A guest of the tests, packed as `NAME.jfp`.
    fn pack(&self, guest: &str, name: &str, rest: &str) -> PathBuf {
        add_guest(self.site, guest, rest);
        let (folder, file) = (self.path(&format!("guests/{guest}")), self.path(&format!("{name}.jfp")));
        self.site.jackfield(&["plugin", "pack", &folder, "--out", &file]).expect_good();
        PathBuf::from(file)
    }

    fn sign(&self, file: &Path, key: &str) {
        let key = self.path(&format!("{key}.key"));
        let file = file.display().to_string();
        self.site.jackfield(&["plugin", "sign", &file, "--key", &key]).expect_good();
    }

    fn verify(&self, file: &Path, key: &str) -> Said {
        let file = file.display().to_string();
        self.site.jackfield(&["plugin", "verify", &file, "--key", key])
    }
}

/// One byte of a file is another one.
fn tamper(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn minisign_and_tar_read_what_we_write_and_we_what_minisign_writes() {
    let site = Site::new("");
    let shop = Workshop { site: &site };
    let public = shop.keys("author");
    let bundle = shop.pack("keypad", "keypad", "");
    let again = shop.pack("keypad", "again", "");
    assert_eq!(fs::read(&bundle).unwrap(), fs::read(&again).unwrap(), "equal contents, equal bytes");
    let listed = run(Command::new("tar").arg("tf").arg(&bundle), b"").expect_good();
    assert_eq!(listed.lines().collect::<Vec<_>>(), ["keypad.wasm", "plugin.toml"]);

    shop.sign(&bundle, "author");
    let said = shop.minisign(&["-V", "-p", "author.pub", "-m", "keypad.jfp"], b"").expect_good();
    assert!(said.contains("Trusted comment: keypad 1.2.3"), "{said}");
    assert!(shop.verify(&bundle, &public).expect_good().contains("keypad 1.2.3"));
    let shown = site.jackfield(&["plugin", "show", &bundle.display().to_string()]).expect_good();
    assert!(shown.contains("keypad 1.2.3: app") && shown.contains("path = "), "{shown}");

    shop.minisign(&["-S", "-s", "author.key", "-m", "again.jfp", "-t", "by minisign"], b"").expect_good();
    assert!(shop.verify(&again, &shop.path("author.pub")).expect_good().contains("by minisign"));
    let stranger = shop.keys("stranger");
    assert!(shop.verify(&again, &stranger).expect_bad().contains("none of [signatures] trusted-keys"));

    tamper(&bundle);
    shop.minisign(&["-V", "-p", "author.pub", "-m", "keypad.jfp"], b"").expect_bad();
    assert!(shop.verify(&bundle, &public).expect_bad().contains("is not what was signed"));
}

/// Its scrypt takes a second and 1 GiB of memory.
#[test]
fn a_key_of_minisign_with_a_password_signs() {
    let site = Site::new("");
    let shop = Workshop { site: &site };
    shop.minisign(&["-G", "-p", "locked.pub", "-s", "locked.key"], PASSWORD).expect_good();
    let bundle = shop.pack("keypad", "keypad", "").display().to_string();
    let key = shop.path("locked.key");
    let arguments = ["plugin", "sign", &bundle, "--key", &key, "--password-stdin"];
    let wrong = site.jackfield_with(&arguments, b"battery staple\n").expect_bad();
    assert!(wrong.contains("locked.key: the password is wrong"), "{wrong}");
    site.jackfield_with(&arguments, b"correct horse\n").expect_good();
    shop.minisign(&["-V", "-p", "locked.pub", "-m", "keypad.jfp"], b"").expect_good();
}

/// The plugin asks for keys and logs them.
fn assert_serves(exchange: &Exchange, phone: &Phone) {
    let before = exchange.log().matches("pressed 123456789012").count();
    let mut call = phone.call("700");
    call.audio.say(Voice::Silence);
    "123456789012".chars().for_each(|key| {
        call.audio.press(key);
    });
    jackfield_tests::await_until("its keys", || {
        (exchange.log().matches("pressed 123456789012").count() > before).then_some(())
    });
    call.hang_up();
}

#[test]
fn an_exchange_that_wants_signatures_runs_nothing_else_and_says_why() {
    let site = Site::new("[routes]\n");
    let shop = Workshop { site: &site };
    let (author, _) = (shop.keys("author"), shop.keys("stranger"));
    let bundle = shop.pack("keypad", "menu", "");
    site.edit(|config| {
        route(config, "700", "keypad", "menu.jfp");
        config["signatures"]["trusted-keys"] = value(Array::from_iter([author]));
        config["signatures"]["required"] = value(true);
    });
    let check = |words: &str| {
        let said = site.jackfield(&["check"]).expect_bad();
        assert!(said.contains(words), "{words} in {said}");
    };
    check("menu.jfp: it is not signed");
    shop.sign(&bundle, "stranger");
    check("none of [signatures] trusted-keys");
    shop.sign(&bundle, "author");
    assert!(site.jackfield(&["check"]).expect_good().contains("good"));
    site.edit(|config| config["plugins"]["keypad"]["path"] = value("guests/keypad"));
    check("a folder is not signed");
    site.edit(|config| config["plugins"]["keypad"]["path"] = value("menu.jfp"));

    let exchange = site.start();
    let alice = Phone::registered(&exchange, "alice");
    assert_serves(&exchange, &alice);
    let first = exchange.plugin("keypad");

    // While it runs: a changed bundle, a cut one and an unsigned one change nothing.
    let good = fs::read(&bundle).unwrap();
    tamper(&bundle);
    exchange.await_refusal("keypad", &["menu.jfp.minisig", "is not what was signed"]);
    fs::write(&bundle, &good[..good.len() / 2]).unwrap();
    exchange.await_refusal("keypad", &["is not what was signed"]);
    let signature = bundle.with_extension("jfp.minisig");
    fs::remove_file(&signature).unwrap();
    exchange.await_refusal("keypad", &["menu.jfp: it is not signed"]);
    assert_eq!(exchange.plugin("keypad").sha256, first.sha256);
    assert_serves(&exchange, &alice);

    // A new version, signed by the author, goes live.
    let shop = Workshop { site: exchange.site() };
    let next = shop.pack("keypad", "next", "[config]\nnew = true\n");
    shop.sign(&next, "author");
    fs::rename(next.with_extension("jfp.minisig"), &signature).unwrap();
    fs::rename(&next, &bundle).unwrap();
    let second = exchange.await_version_after(&first);
    assert_eq!(second.refused, "");
    assert_serves(&exchange, &alice);

    // Whose key is taken out is refused; what is live stays so.
    let stranger = fs::read_to_string(shop.path("stranger.pub")).unwrap();
    exchange.site().edit(|config| {
        let stranger = stranger.lines().last().unwrap();
        config["signatures"]["trusted-keys"] = value(Array::from_iter([stranger]));
    });
    exchange.await_refusal("keypad", &["none of [signatures] trusted-keys"]);
    assert_serves(&exchange, &alice);
}

#[test]
fn a_key_that_is_none_is_refused_with_its_place() {
    let site = Site::new("");
    site.edit(|config| {
        config["signatures"]["required"] = value(true);
        config["signatures"]["trusted-keys"] = value(Array::from_iter(["RWnonsense"]));
    });
    let said = site.jackfield(&["check"]).expect_bad();
    assert!(said.contains("no public key of minisign") && said.contains("jackfield.toml:"), "{said}");
    site.edit(|config| drop(config["signatures"].as_table_like_mut().unwrap().remove("trusted-keys")));
    let said = site.jackfield(&["check"]).expect_bad();
    assert!(said.contains("nobody is trusted"), "{said}");
}
