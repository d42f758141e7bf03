use syn::{
    Path, Result, Token,
    parse::{Parse, ParseStream},
};

/// `validate = path, voices = path`.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) validate: Option<Path>,
    pub(crate) voices: Option<Path>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut arguments = Arguments::default();
        while !input.is_empty() {
            let name: syn::Ident = input.parse()?;
            let place = match name.to_string().as_str() {
                "validate" => &mut arguments.validate,
                "voices" => &mut arguments.voices,
                _ => {
                    return Err(syn::Error::new(
                        name.span(),
                        "expected `validate = path` or `voices = path`",
                    ));
                }
            };
            input.parse::<Token![=]>()?;
            *place = Some(input.parse()?);
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
        assert!(arguments.validate.is_some() && arguments.voices.is_some());
        let arguments: Arguments = syn::parse_str("").unwrap();
        assert!(arguments.validate.is_none());
        assert!(syn::parse_str::<Arguments>("validat = check").is_err());
    }
}
