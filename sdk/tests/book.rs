//! The book in `docs/`, without the program that builds it: nothing in it leads nowhere, and nothing is missing.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All pages of the folder, also below it.
fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

/// What stands between, each time: `](` and `)` for the targets of links.
fn between<'a>(text: &'a str, open: &'a str, close: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(open).skip(1).filter_map(move |rest| rest.split_once(close)).map(|(inside, _)| inside)
}

/// Without code, where brackets are no links.
fn prose(text: &str) -> String {
    let outside = text.split("```").step_by(2);
    outside.flat_map(|part| part.split('`').step_by(2)).collect()
}

#[test]
fn every_page_is_in_the_summary_and_every_line_of_it_is_a_page() {
    let docs = root().join("docs");
    let summary = read(&docs.join("SUMMARY.md"));
    let listed: Vec<PathBuf> = between(&summary, "](", ")").map(|link| docs.join(link)).collect();
    let missing: Vec<_> = listed.iter().filter(|page| !page.is_file()).collect();
    assert!(missing.is_empty(), "the summary names pages that there are not: {missing:?}");
    let unique: BTreeSet<_> = listed.iter().collect();
    assert_eq!(unique.len(), listed.len(), "a page is listed twice");
    let mut all = Vec::new();
    pages(&docs, &mut all);
    let forgotten: Vec<_> =
        all.iter().filter(|page| !unique.contains(page) && !page.ends_with("SUMMARY.md")).collect();
    assert!(forgotten.is_empty(), "not in docs/SUMMARY.md: {forgotten:?}");
}

#[test]
fn links_and_includes_lead_somewhere() {
    let mut all = Vec::new();
    pages(&root().join("docs"), &mut all);
    let mut broken = Vec::new();
    let mut followed = 0;
    for page in all {
        let (text, folder) = (read(&page), page.parent().unwrap());
        let includes =
            between(&text, "{{#include ", "}}").map(|target| target.split(':').next().unwrap_or(target));
        let prose = prose(&text);
        let links =
            between(&prose, "](", ")").filter(|target| !target.contains("://") && !target.starts_with('#'));
        for target in includes.chain(links) {
            let file = target.split('#').next().unwrap_or(target);
            followed += 1;
            if !folder.join(file).exists() {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(followed > 100, "{followed}");
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn each_interface_of_the_contract_has_its_page_that_names_its_functions() {
    let (wit, docs) = (root().join("wit"), root().join("docs/interfaces"));
    let mut known = 0;
    let mut missing = Vec::new();
    for file in ["types", "call", "host", "worlds"] {
        let text = read(&wit.join(format!("{file}.wit")));
        for part in text.split("\ninterface ").skip(1) {
            let (name, body) = part.split_once(" {").unwrap();
            let page = read(&docs.join(format!("{name}.md")));
            let body = body.split("\n}").next().unwrap_or(body);
            let functions = body.lines().map(str::trim).filter(|line| line.contains("func("));
            for line in functions {
                let function = line.split(':').next().unwrap_or(line).trim_start_matches('%');
                known += 1;
                if !page.contains(&format!("`{function}`")) && !page.contains(&format!("`{function}s`")) {
                    missing.push(format!("{name}.{function}"));
                }
            }
        }
    }
    assert!(known > 50, "{known}");
    assert!(missing.is_empty(), "not on their pages: {missing:?}");
}

#[test]
fn each_plugin_of_the_cookbook_has_its_page_its_cases_and_less_than_150_lines() {
    let (cookbook, docs) = (root().join("examples/cookbook"), root().join("docs/cookbook"));
    let mut plugins = 0;
    for entry in fs::read_dir(cookbook).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.join("plugin.toml").is_file() {
            continue;
        }
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        plugins += 1;
        let page = read(&docs.join(format!("{name}.md")));
        for file in
            fs::read_dir(folder.join("src")).unwrap().chain(fs::read_dir(folder.join("cases")).unwrap())
        {
            let file = file.unwrap().file_name().into_string().unwrap();
            assert!(page.contains(&file), "{name}: its page does not show {file}");
        }
        assert!(read(&folder.join("src/lib.rs")).lines().count() < 150, "{name} is not small any more");
    }
    assert_eq!(plugins, 12);
}
