//! `plugin.toml`: who the plugin is, what it asks for, and its own settings.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    contract::Contract, error::ManifestError, limits::LimitsWish, rights::Capabilities, runtime::Runtime,
    units::Size, version::Finding,
};

/// Of an instance that runs a script.
const RUNTIME_MEMORY: Size = Size(64 << 20);

/// A parsed `plugin.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// Who it is.
    pub plugin: Header,
    /// What it asks for.
    #[serde(default)]
    pub capabilities: Capabilities,
    /// What it wishes for.
    #[serde(default)]
    pub limits: LimitsWish,
    /// The plugin's settings, below the operator's.
    #[serde(default)]
    pub config: toml::Table,
    /// What the settings must be, checked before the plugin checks them itself.
    #[serde(default)]
    pub config_schema: BTreeMap<String, Field>,
    /// How its author builds it.
    pub build: Option<Build>,
}

/// `[plugin]` of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Header {
    /// `[a-z0-9-]`.
    pub name: String,
    /// The plugin's own, for people.
    pub version: String,
    /// The least jackfield:plugin that it needs.
    pub wit: Contract,
    /// File beside the manifest: a component, or a core module with a WIT section. Empty where a runtime has
    /// `main`.
    #[serde(default)]
    pub component: String,
    /// Runs `main`; none: `component` runs by itself.
    #[serde(default)]
    pub runtime: Option<Runtime>,
    /// Script beside the manifest.
    #[serde(default)]
    pub main: String,
    /// Must be what the component exports.
    pub kind: Vec<Kind>,
}

/// `[build]` of a manifest, for `jackfield dev` and `jackfield test`. An exchange that runs the plugin does not
/// look at it. Paths are relative to the plugin's folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Build {
    /// A program and its arguments, run in the plugin's folder; none: Cargo.
    pub command: Vec<String>,
    /// Files and folders that the component is made of.
    pub sources: Vec<String>,
    /// What the command makes, to be copied to the component's place; none: it puts it there itself.
    pub output: Option<String>,
}

impl Header {
    /// Beside the manifest: the component, or the script of a runtime.
    pub fn file(&self) -> &str {
        if self.runtime.is_some() { &self.main } else { &self.component }
    }
}

/// What a plugin is: which interface it exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Handles calls, one instance each.
    App,
    /// Makes speech.
    Tts,
    /// Runs for as long as the daemon does, in one instance.
    Service,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::App => "app",
            Kind::Tts => "tts",
            Kind::Service => "service",
        })
    }
}

/// One entry of `[config-schema]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Field {
    /// None: any.
    #[serde(rename = "type")]
    pub kind: Option<FieldType>,
    /// It has no default, and must be set.
    pub required: bool,
    /// Never shown in listings and logs.
    pub secret: bool,
}

/// The types of TOML, and `number` for an integer or a float.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is the type of that name")]
pub enum FieldType {
    String,
    Integer,
    Number,
    Boolean,
    List,
    Table,
}

impl Manifest {
    /// Every mistake has its place in the text.
    pub fn parse(text: &str) -> Result<Manifest, ManifestError> {
        let manifest: Manifest = toml::from_str(text).map_err(|error| {
            let (line, column) = place(text, error.span().map_or(0, |span| span.start));
            let message = error.message().trim().to_string();
            ManifestError { line, column, help: suggestion(&message), message }
        })?;
        manifest.check(text)?;
        Ok(manifest.with_room_for_its_runtime())
    }

    /// A script that wishes for no memory gets what its runner needs.
    fn with_room_for_its_runtime(mut self) -> Manifest {
        if self.plugin.runtime.is_some() {
            self.limits.memory.get_or_insert(RUNTIME_MEMORY);
        }
        self
    }

    /// The plugin's settings, overridden by the operator's `[plugins.NAME.config]`; tables are merged.
    pub fn settings(&self, operator: &toml::Table) -> Value {
        let mut settings = json(&toml::Value::Table(self.config.clone()));
        merge(&mut settings, json(&toml::Value::Table(operator.clone())));
        settings
    }

    /// The settings without those that `[config-schema]` calls secret.
    pub fn public_settings(&self, settings: &Value) -> Value {
        let mut settings = settings.clone();
        if let Value::Object(table) = &mut settings {
            table.retain(|key, _| !self.config_schema.get(key).is_some_and(|field| field.secret));
        }
        settings
    }

    /// The folder of the audio files, below the plugin's own.
    pub fn prompts(&self) -> &str {
        self.capabilities.prompts.as_deref().unwrap_or("prompts")
    }

    /// Checks the settings against `[config-schema]`.
    pub fn check_settings(&self, settings: &Value) -> Vec<Finding> {
        let finding =
            |key: &String, text: String, help: String| Finding { path: vec![key.clone()], text, help };
        let fault = |(key, field): (&String, &Field)| match (settings.get(key), field.kind) {
            (None, _) if field.required => {
                Some(finding(key, "is missing".into(), format!("set `{key}` in [config]")))
            }
            (Some(value), Some(kind)) if !kind.fits(value) => {
                Some(finding(key, format!("must be of type {kind:?}").to_lowercase(), String::new()))
            }
            _ => None,
        };
        self.config_schema.iter().filter_map(fault).collect()
    }

    fn check(&self, text: &str) -> Result<(), ManifestError> {
        let header = &self.plugin;
        let wrong = |key: &str, message: &str, help: &str| {
            let (line, column) = place(text, find_key(text, key));
            Err(ManifestError { line, column, message: message.into(), help: help.into() })
        };
        let named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if header.name.is_empty() || header.name.len() > 64 || !header.name.chars().all(named) {
            return wrong("name", "a name is of small letters, digits and `-`", "");
        }
        if header.kind.is_empty() {
            return wrong("kind", "a plugin has at least one kind", "write kind = [\"app\"]");
        }
        let beside = |file: &str| is_below(file) && !file.contains('/');
        match header.runtime {
            Some(_) if !header.component.is_empty() => {
                return wrong(
                    "component",
                    "a runtime has no component of the plugin's own",
                    "write only `main`",
                );
            }
            Some(_) if !beside(&header.main) => {
                return wrong("main", "the script is a file beside plugin.toml", "write main = \"menu.js\"");
            }
            Some(_) if header.kind.len() > 1 => {
                return wrong("kind", "a script is of one kind", "write kind = [\"app\"]");
            }
            None if !header.main.is_empty() => {
                return wrong("main", "a script has a runtime", "write runtime = \"js\" too");
            }
            None if !beside(&header.component) => {
                return wrong("component", "the component is a file beside plugin.toml", "");
            }
            _ => {}
        }
        if !is_below(self.prompts()) {
            return wrong("prompts", "prompts are in a folder below that of plugin.toml", "");
        }
        let build = self.build.iter().flat_map(|build| &build.sources);
        if build.into_iter().any(|source| !is_below(source)) {
            return wrong("sources", "sources are files and folders below that of plugin.toml", "");
        }
        Ok(())
    }
}

impl FieldType {
    fn fits(self, value: &Value) -> bool {
        match self {
            FieldType::String => value.is_string(),
            FieldType::Integer => value.is_i64() || value.is_u64(),
            FieldType::Number => value.is_number(),
            FieldType::Boolean => value.is_boolean(),
            FieldType::List => value.is_array(),
            FieldType::Table => value.is_object(),
        }
    }
}

/// A relative path that does not leave its folder.
fn is_below(path: &str) -> bool {
    !path.is_empty()
        && !path.starts_with('/')
        && !path.contains('\\')
        && path.trim_end_matches('/').split('/').all(|part| !part.is_empty() && part != ".." && part != ".")
}

/// Dates become text; all else has its like in JSON.
fn json(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::from(*number),
        toml::Value::Boolean(flag) => Value::from(*flag),
        toml::Value::Datetime(time) => Value::from(time.to_string()),
        toml::Value::Array(list) => list.iter().map(json).collect(),
        toml::Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), json(value))).collect(),
    }
}

fn merge(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                merge(below.entry(key).or_insert(Value::Null), value);
            }
        }
        (below, above) => *below = above,
    }
}

/// Line and column, both from 1.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    (line, column)
}

/// Where a key stands at the beginning of a line.
fn find_key(text: &str, key: &str) -> usize {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let rest = line.trim_start().strip_prefix(key).map(str::trim_start);
        if rest.is_some_and(|rest| rest.starts_with('=')) {
            return offset;
        }
        offset += line.len();
    }
    0
}

/// For "unknown field `dail`, expected one of `dial`, `http`": the nearest of those.
fn suggestion(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let Some(wrong) = quoted.next().filter(|_| message.starts_with("unknown")) else { return String::new() };
    let nearest = quoted.map(|known| (strsim::levenshtein(wrong, known), known)).min();
    match nearest {
        Some((distance, known)) if distance <= 1 + known.len() / 3 => format!("did you mean `{known}`?"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "[plugin]\nname = \"ivr\"\nversion = \"1.4.0\"\nwit = \"0.1.0\"\ncomponent = \"ivr.wasm\"\nkind = [\"app\"]\n";

    fn parse(rest: &str) -> Result<Manifest, ManifestError> {
        Manifest::parse(&format!("{HEADER}{rest}"))
    }

    #[test]
    fn a_manifest_is_read() {
        let manifest = parse(
            "[capabilities]\ndial = [\"10X\"]\n[limits]\nmemory = \"32MiB\"\n[config]\nsales = \"200\"\n",
        )
        .unwrap();
        assert_eq!(manifest.plugin.kind, [Kind::App]);
        assert_eq!(manifest.capabilities.dial, ["10X"]);
        assert_eq!(manifest.limits.memory.unwrap().0, 32 << 20);
        assert_eq!(manifest.prompts(), "prompts");
    }

    #[test]
    fn an_unknown_key_has_its_place_and_a_suggestion() {
        let error = parse("[capabilities]\ndail = [\"10X\"]\n").unwrap_err();
        assert_eq!((error.line, error.column), (8, 1));
        assert_eq!(error.help, "did you mean `dial`?");
        assert!(error.to_string().starts_with("8:1: unknown field `dail`"), "{error}");
    }

    #[test]
    fn wrong_values_have_their_place() {
        for (rest, line, part) in [
            ("[limits]\nmemory = \"16 apples\"\n", 8, "is no size"),
            ("[limits]\ncpu-event = 50\n", 8, "invalid type"),
            ("[capabilities]\nprompts = \"../other\"\n", 8, "below"),
        ] {
            let error = parse(rest).unwrap_err();
            assert_eq!(error.line, line, "{error}");
            assert!(error.message.contains(part), "{error}");
        }
        let error = Manifest::parse(&HEADER.replace("ivr.wasm", "../ivr.wasm")).unwrap_err();
        assert_eq!(error.line, 5, "{error}");
        let error = Manifest::parse(&HEADER.replace("\"ivr\"", "\"My Menu\"")).unwrap_err();
        assert_eq!(error.line, 2, "{error}");
    }

    #[test]
    fn a_plugin_may_say_how_it_is_built() {
        let manifest =
            parse("[build]\ncommand = [\"make\"]\nsources = [\"src\", \"wit/app.wit\"]\n").unwrap();
        let build = manifest.build.unwrap();
        assert_eq!((build.command, build.output), (vec!["make".to_owned()], None));
        assert_eq!(build.sources, ["src", "wit/app.wit"]);
        assert_eq!(parse("").unwrap().build, None);
        let error = parse("[build]\ncommand = [\"make\"]\nsources = [\"../src\"]\n").unwrap_err();
        assert_eq!(error.line, 9, "{error}");
    }

    #[test]
    fn a_script_has_a_runtime_and_no_component() {
        let script = HEADER.replace("component = \"ivr.wasm\"", "runtime = \"js\"\nmain = \"menu.js\"");
        let manifest = Manifest::parse(&script).unwrap();
        assert_eq!((manifest.plugin.file(), manifest.plugin.runtime), ("menu.js", Some(Runtime::Js)));
        assert_eq!(manifest.limits.memory, Some(RUNTIME_MEMORY));
        for (wrong, line, part) in [
            (script.replace("runtime = \"js\"", "runtime = \"jss\""), 5, "unknown variant"),
            (script.replace("runtime = \"js\"\n", ""), 5, "a script has a runtime"),
            (script.replace("main = \"menu.js\"", "component = \"ivr.wasm\""), 6, "no component"),
            (script.replace("menu.js", "../menu.js"), 6, "beside plugin.toml"),
            (script.replace("[\"app\"]", "[\"app\", \"tts\"]"), 7, "of one kind"),
        ] {
            let error = Manifest::parse(&wrong).unwrap_err();
            assert!(error.line == line && error.message.contains(part), "{error}");
        }
    }

    #[test]
    fn the_operator_overrides_single_settings() {
        let manifest = parse("[config]\nlang = \"fr\"\nmenu = { keys = 3, loop = true }\n").unwrap();
        let operator = toml::from_str("lang = \"en\"\nmenu = { keys = 4 }\n").unwrap();
        let expected = serde_json::json!({"lang": "en", "menu": {"keys": 4, "loop": true}});
        assert_eq!(manifest.settings(&operator), expected);
    }

    #[test]
    fn settings_are_checked_against_the_schema() {
        let manifest =
            parse("[config-schema]\nsales = { type = \"string\", required = true }\ntries = { type = \"integer\" }\n")
                .unwrap();
        let findings = manifest.check_settings(&serde_json::json!({"tries": "three"}));
        let faults: Vec<_> = findings.iter().map(|f| (f.path[0].as_str(), f.text.as_str())).collect();
        assert_eq!(faults, [("sales", "is missing"), ("tries", "must be of type integer")]);
    }
}
