//! A network of its own for a test, without root: baresip refuses the loopback interface. And networks behind
//! it, with and without a NAT.

use std::{
    env,
    net::{IpAddr, SocketAddr},
    path::Path,
    process::Command,
    time::Duration,
};

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
    if is_inside() {
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

/// Whether this process runs in there.
pub fn is_inside() -> bool {
    env::var_os(MARK).is_some()
}

/// That program in a user and network namespace where it finds [`ADDRESS`]; its arguments are to follow.
pub fn command(program: &Path) -> Command {
    let mut command = Command::new("unshare");
    // With a process namespace, nothing outlives the program.
    command.args(["-Urnpf", "--kill-child", "--mount-proc", "sh", "-c", SET_UP]);
    command.arg(program).env(MARK, "1");
    command
}

/// The public address of the host in [`inside`] where there are [`Home`]s.
pub const PUBLIC: &str = "203.0.113.1";

/// As [`PUBLIC`], for IPv6.
pub const PUBLIC_V6: &str = "2001:db8:ffff::1";

/// A network of its own inside of [`inside`], with one machine in it.
pub struct Home {
    name: String,
    exchange: IpAddr,
}

impl Home {
    /// Behind a router that does what those at home do: one private network, one public address, ports as they
    /// come. All homes have the same private addresses. `number`, not 0, tells them apart.
    #[track_caller]
    pub fn behind_nat(number: u8) -> Home {
        let home = Home::named(number, PUBLIC);
        home.set_up(&format!(
            "ip netns add router{number}; ip netns add home{number}
             ip link add link{number} type veth peer name outer netns router{number}
             ip link add inner netns router{number} type veth peer name eth netns home{number}
             ip addr add {PUBLIC} peer 198.51.100.{number} dev link{number}; ip link set link{number} up
             ip -n router{number} addr add 198.51.100.{number} peer {PUBLIC} dev outer; ip -n router{number} link set outer up
             ip -n router{number} addr add 192.168.1.1/24 dev inner; ip -n router{number} link set inner up
             ip -n router{number} route add default via {PUBLIC}
             ip netns exec router{number} sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
             ip netns exec router{number} iptables -t nat -A POSTROUTING -o outer -j MASQUERADE --random
             ip -n home{number} link set lo up; ip -n home{number} link set eth up
             ip -n home{number} addr add 192.168.1.2/24 dev eth
             ip -n home{number} route add default via 192.168.1.1"
        ));
        home
    }

    /// With a public address and no router.
    #[track_caller]
    pub fn public(number: u8) -> Home {
        let home = Home::named(number, PUBLIC);
        home.set_up(&format!(
            "ip netns add home{number}
             ip link add link{number} type veth peer name eth netns home{number}
             ip addr add {PUBLIC} peer 198.51.100.{number} dev link{number}; ip link set link{number} up
             ip -n home{number} addr add 198.51.100.{number} peer {PUBLIC} dev eth
             ip -n home{number} link set lo up; ip -n home{number} link set eth up
             ip -n home{number} route add default via {PUBLIC}"
        ));
        home
    }

    /// With an address of IPv6, none of IPv4, and no router. There can be one.
    #[track_caller]
    pub fn public_v6(number: u8) -> Home {
        let home = Home::named(number, PUBLIC_V6);
        home.set_up(&format!(
            "ip netns add home{number}
             ip link add link{number} type veth peer name eth netns home{number}
             ip -6 addr add {PUBLIC_V6}/64 dev link{number} nodad; ip link set link{number} up
             ip -n home{number} -6 addr add 2001:db8:ffff::2/64 dev eth nodad
             ip -n home{number} link set lo up; ip -n home{number} link set eth up"
        ));
        home
    }

    /// Gives the exchange one more address, which its kernel does not choose by itself, and which is all that this
    /// machine knows of it.
    #[track_caller]
    pub fn knowing(mut self, address: &str) -> Home {
        let link = self.link();
        self.exchange = address.parse().expect("an address");
        self.set_up(&match self.exchange {
            IpAddr::V4(_) => format!("ip addr add {address}/32 dev {link}"),
            IpAddr::V6(_) => format!("ip -6 addr add {address}/64 dev {link} preferred_lft 0 nodad"),
        });
        self
    }

    fn named(number: u8, exchange: &str) -> Home {
        Home { name: format!("home{number}"), exchange: exchange.parse().expect("an address") }
    }

    /// The exchange's address, seen from there.
    pub(crate) fn exchange(&self) -> IpAddr {
        self.exchange
    }

    #[track_caller]
    fn set_up(&self, script: &str) {
        // Where users look for programs is not always where those of the network are.
        let host = "PATH=$PATH:/usr/sbin:/sbin
            [ -e /run/.jackfield ] || mount -t tmpfs tmpfs /run; mkdir -p /run/netns; touch /run/.jackfield";
        let mut command = Command::new("sh");
        let done = command.args(["-euc", &format!("{host}\n{script}")]).output().expect("a shell");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// The name of its link on the host's side, where its packets are as the world sees them.
    pub fn link(&self) -> String {
        self.name.replace("home", "link")
    }

    /// A program that runs in there.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// Says something to a TCP port of the machine's own loopback interface.
    #[track_caller]
    pub fn tell(&self, address: SocketAddr, text: &str) {
        let script = format!("printf %s \"$0\" > /dev/tcp/{}/{}", address.ip(), address.port());
        let status = self.command("bash").args(["-c", &script, text]).status();
        assert!(status.is_ok_and(|status| status.success()), "{address} in {} takes no word", self.name);
    }
}
