//! A name server on loopback, and PHP processes that ask no other.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use simple_dns::rdata::{A, RData};
use simple_dns::{CLASS, Packet, QTYPE, RCODE, ResourceRecord, TYPE};

use crate::php::Php;

/// Where the emulator is, to a process that asks the name server.
pub const WECHAT: &str = "wechat.test";
/// A name that the name server has, and its address.
pub const SERVED: (&str, Ipv4Addr) = ("served.test", Ipv4Addr::new(192, 0, 2, 8));
/// A name that stands in the hosts file, and its address.
pub const HOSTED: (&str, Ipv4Addr) = ("hosted.test", Ipv4Addr::new(192, 0, 2, 7));

/// A name server on an address of its own, which knows [`WECHAT`] and [`SERVED`].
pub struct NameServer {
    address: Ipv4Addr,
    asked: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl NameServer {
    pub fn start() -> Self {
        Self::answering(true)
    }

    /// Receives questions and does not answer.
    pub fn dropping() -> Self {
        Self::answering(false)
    }

    fn answering(answers: bool) -> Self {
        // resolv.conf always means port 53. A process that asked an earlier server may ask again, so no address
        // is used twice.
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let bound = (0..1000).find_map(|_| {
            let [.., third, fourth] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            let address = Ipv4Addr::new(127, 53, third, fourth);
            UdpSocket::bind((address, 53)).ok().map(|socket| (address, socket))
        });
        let (address, socket) = bound.expect("a free address, and root");
        socket.set_read_timeout(Some(Duration::from_millis(20))).expect("a socket");
        let (asked, stop) = <(Arc<AtomicUsize>, Arc<AtomicBool>)>::default();
        let (counter, stopped) = (Arc::clone(&asked), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let mut buffer = [0; 512];
            while !stopped.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
                counter.fetch_add(1, Ordering::Relaxed);
                if answers {
                    let answer = answer(&Packet::parse(&buffer[..length]).expect("a question"));
                    // The process that asked may have ended.
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        Self { address, asked, stop, thread: Some(thread) }
    }

    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// `php` with this name server alone, its files in `directory`.
    pub fn serve(&self, php: Php, directory: &Path) -> Php {
        let (resolv_conf, hosts) = (directory.join("resolv.conf"), directory.join("hosts"));
        let (name, address) = HOSTED;
        std::fs::write(&resolv_conf, format!("nameserver {}\n", self.address)).expect("a file");
        std::fs::write(&hosts, format!("127.0.0.1 localhost\n{address} {name}\n")).expect("a file");
        php.with_names(resolv_conf, hosts)
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn answer(question: &Packet<'_>) -> Vec<u8> {
    let mut answer = question.clone().into_reply();
    let asked = &question.questions[0];
    let known = [(WECHAT, Ipv4Addr::LOCALHOST), SERVED];
    match known.iter().find(|(name, _)| asked.qname.to_string() == *name) {
        Some(&(_, address)) if asked.qtype == QTYPE::TYPE(TYPE::A) => {
            let data = RData::A(A { address: address.into() });
            let name = asked.qname.clone();
            answer.answers.push(ResourceRecord::new(name, CLASS::IN, 60, data));
        }
        Some(_) => {}
        None => *answer.rcode_mut() = RCODE::NameError,
    }
    answer.build_bytes_vec().expect("an answer")
}
