//! Why the store did not answer, and what to do. No message contains a password or what was sent.

use std::io::{self, ErrorKind};

use super::place::Node;
use crate::names::LookupError;
use crate::printable::printable;
use crate::secret::Secret;

/// Where it says `at`, that is the server that was asked, which a sentinel or a cluster may have told.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "cannot connect to the store at {at}: {error}. Check DNS (/etc/resolv.conf) and wx_token.store"
    )]
    Lookup { at: Node, error: LookupError },
    #[error("cannot connect to the store at {at}: {error}. {}", connect_advice(at))]
    Connect { at: Node, error: io::Error },
    #[error(
        "the store at {at} did not {} in time. Check {}its load and the network; the limit is wx_token.store_timeout",
        stage.verb(),
        stage.first_check()
    )]
    Timeout { at: Node, stage: Stage },
    #[error("the connection to the store at {at} broke off: {}", explain_break(error))]
    Broken { at: Node, error: io::Error },
    #[error("TLS to the store at {at} failed: {why}")]
    Tls { at: Node, why: String },
    /// NOAUTH, WRONGPASS, NOPERM and the like.
    #[error(
        "the store at {at} denied access: {reply}. Check user and password in wx_token.store and wx_token.store_password, and the ACL of the user"
    )]
    AccessDenied { at: Node, reply: String },
    /// READONLY, MASTERDOWN, CLUSTERDOWN and the like: another server may serve the key, or soon will.
    #[error(
        "the store at {at} does not serve the key: {reply}. A failover may be under way; if this lasts, check the replication of the store"
    )]
    NotServing { at: Node, reply: String },
    /// LOADING, OOM, BUSY, MISCONF and the like.
    #[error("the store at {at} cannot run commands now: {reply}. {}", ready_advice(reply))]
    NotReady { at: Node, reply: String },
    #[error("the store at {at} is too old: {reply}. Use Redis from version 5 on, or Valkey")]
    TooOld { at: Node, reply: String },
    #[error(
        "the key in the store at {at} is not of wx_token: {reply}. Remove the key, or change wx_token.store_prefix"
    )]
    WrongType { at: Node, reply: String },
    /// Any other error reply.
    #[error(
        "the store at {at} rejected a command: {reply}. Check that it is Redis (from version 5 on) or Valkey, and permits EVAL"
    )]
    Rejected { at: Node, reply: String },
    #[error(
        "the reply of the store at {at} is not Redis's: {why}. Check wx_token.store (a port for TLS needs rediss://)"
    )]
    Malformed { at: Node, why: &'static str },
    #[error(
        "the token in the store at {at} was sealed with another key. Give all servers the same AppSecret, or the same wx_token.store_key"
    )]
    Sealed { at: Node },
    #[error(
        "the sentinel at {at} knows no master {}. Check the name in wx_token.store",
        printable(master)
    )]
    UnknownMaster { at: Node, master: String },
}

/// What the time was not enough for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Connect,
    Handshake,
    Answer,
}

impl Stage {
    const fn verb(self) -> &'static str {
        match self {
            Self::Connect => "accept the connection",
            Self::Handshake => "complete the TLS handshake",
            Self::Answer => "answer",
        }
    }

    /// A Redis without TLS waits for the end of what it takes for a command.
    const fn first_check(self) -> &'static str {
        match self {
            Self::Handshake => "that this is its port for TLS, ",
            Self::Connect | Self::Answer => "",
        }
    }
}

fn connect_advice(at: &Node) -> &'static str {
    match at {
        Node::Tcp(_) => "Check that it runs, the firewall, and wx_token.store",
        Node::Unix(_) => {
            "Check that it runs, that this user may write to the socket, and wx_token.store"
        }
    }
}

fn ready_advice(reply: &str) -> &'static str {
    if reply.contains("OOM") {
        "Raise its maxmemory, or let it evict keys (maxmemory-policy)"
    } else if reply.contains(MANY_CLIENTS) {
        "Raise its maxclients, or find who has so many connections"
    } else if reply.contains("NOREPLICAS") {
        "Check its replicas, and its min-replicas-to-write"
    } else {
        "See the log of the store"
    }
}

fn explain_break(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::UnexpectedEof => {
            "it was closed before the answer. See the log of the store (a port for TLS needs rediss://)".to_owned()
        }
        _ => format!("{error}. See the log of the store (a port for TLS needs rediss://), and check proxies on the way"),
    }
}

const MANY_CLIENTS: &str = "max number of clients";

/// Where a reply goes on to quote the command, or to tell which line of which script it was.
const ASIDES: [&str; 2] = [", with args beginning with", " script: "];

/// How much of a reply is shown: the rest explains, or quotes the command.
const MAX_CHARS: usize = 200;

impl StoreError {
    /// What the error `reply` of the server `at` means. `password` is hidden, should the server quote it.
    pub fn from_reply(at: Node, reply: &str, password: &Secret) -> Self {
        use Meaning as M;
        let meaning = meaning(reply);
        let cut = |text, aside| str::split(text, aside).next().unwrap_or_default();
        // What to do is another sentence.
        let reply = ASIDES.into_iter().fold(reply, cut).trim_end_matches('.');
        let reply = printable(&password.scrub(reply)).at_most(MAX_CHARS).to_string();
        match meaning {
            M::AccessDenied => Self::AccessDenied { at, reply },
            M::NotServing => Self::NotServing { at, reply },
            M::NotReady => Self::NotReady { at, reply },
            M::TooOld => Self::TooOld { at, reply },
            M::WrongType => Self::WrongType { at, reply },
            M::Other => Self::Rejected { at, reply },
        }
    }

    /// Whether the server could not be reached or is not to be relied on, so that another may do better.
    pub const fn concerns_this_server(&self) -> bool {
        match self {
            Self::Lookup { .. }
            | Self::Connect { .. }
            | Self::Timeout { .. }
            | Self::Broken { .. }
            | Self::Tls { .. }
            | Self::NotServing { .. }
            | Self::NotReady { .. }
            | Self::Malformed { .. }
            | Self::UnknownMaster { .. } => true,
            Self::AccessDenied { .. }
            | Self::TooOld { .. }
            | Self::WrongType { .. }
            | Self::Rejected { .. }
            | Self::Sealed { .. } => false,
        }
    }

    /// Whether it stays until somebody changes something.
    pub const fn is_lasting(&self) -> bool {
        matches!(
            self,
            Self::AccessDenied { .. }
                | Self::TooOld { .. }
                | Self::WrongType { .. }
                | Self::Rejected { .. }
                | Self::Malformed { .. }
                | Self::UnknownMaster { .. }
                | Self::Sealed { .. }
        )
    }
}

enum Meaning {
    AccessDenied,
    NotServing,
    NotReady,
    TooOld,
    WrongType,
    Other,
}

/// Codes are those in src/server.c of Redis 7.0 (`createSharedObjects`). Before 7.0 an error of a command
/// in a script is `ERR`, with the code further on in the text.
fn meaning(reply: &str) -> Meaning {
    const DENIALS: [&str; 6] = [
        // Before AUTH, Redis limits how much a client sends.
        "unauthenticated",
        "invalid password",
        "no password is set",
        "without any password configured",
        "arguments for 'auth'",
        "ACL failure",
    ];
    let has = |part: &str| reply.contains(part);
    if has("non deterministic commands") || has("replicate_commands") {
        return Meaning::TooOld;
    }
    if DENIALS.into_iter().any(has) || has("can't run this command") {
        return Meaning::AccessDenied;
    }
    if has(MANY_CLIENTS) {
        return Meaning::NotReady;
    }
    let of_word = |word: &str| code(word.trim_start_matches('-'));
    let mut words = reply.split_ascii_whitespace();
    match words.next() {
        Some("ERR") => words.find_map(of_word).unwrap_or(Meaning::Other),
        Some(first) => of_word(first).unwrap_or(Meaning::Other),
        None => Meaning::Other,
    }
}

fn code(word: &str) -> Option<Meaning> {
    Some(match word {
        "NOAUTH" | "WRONGPASS" | "NOPERM" | "DENIED" => Meaning::AccessDenied,
        "READONLY" | "MASTERDOWN" | "CLUSTERDOWN" => Meaning::NotServing,
        "LOADING" | "OOM" | "BUSY" | "MISCONF" | "NOREPLICAS" | "TRYAGAIN" => Meaning::NotReady,
        "WRONGTYPE" => Meaning::WrongType,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rustls::{AlertDescription, CertificateError, Error as TlsError, InvalidMessage};

    use super::super::connection::STORE;
    use super::super::place::Address;
    use super::*;
    use crate::trust;

    fn told(reply: &str) -> String {
        let at = Node::Unix("/s".into());
        StoreError::from_reply(at, reply, &Secret::new("hunter2")).to_string()
    }

    #[test]
    fn replies_are_told_by_their_code_and_inside_scripts_too() {
        for (reply, says) in [
            ("NOAUTH Authentication required.", "denied access"),
            ("WRONGPASS invalid username-password pair or user is disabled.", "denied access"),
            ("NOPERM this user has no permissions to run the 'eval' command", "denied access"),
            ("DENIED Redis is running in protected mode because", "denied access"),
            ("ERR invalid password", "denied access"),
            ("ERR Protocol error: unauthenticated multibulk length", "denied access"),
            ("ERR Client sent AUTH, but no password is set", "denied access"),
            ("ERR AUTH <password> called without any password configured for the", "denied access"),
            ("ERR wrong number of arguments for 'auth' command", "denied access"),
            (
                "ERR The user executing the script can't run this command or subcommand script: 1",
                "denied access",
            ),
            (
                "ERR ACL failure in script: User default has no permissions to run the 'time'",
                "denied access",
            ),
            (
                "ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -NOPERM this",
                "denied access",
            ),
            ("READONLY You can't write against a read only replica.", "does not serve"),
            (
                "READONLY You can't write against a read only replica. script: 1, on @user_script:9.",
                "does not serve",
            ),
            (
                "ERR Error running script (call to f_1): @user_script:9: @user_script: 9: -READONLY You",
                "does not serve",
            ),
            ("MASTERDOWN Link with MASTER is down", "does not serve"),
            ("CLUSTERDOWN Hash slot not served", "does not serve"),
            ("LOADING Redis is loading the dataset in memory", "cannot run commands now"),
            ("OOM command not allowed when used memory > 'maxmemory'.", "cannot run commands now"),
            (
                "BUSY Redis is busy running a script. You can only call SCRIPT KILL",
                "cannot run commands now",
            ),
            ("MISCONF Redis is configured to save RDB snapshots, but", "cannot run commands now"),
            ("NOREPLICAS Not enough good replicas to write.", "cannot run commands now"),
            ("ERR max number of clients reached", "cannot run commands now"),
            (
                "ERR Error running script (call to f_1): @user_script:1: @user_script: 1: Write \
                 commands not allowed after non deterministic commands. Call redis.replicate_commands()",
                "is too old",
            ),
            (
                "WRONGTYPE Operation against a key holding the wrong kind of value",
                "not of wx_token",
            ),
            (
                "ERR Error running script (call to f_1): @user_script:1: WRONGTYPE Operation against",
                "not of wx_token",
            ),
            ("ERR DB index is out of range", "rejected a command"),
            ("ERR unknown command 'EVAL'", "rejected a command"),
            ("WHAT no code of Redis: OOM", "rejected a command"),
            ("", "rejected a command"),
        ] {
            assert!(told(reply).contains(says), "{reply}: {}", told(reply));
        }
    }

    #[test]
    fn no_message_contains_a_password_or_an_argument() {
        let told = told(
            "ERR unknown command 'AUTH' for hunter2\n, with args beginning with: 'user' 'token'",
        );
        assert!(told.contains(r"unknown command 'AUTH' for ***\n. Check"), "{told}");
        assert!(!told.contains("hunter2") && !told.contains("token'"), "{told}");
    }

    #[test]
    fn what_to_do_is_a_sentence_of_its_own() {
        let script = " script: 1971e134a405c75a13755dfbd72a7badbbf23a81, on @user_script:29.";
        for (reply, told_as) in [
            ("BUSY Redis is busy.", "BUSY Redis is busy. See the log"),
            (&format!("OOM used memory > 'maxmemory'.{script}"), "'maxmemory'. Raise its maxmem"),
            ("ERR max number of clients reached", "clients reached. Raise its maxclients"),
            (&format!("NOREPLICAS Not enough.{script}"), "Not enough. Check its replicas"),
        ] {
            assert!(told(reply).contains(told_as), "{}", told(reply));
        }
    }

    #[test]
    fn a_long_reply_is_cut() {
        assert!(told(&"x".repeat(1000)).contains("xxx…. Check"));
    }

    /// Whatever differs from one error to the next, such as the words of a server.
    const ANY: &str = "…";

    /// Each error, with each advice that it may give.
    fn errors() -> Vec<StoreError> {
        let at = || Node::Tcp(Address { host: "HOST".to_owned(), port: 6379 });
        let io = || io::Error::other(ANY);
        let error = LookupError::Unknown { host: "HOST".to_owned() };
        let mut errors = vec![
            StoreError::Lookup { at: at(), error },
            StoreError::Connect { at: at(), error: io() },
            StoreError::Connect { at: Node::Unix("/SOCKET".into()), error: io() },
            StoreError::Broken { at: at(), error: ErrorKind::UnexpectedEof.into() },
            StoreError::Broken { at: at(), error: io() },
            StoreError::Malformed { at: at(), why: ANY },
            StoreError::Sealed { at: at() },
            StoreError::UnknownMaster { at: at(), master: "NAME".to_owned() },
        ];
        for stage in [Stage::Connect, Stage::Handshake, Stage::Answer] {
            errors.push(StoreError::Timeout { at: at(), stage });
        }
        for error in [
            TlsError::InvalidCertificate(CertificateError::UnknownIssuer),
            TlsError::InvalidCertificate(CertificateError::Expired),
            TlsError::InvalidCertificate(CertificateError::NotValidYet),
            TlsError::InvalidCertificate(CertificateError::NotValidForName),
            TlsError::InvalidCertificate(CertificateError::Revoked),
            TlsError::InvalidMessage(InvalidMessage::InvalidContentType),
            TlsError::AlertReceived(AlertDescription::CertificateRequired),
            TlsError::General(ANY.to_owned()),
        ] {
            let why = trust::explain(&io::Error::other(error), STORE);
            errors.push(StoreError::Tls { at: at(), why });
        }
        for reply in [
            "NOAUTH …",
            "READONLY …",
            "LOADING …",
            "OOM …",
            "ERR max number of clients reached",
            "NOREPLICAS …",
            "ERR replicate_commands …",
            "WRONGTYPE …",
            "ERR …",
        ] {
            errors.push(StoreError::from_reply(at(), reply, &Secret::new("")));
        }
        errors
    }

    /// Asks for an example of each new error.
    const fn number(error: &StoreError) -> usize {
        match error {
            StoreError::Lookup { .. } => 0,
            StoreError::Connect { .. } => 1,
            StoreError::Timeout { .. } => 2,
            StoreError::Broken { .. } => 3,
            StoreError::Tls { .. } => 4,
            StoreError::AccessDenied { .. } => 5,
            StoreError::NotServing { .. } => 6,
            StoreError::NotReady { .. } => 7,
            StoreError::TooOld { .. } => 8,
            StoreError::WrongType { .. } => 9,
            StoreError::Rejected { .. } => 10,
            StoreError::Malformed { .. } => 11,
            StoreError::Sealed { .. } => 12,
            StoreError::UnknownMaster { .. } => 13,
        }
    }

    #[test]
    fn the_page_of_errors_has_every_error_of_a_store() {
        let errors = errors();
        let numbers: BTreeSet<_> = errors.iter().map(number).collect();
        assert!(numbers.into_iter().eq(0..14), "an error without an example");
        let row = |error: &StoreError| {
            let told = error.to_string();
            let (problem, remedy) = told.split_once(". ").expect("what to do");
            format!("| {problem} | {remedy} |")
        };
        let rows: BTreeSet<_> = errors.iter().map(row).collect();
        let page = include_str!("../../../docs/errors.md");
        let table = page.split("## The shared store").nth(1).expect("a chapter");
        let table = table.split("\n## ").next().expect("its text");
        // Between the two stands the cause.
        let told: BTreeSet<_> = table
            .lines()
            .filter(|line| line.starts_with("| "))
            .skip(1)
            .map(|line| {
                let cells: Vec<_> = line.split('|').collect();
                let [_, problem, cause, remedy, _] = cells.as_slice() else { panic!("{line}") };
                assert!(!cause.trim().is_empty(), "{line}");
                format!("|{problem}|{remedy}|")
            })
            .collect();
        let missing: Vec<_> = rows.difference(&told).map(String::as_str).collect();
        assert!(missing.is_empty(), "docs/errors.md lacks\n{}", missing.join("\n"));
        let gone: Vec<_> = told.difference(&rows).map(String::as_str).collect();
        assert!(gone.is_empty(), "docs/errors.md has what no store causes\n{}", gone.join("\n"));
    }
}
