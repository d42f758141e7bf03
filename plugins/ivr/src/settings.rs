//! What stands in `[config]` of `plugin.toml`.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use jackfield_sdk::settings::Time;
use serde::{
    Deserialize, Deserializer,
    de::{
        Error, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer},
    },
};

/// The whole of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Of the sentences; BCP 47. The voice's own unless said.
    #[serde(default)]
    pub language: String,
    #[serde(default)]
    pub voice: String,
    /// The menu that a call begins with; needless where there is one only.
    pub start: Option<String>,
    pub menus: BTreeMap<String, Menu>,
}

/// `[config.menus.NAME]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Menu {
    /// Heard once, when the menu is entered from the top.
    #[serde(default)]
    pub greeting: List<Prompt>,
    /// Heard each time.
    #[serde(default)]
    pub prompts: List<Prompt>,
    #[serde(default)]
    pub keys: BTreeMap<String, Action>,
    /// From the prompts' end.
    pub response_timeout: Option<Time>,
    /// What follows when no key was pressed; `repeat` unless said.
    pub on_timeout: Option<Action>,
    /// What follows a key that `keys` does not name.
    pub invalid: Option<Action>,
    /// How often in a row a caller may press nothing or a wrong key; 3 unless said.
    pub max_attempts: Option<u32>,
    /// What follows after that; `hangup` unless said.
    pub goodbye: Option<Action>,
    /// Whether a key stops the prompts; yes unless said, no in a menu without keys.
    pub barge_in: Option<bool>,
    /// What follows the prompts of a menu without keys.
    pub then: Option<Action>,
}

/// A sentence, or one of `{ say }`, `{ file }`, `{ tone }`, `{ silence }`.
#[derive(Clone, Debug, PartialEq)]
pub enum Prompt {
    Say { text: String, language: Option<String>, voice: Option<String> },
    File(String),
    Tone(String),
    Silence(Time),
}

/// What a key does: a word, or one of `{ say, then }`, `{ ring, for, no-answer }`, `{ menu }`.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// `repeat`: the prompts again.
    Repeat,
    /// `restart`: the menu again, from the top.
    Restart,
    /// `back`: the prompts of the menu before.
    Back,
    /// `hangup`.
    HangUp,
    Menu(String),
    Say {
        prompts: List<Prompt>,
        then: Option<Box<Action>>,
    },
    Ring {
        targets: List<String>,
        time: Option<Time>,
        no_answer: Option<Box<Action>>,
        busy: Option<Box<Action>>,
        unavailable: Option<Box<Action>>,
    },
}

/// One, or several in brackets.
#[derive(Clone, Debug, PartialEq)]
pub struct List<T>(pub Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        List(Vec::new())
    }
}

const PROMPT: &str = "a sentence, or a table with `say`, `file`, `tone` or `silence`";
const ACTION: &str =
    "\"repeat\", \"restart\", \"back\" or \"hangup\", or a table with `say`, `ring` or `menu`";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PromptTable {
    say: Option<String>,
    language: Option<String>,
    voice: Option<String>,
    file: Option<String>,
    tone: Option<String>,
    silence: Option<Time>,
}

impl<'de> Deserialize<'de> for Prompt {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match text_or_table::<PromptTable, D>(from, PROMPT)? {
            TextOrTable::Text(text) => Ok(Prompt::Say { text, language: None, voice: None }),
            TextOrTable::Table(table) => {
                table.into_prompt().ok_or_else(|| D::Error::custom(expected(PROMPT)))
            }
        }
    }
}

impl PromptTable {
    fn into_prompt(self) -> Option<Prompt> {
        let plain = self.language.is_none() && self.voice.is_none();
        match self {
            Self { say: Some(text), file: None, tone: None, silence: None, language, voice } => {
                Some(Prompt::Say { text, language, voice })
            }
            Self { say: None, file: Some(name), tone: None, silence: None, .. } if plain => {
                Some(Prompt::File(name))
            }
            Self { say: None, file: None, tone: Some(tone), silence: None, .. } if plain => {
                Some(Prompt::Tone(tone))
            }
            Self { say: None, file: None, tone: None, silence: Some(time), .. } if plain => {
                Some(Prompt::Silence(time))
            }
            _ => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ActionTable {
    say: Option<List<Prompt>>,
    then: Option<Box<Action>>,
    ring: Option<List<String>>,
    #[serde(rename = "for")]
    time: Option<Time>,
    no_answer: Option<Box<Action>>,
    busy: Option<Box<Action>>,
    unavailable: Option<Box<Action>>,
    menu: Option<String>,
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match text_or_table::<ActionTable, D>(from, ACTION)? {
            TextOrTable::Text(word) => Action::from_word(&word)
                .ok_or_else(|| D::Error::custom(format!("`{word}` is no action: {}", expected(ACTION)))),
            TextOrTable::Table(table) => table.into_action().map_err(D::Error::custom),
        }
    }
}

impl Action {
    fn from_word(word: &str) -> Option<Self> {
        match word {
            "repeat" => Some(Action::Repeat),
            "restart" => Some(Action::Restart),
            "back" => Some(Action::Back),
            "hangup" => Some(Action::HangUp),
            _ => None,
        }
    }
}

impl ActionTable {
    fn into_action(self) -> Result<Action, String> {
        let rings =
            [self.no_answer.is_some(), self.busy.is_some(), self.unavailable.is_some(), self.time.is_some()];
        let has_ring_keys = rings.contains(&true);
        match self {
            Self { say: Some(prompts), then, ring: None, menu: None, .. } if !has_ring_keys => {
                Ok(Action::Say { prompts, then })
            }
            Self {
                say: None,
                then: None,
                ring: Some(targets),
                menu: None,
                time,
                no_answer,
                busy,
                unavailable,
            } => Ok(Action::Ring { targets, time, no_answer, busy, unavailable }),
            Self { say: None, then: None, ring: None, menu: Some(name), .. } if !has_ring_keys => {
                Ok(Action::Menu(name))
            }
            Self { say: Some(_), ring: Some(_), .. } => {
                Err("`say` and `ring` do not go together: write { say = \"...\", then = { ring = \"...\" } }"
                    .into())
            }
            _ => Err(format!(
                "{}; `then` goes with `say`, and `for`, `no-answer`, `busy`, `unavailable` with `ring`",
                expected(ACTION)
            )),
        }
    }
}

fn expected(what: &str) -> String {
    format!("write {what}")
}

enum TextOrTable<T> {
    Text(String),
    Table(T),
}

/// Reads what may be written as a text or as a table; faults inside keep their path.
fn text_or_table<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
    expected: &'static str,
) -> Result<TextOrTable<T>, D::Error> {
    struct Either<T>(&'static str, PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
        type Value = TextOrTable<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            Ok(TextOrTable::Text(text.to_string()))
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map)).map(TextOrTable::Table)
        }
    }

    from.deserialize_any(Either(expected, PhantomData))
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OneOrMany<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
            type Value = List<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one, or several in brackets")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                T::deserialize(StrDeserializer::new(text)).map(|one| List(vec![one]))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|one| List(vec![one]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(List)
            }
        }

        from.deserialize_any(OneOrMany(PhantomData))
    }
}
