//! The plugins of the cookbook, as they were built, and their cases.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use jackfield_sim::case::{self, Ran};

#[test]
fn the_cases_of_the_cookbook_pass() {
    let cookbook: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/cookbook");
    let suites = case::find(&[cookbook], None)
        .unwrap_or_else(|errors| panic!("{}; build them first: `make plugins`", errors.join("\n")));
    assert_eq!(suites.len(), 12, "each plugin has its cases");
    let mut failed = Vec::new();
    let mut passed = 0;
    for suite in suites {
        for Ran { title, failure, story, .. } in suite.run("") {
            let story: String = story.iter().map(|event| format!("\n  {event}")).collect();
            match failure {
                Some(failure) => failed.push(format!("{}: {title}: {failure:?}{story}", suite.plugin())),
                None => passed += 1,
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(passed > 60, "{passed}");
}
