//! Lists of contacts: a CSV file in, the results out. The rows themselves are in
//! [`store::campaign`](crate::store::campaign), who is called when is the plugin's business.

mod export;
mod fault;
mod list;
mod number;
mod records;

pub use export::export;
pub use fault::{Fault, Refused};
pub use list::{List, Skipped};

/// Bytes of a file.
pub const MAX_FILE: u64 = 32 << 20;
/// Rows of a file.
pub const MAX_ROWS: usize = 200_000;
/// Columns of a file: a launch carries as many arguments.
pub const MAX_COLUMNS: usize = 64;
/// Bytes of a row with the names of its columns: what a plugin holds of one contact.
pub const MAX_ROW: usize = 16 << 10;
