//! Calls the contacts of a list. The host owns the list, its attempts and the pace; this
//! plugin is the policy: who is due, when to try again, when to stop.
//!
//! All it knows of a contact it reads from the host each time ([`policy`]), so that a crash
//! or a reload at any moment loses nobody and calls nobody twice.

mod host;
pub mod policy;
pub mod service;
pub mod settings;

use jackfield_sdk::Result;

use settings::Settings;

#[jackfield_sdk::service(validate = Settings::check)]
fn run(saved: Option<Vec<u8>>, settings: Settings) -> Result<Option<Vec<u8>>> {
    Ok(Some(service::serve(&mut host::Host, &settings, saved.as_deref())))
}
