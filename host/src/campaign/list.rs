//! From a file to contacts: the header, the columns, and which rows can be called.

use serde::{Deserialize, Serialize};

use super::{
    Fault, MAX_COLUMNS, MAX_FILE, MAX_ROW, MAX_ROWS, Refused,
    number::normalise,
    records::{Record, Records},
};
use crate::store::campaign::NewContact;

/// Headers of the column that is dialled and of the one with names, folded (see [`folded`]).
const NUMBERS: [&str; 9] = [
    "number",
    "numero",
    "phone",
    "phonenumber",
    "telephone",
    "numerodetelephone",
    "tel",
    "mobile",
    "portable",
];
const NAMES: [&str; 5] = ["name", "nom", "fullname", "nomcomplet", "contact"];

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// In the file's order.
    pub contacts: Vec<NewContact>,
    /// The other rows.
    pub skipped: Vec<Skipped>,
}

/// A row that cannot be called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// In the file, from 1.
    pub line: u64,
    /// In a sentence.
    pub why: String,
}

impl List {
    /// Reads a file; `name` is for the sentence when it is refused.
    pub fn read(name: &str, bytes: &[u8]) -> Result<List, Refused> {
        let refused = |fault| Refused { file: name.to_owned(), fault };
        let list = parse(bytes).map_err(refused)?;
        if list.contacts.is_empty() {
            return Err(refused(list.nobody()));
        }
        Ok(list)
    }

    /// Moves contacts for which there is a reason to the skipped rows.
    pub fn skip(&mut self, reason: impl Fn(&NewContact) -> Option<String>) {
        let skipped = &mut self.skipped;
        self.contacts.retain(|contact| match reason(contact) {
            Some(why) => {
                skipped.push(Skipped { line: contact.line, why });
                false
            }
            None => true,
        });
        skipped.sort_by_key(|row| row.line);
    }

    /// Why nobody is left.
    pub fn nobody(&self) -> Fault {
        Fault::Nobody { first: self.skipped.first().map(|row| format!("line {}: {}", row.line, row.why)) }
    }
}

fn parse(bytes: &[u8]) -> Result<List, Fault> {
    let mut records = Records::new(text_of(bytes)?);
    let header = loop {
        match records.next().ok_or(Fault::Empty)?? {
            record if record.is_blank() => {}
            record => break record,
        }
    };
    let columns = Columns::of(header)?;
    let mut list = List::default();
    for record in records {
        let record = record?;
        if list.contacts.len() + list.skipped.len() == MAX_ROWS {
            return Err(Fault::Rows);
        }
        let line = record.line;
        match columns.contact(record) {
            Ok(contact) => list.contacts.push(contact),
            Err(why) => list.skipped.push(Skipped { line, why }),
        }
    }
    Ok(list)
}

/// The text, without a byte order mark.
fn text_of(bytes: &[u8]) -> Result<&str, Fault> {
    if bytes.len() as u64 > MAX_FILE {
        return Err(Fault::Size);
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Fault::Utf16);
    }
    if let Some(kind) = binary(bytes) {
        return Err(Fault::Binary(kind));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        Fault::NotUtf8 { line: before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1 }
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// What people take for a CSV file by mistake.
fn binary(bytes: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 7] = [
        (b"\x89PNG", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"GIF8", "a GIF image"),
        (b"%PDF-", "a PDF document"),
        (b"PK\x03\x04", "a spreadsheet (.xlsx, .ods) or another ZIP archive"),
        (b"\xd0\xcf\x11\xe0", "an old spreadsheet (.xls)"),
        (b"\x1f\x8b", "a gzip archive"),
    ];
    let known = KINDS.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, kind)| *kind);
    known.or_else(|| bytes.contains(&0).then_some("a binary file"))
}

/// What the header says.
struct Columns {
    names: Vec<String>,
    /// Bytes of all names.
    length: usize,
    number: usize,
    name: Option<usize>,
}

impl Columns {
    fn of(header: Record) -> Result<Columns, Fault> {
        let Record { line, fields } = header;
        let number = find_number(line, &fields)?;
        let name = NAMES.iter().find_map(|known| fields.iter().position(|field| folded(field) == *known));
        let names: Vec<String> = fields.into_iter().enumerate().map(name_of).collect();
        let again = |index: &usize| names[..*index].contains(&names[*index]);
        if let Some(twice) = (0..names.len()).find(again) {
            return Err(Fault::SameName { line, name: names[twice].clone() });
        }
        let length = names.iter().map(String::len).sum();
        Ok(Columns { names, length, number, name })
    }

    /// The contact of a row, or why it is none.
    fn contact(&self, record: Record) -> Result<NewContact, String> {
        if record.is_blank() {
            return Err("it is blank".to_owned());
        }
        let Record { line, mut fields } = record;
        let (have, known) = (fields.iter().rposition(|field| !field.is_empty()), self.names.len());
        if have.is_some_and(|last| last >= known) {
            let help = "put a value with a comma in quotes";
            return Err(format!("it has {} values for {known} columns; {help}", fields.len()));
        }
        fields.resize(known, String::new());
        if self.length + fields.iter().map(String::len).sum::<usize>() > MAX_ROW {
            return Err(format!("it is longer than {} KiB", MAX_ROW >> 10));
        }
        if fields[self.number].is_empty() {
            return Err("it has no number".to_owned());
        }
        Ok(NewContact {
            line,
            number: normalise(&fields[self.number])?,
            name: self.name.map(|name| fields[name].clone()).unwrap_or_default(),
            fields: self.names.iter().cloned().zip(fields).collect(),
        })
    }
}

/// Which column is dialled. One that is called NUMBER comes before all others.
fn find_number(line: u64, fields: &[String]) -> Result<usize, Fault> {
    let plain = fields.iter().position(|field| folded(field) == NUMBERS[0]);
    let mut known = (0..fields.len()).filter(|index| NUMBERS.contains(&folded(&fields[*index]).as_str()));
    match (plain, known.next(), known.next()) {
        (Some(plain), ..) => Ok(plain),
        (None, Some(first), Some(second)) => {
            Err(Fault::TwoNumbers { line, names: (fields[first].clone(), fields[second].clone()) })
        }
        (None, Some(only), None) => Ok(only),
        (None, None, _) => Err(no_number(line, fields)),
    }
}

/// A header without numbers, or a contact where the header should be.
fn no_number(line: u64, fields: &[String]) -> Fault {
    let dialled = |field: &&String| field.contains(|c: char| c.is_ascii_digit()) && normalise(field).is_ok();
    match fields.iter().find(dialled) {
        Some(number) => Fault::NoHeader { line, number: number.clone() },
        None => {
            let names: Vec<String> =
                fields.iter().take(MAX_COLUMNS).map(|name| format!("`{name}`")).collect();
            Fault::NoNumber { line, columns: names.join(", ") }
        }
    }
}

/// `column 3` where the header says nothing.
fn name_of((index, name): (usize, String)) -> String {
    if name.is_empty() { format!("column {}", index + 1) } else { name }
}

/// `Numéro de téléphone` and `NUMERO_DE_TELEPHONE` are the same.
fn folded(header: &str) -> String {
    let plain = |c: char| match c {
        'é' | 'è' | 'ê' | 'ë' => 'e',
        c => c,
    };
    header.to_lowercase().chars().map(plain).filter(|c| c.is_alphanumeric()).collect()
}

impl Record {
    fn is_blank(&self) -> bool {
        self.fields.iter().all(String::is_empty)
    }
}

#[cfg(test)]
mod tests;
