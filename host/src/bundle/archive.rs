//! The archive of a bundle: a plain tar of regular files (POSIX ustar) and nothing else.
//!
//! Nothing in it is compressed, sparse or a link, so what comes out is never more than what went in, and any `tar` opens
//! it. Equal contents make equal bytes: names in order, no times, no owners.

use std::{collections::BTreeMap, io::Read};

/// The files by their paths below the plugin's folder, with `/` between their parts.
pub type Contents = BTreeMap<String, Vec<u8>>;

/// A thousand prompts, and whatever else.
const MAX_FILES: usize = 2000;
const BLOCK: usize = 512;
/// What a ustar header has room for.
const MAX_PATH: usize = 255;

/// The archive of these files. An error names the file that does not fit.
pub fn pack(contents: &Contents) -> Result<Vec<u8>, String> {
    if contents.len() > MAX_FILES {
        return Err(format!("{} files, and a bundle has at most {MAX_FILES}", contents.len()));
    }
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in contents {
        check_path(name)?;
        let mut header = tar::Header::new_ustar();
        header.set_path(name).map_err(|_| {
            format!("{name}: too long a name for a bundle (100 bytes, and 155 for its folder)")
        })?;
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_cksum();
        archive.append(&header, bytes.as_slice()).map_err(|error| format!("{name}: {error}"))?;
    }
    archive.into_inner().map_err(|error| error.to_string())
}

/// The files of an archive.
pub fn unpack(bytes: &[u8]) -> Result<Contents, String> {
    let mut contents = Contents::new();
    let mut archive = tar::Archive::new(bytes);
    let mut end = 0;
    // Raw: no header may change what the next one says.
    for entry in archive.entries().map_err(not_tar)?.raw(true) {
        let mut entry = entry.map_err(not_tar)?;
        let path = entry.path_bytes();
        let name =
            std::str::from_utf8(&path).map_err(|_| "a file's name is not UTF-8".to_owned())?.to_owned();
        drop(path);
        if entry.header().entry_type() != tar::EntryType::Regular {
            return Err(format!("`{name}` is not a regular file: a bundle holds nothing else"));
        }
        check_path(&name)?;
        if contents.len() == MAX_FILES {
            return Err(format!("more than {MAX_FILES} files"));
        }
        let (begin, size) = (entry.raw_file_position(), entry.size());
        // Before anything of that size is asked for.
        if begin.checked_add(size).is_none_or(|end| end > bytes.len() as u64) {
            return Err(cut_short());
        }
        end = (begin + size).next_multiple_of(BLOCK as u64) as usize;
        let mut file = Vec::with_capacity(size as usize);
        entry.read_to_end(&mut file).map_err(not_tar)?;
        if contents.insert(name.clone(), file).is_some() {
            return Err(format!("`{name}` is in it twice"));
        }
    }
    let rest = bytes.get(end..).unwrap_or_default();
    if rest.iter().any(|byte| *byte != 0) {
        return Err("something follows the end of the archive".to_owned());
    }
    // Two empty blocks are its end.
    if rest.len() < 2 * BLOCK { Err(cut_short()) } else { Ok(contents) }
}

fn not_tar(error: std::io::Error) -> String {
    format!("it is not a bundle, which is a tar archive: {error}")
}

fn cut_short() -> String {
    "it is cut short: was it still being written?".to_owned()
}

/// A path below the plugin's folder, the same on every system.
fn check_path(path: &str) -> Result<(), String> {
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    let is_good = path.len() <= MAX_PATH
        && path.split('/').all(is_plain)
        && !path.contains(|c: char| c == '\\' || c.is_control());
    if is_good { Ok(()) } else { Err(format!("{path:?} is no path of a file below the plugin's folder")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(files: &[(&str, &str)]) -> Contents {
        files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
    }

    /// An archive with one entry of that type and name, whose size is claimed.
    fn entry(kind: tar::EntryType, name: &str, size: u64, bytes: &[u8]) -> Vec<u8> {
        let mut header = tar::Header::new_ustar();
        header.as_ustar_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_cksum();
        let mut archive = header.as_bytes().to_vec();
        archive.extend(bytes);
        archive.resize(archive.len().next_multiple_of(BLOCK), 0);
        archive
    }

    fn ended(mut archive: Vec<u8>) -> Vec<u8> {
        archive.resize(archive.len() + 2 * BLOCK, 0);
        archive
    }

    fn refusal(archive: &[u8]) -> String {
        unpack(archive).expect_err("refused")
    }

    #[test]
    fn what_was_packed_comes_out_and_equal_contents_make_equal_bytes() {
        let long = format!("prompts/{}.wav", "a".repeat(96));
        let files =
            contents(&[("plugin.toml", "[plugin]"), ("ivr.wasm", "\0asm"), (&long, "RIFF"), ("empty", "")]);
        let packed = pack(&files).unwrap();
        assert_eq!(unpack(&packed).unwrap(), files);
        assert_eq!(pack(&files).unwrap(), packed);
        let too_long = contents(&[(&format!("{}.wav", "a".repeat(120)), "")]);
        assert!(pack(&too_long).unwrap_err().contains("too long a name"));
    }

    #[test]
    fn no_path_leaves_the_folder() {
        for name in ["/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a\\b", "a/", ""] {
            let text = refusal(&ended(entry(tar::EntryType::Regular, name, 1, b"x")));
            assert!(text.contains("no path of a file") || text.contains("not a bundle"), "{name}: {text}");
            assert!(pack(&contents(&[(name, "")])).is_err(), "{name}");
        }
    }

    #[test]
    fn only_regular_files_are_in_a_bundle() {
        use tar::EntryType as Type;
        for kind in [
            Type::Symlink,
            Type::Link,
            Type::Directory,
            Type::Fifo,
            Type::Char,
            Type::GNUSparse,
            Type::GNULongName,
            Type::XHeader,
            Type::XGlobalHeader,
        ] {
            let text = refusal(&ended(entry(kind, "a", 0, b"")));
            assert!(text.contains("`a` is not a regular file"), "{kind:?}: {text}");
        }
    }

    #[test]
    fn a_size_that_the_file_does_not_have_is_not_believed() {
        for size in [513, 1 << 33, u64::MAX - 10] {
            let text = refusal(&ended(entry(tar::EntryType::Regular, "a", size, b"x")));
            assert!(text.contains("cut short") || text.contains("not a bundle"), "{size}: {text}");
        }
    }

    #[test]
    fn no_file_is_in_it_twice_and_nothing_hides_behind_its_end() {
        let one = entry(tar::EntryType::Regular, "a", 1, b"x");
        assert!(refusal(&ended([one.clone(), one.clone()].concat())).contains("`a` is in it twice"));
        let hidden = ended([ended(one.clone()), one.clone()].concat());
        assert!(refusal(&hidden).contains("follows the end"));
        assert!(refusal(&one).contains("cut short"));
        assert!(refusal(b"").contains("cut short"));
        assert!(refusal(&[7; 2048]).contains("not a bundle"));
    }

    #[test]
    fn every_piece_of_a_bundle_is_refused_or_whole() {
        let packed = pack(&contents(&[("plugin.toml", "[plugin]"), ("b", "bb")])).unwrap();
        for length in (0..packed.len()).step_by(7) {
            assert!(unpack(&packed[..length]).is_err(), "{length} of {}", packed.len());
        }
    }

    #[test]
    fn the_number_of_files_is_bounded() {
        let many: Vec<u8> = (0..=MAX_FILES)
            .flat_map(|number| entry(tar::EntryType::Regular, &format!("f{number}"), 0, b""))
            .collect();
        assert!(refusal(&ended(many)).contains("more than 2000 files"));
    }
}
