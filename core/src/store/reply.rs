//! RESP2, the wire format of Redis: commands, and replies within bounds
//! (redis.io/docs/latest/develop/reference/protocol-spec).
//!
//! The decoder makes room for as many elements as a reply declares, and recurses as deep as it nests. So a
//! reply goes to the decoder only when it is complete and within bounds.

use std::io;

use redis_protocol::resp2::decode::decode_range;
use redis_protocol::resp2::encode::encode_borrowed;
use redis_protocol::resp2::types::{BorrowedFrame, RangeFrame};

/// The longest reply, in bytes, with all of its elements.
pub const MAX_REPLY: usize = 64 * 1024;

/// What a script returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Integer(i64),
    Bytes(Vec<u8>),
    Array(Vec<Reply>),
    Nil,
}

/// How a server answers a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Reply(Reply),
    /// The text of an error, which begins with a code such as `WRONGTYPE`. It may quote the command.
    Error(String),
}

/// How far a reply may nest, and how many elements its arrays have in all.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub depth: usize,
    pub elements: usize,
}

pub const LIMITS: Limits = Limits { depth: 2, elements: 64 };

/// ROLE lists the replicas of a master, each as an array of three (redis.io/docs/latest/commands/role).
pub const ROLE_LIMITS: Limits = Limits { depth: 3, elements: 512 };

/// A command as it is sent.
pub fn encode(command: &[&[u8]]) -> io::Result<Vec<u8>> {
    let words: Vec<_> = command.iter().map(|word| BorrowedFrame::BulkString(word)).collect();
    let frame = BorrowedFrame::Array(&words);
    let mut bytes = vec![0; frame.encode_len(false)];
    let length = encode_borrowed(&mut bytes, &frame, false).map_err(io::Error::other)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// The first answer in `received`, and its length in bytes; `None` while it is incomplete.
///
/// # Errors
/// Why it is none.
pub fn decode(received: &[u8], limits: Limits) -> Result<Option<(Answer, usize)>, &'static str> {
    if !is_complete(received, limits)? {
        return if received.len() < MAX_REPLY { Ok(None) } else { Err(TOO_LONG) };
    }
    let (frame, length) = decode_range(received).ok().flatten().ok_or("it cannot be decoded")?;
    let answer = match frame {
        RangeFrame::Error(range) => {
            Answer::Error(String::from_utf8_lossy(bytes(received, range)).into_owned())
        }
        frame => Answer::Reply(reply(received, frame)?),
    };
    Ok(Some((answer, length)))
}

fn reply(received: &[u8], frame: RangeFrame) -> Result<Reply, &'static str> {
    Ok(match frame {
        RangeFrame::SimpleString(range) | RangeFrame::BulkString(range) => {
            Reply::Bytes(bytes(received, range).to_vec())
        }
        RangeFrame::Integer(integer) => Reply::Integer(integer),
        RangeFrame::Array(frames) => {
            let elements = frames.into_iter().map(|frame| reply(received, frame));
            Reply::Array(elements.collect::<Result<_, _>>()?)
        }
        RangeFrame::Null => Reply::Nil,
        RangeFrame::Error(_) => return Err("it has an error inside an array"),
    })
}

fn bytes(received: &[u8], (start, end): (usize, usize)) -> &[u8] {
    received.get(start..end).unwrap_or_default()
}

const TOO_LONG: &str = "it is longer than 64 KiB";

/// Whether all of the first reply is there. What is there is within `limits`.
fn is_complete(received: &[u8], limits: Limits) -> Result<bool, &'static str> {
    let mut rest = received;
    let mut elements = 0;
    // How many elements are missing on each level. The reply itself is the only one of its level.
    let mut missing = vec![1_usize];
    while let Some(level) = missing.last_mut() {
        if *level == 0 {
            missing.pop();
            continue;
        }
        *level -= 1;
        let Some((&kind, after_kind)) = rest.split_first() else { return Ok(false) };
        if !b"+-:$*".contains(&kind) {
            return Err("it does not begin like one");
        }
        let Some((line, after_line)) = split_line(after_kind) else { return Ok(false) };
        rest = after_line;
        match kind {
            b'$' => {
                let Some(length) = declared(line, MAX_REPLY, TOO_LONG)? else { continue };
                let Some((_, after)) = rest.split_at_checked(length) else { return Ok(false) };
                match after.split_at_checked(2) {
                    Some((b"\r\n", after)) => rest = after,
                    Some(_) => return Err("the length of a string is wrong"),
                    None => return Ok(false),
                }
            }
            b'*' => {
                const TOO_MANY: &str = "it has too many elements";
                let left = limits.elements - elements;
                let Some(count) = declared(line, left, TOO_MANY)? else { continue };
                if missing.len() > limits.depth {
                    return Err("it nests too deep");
                }
                elements += count;
                missing.push(count);
            }
            _ => {}
        }
    }
    Ok(true)
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    Some((bytes.get(..end)?, bytes.get(end + 2..)?))
}

/// A declared length; `None` for that of nil.
fn declared(
    line: &[u8],
    max: usize,
    too_much: &'static str,
) -> Result<Option<usize>, &'static str> {
    if line == b"-1" {
        return Ok(None);
    }
    let is_number = !line.is_empty() && line.iter().all(u8::is_ascii_digit);
    let digits = str::from_utf8(line).ok().filter(|_| is_number);
    let digits = digits.ok_or("a length is not a number")?;
    // What does not fit is too large as well.
    digits.parse().ok().filter(|&length| length <= max).map(Some).ok_or(too_much)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bulk(text: &str) -> Reply {
        Reply::Bytes(text.into())
    }

    fn whole(received: &[u8]) -> Option<(Answer, usize)> {
        decode(received, LIMITS).expect("an answer")
    }

    #[test]
    fn a_command_is_an_array_of_strings() {
        let command: [&[u8]; 3] = [b"AUTH", b"", b"p\r\n\0\xff"];
        let bytes = encode(&command).expect("a command");
        assert_eq!(bytes, b"*3\r\n$4\r\nAUTH\r\n$0\r\n\r\n$5\r\np\r\n\0\xff\r\n");
        for length in [9, 10, 11, 99, 100, 999, 1000, 1001, 9999, 10_000, 99_999, 100_000] {
            let word = vec![b'x'; length];
            let bytes = encode(&[&word]).expect("a command");
            let head = format!("*1\r\n${length}\r\n");
            assert_eq!(bytes, [head.as_bytes(), &word, b"\r\n"].concat(), "{length}");
        }
    }

    #[test]
    fn each_kind_of_answer_is_read_and_the_rest_is_left() {
        for (received, spec) in [
            ("+OK\r\n", bulk("OK")),
            ("+a\rb\n\r\n", bulk("a\rb\n")),
            (":-7\r\n", Reply::Integer(-7)),
            ("$-1\r\n", Reply::Nil),
            ("*-1\r\n", Reply::Nil),
            ("$0\r\n\r\n", bulk("")),
            ("$4\r\na\r\nb\r\n", bulk("a\r\nb")),
            ("*0\r\n", Reply::Array(Vec::new())),
            (
                "*3\r\n$1\r\nT\r\n*1\r\n:2\r\n$-1\r\n",
                Reply::Array(vec![bulk("T"), Reply::Array(vec![Reply::Integer(2)]), Reply::Nil]),
            ),
        ] {
            let spec = Some((Answer::Reply(spec), received.len()));
            assert_eq!(whole(received.as_bytes()), spec);
            assert_eq!(whole(format!("{received}+next\r\n").as_bytes()), spec);
            for end in 0..received.len() {
                assert_eq!(whole(&received.as_bytes()[..end]), None, "{received:?} {end}");
            }
        }
        let error = Answer::Error("ERR \u{fffd}".to_owned());
        assert_eq!(whole(b"-ERR \xff\r\n"), Some((error, 8)));
    }

    fn problem(received: &str) -> &'static str {
        decode(received.as_bytes(), LIMITS).expect_err(received)
    }

    #[test]
    fn a_reply_beyond_the_bounds_is_rejected_as_soon_as_it_declares_that() {
        assert!(problem("$65537\r\n").contains("64 KiB"));
        assert!(problem("$99999999999999999999999\r\n").contains("64 KiB"));
        assert!(problem("*65\r\n").contains("elements"));
        assert!(problem("*2147483647\r\n").contains("elements"));
        assert!(problem(&format!("*2\r\n*32\r\n{}*31\r\n", ":1\r\n".repeat(32))).contains("elem"));
        assert!(problem("*1\r\n*1\r\n*1\r\n").contains("deep"));
        assert!(problem(&format!("+{}", "x".repeat(MAX_REPLY))).contains("64 KiB"));
        let long = format!("${}\r\n{}", MAX_REPLY, "x".repeat(MAX_REPLY));
        assert!(problem(&long).contains("64 KiB"), "with its length it is longer");
        assert!(decode(b"*1\r\n*1\r\n*1\r\n", ROLE_LIMITS).is_ok());
        assert!(decode(b"*65\r\n", ROLE_LIMITS).is_ok());
    }

    #[test]
    fn what_is_no_reply_is_rejected() {
        for received in [
            "HTTP/1.1 400 Bad Request\r\n",
            "\u{15}\u{3}",
            "\r\n",
            "$\r\n",
            "$-2\r\n",
            "$+1\r\na\r\n",
            "$1\r\nabc",
            "$ 1\r\na\r\n",
            "*-2\r\n",
            "*x\r\n",
            ":\r\n",
            ":x\r\n",
            ":9223372036854775808\r\n",
            "*1\r\n-ERR\r\n",
            "%1\r\n+a\r\n+b\r\n",
            "_\r\n",
        ] {
            problem(received);
        }
    }

    const PIECES: [&[u8]; 13] = [
        b"*1\r\n",
        b"*3\r\n",
        b"$3\r\nabc\r\n",
        b"$-1\r\n",
        b":1\r\n",
        b"-E\r\n",
        b"+a\rb\n\r\n",
        b"*",
        b"$1",
        b"\r\n",
        b"\r",
        b"\xff",
        b"$5\r\n\r\n\r\n\r\n",
    ];

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_nest_beyond_the_bounds(
            received in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..40),
        ) {
            let received = received.concat();
            if let Ok(Some((_, length))) = decode(&received, LIMITS) {
                prop_assert!(length <= received.len());
                prop_assert_eq!(decode(&received[..length - 1], LIMITS), Ok(None));
            }
        }
    }
}
