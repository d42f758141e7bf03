use std::fs;

use super::*;
use crate::import::asterisk::file::{self, Folder};

fn read(text: &str) -> (Dialplan, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("e"), text).unwrap();
    let mut report = Report::default();
    let sections = file::read(&Folder::new(folder.path()), "e", &mut report).unwrap();
    let dialplan = Dialplan::read(&sections, &mut report);
    let root = format!("{}/", folder.path().display());
    (dialplan, report.notes().map(|note| note.to_string().replace(&root, "")).collect())
}

fn point(context: &str, exten: &str, priority: u32) -> Point {
    Point { context: context.to_owned(), exten: exten.to_owned(), priority }
}

/// The application that serves it, with its arguments.
fn serves(dialplan: &Dialplan, context: &str, exten: &str, priority: u32) -> String {
    let step = dialplan.step(&point(context, exten, priority));
    step.map_or("-".to_owned(), |step| format!("{}({})", step.application, step.arguments))
}

#[test]
fn priorities_are_numbers_next_and_same_and_have_labels() {
    let (dialplan, notes) = read(
        "[c]\nexten =>1,1,Answer\nsame =>n(here),NoOp(a(b),c)\nsame => n+1,Goto(here)\nexten => 1,4,Wait,1\n\
         exten => 2,hint,PJSIP/alice\nexten => 2,1, Dial ( PJSIP/alice,10 ) \n",
    );
    assert_eq!(serves(&dialplan, "c", "1", 1), "Answer()");
    assert_eq!(serves(&dialplan, "c", "1", 2), "NoOp(a(b),c)");
    assert_eq!(serves(&dialplan, "c", "1", 4), "Goto(here)");
    assert_eq!(serves(&dialplan, "c", "2", 1), "Dial(PJSIP/alice,10)");
    assert_eq!(
        notes,
        [
            "e:6: not carried: the hint of `2`: Jackfield knows by itself whose phone is busy",
            "e:4: defect: priority 4 of `1` is never reached: there is no priority 3",
            "e:5: defect: `1` has a priority 4 already, at e:4: Asterisk keeps that one",
        ]
    );
}

#[test]
fn the_closest_extension_serves_step_by_step_and_includes_come_last() {
    let (dialplan, notes) = read(
        "[a]\ninclude => b\nexten => _1X,1,NoOp(pattern)\nsame => n,NoOp(more)\nexten => 12,1,NoOp(exact)\n\
         [b]\ninclude => a\nexten => 20,1,NoOp(b)\nexten => _1.,1,NoOp(far)\n[a]\nexten => 13,1,NoOp(late)\n",
    );
    assert_eq!(serves(&dialplan, "a", "12", 1), "NoOp(exact)");
    assert_eq!(serves(&dialplan, "a", "12", 2), "NoOp(more)");
    assert_eq!(serves(&dialplan, "a", "20", 1), "NoOp(b)");
    assert_eq!(serves(&dialplan, "a", "13", 1), "NoOp(late)");
    assert_eq!(serves(&dialplan, "b", "15", 1), "NoOp(far)");
    assert_eq!(serves(&dialplan, "b", "30", 1), "-");
    assert_eq!(serves(&dialplan, "none", "1", 1), "-");
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn goto_leads_where_it_says_and_a_slip_is_told() {
    let (dialplan, notes) = read(
        "[ivr1]\nexten => s,1,NoOp\nsame => n(menu),WaitExten\nexten => t,1,Goto(ivr_1,s,1)\n\
         exten => 1,1,Goto(s,menu)\nexten => 2,1,Goto(nobody,s,1)\nexten => 3,1,Goto(s,9)\n\
         exten => 4,1,Goto(s,gone)\nexten => 5,1,Goto(x,1)\nexten => 6,1,Goto(${A},1)\n\
         exten => 7,1,GotoIf($[1=1]?s,1:gone)\nexten => 8,1,Goto()\n",
    );
    let target = |exten: &str, arguments: &[&str]| {
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        dialplan.target(&point("ivr1", exten, 1), &arguments).map(|target| target.point)
    };
    assert_eq!(target("t", &["ivr_1", "s", "1"]), Ok(point("ivr1", "s", 1)));
    assert_eq!(target("1", &["s", "menu"]), Ok(point("ivr1", "s", 2)));
    assert_eq!(target("s", &["menu"]), Ok(point("ivr1", "s", 2)));
    let misspelt = "there is no context [ivr_1]: Asterisk ends the call here; it is read as [ivr1], which is very like it";
    let dead = |line: usize, what: &str, why: &str| {
        format!("e:{line}: defect: {what} leads nowhere: {why}; Asterisk ends the call here")
    };
    assert_eq!(
        notes,
        [
            format!("e:4: defect: {misspelt}"),
            dead(6, "Goto", "there is no context [nobody]"),
            dead(7, "Goto", "`s` in [ivr1] has no priority 9"),
            dead(8, "Goto", "`s` in [ivr1] has no label `gone`"),
            dead(9, "Goto", "there is no extension `x` in [ivr1]"),
            dead(11, "GotoIf", "`7` in [ivr1] has no label `gone`"),
            dead(12, "Goto", "`8` in [ivr1] has no label ``"),
        ]
    );
}

#[test]
fn a_pattern_without_its_mark_is_joined_with_the_one_that_has_it() {
    let (dialplan, notes) = read("[c]\nexten => [04-9#],1,NoOp(wrong)\nexten => _[04-9#],2,Hangup\n");
    assert_eq!(serves(&dialplan, "c", "7", 1), "NoOp(wrong)");
    assert_eq!(serves(&dialplan, "c", "7", 2), "Hangup()");
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].starts_with("e:2: defect: `[04-9#]` lacks the `_`"), "{notes:?}");
    assert!(notes[1].starts_with("e:3: defect: `_[04-9#]` has no priority 1"), "{notes:?}");
}

#[test]
fn what_does_nothing_is_told() {
    let (_, notes) = read(
        "[c]\nexten => 1\nsame => n,NoOp\nexten => 2,one,NoOp\nexten => 3,1,\nexten => _[,1,NoOp\n\
         exten => 4/101,1,NoOp\nexten => 5,1,Dail(PJSIP/x)\nexten => 6,1,Hangup\nsame => n,NoOp\n\
         exten => 7,2,NoOp\ninclude => d\nfoo = bar\nswitch => IAX2/x\ninclude => c,9:00-17:00,*,*,*\n",
    );
    let starts = [
        "e:15: changed: [c] is included at certain times",
        "e:7: not carried: `4` is for the caller `101` only",
        "e:14: not carried: the dialplan of another exchange",
        "e:2: defect: an extension is written",
        "e:4: defect: `one` is no priority",
        "e:5: defect: priority 1 of `3` has no application",
        "e:6: defect: `_[` is no pattern",
        "e:8: defect: Asterisk has no application `Dail`; did you mean `Dial`?",
        "e:10: defect: priority 2 of `6` is never reached: Hangup comes before it",
        "e:11: defect: `7` has no priority 1",
        "e:12: defect: [c] includes [d], which is nowhere",
        "e:13: defect: `foo` is nothing that a context has",
    ];
    assert_eq!(notes.len(), starts.len(), "{notes:#?}");
    for (note, start) in notes.iter().zip(starts) {
        assert!(note.starts_with(start), "{note}\n{start}");
    }
}
