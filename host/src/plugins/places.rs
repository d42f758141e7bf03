//! Where to watch for the changes of a file: in the folder in which its name stands, and
//! wherever a symbolic link on the way to it may be turned. (A watched file is lost when
//! another is renamed over it, and a watched link is its target.)

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

/// As many links in a row as Linux follows.
const MAX_LINKS: usize = 40;

/// Whose files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// `jackfield.toml`.
    Operator,
    Plugin(String),
}

/// Who waits for which names in a folder; no name: for all of them.
type Waiting = BTreeMap<Option<OsString>, BTreeSet<Owner>>;

/// Folders, by their true names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Places(BTreeMap<PathBuf, Waiting>);

impl Places {
    /// A file or folder by its name, which need not exist.
    pub fn add(&mut self, owner: &Owner, path: &Path) {
        self.add_name(owner, path);
        let mut links = MAX_LINKS;
        self.add_links(owner, path, &mut links);
    }

    /// Whatever lies in a folder. The folder itself is a matter of [`Places::add`].
    pub fn add_inside(&mut self, owner: &Owner, folder: &Path) {
        if let Ok(folder) = fs::canonicalize(folder) {
            self.0.entry(folder).or_default().entry(None).or_default().insert(owner.clone());
        }
    }

    pub fn folders(&self) -> impl Iterator<Item = &PathBuf> {
        self.0.keys()
    }

    pub fn holds(&self, folder: &Path) -> bool {
        self.0.contains_key(folder)
    }

    /// Who waits for what stands there; of a watched folder: for anything in it.
    pub fn owners(&self, path: &Path) -> BTreeSet<Owner> {
        let named = path.parent().and_then(|folder| self.0.get(folder)).into_iter().flat_map(|waiting| {
            let name = path.file_name().map(ToOwned::to_owned);
            waiting.get(&name).into_iter().chain(waiting.get(&None))
        });
        let inside = self.0.get(path).into_iter().flat_map(BTreeMap::values);
        named.chain(inside).flatten().cloned().collect()
    }

    pub fn all_owners(&self) -> BTreeSet<Owner> {
        self.0.values().flat_map(BTreeMap::values).flatten().cloned().collect()
    }

    /// The name in its folder, or the first name on the way to it that is not there.
    fn add_name(&mut self, owner: &Owner, path: &Path) {
        let mut path = path;
        while let (Some(folder), Some(name)) = (folder_of(path), path.file_name()) {
            if let Ok(folder) = fs::canonicalize(folder) {
                let waiting = self.0.entry(folder).or_default();
                waiting.entry(Some(name.to_owned())).or_default().insert(owner.clone());
                return;
            }
            path = folder;
        }
    }

    /// Every link on the way, and on the way to where it leads.
    fn add_links(&mut self, owner: &Owner, path: &Path, left: &mut usize) {
        for link in path.ancestors() {
            let (Ok(target), Some(folder)) = (fs::read_link(link), folder_of(link)) else { continue };
            let Some(less) = left.checked_sub(1) else { return };
            *left = less;
            self.add_name(owner, link);
            let target = folder.join(target);
            self.add_name(owner, &target);
            self.add_links(owner, &target, left);
        }
    }
}

fn folder_of(path: &Path) -> Option<&Path> {
    path.parent().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn menu() -> Owner {
        Owner::Plugin("menu".to_owned())
    }

    fn places(path: &Path) -> Places {
        let mut places = Places::default();
        places.add(&menu(), path);
        places
    }

    #[test]
    fn a_name_is_waited_for_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(folder.path()).unwrap();
        let places = places(&folder.join("plugin.toml"));
        assert_eq!(places.owners(&folder.join("plugin.toml")), [menu()].into());
        assert_eq!(places.owners(&folder.join("other.toml")), [].into());
        assert_eq!(places.owners(&folder), [menu()].into(), "it may be renamed");
    }

    #[test]
    fn what_is_missing_is_waited_for_where_its_way_ends() {
        let folder = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(folder.path()).unwrap();
        let places = places(&folder.join("menu/prompts"));
        assert_eq!(places.owners(&folder.join("menu")), [menu()].into());
    }

    #[test]
    fn each_link_on_the_way_may_be_turned() {
        let folder = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(folder.path()).unwrap();
        for real in ["releases/5", "store/menu"] {
            fs::create_dir_all(folder.join(real)).unwrap();
        }
        symlink("releases/5", folder.join("now")).unwrap();
        symlink("../../store/menu", folder.join("releases/5/menu")).unwrap();
        symlink("menu-5.wasm", folder.join("store/menu/menu.wasm")).unwrap();
        let places = places(&folder.join("now/menu/menu.wasm"));
        for name in ["now", "releases/5", "releases/5/menu", "store/menu/menu.wasm", "store/menu/menu-5.wasm"]
        {
            assert_eq!(places.owners(&folder.join(name)), [menu()].into(), "{name} in {places:?}");
        }
    }

    #[test]
    fn links_in_a_circle_end() {
        let folder = tempfile::tempdir().unwrap();
        symlink("b", folder.path().join("a")).unwrap();
        symlink("a", folder.path().join("b")).unwrap();
        assert!(places(&folder.path().join("a/plugin.toml")).folders().count() > 0);
    }
}
