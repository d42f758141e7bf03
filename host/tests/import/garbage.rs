//! Whatever stands in a folder, reading it never panics and comes to an end, and what is written of it is
//! accepted by the configuration and by the plugin.

use std::fs;

use jackfield_sim::World;
use proptest::{collection::vec, prelude::*, sample::select};

use crate::Imported;

/// Pieces that mean something, in any order.
const PIECES: &[&str] = &[
    "[",
    "]",
    "(",
    ")",
    "(!)",
    "(+)",
    "{",
    "}",
    "${",
    "$[",
    "=",
    "=>",
    ",",
    ";",
    ";--",
    "--;",
    "\\",
    "\"",
    "&",
    "/",
    "@",
    ":",
    "?",
    "_",
    "-",
    "*",
    "#",
    "\n",
    "\n[a]\n",
    "\n[b](a)\n",
    "\nexten => ",
    "\nsame => n,",
    "\n#include x\n",
    "\ntype=endpoint\n",
    "\ntype=auth\n",
    "\nauth=a\n",
    "\naors=b\n",
    "\npassword=x\n",
    "\nmatch=192.0.2.1\n",
    "\ntype=transport\nprotocol=tls\nbind=",
    "s,1,",
    "_X.,n(l),",
    "1,1,",
    "Dial(",
    "PJSIP/a",
    "Goto(",
    "WaitExten",
    "Channel: PJSIP/a\n",
    "Context: a\n",
    "MaxRetries: 9\n",
    "cat <<EOF\n",
    "\nEOF\n",
    "EXTEN:1",
    "DIALSTATUS",
    "é",
    "\u{0}",
    "9",
];

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![8 => select(PIECES).prop_map(str::to_owned), 1 => "\\PC{0,6}"];
    vec(piece, 0..120).prop_map(|pieces| pieces.concat())
}

const EXTENS: &[&str] =
    &["s", "1", "2", "t", "i", "h", "e", "_X", "_[2-46]", "[78#]", "101", "_1XX", "_9.", "*", "#"];
const PRIORITIES: &[&str] = &["1", "1", "1", "2", "n", "n", "n(l)", "3", "hint"];
const APPLICATIONS: &[&str] = &[
    "Answer()",
    "Flite(Hello.)",
    "Flite(Press one.,any)",
    "AGI(googletts.agi,\"Bonjour.\",fr,any)",
    "Background(x)",
    "Playback(y)",
    "WaitExten()",
    "WaitExten(3)",
    "Wait(1)",
    "Set(TIMEOUT(response)=5)",
    "Set(A=${A}x)",
    "Set(CHANNEL(language)=fr)",
    "Dial(PJSIP/alice,10)",
    "Dial(PJSIP/alice&PJSIP/bob)",
    "Dial(PJSIP/${EXTEN},20)",
    "Dial(PJSIP/0612345678@provider)",
    "Dial(Local/101@a,5)",
    "Goto(s,1)",
    "Goto(l)",
    "Goto(a,s,1)",
    "Goto(b,s,1)",
    "Goto(b,1,1)",
    "Goto(c,s,1)",
    "Goto(s-${DIALSTATUS},1)",
    "GotoIf($[\"${DIALSTATUS}\"=\"BUSY\"]?s,1:n)",
    "GotoIf(${X}?l)",
    "ExecIf(1?Hangup())",
    "Hangup()",
    "Busy()",
    "Voicemail(1)",
    "Nothing(1)",
    "SayDigits(42)",
];

fn dialplan() -> impl Strategy<Value = String> {
    let line = (select(EXTENS), select(PRIORITIES), select(APPLICATIONS))
        .prop_map(|(exten, priority, application)| format!("exten => {exten},{priority},{application}\n"));
    let same = select(APPLICATIONS).prop_map(|application| format!("same => n,{application}\n"));
    let head = select(&["[a]\n", "[b]\n", "include => a\n", "include => b\n"][..]).prop_map(str::to_owned);
    vec(prop_oneof![4 => line, 4 => same, 1 => head], 1..60)
        .prop_map(|lines| format!("[a]\n{}", lines.concat()))
}

const PHONES: &str = "[alice]\ntype=endpoint\ncontext=a\nauth=alice\naors=alice\n[alice]\ntype=auth\npassword=x\n\
                      [alice]\ntype=aor\n[provider]\ntype=endpoint\naors=provider\n[provider]\ntype=aor\n\
                      contact=sip:192.0.2.9\n";

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn garbage_is_read_and_what_is_written_is_a_configuration(
        extensions in text(), pjsip in text(), call in text(), script in text(), included in text()
    ) {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in
            [("extensions.conf", extensions), ("pjsip.conf", pjsip), ("c.call", call), ("s.sh", script), ("x", included)]
        {
            fs::write(folder.path().join(file), text).unwrap();
        }
        Imported::of(folder.path());
    }

    #[test]
    fn any_dialplan_becomes_menus_that_the_plugin_accepts(dialplan in dialplan()) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("extensions.conf"), &dialplan).unwrap();
        fs::write(folder.path().join("pjsip.conf"), PHONES).unwrap();
        let imported = Imported::of(folder.path());
        let world = World::new(imported.site());
        prop_assert!(world.is_ok(), "{}\n{dialplan}", world.err().map(|error| error.to_string()).unwrap_or_default());
    }
}
