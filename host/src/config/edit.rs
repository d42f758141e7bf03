//! Edits of `jackfield.toml` that keep its comments and its order.

use std::{fs, io, ops::Range, path::Path};

use toml::de::DeTable;
use toml_edit::{DocumentMut, InlineTable, Item, Table, TomlError, value};

/// What an edit says of a user; what it does not say stays as it is.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    pub name: &'a str,
    pub number: Option<&'a str>,
    /// What others see.
    pub display: Option<&'a str>,
}

/// The text with those users in it.
pub fn with_users<'a>(text: &str, entries: impl IntoIterator<Item = Entry<'a>>) -> Result<String, TomlError> {
    let mut document: DocumentMut = text.parse()?;
    let users = document.entry("users").or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    // A `[users]` table or an inline one: each keeps its own style.
    let is_inline = users.is_inline_table();
    for entry in entries {
        let Some(users) = users.as_table_like_mut() else { break };
        let user = users.entry(entry.name).or_insert_with(|| match is_inline {
            true => value(InlineTable::new()),
            false => Item::Table(Table::new()),
        });
        let fields = [("number", entry.number), ("name", entry.display)];
        for (key, text) in fields.into_iter().filter_map(|(key, text)| Some(key).zip(text)) {
            if let Some(user) = user.as_table_like_mut() {
                user.insert(key, value(text));
            }
        }
    }
    Ok(document.to_string())
}

/// The text without that user. The comment right above the user goes too; one with an
/// empty line below it stays.
pub fn without_user(text: &str, name: &str) -> Result<String, TomlError> {
    let mut document: DocumentMut = text.parse()?;
    if let Some(lines) = own_lines(text, name) {
        return Ok([&text[..lines.start], &text[lines.end..]].concat());
    }
    if let Some(users) = document.get_mut("users").and_then(Item::as_table_like_mut) {
        users.remove(name);
    }
    Ok(document.to_string())
}

/// From the comment above `[users.NAME]` to the empty line after its keys, when the user has a
/// header of its own.
fn own_lines(text: &str, name: &str) -> Option<Range<usize>> {
    let document = DeTable::parse(text).ok()?;
    let (key, value) = document.get_ref().get("users")?.get_ref().as_table()?.get_key_value(name)?;
    let mut start = text[..key.span().start].rfind('\n').map_or(0, |newline| newline + 1);
    if !text[start..].trim_start().starts_with('[') {
        return None;
    }
    while let Some(above) = text[..start].lines().last().filter(|line| line.trim_start().starts_with('#')) {
        start = text[..start].rfind(above)?;
    }
    let entries = value.get_ref().as_table()?.values();
    let last = entries.map(|value| value.span().end).max().unwrap_or(0).max(key.span().end);
    let mut end = line_end(text, last);
    if text[end..].lines().next().is_some_and(|line| line.trim().is_empty()) {
        end = line_end(text, end);
    }
    Some(start..end)
}

/// Behind the newline of the line of that offset.
fn line_end(text: &str, offset: usize) -> usize {
    text[offset..].find('\n').map_or(text.len(), |newline| offset + newline + 1)
}

/// Replaces the file in one step: whoever reads it sees the old text or the new one.
pub fn write(file: &Path, text: &str) -> io::Result<()> {
    // Behind a symbolic link the target is replaced, not the link.
    let file = fs::canonicalize(file)?;
    let temporary = file.with_extension("toml.new");
    fs::write(&temporary, text)?;
    fs::set_permissions(&temporary, fs::metadata(&file)?.permissions())?;
    fs::rename(&temporary, &file)
}
