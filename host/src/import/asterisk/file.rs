//! Asterisk's configuration files: sections of settings, with templates, includes and comments.

use std::{
    fs,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use crate::import::report::{Place, Report};

/// Larger files are no configuration.
const MAX_FILE: u64 = 4 << 20;
/// Asterisk's own limit on includes of includes.
const MAX_DEPTH: usize = 10;
/// Files of one configuration.
const MAX_FILES: usize = 1000;
/// Lines of one configuration, with all that it includes and inherits.
const MAX_ENTRIES: usize = 200_000;

/// `name = value` or `name => value`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Before the `=`.
    pub name: String,
    /// After it, without comment.
    pub value: String,
    /// Where it is written.
    pub place: Place,
}

/// `[name]` and what stands below it, what it inherits first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// In the brackets.
    pub name: String,
    /// Where the brackets are.
    pub place: Place,
    /// In order.
    pub entries: Vec<Entry>,
    /// `(!)`: only to be inherited from.
    is_template: bool,
}

impl Section {
    /// The last value of that name.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| entry.name.eq_ignore_ascii_case(name))
    }

    /// The last value of that name, as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).map(|entry| entry.value.as_str())
    }
}

/// The folder that is imported.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// That one.
    pub fn new(path: &Path) -> Folder {
        Folder { path: path.to_owned() }
    }

    /// A path in it, which cannot lead out of it.
    pub fn path(&self, relative: &str) -> Option<PathBuf> {
        let relative = Path::new(relative);
        let stays =
            relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        (stays && relative.file_name().is_some()).then(|| self.path.join(relative))
    }

    /// Files and folders in it, or in a folder of it, by name.
    pub fn list(&self, relative: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path.join(relative)).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// The text of a file, if it is there; other encodings than UTF-8 are taken for Latin-1.
    pub fn read(&self, relative: &str, report: &mut Report) -> Option<(Arc<str>, String)> {
        let path = self.path(relative)?;
        let name: Arc<str> = path.display().to_string().into();
        let place = Place::file(name.clone());
        let size = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?.len();
        if size > MAX_FILE {
            report.not_carried(&place, format!("the file is larger than {} MiB", MAX_FILE >> 20));
            return None;
        }
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                report.not_carried(&place, format!("it cannot be read: {error}"));
                return None;
            }
        };
        let text = String::from_utf8(bytes).unwrap_or_else(|error| {
            report.changed(&place, "it is not UTF-8 text, and was read as Latin-1; look at its accents");
            error.into_bytes().into_iter().map(char::from).collect()
        });
        Some((name, text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)))
    }
}

/// The sections of a file of that folder and of all that it includes; None: there is no such file.
pub fn read(folder: &Folder, file: &str, report: &mut Report) -> Option<Vec<Section>> {
    let (name, text) = folder.read(file, report)?;
    let sections = Vec::new();
    let mut parser = Parser { folder, report, sections, is_open: false, open: vec![], files: 0, entries: 0 };
    parser.open.push(file.to_owned());
    parser.text(&name, &text);
    Some(parser.sections.into_iter().filter(|section| !section.is_template).collect())
}

struct Parser<'a> {
    folder: &'a Folder,
    report: &'a mut Report,
    sections: Vec<Section>,
    /// A section has begun, and its head could be read: the last one.
    is_open: bool,
    /// The file that is being read, and those that include it.
    open: Vec<String>,
    /// How many were included so far.
    files: usize,
    entries: usize,
}

impl Parser<'_> {
    fn text(&mut self, file: &Arc<str>, text: &str) {
        let mut comments = 0;
        // A line that ends with a backslash, and where it began.
        let mut begun: Option<(usize, String)> = None;
        for (index, line) in text.lines().enumerate() {
            let line = uncommented(line, &mut comments);
            let (number, mut whole) = begun.take().unwrap_or((index + 1, String::new()));
            let line = line.trim();
            if let Some(part) = line.strip_suffix('\\') {
                whole += part;
                begun = Some((number, whole));
                continue;
            }
            whole += line;
            self.line(&Place { file: file.clone(), line: number }, whole.trim());
        }
        if let Some((line, whole)) = begun {
            self.line(&Place { file: file.clone(), line }, whole.trim());
        }
        if comments > 0 {
            self.report
                .defect(&Place::file(file.clone()), "a comment that begins with `;--` has no end `--;`");
        }
    }

    fn line(&mut self, place: &Place, line: &str) {
        match line.chars().next() {
            None => {}
            Some('[') => self.head(place, line),
            Some('#') => self.directive(place, &line[1..]),
            Some(_) => self.entry(place, line),
        }
    }

    /// `[name]`, `[name](!)`, `[name](template,other)`, `[name](+)`
    fn head(&mut self, place: &Place, line: &str) {
        self.is_open = false;
        let Some((name, rest)) = line[1..].split_once(']') else {
            self.report.defect(place, "the head of a section has no `]`: what stands below it is not read");
            return;
        };
        let name = name.trim().to_owned();
        let options = rest.trim().strip_prefix('(').map(|rest| rest.trim_end_matches(')'));
        let options: Vec<&str> = options.unwrap_or_default().split(',').map(str::trim).collect();
        self.is_open = true;
        if options.contains(&"+") {
            if let Some(at) = self.sections.iter().rposition(|section| section.name == name) {
                let section = self.sections.remove(at);
                self.sections.push(section);
            } else {
                self.report.defect(place, format!("`(+)` adds to [{name}], and there is none before"));
                self.open(name, place, false);
            }
        } else {
            self.open(name, place, options.contains(&"!"));
        }
        for template in options.into_iter().filter(|option| !matches!(*option, "" | "!" | "+")) {
            self.inherit(place, template);
        }
    }

    fn open(&mut self, name: String, place: &Place, is_template: bool) {
        self.sections.push(Section { name, place: place.clone(), entries: Vec::new(), is_template });
    }

    fn inherit(&mut self, place: &Place, template: &str) {
        let Some((section, before)) = self.sections.split_last_mut() else { return };
        match before.iter().rfind(|former| former.name == template) {
            Some(former) if self.entries + former.entries.len() <= MAX_ENTRIES => {
                self.entries += former.entries.len();
                section.entries.extend_from_slice(&former.entries);
            }
            Some(_) => self.report.not_carried(place, format!("more than {MAX_ENTRIES} settings")),
            None => {
                let text = format!("[{}] inherits from [{template}], and there is none before", section.name);
                self.report.defect(place, text);
            }
        }
    }

    fn directive(&mut self, place: &Place, line: &str) {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let quoted: &[char] = &['"', '\'', '<', '>'];
        let what = rest.trim().trim_matches(quoted);
        match word.to_ascii_lowercase().as_str() {
            "include" => self.include(place, what, true),
            "tryinclude" => self.include(place, what, false),
            "exec" => {
                let text = format!("#exec: the program `{what}` is not run; #include what it writes");
                self.report.not_carried(place, text);
            }
            _ => self.report.defect(place, format!("`#{word}` is no directive; a comment begins with `;`")),
        }
    }

    fn include(&mut self, place: &Place, what: &str, must: bool) {
        let relative = what.strip_prefix("/etc/asterisk/").unwrap_or(what);
        if self.folder.path(relative).is_none() {
            self.report.not_carried(place, format!("`{what}` is outside of the folder that is imported"));
            return;
        }
        let mut found = false;
        for file in self.matching(relative) {
            if self.open.contains(&file) || self.open.len() > MAX_DEPTH || self.files == MAX_FILES {
                let text = format!("files include each other without end: `{file}` is not read once more");
                self.report.defect(place, text);
                return;
            }
            if let Some((name, text)) = self.folder.read(&file, self.report) {
                found = true;
                self.files += 1;
                self.open.push(file);
                self.text(&name, &text);
                self.open.pop();
            }
        }
        if must && !found && !relative.contains('*') {
            let text = format!("the file `{what}` is included and is not there: Asterisk loads nothing then");
            self.report.defect(place, text);
        }
    }

    /// `*` stands for any part of a file's name.
    fn matching(&self, relative: &str) -> Vec<String> {
        let (folder, name) = relative.rsplit_once('/').unwrap_or(("", relative));
        if !name.contains('*') {
            return vec![relative.to_owned()];
        }
        let names = self.folder.list(folder).into_iter().filter(|found| is_like(found, name));
        names.map(|found| if folder.is_empty() { found } else { format!("{folder}/{found}") }).collect()
    }

    fn entry(&mut self, place: &Place, line: &str) {
        let Some((name, value)) = line.split_once('=') else {
            self.report.defect(place, format!("`{}` has no `=`", shortened(line)));
            return;
        };
        if !self.is_open {
            self.report.defect(place, "this stands below no section, and is not read");
            return;
        }
        if self.entries == MAX_ENTRIES {
            self.report.not_carried(place, format!("more than {MAX_ENTRIES} settings"));
            return;
        }
        self.entries += 1;
        let value = value.strip_prefix('>').unwrap_or(value).trim().to_owned();
        let Some(section) = self.sections.last_mut() else { return };
        let (name, appends) = match name.trim_end().strip_suffix('+') {
            Some(name) => (name.trim(), true),
            None => (name.trim(), false),
        };
        let former = section.entries.iter().rposition(|entry| entry.name.eq_ignore_ascii_case(name));
        match former.filter(|_| appends) {
            Some(at) => section.entries[at].value += &value,
            None => section.entries.push(Entry { name: name.to_owned(), value, place: place.clone() }),
        }
    }
}

/// `;` begins a comment, `;--` one that goes on to `--;`, `\;` is a semicolon.
fn uncommented(line: &str, depth: &mut usize) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        if rest.starts_with(";--") && !rest.starts_with(";---") {
            *depth += 1;
            rest = &rest[3..];
        } else if *depth > 0 {
            rest = match rest.strip_prefix("--;") {
                Some(after) => {
                    *depth -= 1;
                    after
                }
                None => after,
            };
        } else if rest.starts_with("\\;") {
            text.push(';');
            rest = &rest[2..];
        } else if c == ';' {
            break;
        } else {
            text.push(c);
            rest = after;
        }
    }
    text
}

fn is_like(name: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Not more of somebody's text than a sentence can hold.
pub fn shortened(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn parse(files: &[(&str, &str)]) -> (Vec<Section>, Vec<String>) {
        let folder = folder(files);
        let mut report = Report::default();
        let sections = read(&Folder::new(folder.path()), files[0].0, &mut report).unwrap();
        let root = format!("{}/", folder.path().display());
        (sections, report.notes().map(|note| note.to_string().replace(&root, "")).collect())
    }

    fn told(sections: &[Section]) -> Vec<String> {
        let entries = |section: &Section| {
            let texts = section.entries.iter().map(|e| format!("{}={}@{}", e.name, e.value, e.place.line));
            format!("[{}] {}", section.name, texts.collect::<Vec<_>>().join(" "))
        };
        sections.iter().map(entries).collect()
    }

    #[test]
    fn settings_are_written_with_one_or_two_signs_and_any_space() {
        let (sections, notes) =
            parse(&[("a", "[x]\n  one=1\ntwo => 2\nexten =>1,1,A(b=c)\n\n[ y ] \nz =\n")]);
        assert_eq!(told(&sections), ["[x] one=1@2 two=2@3 exten=1,1,A(b=c)@4", "[y] z=@7"]);
        assert!(notes.is_empty(), "{notes:?}");
    }

    #[test]
    fn comments_end_with_the_line_or_go_on_over_lines() {
        let text = "; head\n[x] ; the x\na=1;2\nb=1\\;2\n;-- c=3\nd=4 ;-- deeper --;\n--; e=5\n;---- f=6\ng=;7\nh=a;-- b --;c\n";
        let (sections, notes) = parse(&[("a", text)]);
        assert_eq!(told(&sections), ["[x] a=1@3 b=1;2@4 e=5@7 g=@9 h=ac@10"]);
        assert!(notes.is_empty(), "{notes:?}");
    }

    #[test]
    fn a_backslash_goes_on_in_the_next_line_and_plus_adds() {
        let (sections, _) = parse(&[("a", "[x]\na=1,\\\n  2\nb=3\nb+=4\nc=5\\")]);
        assert_eq!(told(&sections), ["[x] a=1,2@2 b=34@4 c=5@6"]);
    }

    #[test]
    fn templates_give_what_they_have_and_are_none_themselves() {
        let text = "[base](!)\na=1\n[more](!,base)\nb=2\n[x](more)\na=3\n[y](base,more)\n[x](+)\nc=4\n[z](nobody)\n[w](+)\n";
        let (sections, notes) = parse(&[("a", text)]);
        assert_eq!(told(&sections), ["[y] a=1@2 a=1@2 b=2@4", "[x] a=1@2 b=2@4 a=3@6 c=4@9", "[z] ", "[w] "]);
        assert_eq!(sections[1].text("A"), Some("3"));
        assert_eq!(
            notes,
            [
                "a:10: defect: [z] inherits from [nobody], and there is none before",
                "a:11: defect: `(+)` adds to [w], and there is none before"
            ]
        );
    }

    #[test]
    fn included_files_stand_where_they_are_included() {
        let (sections, notes) = parse(&[
            ("a", "[x]\n#include \"b\"\n#include <d/*.conf>\n#tryinclude no\nlast=1\n"),
            ("b", "one=1\n[y]\ntwo=2\n"),
            ("d/1.conf", "three=3\n"),
            ("d/2.txt", "four=4\n"),
            ("d/3.conf", "five=5\n"),
        ]);
        assert_eq!(told(&sections), ["[x] one=1@1", "[y] two=2@3 three=3@1 five=5@1 last=1@5"]);
        assert!(notes.is_empty(), "{notes:?}");
    }

    #[test]
    fn what_cannot_be_read_has_its_line() {
        let text = "a=1\n[x\nb=2\n[y]\nnothing\n#include \"/etc/passwd\"\n#include ../up\n#include gone\n#exec rm -rf /\n#define\n;-- open";
        let (sections, notes) = parse(&[("a", text), ("b", "")]);
        assert_eq!(told(&sections), ["[y] "]);
        assert_eq!(
            notes,
            [
                "a:6: not carried: `/etc/passwd` is outside of the folder that is imported",
                "a:7: not carried: `../up` is outside of the folder that is imported",
                "a:9: not carried: #exec: the program `rm -rf /` is not run; #include what it writes",
                "a: defect: a comment that begins with `;--` has no end `--;`",
                "a:1: defect: this stands below no section, and is not read",
                "a:2: defect: the head of a section has no `]`: what stands below it is not read",
                "a:3: defect: this stands below no section, and is not read",
                "a:5: defect: `nothing` has no `=`",
                "a:8: defect: the file `gone` is included and is not there: Asterisk loads nothing then",
                "a:10: defect: `#define` is no directive; a comment begins with `;`"
            ]
        );
    }

    #[test]
    fn files_that_include_themselves_come_to_an_end() {
        let (sections, notes) = parse(&[("a", "[x]\n#include a\n#include b\nc=1\n"), ("b", "#include a\n")]);
        assert_eq!(told(&sections), ["[x] c=1@4"]);
        assert_eq!(notes.len(), 2, "{notes:?}");
    }

    #[test]
    fn other_encodings_are_read_and_told() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), b"[x]\na=\xe9\n").unwrap();
        let mut report = Report::default();
        let sections = read(&Folder::new(folder.path()), "a", &mut report).unwrap();
        assert_eq!(report.notes().count(), 1);
        assert_eq!(sections[0].text("a"), Some("é"));
        fs::write(folder.path().join("a"), b"\xef\xbb\xbf[x]\na=\xc3\xa9\n").unwrap();
        let sections = read(&Folder::new(folder.path()), "a", &mut report).unwrap();
        assert_eq!(sections[0].text("a"), Some("é"));
    }
}
