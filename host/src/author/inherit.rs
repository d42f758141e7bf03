//! A package's `Cargo.toml` without its workspace: what it inherits is written into it.

use toml_edit::{DocumentMut, Item, Table, TableLike, TomlError, value};

/// Stands alone in a folder `depth` below that of the workspace's root manifest. Lints are the workspace's own
/// affair, and so are the tests' dependencies: both are left out.
pub(super) fn inline(manifest: &str, root: &str, depth: usize) -> Result<String, TomlError> {
    let mut manifest: DocumentMut = manifest.parse()?;
    let root: DocumentMut = root.parse()?;
    let shared = |section: &str| root.get("workspace").and_then(|workspace| workspace.get(section));
    manifest.remove("lints");
    manifest.remove("dev-dependencies");
    let fill = |table: &mut Table, from: Option<&Item>| {
        for (key, item) in table.iter_mut() {
            let own = item.as_table_like().filter(|own| inherits(*own));
            let Some(own) = own else { continue };
            let others: Vec<_> = own.iter().filter(|(key, _)| *key != "workspace").collect();
            let Some(inherited) = from.and_then(|from| from.get(key.get())) else { continue };
            let mut whole = inherited.clone();
            for (key, item) in others {
                // Only a table can have keys of its own.
                if let Some(whole) = whole.as_table_like_mut() {
                    whole.insert(key, item.clone());
                }
            }
            from_below(&mut whole, depth);
            *item = whole;
        }
    };
    for (section, from) in [("package", shared("package")), ("dependencies", shared("dependencies"))] {
        if let Some(table) = manifest.get_mut(section).and_then(Item::as_table_mut) {
            fill(table, from);
            table.set_dotted(false);
        }
    }
    Ok(manifest.to_string())
}

fn inherits(item: &dyn TableLike) -> bool {
    item.get("workspace").and_then(Item::as_bool) == Some(true)
}

/// A path from the root, seen from a package below it.
fn from_below(dependency: &mut Item, depth: usize) {
    let Some(dependency) = dependency.as_table_like_mut() else { return };
    if let Some(path) = dependency.get("path").and_then(Item::as_str) {
        let path = "../".repeat(depth) + path;
        dependency.insert("path", value(path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inherited_is_written_down() {
        let root = "[workspace.package]\nversion = \"0.1.0\"\n[workspace.dependencies]\nserde = { version = \"1\", features = [\"derive\"] }\nmacros = { path = \"sdk/macros\" }\nlog = \"0.4\"\n[workspace.lints.rust]\nx = \"deny\"\n";
        let own = "[package]\nname = \"sdk\"\nversion.workspace = true\n\n[lints]\nworkspace = true\n\n[dependencies]\nserde.workspace = true\nmacros = { workspace = true, optional = true }\nlog.workspace = true\nown = \"2\"\n\n[dev-dependencies]\nlog.workspace = true\n";
        let text = inline(own, root, 1).unwrap();
        let table: toml::Table = text.parse().unwrap();
        let expected: toml::Table = "[package]\nname = \"sdk\"\nversion = \"0.1.0\"\n[dependencies]\nserde = { version = \"1\", features = [\"derive\"] }\nmacros = { path = \"../sdk/macros\", optional = true }\nlog = \"0.4\"\nown = \"2\"\n".parse().unwrap();
        assert_eq!(table, expected, "{text}");
    }
}
