//! The menu of La Plateforme: three people, a time for the answer, three mistakes.

use std::{collections::BTreeMap, time::Duration};

use jackfield_sdk::{Call, DialEnd, Prompt, Result, settings::Time};

const WELCOME: [&str; 4] = [
    "Bonjour et bienvenue chez La Plateforme !",
    "Pour joindre Alice, taper 1.",
    "Pour joindre Bob, taper 2.",
    "Pour joindre Malcom, taper 3.",
];
const MISTAKES: u32 = 3;

#[derive(serde::Deserialize)]
struct Settings {
    menus: BTreeMap<String, Menu>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Menu {
    response_timeout: Time,
}

#[jackfield_sdk::app]
fn handle(call: Call, settings: Settings) -> Result<()> {
    let timeout = *settings.menus["accueil"].response_timeout;
    let mut mistakes = 0;
    let mut before: Option<String> = None;

    call.answer()?;
    loop {
        let said = before.take().into_iter().chain(WELCOME.map(String::from));
        let pressed = call.gather().prompts(said.map(say)).first_timeout(timeout).run()?.digits;
        if let Some(name) = person(&pressed) {
            mistakes = 0;
            call.set_result("accueil", &pressed)?;
            match call.dial(name.to_lowercase()).timeout(Duration::from_secs(10)).run()? {
                DialEnd::Answered(leg) => return call.bridge(&leg).run().map(drop),
                DialEnd::Failed(_) => before = Some(format!("{name} n'est pas disponible.")),
            }
        } else {
            before = (!pressed.is_empty()).then(|| "Entrée invalide".into());
            mistakes += 1;
            if mistakes == MISTAKES {
                let goodbye = "Nous n'avons pas reçu de réponse. Au revoir.".to_owned();
                return call.play().prompts(before.into_iter().chain([goodbye]).map(say)).run().map(drop);
            }
        }
    }
}

fn person(key: &str) -> Option<&'static str> {
    match key {
        "1" => Some("Alice"),
        "2" => Some("Bob"),
        "3" => Some("Malcom"),
        _ => None,
    }
}

fn say(text: String) -> Prompt {
    Prompt::Say(text.into())
}
