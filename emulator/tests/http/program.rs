//! The program: its ready line, its exit, its errors.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use crate::client::{send, try_send};

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wechat-emulator"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A started program, and the URL in its ready line. It is killed, at the latest, when dropped.
struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = program(arguments).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        child.stdout = Some(stdout.into_inner());
        let url = line
            .strip_prefix("wechat-emulator listening on ")
            .and_then(|line| line.strip_suffix('\n'))
            .unwrap_or_else(|| panic!("{line:?}"))
            .to_owned();
        Self { child, url }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// Its exit status, within 5 s; the rest of its stdout; its stderr.
    fn end(mut self) -> (ExitStatus, String, String) {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(started.elapsed() < Duration::from_secs(5), "still running");
            std::thread::sleep(Duration::from_millis(10));
        };
        let (mut stdout, mut stderr) = (String::new(), String::new());
        let child = &mut self.child;
        child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (status, stdout, stderr)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_prints_one_line_serves_and_exits_on_sigterm_and_sigint() {
    for signal in ["TERM", "INT"] {
        let running = Running::start(&["--exit-with-stdin", "--lifetime=2.5", "--token-length=40"]);
        let url = format!(
            "{}/cgi-bin/token?grant_type=client_credential&appid=wx0123456789abcdef\
             &secret=0123456789abcdef0123456789abcdef",
            running.url
        );
        let (_, answer) = send("GET", &url, "");
        assert_eq!(answer["expires_in"], 2);
        assert_eq!(answer["access_token"].as_str().unwrap().len(), 40);
        let announced = running.url.clone();
        running.signal(signal);
        let (status, stdout, stderr) = running.end();
        assert!(status.success(), "{status}");
        assert_eq!(stdout, "");
        assert!(stderr.contains(&format!("wx_token.api_base = {announced}\n")), "{stderr}");
        try_send("GET", &url, "").unwrap_err();
    }
}

#[test]
fn it_exits_with_its_stdin_when_asked_to() {
    let mut running = Running::start(&["--exit-with-stdin"]);
    drop(running.child.stdin.take());
    assert!(running.end().0.success());

    let mut stays = Running::start(&[]);
    drop(stays.child.stdin.take());
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(stays.child.try_wait().unwrap(), None);
}

#[test]
fn with_tls_it_names_its_ca_file() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    let ca = ca.to_str().unwrap();
    let running = Running::start(&["--exit-with-stdin", "--tls", "--ca-out", ca]);
    assert!(running.url.starts_with("https://127.0.0.1:"), "{}", running.url);
    running.signal("TERM");
    let (_, _, stderr) = running.end();
    assert!(stderr.contains(&format!("wx_token.ca_file = {ca}\n")), "{stderr}");
}

#[test]
fn an_option_that_it_cannot_use_is_named() {
    let taken = Running::start(&["--exit-with-stdin"]);
    let address = taken.url.strip_prefix("http://").unwrap();
    let error_of = |arguments: &[&str]| {
        let Output { status, stderr, .. } =
            program(arguments).arg("--exit-with-stdin").output().unwrap();
        assert!(!status.success(), "{arguments:?}");
        String::from_utf8(stderr).unwrap()
    };
    for (arguments, why) in [
        (&["--listen", "0.0.0.0:0"][..], "not a loopback address"),
        (&["--lifetime=-1"], "--lifetime"),
        (&["--tls"], "--ca-out"),
        (&["--cert-name", "x"], "--tls"),
        (&["--token-length", "600"], "--token-length must be 19 to 512, not 600"),
        (&["--listen", address], "; choose another --listen"),
    ] {
        let stderr = error_of(arguments);
        assert!(stderr.contains(why), "{arguments:?}: {stderr}");
    }
}
