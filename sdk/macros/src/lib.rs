//! The attribute macros of jackfield-sdk: each makes a function the one export of a plugin.

mod arguments;
mod plugin;

use proc_macro::TokenStream;
use syn::{ItemFn, parse_macro_input};

use arguments::Arguments;
use plugin::Kind;

/// Makes a function answer calls: `fn(Call) -> Result<()>`, or with the plugin's settings
/// `fn(Call, Settings) -> Result<()>`.
///
/// The settings are read from `[config]` of `plugin.toml` by serde, and checked when the
/// plugin is loaded. `validate = path` names a function that checks more: it takes
/// `&Settings` (nothing, without settings) and returns `Vec<Finding>` or
/// `Result<_, Vec<Finding>>`.
///
/// ```
/// use jackfield_sdk::{Call, Result};
///
/// #[derive(serde::Deserialize)]
/// struct Settings {
///     greeting: String,
/// }
///
/// #[jackfield_sdk::app]
/// fn handle(call: Call, settings: Settings) -> Result<()> {
///     call.answer()?;
///     call.say(settings.greeting)
/// }
/// ```
#[proc_macro_attribute]
pub fn app(arguments: TokenStream, function: TokenStream) -> TokenStream {
    expand(Kind::App, arguments, function)
}

/// Makes a function run for as long as the exchange does:
/// `fn(Option<Vec<u8>>) -> Result<Option<Vec<u8>>>`, and as with [`macro@app`] the settings
/// last.
///
/// It gets what the former version returned, and returns at
/// [`Event::Stop`](../jackfield_sdk/events/enum.Event.html) what the next one shall get.
///
/// ```
/// use jackfield_sdk::{Result, events::{self, Event}};
///
/// #[jackfield_sdk::service]
/// fn run(saved: Option<Vec<u8>>) -> Result<Option<Vec<u8>>> {
///     loop {
///         if let Event::Stop(_) = events::next() {
///             return Ok(saved);
///         }
///     }
/// }
/// ```
///
/// A plugin may answer calls and run beside them: then both functions are in one crate, and the second one says `beside`,
/// since a plugin says only once who it is and checks its settings only once. `plugin.toml` has `kind = ["app",
/// "service"]`.
///
/// ```
/// use jackfield_sdk::{Call, Result, bus::{self, Address}, events::{self, Event}};
///
/// #[jackfield_sdk::app]
/// fn handle(call: Call) -> Result<()> {
///     bus::send(&Address::Plugin("doorbell".into()), "rang", call.info().caller)
/// }
///
/// #[jackfield_sdk::service(beside)]
/// fn run(saved: Option<Vec<u8>>) -> Result<Option<Vec<u8>>> {
///     loop {
///         match events::next() {
///             Event::Message(message) => jackfield_sdk::info!("{}: {}", message.sender, message.topic),
///             Event::Stop(_) => return Ok(saved),
///             _ => {}
///         }
///     }
/// }
/// ```
#[proc_macro_attribute]
pub fn service(arguments: TokenStream, function: TokenStream) -> TokenStream {
    expand(Kind::Service, arguments, function)
}

/// Makes a function speak: `fn(tts::Request, tts::Sink) -> Result<()>`, and as with
/// [`macro@app`] the settings last.
///
/// `voices = path` names a function that lists the voices: it takes what `validate` takes
/// and returns `Result<Vec<Voice>>`.
///
/// ```
/// use jackfield_sdk::{Result, tts::{Request, Sink, Voice}};
///
/// #[jackfield_sdk::tts(voices = voices)]
/// fn synthesize(_: Request, out: Sink) -> Result<()> {
///     out.format(8000)?;
///     out.write(&[0; 8000])
/// }
///
/// fn voices() -> Result<Vec<Voice>> {
///     Ok(vec![Voice { id: "none".into(), lang: "fr".into(), name: "Silence".into() }])
/// }
/// ```
#[proc_macro_attribute]
pub fn tts(arguments: TokenStream, function: TokenStream) -> TokenStream {
    expand(Kind::Tts, arguments, function)
}

fn expand(kind: Kind, arguments: TokenStream, function: TokenStream) -> TokenStream {
    let arguments = parse_macro_input!(arguments as Arguments);
    let function = parse_macro_input!(function as ItemFn);
    plugin::expand(kind, &arguments, &function).unwrap_or_else(syn::Error::into_compile_error).into()
}
