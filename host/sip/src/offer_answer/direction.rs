//! Who sends and who receives: a=sendrecv and its kin.

use sdp_types::Attribute;

/// Who sends, seen from the one who wrote it (RFC 3264 5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Both.
    #[default]
    SendRecv,
    /// The writer only: it holds the other side.
    SendOnly,
    /// The other side only.
    RecvOnly,
    /// Nobody.
    Inactive,
}

impl Direction {
    /// By what the writer does.
    pub fn new(sends: bool, receives: bool) -> Direction {
        match (sends, receives) {
            (true, true) => Direction::SendRecv,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::RecvOnly,
            (false, false) => Direction::Inactive,
        }
    }

    /// Whether the writer sends.
    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    /// Whether the writer receives.
    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }

    /// What the side that has `self` may do, facing one that wrote `peer`.
    pub(super) fn facing(self, peer: Direction) -> Direction {
        Direction::new(self.sends() && peer.receives(), self.receives() && peer.sends())
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }

    pub(super) fn find(attributes: &[Attribute]) -> Option<Direction> {
        let all = [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];
        attributes.iter().find_map(|attribute| {
            all.into_iter().find(|direction| attribute.attribute.eq_ignore_ascii_case(direction.as_str()))
        })
    }
}
