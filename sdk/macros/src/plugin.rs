use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, FnArg, ItemFn, Result, Type};

use crate::arguments::Arguments;

/// Which export of the contract the function becomes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    App,
    Service,
    Tts,
}

impl Kind {
    /// What the function takes besides its settings.
    fn inputs(self) -> usize {
        match self {
            Kind::App | Kind::Service => 1,
            Kind::Tts => 2,
        }
    }

    fn shape(self) -> &'static str {
        match self {
            Kind::App => "an app is `fn(Call) -> Result<()>` or `fn(Call, Settings) -> Result<()>`",
            Kind::Service => {
                "a service is `fn(Option<Vec<u8>>) -> Result<Option<Vec<u8>>>`, perhaps with its settings last"
            }
            Kind::Tts => "a voice is `fn(Request, Sink) -> Result<()>`, perhaps with its settings last",
        }
    }
}

/// The function as it stands, and beside it the exports that call it.
pub(crate) fn expand(kind: Kind, arguments: &Arguments, function: &ItemFn) -> Result<TokenStream> {
    let settings = settings_type(kind, function)?;
    if let (Some(path), false) = (&arguments.voices, kind == Kind::Tts) {
        return Err(Error::new_spanned(path, "only a plugin that speaks has voices"));
    }
    if let (Some(path), true) = (&arguments.validate, arguments.beside) {
        return Err(Error::new_spanned(
            path,
            "the settings are checked by the function that this one is beside",
        ));
    }
    let info = (!arguments.beside).then(|| plugin_info(arguments, settings));
    let export_info = (!arguments.beside).then(|| {
        quote! {
            #[cfg(target_family = "wasm")]
            ::jackfield_sdk::bindings::info::export!(
                Plugin with_types_in ::jackfield_sdk::bindings::info
            );
        }
    });
    let main = export(kind, arguments, function, settings);
    let world = match kind {
        Kind::App => quote!(app),
        Kind::Service => quote!(service),
        Kind::Tts => quote!(tts),
    };
    // Where nothing is exported, in a test, these are used all the same.
    let name = &function.sig.ident;
    let hooks = [&arguments.validate, &arguments.voices].into_iter().flatten();
    let used = std::iter::once(quote!(#name)).chain(hooks.map(|path| quote!(#path)));
    Ok(quote! {
        #function

        const _: () = {
            use ::jackfield_sdk::plugin as sdk;
            use ::std::{option::Option, result::Result, string::{String, ToString}, vec::Vec};

            struct Plugin;
            #info
            #main

            #export_info
            #[cfg(target_family = "wasm")]
            ::jackfield_sdk::bindings::#world::export!(
                Plugin with_types_in ::jackfield_sdk::bindings::#world
            );
            #(let _ = #used;)*
        };
    })
}

fn settings_type(kind: Kind, function: &ItemFn) -> Result<Option<&Type>> {
    let signature = &function.sig;
    let beyond = signature.inputs.len().checked_sub(kind.inputs());
    match (beyond, signature.inputs.last()) {
        (Some(0), _) => Ok(None),
        (Some(1), Some(FnArg::Typed(settings))) => Ok(Some(&settings.ty)),
        _ => Err(Error::new_spanned(signature, kind.shape())),
    }
}

fn plugin_info(arguments: &Arguments, settings: Option<&Type>) -> TokenStream {
    let info = quote! {
        sdk::Info {
            name: env!("CARGO_PKG_NAME").to_string(),
            version: env!("CARGO_PKG_VERSION").to_string(),
        }
    };
    let verdict = |call: TokenStream| quote!(::jackfield_sdk::settings::Verdict::findings(#call));
    let body = match (settings, &arguments.validate) {
        (Some(settings), Some(check)) => {
            let findings = verdict(quote!(#check(settings)));
            quote!(sdk::validate::<#settings>(#info, |settings| #findings))
        }
        (Some(settings), None) => quote!(sdk::validate::<#settings>(#info, |_| Vec::new())),
        (None, Some(check)) => {
            let findings = verdict(quote!(#check()));
            quote!(sdk::validate_bare(#info, || #findings))
        }
        (None, None) => quote!(sdk::validate_bare(#info, Vec::new)),
    };
    quote! {
        impl sdk::PluginInfo for Plugin {
            fn validate() -> sdk::Checked { #body }
        }
    }
}

fn export(kind: Kind, arguments: &Arguments, function: &ItemFn, settings: Option<&Type>) -> TokenStream {
    let name = &function.sig.ident;
    let settings = settings.map(|settings| quote!(::jackfield_sdk::settings::<#settings>()?));
    match kind {
        Kind::App => quote! {
            impl sdk::App for Plugin {
                fn handle(call: sdk::RawCall) -> Result<(), sdk::RawError> {
                    sdk::run(|| #name(sdk::call(call), #settings))
                }
            }
        },
        Kind::Service => quote! {
            impl sdk::Service for Plugin {
                fn run(saved: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, sdk::RawError> {
                    sdk::run(|| #name(saved, #settings))
                }
            }
        },
        Kind::Tts => {
            let voices = match (&arguments.voices, &settings) {
                (Some(voices), Some(settings)) => quote!(#voices(&#settings)),
                (Some(voices), None) => quote!(#voices()),
                (None, _) => quote!(Result::Ok(Vec::new())),
            };
            quote! {
                impl sdk::Tts for Plugin {
                    fn voices() -> Result<Vec<sdk::Voice>, sdk::RawError> {
                        sdk::run(|| #voices)
                    }

                    fn synthesize(request: sdk::RawSpeech, out: sdk::RawSink) -> Result<(), sdk::RawError> {
                        sdk::run(|| #name(request, sdk::sink(out), #settings))
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand_text(kind: Kind, arguments: &str, function: &str) -> Result<String> {
        let arguments = syn::parse_str(arguments)?;
        expand(kind, &arguments, &syn::parse_str(function)?).map(|tokens| tokens.to_string())
    }

    #[test]
    fn the_last_argument_is_the_settings() {
        let bare = expand_text(Kind::App, "", "fn handle(call: Call) -> Result<()> {}").unwrap();
        assert!(bare.contains("validate_bare") && !bare.contains("Settings"), "{bare}");
        let full = expand_text(Kind::App, "", "fn handle(call: Call, s: Settings) -> Result<()> {}").unwrap();
        assert!(full.contains("validate :: < Settings >"), "{full}");
    }

    #[test]
    fn a_second_function_does_not_say_who_the_plugin_is() {
        let service = "fn run(saved: Option<Vec<u8>>) -> Result<Option<Vec<u8>>> {}";
        let alone = expand_text(Kind::Service, "", service).unwrap();
        let beside = expand_text(Kind::Service, "beside", service).unwrap();
        assert!(alone.contains("PluginInfo") && !beside.contains("PluginInfo"), "{beside}");
        assert!(expand_text(Kind::Service, "beside, validate = check", service).is_err());
    }

    #[test]
    fn a_wrong_shape_is_told_the_right_one() {
        for (kind, function) in [
            (Kind::App, "fn handle() {}"),
            (Kind::App, "fn handle(a: A, b: B, c: C) {}"),
            (Kind::Tts, "fn speak(a: A) {}"),
        ] {
            let error = expand_text(kind, "", function).unwrap_err();
            assert_eq!(error.to_string(), kind.shape());
        }
        assert!(expand_text(Kind::App, "voices = list", "fn handle(call: Call) {}").is_err());
    }
}
