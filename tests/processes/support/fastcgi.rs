//! The few records of FastCGI 1.0 that one GET request needs.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

const VERSION: u8 = 1;
const BEGIN_REQUEST: u8 = 1;
const END_REQUEST: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;
const RESPONDER: u8 = 1;

/// Sends `GET script?query` to the server at `socket` and returns the body of the answer.
pub fn get(socket: &Path, script: &Path, query: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    let script = script.display().to_string();
    let mut params = Vec::new();
    for (name, value) in [
        ("GATEWAY_INTERFACE", "CGI/1.1"),
        ("REQUEST_METHOD", "GET"),
        ("SCRIPT_FILENAME", &script),
        ("SCRIPT_NAME", "/call.php"),
        ("REQUEST_URI", "/call.php"),
        ("QUERY_STRING", query),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
    ] {
        params.extend(length(name.len()));
        params.extend(length(value.len()));
        params.extend(name.bytes());
        params.extend(value.bytes());
    }
    let mut request = record(BEGIN_REQUEST, &[0, RESPONDER, 0, 0, 0, 0, 0, 0]);
    request.extend(record(PARAMS, &params));
    request.extend(record(PARAMS, &[]));
    request.extend(record(STDIN, &[]));
    stream.write_all(&request)?;
    let answer = String::from_utf8_lossy(&output(&mut stream)?).into_owned();
    Ok(answer.split_once("\r\n\r\n").map_or_else(String::new, |(_, body)| body.to_owned()))
}

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a short record").to_be_bytes();
    let mut record = vec![VERSION, kind, 0, 1, length[0], length[1], 0, 0];
    record.extend(content);
    record
}

fn length(bytes: usize) -> Vec<u8> {
    match u8::try_from(bytes) {
        Ok(short) if short < 128 => vec![short],
        _ => (u32::try_from(bytes).expect("a short text") | 1 << 31).to_be_bytes().to_vec(),
    }
}

fn output(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut output = Vec::new();
    loop {
        let mut header = [0; 8];
        stream.read_exact(&mut header)?;
        let length = u16::from_be_bytes([header[4], header[5]]) as usize;
        let mut content = vec![0; length + header[6] as usize];
        stream.read_exact(&mut content)?;
        match header[1] {
            STDOUT => output.extend(&content[..length]),
            END_REQUEST => return Ok(output),
            _ => {}
        }
    }
}
