//! The log. The host adds plugin, version and call to every line.
//!
//! ```
//! use jackfield_sdk::info;
//!
//! let key = '1';
//! info!("the caller chose {key}");
//! info!("the caller chose"; key = key, menu = "main");
//! ```

/// How much a line matters.
///
/// ```
/// jackfield_sdk::log::record(jackfield_sdk::log::Level::Warn, "late", &[]);
/// ```
pub use crate::bindings::jackfield::plugin::log::Level;

/// What the macros call.
///
/// ```
/// use jackfield_sdk::log::{Level, record};
///
/// record(Level::Info, "chosen", &[("key".into(), "1".into())]);
/// ```
pub fn record(level: Level, message: &str, fields: &[(String, String)]) {
    #[cfg(target_family = "wasm")]
    crate::bindings::jackfield::plugin::log::log(level, message, fields);
    // A unit test of a plugin runs without a host.
    #[cfg(not(target_family = "wasm"))]
    eprintln!("{level:?}: {message} {fields:?}");
}

/// Logs what only the plugin's author wants to see.
///
/// ```
/// jackfield_sdk::trace!("{} prompts", 4);
/// ```
#[macro_export]
macro_rules! trace {
    ($($line:tt)+) => { $crate::__log!(Trace, $($line)+) };
}

/// Logs what helps to find a fault.
///
/// ```
/// jackfield_sdk::debug!("{} prompts", 4);
/// ```
#[macro_export]
macro_rules! debug {
    ($($line:tt)+) => { $crate::__log!(Debug, $($line)+) };
}

/// Logs what the operator may want to know. After `;` come named values.
///
/// ```
/// jackfield_sdk::info!("the caller chose"; key = '1');
/// ```
#[macro_export]
macro_rules! info {
    ($($line:tt)+) => { $crate::__log!(Info, $($line)+) };
}

/// Logs what the operator should look at.
///
/// ```
/// jackfield_sdk::warn!("nobody answers at {}", "alice");
/// ```
#[macro_export]
macro_rules! warn {
    ($($line:tt)+) => { $crate::__log!(Warn, $($line)+) };
}

/// Logs what the operator must mend.
///
/// ```
/// jackfield_sdk::error!("the list is empty");
/// ```
#[macro_export]
macro_rules! error {
    ($($line:tt)+) => { $crate::__log!(Error, $($line)+) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __log {
    ($level:ident, $text:literal $(, $value:expr)* $(; $($key:ident = $field:expr),+ $(,)?)?) => {
        $crate::log::record(
            $crate::log::Level::$level,
            &::std::format!($text $(, $value)*),
            &[$($((::std::string::String::from(stringify!($key)), ::std::string::ToString::to_string(&$field))),+)?],
        )
    };
}
