//! Header names: the known ones as numbers, the others as text.

use std::fmt;
use std::hash::{Hash, Hasher};

/// The place of a known header in [`KNOWN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Known(u8);

macro_rules! names {
    ($($variant:ident $text:literal $compact:literal,)*) => {
        /// A header name. Compact forms are folded into the long ones; case is ignored everywhere.
        #[derive(Clone, Debug)]
        #[expect(missing_docs, reason = "each is the header of that name")]
        pub enum Name {
            $($variant,)*
            /// Any other header, by the text of its name.
            Other(Box<str>),
        }

        /// Long and compact form ("" = none) of each known header.
        const KNOWN: &[(&str, &str)] = &[$(($text, $compact),)*];

        impl Name {
            pub(super) fn known(&self) -> Option<Known> {
                enum Place {
                    $($variant,)*
                }
                match self {
                    $(Name::$variant => Some(Known(Place::$variant as u8)),)*
                    Name::Other(_) => None,
                }
            }

            pub(super) fn from_known(known: Known) -> Name {
                const NAMES: &[Name] = &[$(Name::$variant,)*];
                NAMES[usize::from(known.0)].clone()
            }
        }
    };
}

names! {
    Accept "Accept" "",
    AcceptEncoding "Accept-Encoding" "",
    AcceptLanguage "Accept-Language" "",
    AlertInfo "Alert-Info" "",
    Allow "Allow" "",
    AllowEvents "Allow-Events" "u",
    AuthenticationInfo "Authentication-Info" "",
    Authorization "Authorization" "",
    CallId "Call-ID" "i",
    CallInfo "Call-Info" "",
    Contact "Contact" "m",
    ContentDisposition "Content-Disposition" "",
    ContentEncoding "Content-Encoding" "e",
    ContentLength "Content-Length" "l",
    ContentType "Content-Type" "c",
    CSeq "CSeq" "",
    Date "Date" "",
    Diversion "Diversion" "",
    ErrorInfo "Error-Info" "",
    Event "Event" "o",
    Expires "Expires" "",
    FlowTimer "Flow-Timer" "",
    From "From" "f",
    HistoryInfo "History-Info" "",
    Identity "Identity" "y",
    InReplyTo "In-Reply-To" "",
    MaxForwards "Max-Forwards" "",
    MimeVersion "MIME-Version" "",
    MinExpires "Min-Expires" "",
    MinSe "Min-SE" "",
    Organization "Organization" "",
    PAssertedIdentity "P-Asserted-Identity" "",
    Path "Path" "",
    PPreferredIdentity "P-Preferred-Identity" "",
    Priority "Priority" "",
    Privacy "Privacy" "",
    ProxyAuthenticate "Proxy-Authenticate" "",
    ProxyAuthorization "Proxy-Authorization" "",
    ProxyRequire "Proxy-Require" "",
    RAck "RAck" "",
    Reason "Reason" "",
    RecordRoute "Record-Route" "",
    ReferredBy "Referred-By" "b",
    ReferTo "Refer-To" "r",
    Replaces "Replaces" "",
    ReplyTo "Reply-To" "",
    Require "Require" "",
    RetryAfter "Retry-After" "",
    Route "Route" "",
    RSeq "RSeq" "",
    Server "Server" "",
    ServiceRoute "Service-Route" "",
    SessionExpires "Session-Expires" "x",
    SipEtag "SIP-ETag" "",
    SipIfMatch "SIP-If-Match" "",
    Subject "Subject" "s",
    SubscriptionState "Subscription-State" "",
    Supported "Supported" "k",
    Timestamp "Timestamp" "",
    To "To" "t",
    Unsupported "Unsupported" "",
    UserAgent "User-Agent" "",
    Via "Via" "v",
    Warning "Warning" "",
    WwwAuthenticate "WWW-Authenticate" "",
}

impl Name {
    /// The long form, in the spelling of the RFCs.
    pub fn as_str(&self) -> &str {
        match self {
            Name::Other(text) => text,
            // `known` gives places of KNOWN only, and one for every other variant.
            name => name.known().map_or("", |known| KNOWN[usize::from(known.0)].0),
        }
    }
}

impl Known {
    pub(super) fn find(name: &[u8]) -> Option<Known> {
        let mut slot = first_slot(name)?;
        loop {
            let (long, compact) = KNOWN.get(usize::from(SLOTS[slot]))?;
            if name.eq_ignore_ascii_case(long.as_bytes()) || name.eq_ignore_ascii_case(compact.as_bytes()) {
                return Some(Known(SLOTS[slot]));
            }
            slot = (slot + 1) % SLOTS.len();
        }
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Known::find(text.as_bytes()).map_or_else(|| Name::Other(text.into()), Name::from_known)
    }
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        Name::from(text.as_str())
    }
}

impl From<&Name> for Name {
    fn from(name: &Name) -> Self {
        name.clone()
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.as_str().eq_ignore_ascii_case(other.as_str())
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.as_str().bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const EMPTY: u8 = u8::MAX;

/// Hash table of the known names, made at compile time; open addressing, so that most names are found
/// with one comparison.
const SLOTS: [u8; 256] = {
    let mut slots = [EMPTY; 256];
    let mut place = 0;
    while place < KNOWN.len() {
        insert(&mut slots, KNOWN[place].0, place);
        insert(&mut slots, KNOWN[place].1, place);
        place += 1;
    }
    slots
};

const fn insert(slots: &mut [u8; 256], name: &str, place: usize) {
    if let Some(mut slot) = first_slot(name.as_bytes()) {
        while slots[slot] != EMPTY {
            slot = (slot + 1) % slots.len();
        }
        slots[slot] = place as u8;
    }
}

const fn first_slot(name: &[u8]) -> Option<usize> {
    match (name.first(), name.last()) {
        (Some(first), Some(last)) => {
            let (first, last) = ((*first | 0x20) as usize, (*last | 0x20) as usize);
            Some((first * 31 + last * 7 + name.len()) % 256)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_is_found_in_any_case_and_by_its_compact_form() {
        for (place, (long, compact)) in KNOWN.iter().enumerate() {
            let known = Some(Known(place as u8));
            assert_eq!(Known::find(long.as_bytes()), known, "{long}");
            assert_eq!(Known::find(long.to_uppercase().as_bytes()), known, "{long}");
            if !compact.is_empty() {
                assert_eq!(Known::find(compact.as_bytes()), known, "{compact}");
            }
            assert_eq!(Name::from(*long).as_str(), *long);
            assert_eq!(Name::from(*long).known(), known);
        }
    }

    #[test]
    fn unknown_names_keep_their_text_and_compare_without_case() {
        assert_eq!(Known::find(b""), None);
        assert_eq!(Name::from("X-Door").as_str(), "X-Door");
        assert_eq!(Name::from("X-Door"), Name::from("x-door"));
        assert_eq!(Name::Other("VIA".into()), Name::Via);
    }
}
