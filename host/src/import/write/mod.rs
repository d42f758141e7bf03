//! A plan becomes a folder: `jackfield.toml`, plugins, and the lists of campaigns.

mod config;
mod menus;
mod toml;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::{
    flow::Flow,
    plan::{Contact, Contacts, Plan},
    report::{Place, Report},
};

/// The file of the operator.
pub const CONFIG: &str = "jackfield.toml";

/// Writes it all into a folder that is not there yet. `components` is a folder with `ivr/ivr.wasm`,
/// `tts/tts.wasm` and `campaign/campaign.wasm`; what is missing there is told.
pub fn write(plan: &Plan, to: &Path, components: &Path, report: &mut Report) -> io::Result<()> {
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.map_or(Ok(()), fs::create_dir_all)?;
    // Whoever made it in between keeps it.
    fs::create_dir(to)?;
    let mut writer = Writer { to, components, report };
    for (name, flow) in &plan.apps {
        writer.app(name, flow)?;
    }
    if !plan.apps.is_empty() {
        writer.plugin("tts", "tts", &config::tts(plan))?;
    }
    if !plan.campaigns.is_empty() {
        writer.plugin("campaign", "campaign", &config::campaigns(plan))?;
        fs::create_dir(to.join("campaigns"))?;
        for (name, campaign) in &plan.campaigns {
            writer.contacts(name, &campaign.contacts)?;
        }
    }
    fs::write(to.join(CONFIG), config::exchange(plan))
}

struct Writer<'a> {
    to: &'a Path,
    components: &'a Path,
    report: &'a mut Report,
}

impl Writer<'_> {
    fn app(&mut self, name: &str, flow: &Flow) -> io::Result<()> {
        let folder = self.plugin(name, "ivr", &menus::manifest(name, flow))?;
        if !flow.sounds.is_empty() {
            fs::create_dir(folder.join("prompts"))?;
        }
        for (file, path) in &flow.sounds {
            fs::copy(path, folder.join("prompts").join(file))?;
        }
        Ok(())
    }

    /// `plugin.toml`, and the component beside it.
    fn plugin(&mut self, name: &str, component: &str, manifest: &str) -> io::Result<PathBuf> {
        let folder = self.to.join("plugins").join(name);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("plugin.toml"), manifest)?;
        let (wasm, target) = (self.component(component), folder.join(format!("{component}.wasm")));
        match fs::copy(&wasm, &target) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = format!("{} is not there; copy it into this folder", wasm.display());
                self.report.not_carried(&Place::file(folder.display().to_string()), text);
            }
            Err(error) => return Err(error),
        }
        Ok(folder)
    }

    fn component(&self, name: &str) -> PathBuf {
        self.components.join(name).join(name).with_extension("wasm")
    }

    fn contacts(&self, name: &str, contacts: &Contacts) -> io::Result<()> {
        let file = self.to.join("campaigns").join(format!("{name}.csv"));
        match contacts {
            Contacts::File(path) => fs::copy(path, file).map(drop),
            Contacts::Rows(rows) => csv_of(rows, File::create(file)?).map_err(io::Error::other),
        }
    }
}

/// NAME and NUMBER, then every further column that any contact has.
fn csv_of(rows: &[Contact], file: File) -> Result<(), csv::Error> {
    let is_own =
        |column: &&String| !column.eq_ignore_ascii_case("name") && !column.eq_ignore_ascii_case("number");
    let mut columns: Vec<&String> = rows.iter().flat_map(|row| row.fields.keys()).filter(is_own).collect();
    columns.sort();
    columns.dedup();
    let mut writer = csv::Writer::from_writer(file);
    writer
        .write_record(["NAME", "NUMBER"].into_iter().chain(columns.iter().map(|column| column.as_str())))?;
    for row in rows {
        let name = row.fields.iter().find(|(column, _)| column.eq_ignore_ascii_case("name"));
        let name = name.map_or("", |(_, name)| name.as_str());
        let others = columns.iter().map(|column| row.fields.get(*column).map_or("", String::as_str));
        writer.write_record([name, &row.number].into_iter().chain(others))?;
    }
    writer.flush().map_err(Into::into)
}
