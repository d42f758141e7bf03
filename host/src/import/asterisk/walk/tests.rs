use std::{fs, io::Cursor, time::Duration};

use crate::import::{
    asterisk,
    flow::{Action, Choice, Flow, Kind, Menu, Prompt, Target},
    plan::{Plan, RouteTo},
    report::Report,
};

/// Phones for `alice` and `bob` are made, since there is no `pjsip.conf`.
fn import(extensions: &str) -> (Plan, Vec<String>) {
    import_with(extensions, &[])
}

fn import_with(extensions: &str, files: &[(&str, &[u8])]) -> (Plan, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("e"), "").unwrap();
    fs::write(folder.path().join("extensions.conf"), extensions).unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let mut report = Report::default();
    let plan = asterisk::read(folder.path(), &mut report);
    let root = format!("{}/extensions.conf:", folder.path().display());
    (plan, report.notes().map(|note| note.to_string().replace(&root, "")).collect())
}

fn only(plan: &Plan) -> &Flow {
    assert_eq!(plan.apps.len(), 1, "{:?}", plan.apps.keys());
    plan.apps.values().next().unwrap()
}

fn choice(menu: &Menu) -> &Choice {
    let Kind::Choice(choice) = &menu.kind else { panic!("no keys: {menu:?}") };
    choice
}

/// The sentences.
fn said(prompts: &[Prompt]) -> Vec<&str> {
    fn text(prompt: &Prompt) -> &str {
        match prompt {
            Prompt::Say { text, .. } => text,
            Prompt::File(name) => name,
            Prompt::Silence(_) => "...",
        }
    }
    prompts.iter().map(text).collect()
}

/// An action in few words.
fn told(flow: &Flow, action: &Action) -> String {
    match action {
        Action::Repeat => "repeat".to_owned(),
        Action::Restart => "restart".to_owned(),
        Action::HangUp => "hangup".to_owned(),
        Action::Menu(id) => format!("menu {}", flow.menus[*id].name),
        Action::Say(prompts, then) => format!("say {}, {}", said(prompts).join(" "), told(flow, then)),
        Action::Ring(ring) => {
            let who: Vec<&str> = ring.targets.iter().map(Target::name).collect();
            let time = ring.time.map_or(String::new(), |time| format!(" {}s", time.as_secs()));
            let mut text = format!("ring {}{time} else ({})", who.join("&"), told(flow, &ring.no_answer));
            for (why, branch) in [("busy", &ring.busy), ("away", &ring.unavailable)] {
                text += &branch
                    .as_ref()
                    .map_or(String::new(), |branch| format!(" {why} ({})", told(flow, branch)));
            }
            text
        }
    }
}

fn key(flow: &Flow, menu: usize, key: char) -> String {
    told(flow, &choice(&flow.menus[menu]).keys[&key])
}

#[test]
fn submenus_and_the_way_back() {
    let (plan, _) = import(
        "[main]\nexten => s,1,Flite(Main.,any)\nsame => n,WaitExten(7)\nexten => 1,1,Goto(sub,s,1)\n\
         exten => 2,1,Flite(Wait.)\nsame => n,Goto(sub,s,1)\nexten => i,1,Goto(s,1)\nexten => t,1,Hangup()\n\
         [sub]\nexten => s,1,Flite(Sub.,any)\nsame => n,WaitExten\nexten => 0,1,Goto(main,s,1)\n\
         exten => e,1,Goto(s,1)\n",
    );
    let flow = only(&plan);
    let names: Vec<&str> = flow.menus.iter().map(|menu| menu.name.as_str()).collect();
    assert_eq!(names, ["main", "sub"]);
    assert_eq!((key(flow, 0, '1').as_str(), key(flow, 0, '2').as_str()), ("menu sub", "say Wait., menu sub"));
    assert_eq!(key(flow, 1, '0'), "menu main");
    let main = choice(&flow.menus[0]);
    assert_eq!((main.timeout, told(flow, &main.on_timeout).as_str()), (Duration::from_secs(7), "hangup"));
    let sub = choice(&flow.menus[1]);
    assert_eq!(
        (told(flow, &sub.on_timeout).as_str(), told(flow, &sub.invalid).as_str()),
        ("repeat", "repeat")
    );
}

#[test]
fn what_is_said_before_the_label_is_a_greeting() {
    let (plan, _) = import(
        "[m]\nexten => s,1,Set(TIMEOUT(response)=4)\nsame => n,Flite(Hello.,any)\nsame => n(again),Flite(Press 1.,any)\n\
         same => n,WaitExten\nexten => 1,1,Hangup\nexten => i,1,Goto(s,1)\nexten => t,1,Goto(s,again)\n",
    );
    let flow = only(&plan);
    let [menu] = &flow.menus[..] else { panic!("one menu: {flow:?}") };
    assert_eq!((said(&menu.greeting), said(&menu.prompts)), (vec!["Hello."], vec!["Press 1."]));
    let Choice { timeout, on_timeout, invalid, .. } = choice(menu);
    assert_eq!((timeout.as_secs(), on_timeout, invalid), (4, &Action::Repeat, &Action::Restart));
}

#[test]
fn why_nobody_answers_can_matter() {
    let (plan, _) = import(
        "[m]\nexten => s,1,Flite(Press 1.,any)\nsame => n,WaitExten\nexten => 1,1,Dial(PJSIP/alice,10)\n\
         same => n,Goto(s-${DIALSTATUS},1)\nexten => s-NOANSWER,1,Flite(No.)\nexten => _s-.,1,Flite(Other.)\n\
         exten => 2,1,Dial(PJSIP/alice&PJSIP/bob,5)\nsame => n,GotoIf($[\"${DIALSTATUS}\" = \"BUSY\"]?busy)\n\
         same => n,Goto(s,1)\nsame => n(busy),Flite(Busy.)\nsame => n,Hangup\nexten => 3,1,Dial(PJSIP/alice)\n\
         same => n,Dial(PJSIP/bob,9)\nsame => n,Goto(s,1)\n",
    );
    let flow = only(&plan);
    assert_eq!(
        key(flow, 0, '1'),
        "ring alice 10s else (say No., hangup) busy (say Other., hangup) away (say Other., hangup)"
    );
    assert_eq!(key(flow, 0, '2'), "ring alice&bob 5s else (repeat) busy (say Busy., hangup)");
    assert_eq!(key(flow, 0, '3'), "ring alice 120s else (ring bob 9s else (repeat))");
}

#[test]
fn keys_without_a_use_and_silence_are_told_where_nothing_is_said_of_them() {
    let (plan, notes) =
        import("[m]\nexten => s,1,Flite(Press 1.,any)\nsame => n,WaitExten\nexten => 1,1,Hangup\n");
    let menu = choice(&only(&plan).menus[0]);
    assert_eq!((&menu.on_timeout, &menu.invalid), (&Action::Repeat, &Action::Repeat));
    for start in [
        "3: defect: [m] has no `i` (nor an `h`)",
        "3: defect: [m] has no `t`",
        "3: changed: a menu without end",
    ] {
        assert!(notes.iter().any(|note| note.starts_with(start)), "{start}\n{notes:#?}");
    }
}

#[test]
fn keys_that_all_do_the_same_stay_keys() {
    let (plan, _) = import(
        "[m]\nexten => s,1,Flite(Press.,any)\nsame => n,WaitExten\nexten => _X,1,Flite(Thanks.)\nsame => n,Goto(s,1)\n",
    );
    let flow = only(&plan);
    assert_eq!((choice(&flow.menus[0]).keys.len(), key(flow, 0, '7').as_str()), (10, "say Thanks., repeat"));
}

/// 20 ms of silence.
fn wav() -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    (0..160).for_each(|_| writer.write_sample(0_i16).unwrap());
    writer.finalize().unwrap();
    bytes.into_inner()
}

#[test]
fn recordings_are_taken_along_and_missing_ones_are_said() {
    let wav = wav();
    let (plan, notes) = import_with(
        "[m]\nexten => s,1,Background(beep&vm-goodbye)\nexten => 1,1,Hangup\n",
        &[("beep.wav", &wav)],
    );
    let flow = only(&plan);
    assert_eq!(said(&flow.menus[0].prompts), ["beep.wav", "vm goodbye"]);
    assert_eq!(flow.sounds.len(), 1);
    let starts =
        ["2: not carried: the recording `vm-goodbye`", "2: defect: no WaitExten follows the prompts"];
    assert!(starts.iter().all(|start| notes.iter().any(|note| note.starts_with(start))), "{notes:#?}");
}

#[test]
fn what_goes_round_without_a_key_comes_to_an_end() {
    for text in [
        "[m]\nexten => s,1,Flite(Again.)\nsame => n,Goto(s,1)\n",
        "[m]\nexten => s,1,Flite(A.)\nsame => n,WaitExten\nexten => t,1,Goto(n,s,1)\n\
         [n]\nexten => s,1,Flite(B.)\nsame => n,WaitExten\nexten => t,1,Goto(m,s,1)\n",
        "[m]\nexten => s,1,Dial(PJSIP/alice,1)\nsame => n,Goto(s,1)\n",
        "[m]\nexten => s,1,Set(A=${A}x)\nsame => n,Goto(s,1)\n",
    ] {
        let (plan, notes) = import(text);
        assert!(notes.iter().any(|note| note.contains("never end")), "{text}\n{notes:#?}");
        for flow in plan.apps.values() {
            assert!(flow.menus.iter().all(|menu| matches!(menu.kind, Kind::Message(_))), "{flow:?}");
        }
    }
}

#[test]
fn conditions_count_where_they_are_known() {
    let (plan, notes) = import(
        "[globals]\nNIGHT=no\n[m]\nexten => s,1,GotoIf($[\"${NIGHT}\" = \"yes\"]?night)\nsame => n,Set(WHO=alice)\n\
         same => n,ExecIf($[1=1]?Flite(Day.))\nsame => n,GotoIf(${CALLERID(num)}?night)\nsame => n,Dial(PJSIP/${WHO},3)\n\
         same => n(night),Flite(Night.)\n",
    );
    let flow = only(&plan);
    assert_eq!(said(&flow.menus[0].prompts), ["Day."]);
    let Kind::Message(then) = &flow.menus[0].kind else { panic!("{flow:?}") };
    assert_eq!(told(flow, then), "ring alice 3s else (say Night., hangup)");
    assert!(notes.iter().any(|note| note.starts_with("7: not carried: a condition")), "{notes:#?}");
}

#[test]
fn extensions_are_routes_and_users_have_numbers() {
    let (plan, notes) = import(
        "[office]\nexten => 101,1,Dial(PJSIP/alice,20)\nexten => _2XX,1,Dial(PJSIP/${EXTEN},15)\n\
         same => n,Flite(Nobody.)\nexten => 300,1,Answer\nsame => n,Flite(Hello.)\nexten => 301,1,Goto(300,1)\n\
         exten => 400,1,Echo\nexten => _[1-2]5,1,Dial(PJSIP/bob)\nexten => h,1,NoOp\n",
    );
    let to = |number: &str| &plan.routes[number].to;
    assert_eq!(to("101"), &RouteTo::Users(vec!["alice".to_owned()]));
    assert_eq!(plan.routes["101"].ring, Some(Duration::from_secs(20)));
    assert_eq!(to("2XX"), &RouteTo::AnyUser);
    assert_eq!(to("300"), to("301"));
    assert_eq!((to("15"), to("25")), (to("25"), &RouteTo::Users(vec!["bob".to_owned()])));
    assert!(!plan.routes.contains_key("400"));
    assert_eq!(plan.users["alice"].number.as_deref(), Some("101"));
    assert_eq!(plan.users["bob"].number.as_deref(), Some("102"), "the first that is free");
    for start in [
        "3: changed: `_2XX` rings whoever was dialled",
        "8: not carried: `400`",
        "9: changed: no extension rings `bob`",
    ] {
        assert!(notes.iter().any(|note| note.starts_with(start)), "{start}\n{notes:#?}");
    }
}
