//! As much of FastCGI 1.0 as one GET request needs.

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

/// Sends `GET script?query` to the server at `socket`, with the `variables` of a web server's configuration
/// among its parameters, and returns the body of its answer.
pub fn get(
    socket: &Path,
    script: &Path,
    query: &str,
    variables: &[(&str, &str)],
) -> io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(socket)?;
    let mut params = Vec::new();
    let script = script.display().to_string();
    let own = [
        ("GATEWAY_INTERFACE", "CGI/1.1"),
        ("REQUEST_METHOD", "GET"),
        ("SCRIPT_FILENAME", &script),
        ("SCRIPT_NAME", "/call.php"),
        ("REQUEST_URI", "/call.php"),
        ("QUERY_STRING", query),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
    ];
    for (name, value) in own.iter().chain(variables) {
        for text in [name, value] {
            // Four bytes with the highest bit set hold any length.
            let length = u32::try_from(text.len()).map_err(io::Error::other)?;
            params.extend((length | 1 << 31).to_be_bytes());
        }
        params.extend(name.bytes());
        params.extend(value.bytes());
    }
    let mut request = record(BEGIN_REQUEST, &[0, RESPONDER, 0, 0, 0, 0, 0, 0])?;
    request.extend(record(PARAMS, &params)?);
    request.extend(record(PARAMS, &[])?);
    request.extend(record(STDIN, &[])?);
    stream.write_all(&request)?;
    let output = output(&mut stream)?;
    let end = output.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let end = end.ok_or_else(|| io::Error::other("an answer without a head"))?;
    Ok(output.into_iter().skip(end + 4).collect())
}

fn record(kind: u8, content: &[u8]) -> io::Result<Vec<u8>> {
    let [high, low] = u16::try_from(content.len()).map_err(io::Error::other)?.to_be_bytes();
    let mut record = vec![VERSION, kind, 0, 1, high, low, 0, 0];
    record.extend(content);
    Ok(record)
}

fn output(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut output = Vec::new();
    loop {
        let mut header = [0; 8];
        stream.read_exact(&mut header)?;
        let [_, kind, _, _, high, low, padding, _] = header;
        let length = u16::from_be_bytes([high, low]);
        let mut content = vec![0; usize::from(length) + usize::from(padding)];
        stream.read_exact(&mut content)?;
        content.truncate(usize::from(length));
        match kind {
            STDOUT => output.extend(content),
            END_REQUEST => return Ok(output),
            _ => {}
        }
    }
}
