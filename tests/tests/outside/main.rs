//! What must hold of the exchange, seen from outside. One module for each line of the
//! mission's list; all in one binary, so that the tests that wait do so side by side.
#![allow(clippy::disallowed_methods, reason = "phones have sockets, threads and clocks")]
#![allow(clippy::unwrap_used, reason = "only tests are here")]

mod addresses;
mod author;
mod bad_input;
mod bundles;
mod calls;
mod campaign;
mod cases;
mod certificates;
mod codecs;
mod contract;
mod crowd;
mod dialogs;
mod encryption;
mod faults;
mod guests;
mod hostile;
mod import;
mod ipv6;
mod languages;
mod life;
mod load;
mod media;
mod menu;
mod nat;
mod phones;
mod records;
mod reload;
mod replay;
mod shown;
mod soak;
mod torture;
mod transfer;
mod tutorial;
mod voice;
mod weather;
mod workers;
