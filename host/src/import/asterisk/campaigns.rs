//! Call files that belong together become a campaign.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    call_file::{self, CallFile, Policy, Then},
    dialplan::{Dialplan, Point, Step, defects::misspelt_context},
    file::Folder,
    phones::Phones,
    pjsip::caller,
    routes::{Routes, slug},
    script::{self, Script},
    walk::Walk,
};
use crate::{
    campaign::{List, MAX_FILE},
    import::{
        flow::{Action, Target},
        plan::{Campaign, Contact, Contacts},
        report::{Place, Report},
    },
};

/// Call files of one folder.
const MAX_FILES: usize = 20_000;
/// Shorter numbers are those of an exchange.
const SHORTEST_PUBLIC: usize = 6;

/// All call files of a folder, and the scripts that write some.
#[derive(Debug, Default)]
pub struct Calls {
    files: Vec<CallFile>,
    scripts: Vec<(Script, PathBuf)>,
}

impl Calls {
    /// `*.call` and `*.sh`, in the folder itself and in `outgoing`.
    pub fn read(folder: &Folder, report: &mut Report) -> Calls {
        let mut calls = Calls::default();
        for inner in ["", "outgoing/"] {
            for name in folder.list(inner) {
                let path = format!("{inner}{name}");
                if name.ends_with(".sh") {
                    calls.script(folder, &path, report);
                } else if name.ends_with(".call") && calls.files.len() < MAX_FILES {
                    let Some((file, text)) = folder.read(&path, report) else { continue };
                    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
                    calls.files.extend(call_file::parse(&Place::file(file), lines, report));
                }
            }
        }
        calls
    }

    fn script(&mut self, folder: &Folder, path: &str, report: &mut Report) {
        if let Some(script) = script::read(folder, path, report) {
            let list = script.list.as_ref().and_then(|list| folder.path(list)).unwrap_or_default();
            self.scripts.push((script, list));
        }
    }

    /// One campaign for all files with the same policy, and one for each script.
    pub fn campaigns(
        self,
        dialplan: &Dialplan,
        walk: &mut Walk<'_>,
        routes: &mut Routes<'_>,
    ) -> BTreeMap<String, Campaign> {
        let mut campaigns = Campaigns { dialplan, walk, routes, made: BTreeMap::new(), lists: Vec::new() };
        for (script, list) in self.scripts {
            campaigns.script(&script, list);
        }
        let mut together: BTreeMap<Policy, Vec<CallFile>> = BTreeMap::new();
        for file in self.files {
            together.entry(file.policy.clone()).or_default().push(file);
        }
        for (policy, files) in together {
            campaigns.files(&policy, &files);
        }
        campaigns.made
    }
}

struct Campaigns<'c, 'w, 'r> {
    dialplan: &'c Dialplan,
    walk: &'c mut Walk<'w>,
    routes: &'c mut Routes<'r>,
    made: BTreeMap<String, Campaign>,
    /// Numbers that scripts write call files for, and what these say.
    lists: Vec<(Policy, Vec<String>)>,
}

impl Campaigns<'_, '_, '_> {
    fn files(&mut self, policy: &Policy, files: &[CallFile]) {
        let mut contacts: Vec<Contact> = Vec::new();
        for file in files {
            let (channel, place) = &file.channel;
            let Some(target) = self.walk.phones.target(place, channel, self.walk.report) else { continue };
            let Some(number) = self.number(place, target) else { continue };
            let listed = self.lists.iter().filter(|(list, _)| list == policy);
            if listed.flat_map(|(_, numbers)| numbers).any(|listed| *listed == number) {
                let text =
                    format!("{number} stands in the list of the script that wrote this file: once is enough");
                self.walk.report.changed(place, text);
                continue;
            }
            if contacts.iter().any(|contact| contact.number == number) {
                self.walk
                    .report
                    .defect(place, format!("{number} is called by two call files: here it is once"));
                continue;
            }
            contacts.push(Contact { number, fields: file.variables.clone() });
        }
        let Some(first) = files.first().filter(|_| !contacts.is_empty()) else { return };
        let what = match contacts.len() {
            1 => "one call file".to_owned(),
            count => format!("{count} call files"),
        };
        self.campaign(&first.place, policy, Contacts::Rows(contacts), &what);
    }

    fn number(&mut self, place: &Place, target: Target) -> Option<String> {
        match target {
            Target::User(name) | Target::Number(name) => Some(name),
            Target::Outside { number, host } => {
                self.routes.outside(&number, &host);
                Some(number)
            }
            Target::AnyUser => {
                self.walk.report.not_carried(place, "it is not known whom this calls");
                None
            }
        }
    }

    fn script(&mut self, script: &Script, list: PathBuf) {
        let (channel, place) = &script.template.channel;
        match through(channel, self.walk.phones) {
            Some((pattern, host)) => self.routes.open_to(&pattern, &host),
            None if channel.contains('@') => {
                self.walk.report.not_carried(place, format!("{channel}: a trunk that is not known"));
            }
            None => {
                let text = format!(
                    "{channel} rings endpoints of that name: a number of the world fails; it needs a trunk, \
                     {channel}@TRUNK. Here names and numbers of users are called"
                );
                self.walk.report.defect(place, text);
            }
        }
        let contacts = match &script.list {
            Some(_) => Contacts::File(list),
            None => Contacts::Rows(Vec::new()),
        };
        let contacts = self.checked(contacts);
        let policy = &script.template.policy;
        self.lists.push((policy.clone(), numbers_in(&contacts)));
        let what =
            script.list.as_ref().map_or("a script without its list".to_owned(), |list| format!("`{list}`"));
        self.campaign(&script.template.place, policy, contacts, &what);
    }

    /// A list that can be read, or an empty one.
    fn checked(&mut self, contacts: Contacts) -> Contacts {
        let Contacts::File(path) = &contacts else { return contacts };
        match numbers_of(path) {
            Ok(_) => contacts,
            Err(why) => {
                self.walk.report.defect(&Place::file(path.display().to_string()), why);
                Contacts::Rows(Vec::new())
            }
        }
    }

    fn campaign(&mut self, place: &Place, policy: &Policy, contacts: Contacts, what: &str) {
        let Some((app, action)) = self.answered(place, &policy.then) else { return };
        let (caller_name, number) = policy.caller_id.as_deref().map_or((None, None), caller);
        let name = slug(caller_name.as_deref().unwrap_or(&app));
        let Some(app) = self.routes.app(&app, action, place, false) else {
            self.walk.report.defect(place, "who answers hears nothing: no campaign is made of it");
            return;
        };
        self.warn(place, policy, number.as_deref());
        let retry_time = match policy.retries > 0 && policy.retry_time <= policy.wait_time {
            true => policy.wait_time + Duration::from_secs(1),
            false => policy.retry_time,
        };
        if retry_time != policy.retry_time {
            let text = "a retry would begin while the last one rings: RetryTime counts from start to start";
            self.walk.report.changed(place, format!("{text}; here it is {} s", retry_time.as_secs()));
        }
        let name = free(&name, |name| !self.made.contains_key(name));
        let text = format!(
            "the campaign `{name}` of {what}: {} attempts, {} s from start to start, ringing {} s",
            u64::from(policy.retries) + 1,
            retry_time.as_secs(),
            policy.wait_time.as_secs()
        );
        self.walk.report.carried(place, text);
        let text = "Asterisk calls all of them at once; here 2 at once and 1 a second, as `at-once` and \
                    `per-second` in jackfield.toml say";
        self.walk.report.changed(place, text);
        let (retries, wait_time) = (policy.retries, policy.wait_time);
        let numbers = numbers_in(&contacts);
        let caller = number;
        let campaign =
            Campaign { app, caller, caller_name, retries, retry_time, wait_time, contacts, numbers };
        self.made.insert(name, campaign);
    }

    /// What a contact who answers comes to, with a name for it.
    fn answered(&mut self, place: &Place, then: &Then) -> Option<(String, Action)> {
        match then {
            Then::Dialplan { context, exten, priority } => {
                let arguments = [context, exten, priority].map(String::clone);
                let nowhere = Point { context: String::new(), exten: "s".to_owned(), priority: 1 };
                match self.dialplan.target(&nowhere, &arguments) {
                    Ok(target) => {
                        if let Some(name) = target.misspelt {
                            let text = misspelt_context(&name, &target.point.context);
                            self.walk.report.defect(place, text);
                        }
                        let name = target.point.context.clone();
                        Some((name, self.walk.enter(target.point)))
                    }
                    Err(why) => {
                        let text = format!("who answers comes nowhere: {why}");
                        self.walk.report.defect(place, text);
                        None
                    }
                }
            }
            Then::Application { name, data } => {
                let (application, arguments) = (name.clone(), data.clone());
                let step = Step { label: None, application, arguments, place: place.clone() };
                Some((name.clone(), self.walk.perform_alone(&step)))
            }
        }
    }

    fn warn(&mut self, place: &Place, policy: &Policy, number: Option<&str>) {
        if let Some(number) = number.filter(|number| number.len() < SHORTEST_PUBLIC) {
            let text = format!("the caller {number} is no public number: a provider refuses or hides it");
            self.walk.report.defect(place, text);
        }
        let is_asked =
            policy.caller_id.as_deref().is_some_and(|caller| caller.to_lowercase().contains("prospec"));
        if is_asked {
            let text = "calls that sell, by a machine: in France consumers must have consented beforehand; ask \
                        who knows the law";
            self.walk.report.defect(place, text);
        }
    }
}

/// Of all contacts.
fn numbers_in(contacts: &Contacts) -> Vec<String> {
    match contacts {
        Contacts::File(path) => numbers_of(path).unwrap_or_default(),
        Contacts::Rows(rows) => rows.iter().map(|contact| contact.number.clone()).collect(),
    }
}

/// Of all contacts of a list; an error is a sentence.
fn numbers_of(path: &Path) -> Result<Vec<String>, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| format!("it cannot be read: {error}"))?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| format!("it cannot be read: {error}"))?;
    let list = List::read("the list", &bytes).map_err(|refused| refused.fault.to_string())?;
    Ok(list.contacts.into_iter().map(|contact| contact.number).collect())
}

/// `PJSIP/$NUMBER@trunk`: a route that leads there, and the host.
fn through(channel: &str, phones: &Phones) -> Option<(String, String)> {
    let (_, rest) = channel.split_once('/')?;
    let (number, trunk) = rest.split_once('@')?;
    let prefix = number.split('$').next().unwrap_or_default();
    let host = phones.trunks.get(trunk)?.host.clone()?;
    Some((format!("{prefix}*"), host))
}

/// The name, or the name with the first number that is free.
pub(super) fn free(name: &str, is_free: impl Fn(&str) -> bool) -> String {
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| is_free(name)).unwrap_or_default()
}
