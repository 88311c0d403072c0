//! One question, and what an answer to it says.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use simple_dns::rdata::RData;
use simple_dns::{
    CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, ResourceRecord, TYPE,
    header_buffer,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Ipv4,
    Ipv6,
}

impl Kind {
    const fn record(self) -> QTYPE {
        match self {
            Self::Ipv4 => QTYPE::TYPE(TYPE::A),
            Self::Ipv6 => QTYPE::TYPE(TYPE::AAAA),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// The addresses of the name, of which there may be none of this kind.
    Addresses(Vec<IpAddr>),
    NoSuchName,
    /// The server cannot or does not want to answer: its code.
    Refused(String),
    Truncated,
    Unrelated,
}

const MAX_ALIASES: usize = 16;

/// The fewest bytes of a question or record.
const MIN_ENTRY: usize = 5;

pub fn question(id: u16, name: &Name<'_>, kind: Kind) -> io::Result<Vec<u8>> {
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let class = QCLASS::CLASS(CLASS::IN);
    packet.questions.push(Question::new(name.clone(), kind.record(), class, false));
    packet.build_bytes_vec().map_err(io::Error::other)
}

pub fn read(message: &[u8], id: u16, name: &Name<'_>, kind: Kind) -> Reply {
    read_header(message, id).or_else(|| read_body(message, name, kind)).unwrap_or(Reply::Unrelated)
}

/// What the header alone tells. The rest of a truncated message need not be readable.
fn read_header(message: &[u8], id: u16) -> Option<Reply> {
    let is_ours = header_buffer::id(message) == Ok(id)
        && header_buffer::has_flags(message, PacketFlag::RESPONSE) == Ok(true);
    let counts = [
        header_buffer::questions(message),
        header_buffer::answers(message),
        header_buffer::name_servers(message),
        header_buffer::additional_records(message),
    ];
    // Room is made for as many records as the header says.
    let entries: usize = counts.into_iter().flatten().map(usize::from).sum();
    if !is_ours || (entries * MIN_ENTRY) > message.len() {
        return Some(Reply::Unrelated);
    }
    let is_truncated = header_buffer::has_flags(message, PacketFlag::TRUNCATION) == Ok(true);
    is_truncated.then_some(Reply::Truncated)
}

fn read_body(message: &[u8], name: &Name<'_>, kind: Kind) -> Option<Reply> {
    let packet = Packet::parse(message).ok()?;
    let [question] = packet.questions.as_slice() else { return None };
    let is_ours = question.qname == *name
        && question.qtype == kind.record()
        && question.qclass == QCLASS::CLASS(CLASS::IN);
    if !is_ours {
        return None;
    }
    Some(match packet.rcode() {
        RCODE::NoError => Reply::Addresses(addresses(&packet.answers, name, kind)),
        RCODE::NameError => Reply::NoSuchName,
        code => Reply::Refused(format!("{code:?}")),
    })
}

/// The addresses of `name`, or of what it is an alias of.
fn addresses(answers: &[ResourceRecord<'_>], name: &Name<'_>, kind: Kind) -> Vec<IpAddr> {
    let mut owner = name;
    for _ in 0..MAX_ALIASES {
        let alias = answers.iter().find_map(|record| match &record.rdata {
            RData::CNAME(target) if record.name == *owner => Some(&target.0),
            _ => None,
        });
        match alias {
            Some(target) => owner = target,
            None => break,
        }
    }
    let own = answers.iter().filter(|record| record.name == *owner);
    own.filter_map(|record| match (&record.rdata, kind) {
        (RData::A(a), Kind::Ipv4) => Some(Ipv4Addr::from(a.address).into()),
        (RData::AAAA(aaaa), Kind::Ipv6) => Some(Ipv6Addr::from(aaaa.address).into()),
        _ => None,
    })
    .collect()
}
