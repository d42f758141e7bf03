//! The messages of RFC 4475 and RFC 5118, typed from the RFCs in the notation of RFC 4475 section 2.

/// One message.
pub struct Torture {
    /// Its name in the RFC's archive, as in `wsinv`.
    pub name: &'static str,
    /// What goes over the wire.
    pub bytes: Vec<u8>,
}

/// The messages of RFC 4475.
pub fn rfc4475() -> Vec<Torture> {
    read(include_str!("rfc4475.txt"))
}

/// The messages of RFC 5118.
pub fn rfc5118() -> Vec<Torture> {
    read(include_str!("rfc5118.txt"))
}

fn read(text: &'static str) -> Vec<Torture> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.split("\n=== ").skip(1).map(message).collect()
}

fn message(section: &'static str) -> Torture {
    let (title, text) = section.split_once('\n').expect("a message below its title");
    // As in `3.1.1.1 wsinv: A Short Tortuous INVITE`.
    let name = title.split([' ', ':']).nth(1).expect("a message's name behind its section");
    let mut bytes = Vec::new();
    let mut in_one_line = false;
    for line in text.split('\n') {
        match line {
            "<allOneLine>" => in_one_line = true,
            "</allOneLine>" => in_one_line = false,
            line => bytes.extend(plain(line)),
        }
        if !in_one_line {
            bytes.extend(b"\r\n");
        }
    }
    Torture { name, bytes }
}

/// A line without its markup.
fn plain(line: &str) -> Vec<u8> {
    let Some((ahead, rest)) = line.split_once('<').filter(|(_, rest)| is_markup(rest)) else {
        // A bracket of SIP may stand ahead of markup.
        return match line.match_indices('<').find(|(at, _)| is_markup(&line[at + 1..])) {
            Some((at, _)) => [line.as_bytes()[..at].to_vec(), plain(&line[at..])].concat(),
            None => line.as_bytes().to_vec(),
        };
    };
    let (tag, rest) = rest.split_once('>').expect("the end of a tag");
    let (content, rest) = rest.split_once("</").expect("the end of markup");
    let (_, rest) = rest.split_once('>').expect("the end of a closing tag");
    let marked = match tag.strip_prefix("repeat count=") {
        Some(count) => content.repeat(count.parse().expect("a number of copies")).into_bytes(),
        None => hex(content),
    };
    [ahead.as_bytes(), &marked, &plain(rest)].concat()
}

fn is_markup(text: &str) -> bool {
    text.starts_with("hex>") || text.starts_with("repeat count=")
}

fn hex(digits: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("a byte in hexadecimal");
    (0..digits.len()).step_by(2).map(byte).collect()
}
