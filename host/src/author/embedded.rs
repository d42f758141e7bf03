//! Files that the program brings with it: `templates/`, `sdk/` and `wit/` of the repository it was built from.

/// By path, in order.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The file itself, or the files below the folder of that path, each with its path from there.
pub(super) fn below(path: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    FILES.iter().filter_map(move |(name, bytes)| {
        let rest = name.strip_prefix(path)?;
        match rest.strip_prefix('/') {
            Some(rest) => Some((rest, *bytes)),
            None => rest.is_empty().then_some((rest, *bytes)),
        }
    })
}

/// A text that is known to be there.
pub(super) fn text(path: &str) -> &'static str {
    let bytes = below(path).next().map_or(&[][..], |(_, bytes)| bytes);
    std::str::from_utf8(bytes).unwrap_or_default()
}
