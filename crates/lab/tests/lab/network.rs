//! Who reaches whom, and where the packets of applications can be taken.

use std::fs;
use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpStream};

use bulkhead_lab::{Host, rights};

use crate::{DEADLINE, accept, arrives, connect, lab, listen};

#[test]
fn hosts_and_pods_reach_each_other_on_both_ip_versions() {
    let lab = lab();
    let (one, two) = (lab.host("one").unwrap(), lab.host("two").unwrap());
    let (web, api) = (one.pod("web").unwrap(), one.pod("api").unwrap());
    for (client, server) in [(&one, &two), (&web, &two), (&two, &web), (&web, &api), (&one, &web)] {
        for address in [IpAddr::from(server.ipv4()), server.ipv6().into()] {
            let listener = listen(server, address, 0);
            let mut client = connect(client, listener.local_addr().unwrap());
            client.write_all(b"hello").unwrap();
            assert!(arrives(&accept(&listener), b"hello", DEADLINE), "to {address}");
        }
    }
}

#[test]
fn labs_at_the_same_time_do_not_meet() {
    let (one, other) = (lab(), lab());
    let (here, there) = (one.host("same").unwrap(), other.host("same").unwrap());
    assert_eq!(here.ipv4(), there.ipv4());
    let _here = listen(&here, here.ipv4(), 80);
    let refused = there.inside(|| TcpStream::connect((there.ipv4(), 80))).unwrap();
    assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
}

#[test]
fn no_interface_is_made_in_the_machines_own_network() {
    rights::ensure().unwrap();
    let interfaces = || fs::read_to_string("/proc/self/net/dev").unwrap().lines().count();
    let before = interfaces();
    let lab = lab();
    let _pod = lab.host("one").unwrap().pod("web").unwrap();
    assert_eq!(interfaces(), before);
}

#[test]
fn packets_to_a_virtual_address_leave_the_application_and_can_be_redirected() {
    let lab = lab();
    let (node, other) = (lab.host("n1").unwrap(), lab.host("n2").unwrap());
    let web = node.pod("web").unwrap();
    let rules = "
        table inet capture {
            chain out {
                type nat hook output priority -100
                meta skuid 10101 accept
                ip daddr 10.96.0.0/16 meta l4proto tcp redirect to :15001
                ip6 daddr fd96::/16 meta l4proto tcp redirect to :15001
            }
            chain in {
                type nat hook prerouting priority -100
                meta l4proto tcp redirect to :15006
            }
        }";
    web.command("nft").args(["-f", "-"]).stdin(rules).run(DEADLINE).unwrap().success("nft").unwrap();

    for virtual_address in ["10.96.1.2:80", "[fd96::2]:80"] {
        let virtual_address: SocketAddr = virtual_address.parse().unwrap();
        let own = if virtual_address.is_ipv4() { IpAddr::from([127, 0, 0, 1]) } else { "::1".parse().unwrap() };
        let proxy = listen(&web, own, 15001);
        let _client = connect(&web, virtual_address);
        accept(&proxy);
        // The proxy's own account is not redirected: its packet goes to the gateway, and is seen on the way.
        let recording = lab.capture().unwrap();
        let curl =
            web.command("curl").args(["-s", "--connect-timeout", "0.5"]).arg(format!("http://{virtual_address}/"));
        assert_eq!(curl.uid(10101).gid(7).run(DEADLINE).unwrap().status.code(), Some(28), "nothing answers");
        let from: IpAddr = if virtual_address.is_ipv4() { web.ipv4().into() } else { web.ipv6().into() };
        assert!(!recording.stop().unwrap().syns_between(from, virtual_address.ip()).is_empty());
    }
    let inbound = listen(&web, web.ipv4(), 15006);
    let _client = connect(&other, SocketAddr::new(web.ipv4().into(), 8080));
    accept(&inbound);
}

#[test]
fn a_sysctl_is_set_in_its_host_only() {
    let lab = lab();
    let (one, two) = (lab.host("one").unwrap(), lab.host("two").unwrap());
    one.set_sysctl("net.ipv4.tcp_retries2", "3").unwrap();
    let read = |host: &Host| host.command("cat").arg("/proc/sys/net/ipv4/tcp_retries2").run(DEADLINE).unwrap().stdout;
    assert_eq!((read(&one).trim(), read(&two).trim()), ("3", "15"));
}

#[test]
fn what_is_typed_to_enter_a_host_leads_there() {
    let lab = lab();
    let host = lab.host("one").unwrap();
    let typed = host.how_to_enter();
    // Only from outside does one enter a user namespace, and this test is inside.
    let typed = typed.replace("--user --preserve-credentials ", "") + " ip -brief address";
    let shown = std::process::Command::new("sh").args(["-c", &typed]).output().unwrap();
    assert!(String::from_utf8_lossy(&shown.stdout).contains(&host.ipv4().to_string()), "{typed}: {shown:?}");
}
