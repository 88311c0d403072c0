//! Name servers on loopback that answer, lie, cut short, refuse and keep silent.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use simple_dns::rdata::{A, AAAA, CNAME, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};

use super::look_up;
use super::message::{self, Kind, Reply};
use crate::names::LookupError;
use crate::names::config::Config;

/// What a server says to a question: any number of packets.
type Answer = dyn Fn(&Packet<'_>) -> Vec<Vec<u8>> + Send;

/// A name server; it stops with the test process.
struct Server {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Server {
    /// Answers by UDP with `udp`, and on the same port by TCP with `tcp`.
    fn start(
        udp: impl Fn(&Packet<'_>) -> Vec<Vec<u8>> + Send + 'static,
        tcp: Option<Box<Answer>>,
    ) -> Self {
        // A port that is free for one may be taken for the other.
        let bind = || {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            UdpSocket::bind(address).ok().map(|socket| (listener, address, socket))
        };
        let (listener, address, socket) = (0..100).find_map(|_| bind()).unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        thread::spawn(move || {
            let mut buffer = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                counter.fetch_add(1, Ordering::SeqCst);
                for answer in udp(&Packet::parse(&buffer[..length]).unwrap()) {
                    socket.send_to(&answer, from).unwrap();
                }
            }
        });
        if let Some(tcp) = tcp {
            thread::spawn(move || {
                for stream in listener.incoming() {
                    let mut stream = stream.unwrap();
                    let mut length = [0; 2];
                    stream.read_exact(&mut length).unwrap();
                    let mut question = vec![0; u16::from_be_bytes(length).into()];
                    stream.read_exact(&mut question).unwrap();
                    for answer in tcp(&Packet::parse(&question).unwrap()) {
                        let length = u16::try_from(answer.len()).unwrap();
                        stream.write_all(&length.to_be_bytes()).unwrap();
                        stream.write_all(&answer).unwrap();
                    }
                }
            });
        }
        Self { address, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn records_of(question: &Packet<'_>) -> TYPE {
    let [question] = question.questions.as_slice() else { panic!("one question") };
    match question.qtype {
        QTYPE::TYPE(kind @ (TYPE::A | TYPE::AAAA)) => kind,
        other => panic!("{other:?}"),
    }
}

fn reply<'a>(question: &Packet<'a>, answers: Vec<(&'a str, RData<'a>)>) -> Packet<'a> {
    let mut packet = question.clone().into_reply();
    for (name, data) in answers {
        packet.answers.push(ResourceRecord::new(Name::new(name).unwrap(), CLASS::IN, 60, data));
    }
    packet
}

fn ipv4(last: u8) -> RData<'static> {
    RData::A(A { address: Ipv4Addr::new(192, 0, 2, last).into() })
}

fn ipv6(last: u16) -> RData<'static> {
    RData::AAAA(AAAA { address: Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last).into() })
}

fn sent(packet: &Packet<'_>) -> Vec<Vec<u8>> {
    vec![packet.build_bytes_vec_compressed().unwrap()]
}

/// `api.example` has one address of each kind.
fn honest(question: &Packet<'_>) -> Vec<Vec<u8>> {
    let data = if records_of(question) == TYPE::A { ipv4(1) } else { ipv6(1) };
    sent(&reply(question, vec![("api.example", data)]))
}

fn coded(question: &Packet<'_>, code: RCODE) -> Vec<Vec<u8>> {
    let mut packet = reply(question, Vec::new());
    *packet.rcode_mut() = code;
    sent(&packet)
}

fn silent(_: &Packet<'_>) -> Vec<Vec<u8>> {
    Vec::new()
}

fn config(servers: &[&Server]) -> Config {
    let servers = servers.iter().map(|server| server.address).collect();
    Config { servers, ..Config::parse(b"") }
}

fn soon(milliseconds: u64) -> Instant {
    Instant::now() + Duration::from_millis(milliseconds)
}

fn found(host: &str, config: &Config, deadline: Instant) -> Vec<String> {
    let found = look_up(host, config, deadline).unwrap();
    found.iter().map(ToString::to_string).collect()
}

const BOTH: [&str; 2] = ["192.0.2.1", "2001:db8::1"];

#[test]
fn both_kinds_of_address_are_found_and_ipv4_comes_first() {
    let server = Server::start(honest, None);
    assert_eq!(found("api.example", &config(&[&server]), soon(5000)), BOTH);
    assert_eq!(server.asked(), 2);
}

#[test]
fn ipv6_is_not_asked_for_where_the_configuration_forbids_it() {
    let server = Server::start(honest, None);
    let config = Config { ipv6: false, ..config(&[&server]) };
    assert_eq!(found("api.example", &config, soon(5000)), ["192.0.2.1"]);
    assert_eq!(server.asked(), 1);
}

#[test]
fn a_server_without_ears_for_ipv6_costs_little_and_not_the_lookup() {
    let server = Server::start(
        |question| if records_of(question) == TYPE::A { honest(question) } else { Vec::new() },
        None,
    );
    let config = config(&[&server]);
    assert_eq!(found("api.example", &config, soon(60_000)), ["192.0.2.1"]);
    // Questions arrive in the order in which they are asked: this is the last one.
    let only_ipv4 = Config { ipv6: false, ..config };
    assert_eq!(found("api.example", &only_ipv4, soon(60_000)), ["192.0.2.1"]);
    assert_eq!(server.asked(), 3, "it was not asked again");
}

#[test]
fn packets_that_are_no_answer_to_the_question_are_passed_over() {
    let server = Server::start(
        |question| {
            let lie = |change: &dyn Fn(&mut Packet<'_>)| {
                let data = if records_of(question) == TYPE::A { ipv4(66) } else { ipv6(66) };
                let mut packet = reply(question, vec![("api.example", data)]);
                change(&mut packet);
                packet.build_bytes_vec().unwrap()
            };
            let mut packets = vec![
                lie(&|packet| packet.set_id(packet.id().wrapping_add(1))),
                lie(&|packet| packet.questions[0].qname = Name::new("other.example").unwrap()),
                lie(&|packet| packet.questions.clear()),
                lie(&|packet| packet.remove_flags(PacketFlag::RESPONSE)),
                b"short".to_vec(),
                Vec::new(),
            ];
            // As many records as fit in no packet.
            let mut many = lie(&|_| {});
            many[6..8].copy_from_slice(&[0xff, 0xff]);
            packets.push(many);
            packets.extend(honest(question));
            packets
        },
        None,
    );
    assert_eq!(found("api.example", &config(&[&server]), soon(5000)), BOTH);
    assert_eq!(server.asked(), 2);
}

proptest! {
    #[test]
    fn no_message_is_too_much(change in vec((0..200_usize, any::<u8>()), 0..8), cut in 0..200_usize) {
        let name = Name::new("api.example").unwrap();
        let question = message::question(7, &name, Kind::Ipv4).unwrap();
        let mut answer = honest(&Packet::parse(&question).unwrap()).remove(0);
        for (place, byte) in change {
            if let Some(old) = answer.get_mut(place) {
                *old = byte;
            }
        }
        answer.truncate(cut);
        let reply = message::read(&answer, 7, &name, Kind::Ipv4);
        let is_unread = cut < 12 && reply != Reply::Unrelated;
        prop_assert!(!is_unread, "{reply:?} in a header that is cut off");
    }
}

#[test]
fn the_case_of_a_name_does_not_count() {
    let server = Server::start(honest, None);
    assert_eq!(found("API.example", &config(&[&server]), soon(5000)), BOTH);
}

#[test]
fn a_truncated_answer_is_asked_for_by_tcp() {
    let cut = |question: &Packet<'_>| {
        let mut packet = reply(question, Vec::new());
        packet.set_flags(PacketFlag::TRUNCATION);
        sent(&packet)
    };
    let server = Server::start(cut, Some(Box::new(honest)));
    assert_eq!(found("api.example", &config(&[&server]), soon(5000)), BOTH);
}

#[test]
fn tcp_is_used_from_the_start_where_the_configuration_says_so() {
    let server = Server::start(silent, Some(Box::new(honest)));
    let config = Config { tcp: true, ..config(&[&server]) };
    assert_eq!(found("api.example", &config, soon(5000)), BOTH);
    assert_eq!(server.asked(), 0);
}

#[test]
fn aliases_are_followed_and_the_addresses_of_others_are_not_taken() {
    let server = Server::start(
        |question| {
            let alias = |target| RData::CNAME(CNAME(Name::new(target).unwrap()));
            let data = || if records_of(question) == TYPE::A { ipv4(1) } else { ipv6(1) };
            let stranger = if records_of(question) == TYPE::A { ipv4(66) } else { ipv6(66) };
            sent(&reply(
                question,
                vec![
                    ("b.example", alias("c.example")),
                    ("stranger.example", stranger),
                    ("api.example", alias("b.example")),
                    ("c.example", data()),
                ],
            ))
        },
        None,
    );
    assert_eq!(found("api.example", &config(&[&server]), soon(5000)), BOTH);
}

#[test]
fn aliases_in_a_circle_have_no_address() {
    let server = Server::start(
        |question| {
            let alias = |target| RData::CNAME(CNAME(Name::new(target).unwrap()));
            sent(&reply(
                question,
                vec![("api.example", alias("b.example")), ("b.example", alias("api.example"))],
            ))
        },
        None,
    );
    let unknown = LookupError::Unknown { host: "api.example".to_owned() };
    assert_eq!(look_up("api.example", &config(&[&server]), soon(5000)), Err(unknown));
}

#[test]
fn a_name_that_does_not_exist_is_an_answer_and_so_is_one_without_addresses() {
    let unknown = || LookupError::Unknown { host: "api.example".to_owned() };
    let gone = Server::start(|question| coded(question, RCODE::NameError), None);
    let bare = Server::start(|question| coded(question, RCODE::NoError), None);
    for server in [gone, bare] {
        let next = Server::start(honest, None);
        let config = config(&[&server, &next]);
        assert_eq!(look_up("api.example", &config, soon(5000)), Err(unknown()));
        assert_eq!(next.asked(), 0, "the answer was not believed");
    }
}

#[test]
fn the_search_list_is_gone_through() {
    let server = Server::start(
        |question| {
            if question.questions[0].qname.to_string() == "api.example" {
                honest(question)
            } else {
                coded(question, RCODE::NameError)
            }
        },
        None,
    );
    let search = ["other.example".to_owned(), "example".to_owned()].to_vec();
    let config = Config { search, ..config(&[&server]) };
    assert_eq!(found("api", &config, soon(5000)), BOTH);
}

#[test]
fn a_server_that_fails_or_refuses_is_passed_over_at_once() {
    for code in [RCODE::ServerFailure, RCODE::Refused, RCODE::NotImplemented] {
        let bad = Server::start(move |question| coded(question, code), None);
        let good = Server::start(honest, None);
        // Had it been waited for, the deadline would be over.
        let config = Config { timeout: Duration::from_secs(60), ..config(&[&bad, &good]) };
        assert_eq!(found("api.example", &config, soon(30_000)), BOTH, "{code:?}");
        assert_eq!(bad.asked(), 2, "{code:?}: not asked again");
    }
}

#[test]
fn a_port_without_a_server_is_passed_over_at_once() {
    let closed = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).unwrap();
    let good = Server::start(honest, None);
    let servers = vec![closed, good.address];
    let config = Config { servers, timeout: Duration::from_secs(60), ..config(&[]) };
    assert_eq!(found("api.example", &config, soon(30_000)), BOTH);
}

#[test]
fn the_second_server_is_asked_in_time_when_the_first_drops_packets() {
    let dropping = Server::start(silent, None);
    let good = Server::start(honest, None);
    // The timeout of resolv.conf alone would be far beyond the deadline.
    assert_eq!(found("api.example", &config(&[&dropping, &good]), soon(1000)), BOTH);
    assert_eq!((dropping.asked(), good.asked()), (2, 2));
}

#[test]
fn a_server_is_listened_to_while_the_next_one_is_asked() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let late = Server::start(
        move |question| {
            // Until the other one has been asked.
            if records_of(question) == TYPE::A {
                receiver.recv().unwrap();
            }
            honest(question)
        },
        None,
    );
    let next = Server::start(
        move |_| {
            let _ = sender.send(());
            Vec::new()
        },
        None,
    );
    assert_eq!(found("api.example", &config(&[&late, &next]), soon(2000)), BOTH);
    assert_eq!(late.asked(), 2, "asked once for each kind");
}

#[test]
fn servers_that_do_not_answer_are_named_and_the_deadline_holds() {
    let dropping = Server::start(silent, None);
    let failing = Server::start(|question| coded(question, RCODE::ServerFailure), None);
    let config = config(&[&dropping, &failing]);
    let deadline = soon(300);
    let error = look_up("api.example", &config, deadline).unwrap_err().to_string();
    assert_eq!(
        error,
        "no name server answered for api.example: 127.0.0.1 (no answer in time), \
         127.0.0.1 (ServerFailure)"
    );
    assert_eq!((dropping.asked(), failing.asked()), (4, 4), "two attempts for each kind");
}
