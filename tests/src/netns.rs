//! A network of its own for a test, without root: baresip refuses the loopback interface.

use std::{env, path::Path, process::Command, time::Duration};

use crate::process::{Running, await_within};

/// The address of this host in [`inside`].
pub const ADDRESS: &str = "10.77.0.1";

const MARK: &str = "JACKFIELD_TEST_NETWORK";
// linphonec takes itself to be offline where it knows no way to that address; nothing is sent there.
const SET_UP: &str = "ip link set lo up && ip link add v0 type veth peer name v1 \
    && ip addr add 10.77.0.1/24 dev v0 && ip link set v0 up && ip link set v1 up && ip route add 87.98.157.38 dev v0 && exec \"$0\" \"$@\"";

/// Runs the test of that name (that of the caller) once more, in a user and network
/// namespace where it finds [`ADDRESS`]; there it gets `true` and does its work.
#[track_caller]
pub fn inside(test: &str) -> bool {
    if env::var_os(MARK).is_some() {
        return true;
    }
    let log = tempfile::NamedTempFile::new().expect("a temporary file");
    let mut command = command(&env::current_exe().expect("the path of this test"));
    command.args(["--exact", test, "--nocapture", "--include-ignored"]);
    let mut running = Running::start(&mut command, log.path());
    let status = await_within(Duration::from_secs(400), "the test in its namespace", || running.ended());
    let said = std::fs::read_to_string(log.path()).unwrap_or_default();
    assert!(status.success() && said.contains("1 passed"), "in its namespace: {status}\n{said}");
    println!("{said}");
    false
}

/// That program in a user and network namespace where it finds [`ADDRESS`]; its arguments are to follow.
pub fn command(program: &Path) -> Command {
    let mut command = Command::new("unshare");
    // With a process namespace, nothing outlives the program.
    command.args(["-Urnpf", "--kill-child", "--mount-proc", "sh", "-c", SET_UP]);
    command.arg(program).env(MARK, "1");
    command
}
