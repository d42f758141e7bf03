//! Ports that no other test has, whichever process it runs in.

use std::{fs::File, net::UdpSocket, ops::Range};

/// Below the range from which the kernel gives ports away.
const PORTS: Range<u16> = 10_000..32_000;
const BLOCK: u16 = 500;

/// A block of ports, ours as long as this lives.
pub(crate) struct Ports {
    first: u16,
    _lock: File,
}

impl Ports {
    /// Takes a free block.
    pub(crate) fn take() -> Ports {
        let folder = std::env::temp_dir().join("jackfield-tests-ports");
        std::fs::create_dir_all(&folder).expect("a folder for the ports in use");
        // Not each process should begin with the same one.
        let blocks = (PORTS.end - PORTS.start) / BLOCK;
        let start = (std::process::id() % u32::from(blocks)) as u16;
        for index in (0..blocks).map(|index| (start + index) % blocks) {
            let first = PORTS.start + index * BLOCK;
            let lock = File::create(folder.join(first.to_string())).expect("a lock file");
            if lock.try_lock().is_ok() && is_free(first) && is_free(first + BLOCK - 10) {
                return Ports { first, _lock: lock };
            }
        }
        panic!("no block of ports is free");
    }

    /// For `[media] ports`; the last ten of the block are for SIP.
    pub(crate) fn media(&self) -> String {
        format!("{}-{}", self.first, self.first + BLOCK - 11)
    }

    /// The first for media; even.
    pub(crate) fn first(&self) -> u16 {
        self.first
    }

    /// For SIP; `index` below 10.
    pub(crate) fn sip(&self, index: u16) -> u16 {
        self.first + BLOCK - 10 + index
    }
}

fn is_free(port: u16) -> bool {
    UdpSocket::bind(("0.0.0.0", port)).is_ok()
}
