//! The real binary with phones that we did not write (SIPp), on loopback.

#![expect(clippy::disallowed_methods, reason = "a test of a process waits in real time")]

use std::{
    fs,
    io::Write,
    net::{TcpListener, UdpSocket},
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

const BINARY: &str = env!("CARGO_BIN_EXE_jackfield");

/// A running exchange in a folder of its own.
struct Exchange {
    folder: tempfile::TempDir,
    port: u16,
    process: Child,
}

impl Exchange {
    fn start(media: u16, callee: u16) -> Exchange {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        fs::write(folder.path().join("jackfield.toml"), configuration(port, media, callee)).unwrap();
        for user in ["alice", "bob"] {
            let mut add = jackfield(folder.path(), &["user", "add", user, "--password-stdin"]);
            let mut child = add.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
            child.stdin.take().unwrap().write_all(format!("pw-{user}\n").as_bytes()).unwrap();
            assert!(child.wait().unwrap().success());
        }
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let process =
            jackfield(folder.path(), &["run"]).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let exchange = Exchange { folder, port, process };
        exchange.wait_for("Jackfield is ready");
        exchange
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    fn wait_for(&self, text: &str) {
        let start = Instant::now();
        while !self.log().contains(text) {
            assert!(start.elapsed() < Duration::from_secs(30), "no {text:?} in:\n{}", self.log());
            sleep(Duration::from_millis(50));
        }
    }

    /// Runs a SIPp client to its end; every call must succeed.
    fn sipp(&self, arguments: &[&str]) {
        let target = format!("127.0.0.1:{}", self.port);
        let output = Command::new("sipp")
            .current_dir(self.folder.path())
            .args([&target, "-i", "127.0.0.1", "-nostdin", "-timeout", "30", "-timeout_error"])
            .args(arguments)
            .output()
            .expect("sipp is installed by `make setup`");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "sipp {arguments:?}:\n{said}\nthe exchange:\n{}", self.log());
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn configuration(port: u16, media: u16, callee: u16) -> String {
    format!(
        "[exchange]\nrealm = \"test\"\n\
         [listen]\nudp = \"127.0.0.1:{port}\"\ntcp = \"127.0.0.1:{port}\"\n\
         [media]\nports = \"{media}-{}\"\n\
         [peers.load]\naddresses = [\"127.0.0.1/32\"]\n\
         [routes]\n\"9*\" = {{ sip = \"sip:{{rest}}@127.0.0.1:{callee}\" }}\n",
        media + 399
    )
}

fn jackfield(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.current_dir(folder).args(arguments);
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    jackfield(folder, arguments).output().unwrap()
}

/// Free for UDP and TCP.
fn free_port() -> u16 {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = udp.local_addr().unwrap().port();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

const REGISTER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<scenario name="register">
  <send retrans="500"><![CDATA[
REGISTER sip:test SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
Max-Forwards: 70
From: <sip:alice@test>;tag=[pid]-[call_number]
To: <sip:alice@test>
Call-ID: [call_id]
CSeq: 1 REGISTER
Contact: <sip:alice@[local_ip]:[local_port]>
Expires: 300
Content-Length: 0

]]></send>
  <recv response="401" auth="true"/>
  <send retrans="500"><![CDATA[
REGISTER sip:test SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
Max-Forwards: 70
From: <sip:alice@test>;tag=[pid]-[call_number]
To: <sip:alice@test>
Call-ID: [call_id]
CSeq: 2 REGISTER
Contact: <sip:alice@[local_ip]:[local_port]>
Expires: 300
[authentication username=alice password=PASSWORD]
Content-Length: 0

]]></send>
  <recv response="EXPECTED"/>
</scenario>
"#;

#[test]
fn sipp_calls_sipp_through_the_exchange_over_udp_and_tcp() {
    let callee = free_port();
    let exchange = Exchange::start(31_000, callee);
    let mut uas = Command::new("sipp")
        .args(["-sn", "uas", "-i", "127.0.0.1", "-nostdin", "-p", &callee.to_string()])
        .stdout(Stdio::null())
        .spawn()
        .expect("sipp is installed by `make setup`");
    for transport in ["u1", "t1"] {
        let calls = ["-sn", "uac", "-s", "91", "-m", "20", "-r", "20", "-d", "200", "-t", transport];
        exchange.sipp(&[&calls[..], &["-p", &free_port().to_string()]].concat());
    }
    let _ = uas.kill();
    let _ = uas.wait();
    let calls = run(exchange.folder.path(), &["calls"]);
    assert_eq!(String::from_utf8_lossy(&calls.stdout).lines().count(), 1, "no call is left");
    assert_eq!(exchange.log().matches("cause=Normal").count(), 40, "{}", exchange.log());
}

#[test]
fn a_phone_registers_with_its_password_and_not_with_another() {
    let exchange = Exchange::start(32_000, 9);
    for (password, expected) in [("pw-alice", "200"), ("wrong", "401")] {
        let scenario = REGISTER.replace("PASSWORD", password).replace("EXPECTED", expected);
        fs::write(exchange.folder.path().join("register.xml"), scenario).unwrap();
        exchange.sipp(&["-sf", "register.xml", "-m", "1", "-p", &free_port().to_string()]);
    }
}

#[test]
fn a_port_in_use_and_a_misspelt_key_are_said_plainly() {
    let exchange = Exchange::start(33_000, 9);
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("jackfield.toml"), configuration(exchange.port, 34_000, 9)).unwrap();
    let refused = run(other.path(), &["run"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success());
    assert!(said.contains("[listen] udp") && said.contains("is another exchange running"), "{said}");

    fs::write(other.path().join("jackfield.toml"), "[exchange]\nrealn = \"x\"\n").unwrap();
    let said = String::from_utf8_lossy(&run(other.path(), &["check"]).stderr).into_owned();
    assert!(said.contains("jackfield.toml:2:1") && said.contains("`realm`"), "{said}");
}
