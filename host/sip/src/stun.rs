//! STUN binding (RFC 5389): "from which address do you see me?" Phones ask us, to keep their NAT's pin-hole open
//! (RFC 5626 4.4.2), on the port of SIP over UDP; we ask a server, to learn our own external address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const MAGIC: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const HEADER: usize = 20;

const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const BINDING_ERROR: u16 = 0x0111;

const MAPPED_ADDRESS: u16 = 0x0001;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
/// What a request may carry that must be understood, and that a server without passwords may pass over: USERNAME,
/// MESSAGE-INTEGRITY, REALM, NONCE.
const PASSED_OVER: [u16; 4] = [0x0006, 0x0008, 0x0014, 0x0015];
/// From here on an attribute may be ignored.
const OPTIONAL: u16 = 0x8000;
/// Unknown attributes that an error names.
const MAX_UNKNOWN: usize = 8;

/// Pairs a response with its request; random.
pub type TransactionId = [u8; 12];

/// Whether a datagram is STUN: no SIP message begins like this.
pub fn is_stun(datagram: &[u8]) -> bool {
    Message::parse(datagram).is_some()
}

/// A request for our own address.
pub fn request(id: TransactionId) -> Vec<u8> {
    finished(BINDING_REQUEST, id, Vec::new())
}

/// The response to a request from `source`; None for what is no binding request.
pub fn answer(datagram: &[u8], source: SocketAddr) -> Option<Vec<u8>> {
    let message = Message::parse(datagram).filter(|message| message.kind == BINDING_REQUEST)?;
    let mut unknown = Vec::new();
    for (kind, _) in message.attributes() {
        if kind < OPTIONAL && !PASSED_OVER.contains(&kind) && unknown.len() < MAX_UNKNOWN {
            unknown.push(kind);
        }
    }
    let mut attributes = Vec::new();
    if unknown.is_empty() {
        push(&mut attributes, XOR_MAPPED_ADDRESS, &xor_mapped(source, message.id));
        return Some(finished(BINDING_SUCCESS, message.id, attributes));
    }
    push(&mut attributes, ERROR_CODE, b"\0\0\x04\x14Unknown Attribute");
    let names: Vec<u8> = unknown.iter().flat_map(|kind| kind.to_be_bytes()).collect();
    push(&mut attributes, UNKNOWN_ATTRIBUTES, &names);
    Some(finished(BINDING_ERROR, message.id, attributes))
}

/// Our address as the success response to that request says it.
pub fn mapped_address(datagram: &[u8], id: TransactionId) -> Option<SocketAddr> {
    let message = Message::parse(datagram)?;
    if message.kind != BINDING_SUCCESS || message.id != id {
        return None;
    }
    let find = |wanted| message.attributes().find(|(kind, _)| *kind == wanted).map(|(_, value)| value);
    // Servers of RFC 3489 know the plain one only.
    find(XOR_MAPPED_ADDRESS)
        .and_then(|value| address(value, Some(id)))
        .or_else(|| find(MAPPED_ADDRESS).and_then(|value| address(value, None)))
}

struct Message<'a> {
    kind: u16,
    id: TransactionId,
    body: &'a [u8],
}

impl<'a> Message<'a> {
    fn parse(datagram: &'a [u8]) -> Option<Message<'a>> {
        let (header, body) = datagram.split_at_checked(HEADER)?;
        let kind = u16::from_be_bytes([header[0], header[1]]);
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let is_stun = kind & 0xc000 == 0 && header[4..8] == MAGIC && length == body.len() && length % 4 == 0;
        let id = header[8..].try_into().ok().filter(|_| is_stun)?;
        Some(Message { kind, id, body })
    }

    /// Kinds and values, up to the first that is cut.
    fn attributes(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        let mut rest = self.body;
        std::iter::from_fn(move || {
            let (head, behind) = rest.split_at_checked(4)?;
            let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let value = behind.get(..length)?;
            rest = behind.get(length.next_multiple_of(4)..).unwrap_or_default();
            Some((u16::from_be_bytes([head[0], head[1]]), value))
        })
    }
}

fn finished(kind: u16, id: TransactionId, attributes: Vec<u8>) -> Vec<u8> {
    let length = attributes.len() as u16;
    [&kind.to_be_bytes()[..], &length.to_be_bytes(), &MAGIC, &id, &attributes].concat()
}

fn push(attributes: &mut Vec<u8>, kind: u16, value: &[u8]) {
    attributes.extend(kind.to_be_bytes());
    attributes.extend((value.len() as u16).to_be_bytes());
    attributes.extend(value);
    attributes.resize(attributes.len().next_multiple_of(4), 0);
}

/// The key of RFC 5389 15.2: some NATs rewrite every address that they find in a packet.
fn key(id: TransactionId) -> [u8; 16] {
    let mut key = [0; 16];
    key[..4].copy_from_slice(&MAGIC);
    key[4..].copy_from_slice(&id);
    key
}

fn xor(bytes: &mut [u8], key: &[u8]) {
    for (byte, key) in bytes.iter_mut().zip(key) {
        *byte ^= key;
    }
}

fn xor_mapped(source: SocketAddr, id: TransactionId) -> Vec<u8> {
    let (family, mut ip) = match source.ip().to_canonical() {
        IpAddr::V4(v4) => (1, v4.octets().to_vec()),
        IpAddr::V6(v6) => (2, v6.octets().to_vec()),
    };
    let mut port = source.port().to_be_bytes();
    xor(&mut port, &MAGIC);
    xor(&mut ip, &key(id));
    [&[0, family][..], &port, &ip].concat()
}

fn address(value: &[u8], id: Option<TransactionId>) -> Option<SocketAddr> {
    let (&[_, family, high, low], ip) = value.split_first_chunk::<4>()?;
    let (mut port, mut ip) = ([high, low], ip.to_vec());
    if let Some(id) = id {
        xor(&mut port, &MAGIC);
        xor(&mut ip, &key(id));
    }
    let ip: IpAddr = match family {
        1 => Ipv4Addr::from(<[u8; 4]>::try_from(ip).ok()?).into(),
        2 => Ipv6Addr::from(<[u8; 16]>::try_from(ip).ok()?).into(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_be_bytes(port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: TransactionId = [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];

    /// RFC 5769 2.2.
    const IPV4_RESPONSE: &[u8] =
        b"\x01\x01\x00\x3c\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
        \x80\x22\x00\x0b\x74\x65\x73\x74\x20\x76\x65\x63\x74\x6f\x72\x20\
        \x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43\
        \x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\x90\xc3\x8c\x74\x89\xf9\x2a\xf9\xba\x53\xf0\x6b\xe7\xd7\
        \x80\x28\x00\x04\xc0\x7d\x4c\x96";

    /// RFC 5769 2.3.
    const IPV6_RESPONSE: &[u8] =
        b"\x01\x01\x00\x48\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
        \x80\x22\x00\x0b\x74\x65\x73\x74\x20\x76\x65\x63\x74\x6f\x72\x20\
        \x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9\
        \x00\x08\x00\x14\xa3\x82\x95\x4e\x4b\xe6\x7b\xf1\x17\x84\xc9\x7c\x82\x92\xc2\x75\xbf\xe3\xed\x41\
        \x80\x28\x00\x04\xc8\xfb\x0b\x4c";

    #[test]
    fn the_responses_of_rfc_5769_are_read() {
        assert_eq!(mapped_address(IPV4_RESPONSE, ID), Some("192.0.2.1:32853".parse().unwrap()));
        let v6 = "[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().unwrap();
        assert_eq!(mapped_address(IPV6_RESPONSE, ID), Some(v6));
        assert_eq!(mapped_address(IPV4_RESPONSE, [0; 12]), None, "to another request");
    }

    #[test]
    fn our_response_says_what_was_asked() {
        for source in ["192.0.2.1:32853", "[2001:db8::1]:9"].map(|text| text.parse().unwrap()) {
            let response = answer(&request(ID), source).unwrap();
            assert!(is_stun(&response));
            assert_eq!(mapped_address(&response, ID), Some(source));
        }
    }

    #[test]
    fn an_attribute_that_must_be_understood_is_refused_by_name() {
        let mut attributes = Vec::new();
        push(&mut attributes, 0x7777, b"x");
        push(&mut attributes, 0x8022, b"software");
        let response = answer(&finished(BINDING_REQUEST, ID, attributes), ([1, 2, 3, 4], 5).into()).unwrap();
        let message = Message::parse(&response).unwrap();
        assert_eq!(message.kind, BINDING_ERROR);
        let attributes: Vec<_> = message.attributes().collect();
        assert_eq!(attributes[0], (ERROR_CODE, &b"\0\0\x04\x14Unknown Attribute"[..]));
        assert_eq!(attributes[1], (UNKNOWN_ATTRIBUTES, &b"\x77\x77"[..]));
    }

    #[test]
    fn nothing_else_is_answered() {
        let sip = b"OPTIONS sip:a@b SIP/2.0\r\n\r\n";
        for datagram in [&sip[..], b"", b"\r\n\r\n", &[0; 20], IPV4_RESPONSE, &IPV4_RESPONSE[..30]] {
            assert_eq!(answer(datagram, ([1, 2, 3, 4], 5).into()), None);
        }
        assert!(!is_stun(sip));
    }
}
