//! The records of a CSV text (RFC 4180). The csv crate reads leniently: a quote that nobody
//! closes swallows the rest of the file unseen, and blank lines are not counted.

use super::{Fault, MAX_COLUMNS};

/// A row as it is written, each value trimmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Where it begins, from 1.
    pub(super) line: u64,
    /// A blank line has one empty field.
    pub(super) fields: Vec<String>,
}

/// Reads record by record; lines end with LF, CRLF or CR.
pub(super) struct Records<'a> {
    rest: &'a str,
    delimiter: char,
    line: u64,
}

impl<'a> Records<'a> {
    pub(super) fn new(text: &'a str) -> Records<'a> {
        Records { rest: text, delimiter: delimiter(text), line: 1 }
    }

    fn record(&mut self) -> Result<Record, Fault> {
        let mut record = Record { line: self.line, fields: Vec::new() };
        loop {
            if record.fields.len() == MAX_COLUMNS {
                return Err(Fault::Columns { line: record.line });
            }
            record.fields.push(self.field()?);
            match self.rest.chars().next() {
                Some(next) if next == self.delimiter => self.rest = &self.rest[1..],
                Some(_) => {
                    self.rest = self.rest.strip_prefix("\r\n").unwrap_or_else(|| &self.rest[1..]);
                    self.line += 1;
                    return Ok(record);
                }
                None => return Ok(record),
            }
        }
    }

    /// Leaves what ends it: a delimiter, a line end or nothing.
    fn field(&mut self) -> Result<String, Fault> {
        let ahead = self.rest.trim_start_matches([' ', '\t']);
        if let Some(quoted) = ahead.strip_prefix('"') {
            return self.quoted(quoted);
        }
        let end = self.rest.find([self.delimiter, '\r', '\n']).unwrap_or(self.rest.len());
        let (field, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(field.trim().to_owned())
    }

    /// `rest` is behind the opening quote.
    fn quoted(&mut self, mut rest: &'a str) -> Result<String, Fault> {
        let opened = self.line;
        let mut field = String::new();
        loop {
            let (part, behind) = rest.split_once('"').ok_or(Fault::OpenQuote { line: opened })?;
            field.push_str(part);
            match behind.strip_prefix('"') {
                Some(behind) => {
                    field.push('"');
                    rest = behind;
                }
                None => {
                    rest = behind.trim_start_matches([' ', '\t']);
                    break;
                }
            }
        }
        self.line += field.matches('\n').count() as u64;
        if !rest.is_empty() && !rest.starts_with([self.delimiter, '\r', '\n']) {
            return Err(Fault::AfterQuote { line: self.line });
        }
        self.rest = rest;
        Ok(field.trim().to_owned())
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, Fault>;

    /// Stops at the first fault.
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let record = self.record();
        if record.is_err() {
            self.rest = "";
        }
        Some(record)
    }
}

/// `;` where the first line has more of them than `,`, as spreadsheets write it in countries
/// with a decimal comma.
fn delimiter(text: &str) -> char {
    let (mut commas, mut semicolons, mut quoted) = (0, 0, false);
    for c in text.trim_start().chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => commas += 1,
            ';' if !quoted => semicolons += 1,
            '\r' | '\n' if !quoted => break,
            _ => {}
        }
    }
    if semicolons > commas { ';' } else { ',' }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u64, Vec<String>)> {
        Records::new(text).map(|record| record.map(|record| (record.line, record.fields)).unwrap()).collect()
    }

    fn fields(text: &str) -> Vec<Vec<String>> {
        read(text).into_iter().map(|(_, fields)| fields).collect()
    }

    fn fault(text: &str) -> Fault {
        Records::new(text).find_map(Result::err).unwrap()
    }

    #[test]
    fn quotes_are_those_of_rfc_4180() {
        let text = "NAME,NUMBER\n\"Dupont, Jean\",101\n\"dit \"\"le Grand\"\"\", \"102\" \n6\" pipe,103\n\"\",\"\"\n";
        assert_eq!(
            fields(text)[1..],
            [["Dupont, Jean", "101"], ["dit \"le Grand\"", "102"], ["6\" pipe", "103"], ["", ""]]
        );
    }

    #[test]
    fn lines_end_with_lf_crlf_cr_or_nothing() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["a,b", "1,2", "3,4"].join(end);
            assert_eq!(fields(&text), [["a", "b"], ["1", "2"], ["3", "4"]], "{end:?}");
        }
    }

    #[test]
    fn a_record_has_the_line_on_which_it_begins() {
        let lines: Vec<u64> = read("a,b\n\n\"x\ny\",1\nz,2\n").into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [1, 2, 3, 5]);
    }

    #[test]
    fn semicolons_are_detected() {
        assert_eq!(fields("Nom;Numéro\n\"a;b\";1,5\n"), [["Nom", "Numéro"], ["a;b", "1,5"]]);
        assert_eq!(fields("\"a;b;c\",NUMBER\n"), [["a;b;c", "NUMBER"]]);
    }

    #[test]
    fn broken_quotes_are_faults_with_their_line() {
        assert_eq!(fault("a,b\n1,2\n\"x,3\n4,5\n6,7\n"), Fault::OpenQuote { line: 3 });
        assert_eq!(fault("a,b\n\"x\"y,3\n"), Fault::AfterQuote { line: 2 });
        assert_eq!(fault(&",".repeat(100)), Fault::Columns { line: 1 });
        assert!(Records::new("a,\"b\nc,d\n").count() == 1, "nothing after a fault");
    }
}
