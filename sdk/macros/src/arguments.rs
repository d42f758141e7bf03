use syn::{
    Path, Result, Token,
    parse::{Parse, ParseStream},
};

/// `validate = path, voices = path, beside`.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) validate: Option<Path>,
    pub(crate) voices: Option<Path>,
    /// Another function says who the plugin is, and checks its settings.
    pub(crate) beside: bool,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut arguments = Arguments::default();
        while !input.is_empty() {
            let name: syn::Ident = input.parse()?;
            let place = match name.to_string().as_str() {
                "validate" => Some(&mut arguments.validate),
                "voices" => Some(&mut arguments.voices),
                "beside" => None,
                _ => {
                    return Err(syn::Error::new(
                        name.span(),
                        "expected `validate = path`, `voices = path` or `beside`",
                    ));
                }
            };
            match place {
                Some(place) => {
                    input.parse::<Token![=]>()?;
                    *place = Some(input.parse()?);
                }
                None => arguments.beside = true,
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        let arguments: Arguments = syn::parse_str("validate = menu::check, voices = list").unwrap();
        assert!(arguments.validate.is_some() && arguments.voices.is_some() && !arguments.beside);
        let arguments: Arguments = syn::parse_str("beside").unwrap();
        assert!(arguments.beside && arguments.validate.is_none());
        let arguments: Arguments = syn::parse_str("").unwrap();
        assert!(arguments.validate.is_none());
        assert!(syn::parse_str::<Arguments>("validat = check").is_err());
    }
}
