//! Files as people make them.

use super::*;

fn list(text: &str) -> List {
    List::read("a.csv", text.as_bytes()).unwrap()
}

fn fault(bytes: impl AsRef<[u8]>) -> Fault {
    List::read("a.csv", bytes.as_ref()).unwrap_err().fault
}

fn numbers(text: &str) -> Vec<String> {
    list(text).contacts.into_iter().map(|contact| contact.number).collect()
}

fn skipped(text: &str) -> Vec<(u64, String)> {
    list(text).skipped.into_iter().map(|row| (row.line, row.why)).collect()
}

#[test]
fn the_file_of_the_school_is_read() {
    let list = list(include_str!("../../../../examples/la-plateforme/contacts.csv"));
    let contacts: Vec<_> =
        list.contacts.iter().map(|c| (c.line, c.name.as_str(), c.number.as_str())).collect();
    assert_eq!(contacts, [(2, "Alice", "101"), (3, "Bob", "102"), (4, "Malcom", "103")]);
    assert_eq!(list.skipped, []);
}

#[test]
fn every_column_is_kept_as_it_was_written() {
    let list = list("Ville;Nom;Numéro\r\nMarseille;Alice;06 12\r\n");
    let pairs = [("Ville", "Marseille"), ("Nom", "Alice"), ("Numéro", "06 12")];
    let pairs = pairs.map(|(column, value)| (column.to_owned(), value.to_owned()));
    let (name, number) = ("Alice".to_owned(), "0612".to_owned());
    assert_eq!(list.contacts, [NewContact { line: 2, number, name, fields: pairs.to_vec() }]);
}

#[test]
fn the_numbers_are_found_by_the_header() {
    for header in
        ["NUMBER", "number", "Numéro", "NUMERO", "Téléphone", "telephone", "Phone", "phone_number", "Tél."]
    {
        assert_eq!(numbers(&format!("Nom,{header}\nAlice,101\n")), ["101"], "{header}");
    }
    assert_eq!(numbers("Mobile,NUMBER\n06,101\n"), ["101"], "NUMBER comes first");
    assert_eq!(numbers("NUMBER\n101\n102"), ["101", "102"]);
    assert_eq!(
        numbers("\u{feff}\"NAME\",\"NUMBER\"\n,101\n"),
        ["101"],
        "a byte order mark, and nobody's name"
    );
}

#[test]
fn a_header_that_does_not_say_where_the_numbers_are_is_refused() {
    assert_eq!(fault("Alice,101\nBob,102\n"), Fault::NoHeader { line: 1, number: "101".into() });
    let columns = "`Name`, `City`".to_owned();
    assert_eq!(fault("\n\nName,City\nAlice,Lyon\n"), Fault::NoNumber { line: 3, columns });
    let names = ("Tel".to_owned(), "Mobile".to_owned());
    assert_eq!(fault("Name,Tel,Mobile\nA,1,2\n"), Fault::TwoNumbers { line: 1, names });
    assert_eq!(fault("NAME,NUMBER,NAME\nA,1,B\n"), Fault::SameName { line: 1, name: "NAME".into() });
}

#[test]
fn rows_that_cannot_be_called_are_named_with_their_line() {
    let text = "NAME,NUMBER\nAlice,101\n\n,\nBob,\nDupont, Jean,0612\n  ,  \nEve,1 2 x\nMalcom,103,,\n";
    assert_eq!(numbers(text), ["101", "103"]);
    let lines: Vec<u64> = skipped(text).into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, [3, 4, 5, 6, 7, 8]);
    let reasons = skipped(text);
    for (index, part) in
        ["blank", "blank", "no number", "3 values for 2 columns", "blank", "`1 2 x`"].iter().enumerate()
    {
        assert!(reasons[index].1.contains(part), "{:?} {part}", reasons[index]);
    }
}

#[test]
fn what_is_no_csv_is_named() {
    for (bytes, kind) in [
        (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], "a PNG image"),
        (b"PK\x03\x04\x14\0", "a spreadsheet (.xlsx, .ods) or another ZIP archive"),
        (b"NAME,NUMBER\nAl\0ice,101\n", "a binary file"),
    ] {
        assert_eq!(fault(bytes), Fault::Binary(kind));
    }
    assert_eq!(fault(b"\xff\xfeN\0A\0"), Fault::Utf16);
    assert_eq!(fault(""), Fault::Empty);
    assert_eq!(fault("\n\n"), Fault::Empty);
    assert_eq!(fault("NAME,NUMBER\n"), Fault::Nobody { first: None });
    assert_eq!(fault("NAME,NUMBER\nA,\n"), Fault::Nobody { first: Some("line 2: it has no number".into()) });
}

#[test]
fn a_refusal_names_file_and_line_and_how_to_mend_it() {
    let refused = List::read("liste.csv", b"Nom,NUMBER\nAlice,101\nZo\xe9,102\n").unwrap_err();
    assert_eq!(refused.fault, Fault::NotUtf8 { line: 3 });
    let text = refused.to_string();
    assert!(text.starts_with("liste.csv:3: this line is not UTF-8"), "{text}");
    assert!(text.contains("iconv -f WINDOWS-1252"), "{text}");
    let text = List::read("photo.csv", b"\x89PNG\r\n").unwrap_err().to_string();
    assert!(text.starts_with("photo.csv: this is no CSV: it is a PNG image"), "{text}");
}

#[test]
fn limits_are_kept() {
    let wide = format!("NAME,NUMBER\n{},101\nBob,102\n", "x".repeat(MAX_ROW));
    assert_eq!(numbers(&wide), ["102"]);
    assert!(skipped(&wide)[0].1.contains("16 KiB"));
    assert_eq!(fault(format!("NUMBER\n{}", "1\n".repeat(MAX_ROWS + 1))), Fault::Rows);
    assert_eq!(fault(vec![b'x'; MAX_FILE as usize + 1]), Fault::Size);
}

#[test]
fn rows_are_skipped_for_a_reason_from_outside() {
    let mut list = list("NUMBER\n101\n\n555\n102\n");
    list.skip(|contact| contact.number.starts_with('5').then(|| "not granted".to_owned()));
    let lines: Vec<u64> = list.skipped.iter().map(|row| row.line).collect();
    assert_eq!((list.contacts.len(), lines), (2, vec![3, 4]));
}
