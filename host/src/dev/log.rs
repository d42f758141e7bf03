//! What the exchange and its plugins log, as lines of the screen.

use std::{
    fmt::{self, Write as _},
    sync::Arc,
};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter, Layer,
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};

use super::screen::{Screen, Tag};

/// What a plugin's author wants to see. `JACKFIELD_LOG` says otherwise.
const FILTER: &str = "warn,jackfield::plugins=info,jackfield::plugins::services=debug";

/// From now on. Where somebody listens already, it stays as it is.
pub(super) fn follow(screen: Arc<Screen>) {
    let filter = EnvFilter::try_from_env("JACKFIELD_LOG").unwrap_or_else(|_| EnvFilter::new(FILTER));
    let _ = tracing_subscriber::registry().with(filter).with(Lines(screen)).try_init();
}

struct Lines(Arc<Screen>);

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        let level = *event.metadata().level();
        let tag = match level {
            Level::ERROR | Level::WARN => Tag::Fault,
            // There the plugins' own lines come from.
            _ if event.metadata().target() == "jackfield::plugins::services" => Tag::Log,
            _ => Tag::Live,
        };
        let word =
            if tag == Tag::Log { format!("{}: ", level.as_str().to_lowercase()) } else { String::new() };
        self.0.say(tag, &format!("{}{word}{}", line.plugin, line.text));
    }
}

/// The plugin comes first; its load and the call are told elsewhere.
#[derive(Default)]
struct Line {
    plugin: String,
    text: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => {
                let rest = std::mem::take(&mut self.text);
                let _ = write!(self.text, "{value:?}{rest}");
            }
            "plugin" => self.plugin = format!("{} ", format!("{value:?}").trim_matches('"')),
            "version" | "call" => {}
            name => {
                let _ = write!(self.text, " {name}={value:?}");
            }
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}
