//! A folder of Asterisk's: `pjsip.conf`, `extensions.conf`, call files, and scripts that write them.

mod call_file;
mod campaigns;
mod dialplan;
mod file;
mod numbers;
mod phones;
mod pjsip;
mod routes;
mod script;
mod sounds;
mod walk;

use std::path::Path;

use self::{
    campaigns::Calls, dialplan::Dialplan, file::Folder, phones::Phones, routes::Routes, sounds::Sounds,
    walk::Walk,
};
use super::{
    plan::Plan,
    report::{Place, Report},
};

/// Files that say things which are not imported.
const OTHERS: [&str; 18] = [
    "confbridge.conf",
    "extensions.ael",
    "extensions.lua",
    "features.conf",
    "followme.conf",
    "iax.conf",
    "manager.conf",
    "meetme.conf",
    "musiconhold.conf",
    "pjsip_notify.conf",
    "pjsip_wizard.conf",
    "queues.conf",
    "queuerules.conf",
    "res_parking.conf",
    "sip.conf",
    "chan_dahdi.conf",
    "users.conf",
    "voicemail.conf",
];

/// Everything in that folder that can be imported.
pub fn read(folder: &Path, report: &mut Report) -> Plan {
    let folder = Folder::new(folder);
    let mut plan = Plan::default();
    for name in folder.list("").iter().filter(|name| OTHERS.contains(&name.as_str())) {
        if let Some(path) = folder.path(name) {
            report.not_carried(&Place::file(path.display().to_string()), "this file is not imported");
        }
    }
    let sections = file::read(&folder, "pjsip.conf", report);
    let mut phones = sections.map_or(Phones::default(), |sections| pjsip::read(&sections, &mut plan, report));
    let sections = file::read(&folder, "extensions.conf", report).unwrap_or_default();
    let dialplan = Dialplan::read(&sections, report);
    let calls = Calls::read(&folder, report);
    let mut sounds = Sounds::new(folder.clone());

    let mut walk = Walk::new(&dialplan, &mut phones, &mut sounds, report);
    let mut routes = Routes::new(&dialplan);
    routes.dialled(&mut walk);
    plan.campaigns = calls.campaigns(&dialplan, &mut walk, &mut routes);
    routes.entries(&mut walk);
    plan.users = walk.phones.users.clone();
    let without_number = routes.finish(&walk, &mut plan);
    numbers::give(&mut plan, &phones, without_number, report);
    plan
}
