//! PHP processes.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::{extension, program};

/// How to run PHP with the extension.
#[derive(Clone)]
pub struct Php {
    arguments: Vec<String>,
    user: Option<u32>,
    names: Option<Names>,
    clock: Option<Skew>,
}

/// A program that moves the wall clock of another, and the file that says how far.
#[derive(Clone)]
struct Skew {
    program: PathBuf,
    offset: PathBuf,
}

/// What is at /etc/resolv.conf and /etc/hosts.
#[derive(Clone)]
struct Names {
    resolv_conf: PathBuf,
    hosts: PathBuf,
}

/// Runs the rest of its arguments where its first two are /etc/resolv.conf and /etc/hosts.
const WITH_NAMES: &str =
    r#"mount --bind "$0" /etc/resolv.conf && mount --bind "$1" /etc/hosts && shift && exec "$@""#;

impl Php {
    pub fn new(settings: &[(String, String)]) -> Self {
        let mut arguments =
            vec!["-n".to_owned(), "-d".to_owned(), format!("extension={}", extension().display())];
        arguments.extend(["-d".to_owned(), "zend.exception_ignore_args=0".to_owned()]);
        for (name, value) in settings {
            arguments.extend(["-d".to_owned(), format!("wx_token.{name}=\"{value}\"")]);
        }
        Self { arguments, user: None, names: None, clock: None }
    }

    /// One more `-d name=value`.
    pub fn with(mut self, setting: &str) -> Self {
        self.arguments.extend(["-d".to_owned(), setting.to_owned()]);
        self
    }

    /// As another user than root.
    pub fn run_as(mut self, uid: u32) -> Self {
        self.user = Some(uid);
        self
    }

    /// In a mount namespace of its own, with these files at /etc/resolv.conf and /etc/hosts.
    pub fn with_names(mut self, resolv_conf: PathBuf, hosts: PathBuf) -> Self {
        self.names = Some(Names { resolv_conf, hosts });
        self
    }

    /// By the wall clock that the program makes of the offset.
    pub fn with_clock(mut self, program: PathBuf, offset: PathBuf) -> Self {
        self.clock = Some(Skew { program, offset });
        self
    }

    pub fn command(&self) -> Command {
        let php = program("PHP", "php");
        let mut command = match (&self.names, &self.clock) {
            (None, None) => Command::new(php),
            (None, Some(Skew { program, offset })) => {
                let mut command = Command::new(program);
                command.arg(offset).arg(php);
                command
            }
            (Some(Names { resolv_conf, hosts }), _) => {
                let mut command = Command::new("unshare");
                command.args(["--mount", "--", "sh", "-c", WITH_NAMES]);
                command.args([resolv_conf, hosts]).arg(php);
                command
            }
        };
        command.args(&self.arguments).env_remove("WX_APPID").env_remove("WX_SECRET");
        if let Some(id) = self.user {
            command.uid(id).gid(id);
        }
        command
    }

    /// Starts PHP on `code`, which can talk through its standard input and output.
    pub fn start(&self, code: &str, arguments: &[&str]) -> Process {
        let mut child = self
            .command()
            .arg("-r")
            .arg(code)
            .arg("--")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("php starts");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("a piped output"));
        Process { child, input, output }
    }

    /// Runs `code` to its end and returns what it printed, its errors included.
    pub fn run(&self, code: &str, arguments: &[&str]) -> String {
        let output = self
            .command()
            .args(["-d", "display_errors=1", "-d", "html_errors=0", "-r", code, "--"])
            .args(arguments)
            .output()
            .expect("php runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr)
    }

    /// Evaluates `call` on `$file` in a PHP whose command comes after `before`.
    pub fn call_under(&self, before: &mut Command, file: &Path, call: &str) -> Answer {
        let php = self.command();
        before.arg(php.get_program()).args(php.get_args()).args(["-r", code(CALL), "--"]);
        before.env_remove("WX_APPID").env_remove("WX_SECRET");
        // The standard input is at its end: nobody need release the call.
        let output = before.arg(file).arg(call).output().expect("php runs");
        let text = String::from_utf8_lossy(&output.stdout);
        Answer::parse(text.strip_prefix("ready\n").unwrap_or_else(|| panic!("{output:?}")))
    }
}

/// A running PHP process; killed when dropped.
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Process {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn read_line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("php prints a line");
        line.trim_end().to_owned()
    }

    /// Sends a line, for which the process waits in `fgets(STDIN)`.
    pub fn release(&mut self) {
        self.input.as_mut().and_then(|input| input.write_all(b"go\n").ok()).expect("php reads");
    }

    pub fn rest(mut self) -> String {
        self.input = None;
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("php prints text");
        rest
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("php was running");
        self.child.wait().expect("php is gone");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for a line, then evaluates an expression and prints what came of it as JSON.
pub const CALL: &str = include_str!("../php/call.php");

/// Waits until a callable gives something, and gives it. It fails after 30 s: its test would hang.
pub const UNTIL: &str = r"
    $until = function (callable $look): mixed {
        for ($deadline = hrtime(true) + 30e9; !($found = $look()); usleep(1000)) {
            if (hrtime(true) > $deadline) { throw new Error('not within 30 s'); }
        }
        return $found;
    };
";

/// Makes of a call, with further arguments perhaps, one after which the file is remembered: that takes two, a
/// tick of its clock apart.
pub const REMEMBER: &str = r"
    $remember = function (string $file, ...$arguments): string {
        $token = wx_get_token($file, ...$arguments);
        for ($told = hrtime(true) + 60_000_000, $began = 0; $began < $told;) {
            $began = hrtime(true);
            $token = wx_get_token($file, ...$arguments);
        }
        // By the coarse clock, which is late, that was not yet.
        return wx_get_token($file, ...$arguments);
    };
";

/// The call that most tests make.
pub const GET: &str = "wx_get_token($file)";

/// Processes that make one call each, at the same moment.
pub struct Callers(Vec<Process>);

impl Callers {
    /// Starts `count` processes that will evaluate `call` on `$file`.
    pub fn start(php: &Php, file: &Path, call: &str, count: usize) -> Self {
        let file = file.to_str().expect("a printable path");
        let mut callers: Vec<_> =
            (0..count).map(|_| php.start(code(CALL), &[file, call])).collect();
        for caller in &mut callers {
            assert_eq!(caller.read_line(), "ready");
        }
        Self(callers)
    }

    pub fn release_only(mut self) -> Vec<Process> {
        for caller in &mut self.0 {
            caller.release();
        }
        self.0
    }

    pub fn release(self) -> Vec<Answer> {
        self.release_only().into_iter().map(Answer::of).collect()
    }
}

/// `php -r` takes code without the opening tag.
pub fn code(file: &str) -> &str {
    file.strip_prefix("<?php").expect("a PHP file")
}

/// What came of one call.
#[derive(Debug)]
pub struct Answer {
    json: Value,
    pub milliseconds: f64,
}

impl Answer {
    pub fn of(process: Process) -> Self {
        Self::parse(&process.rest())
    }

    pub fn parse(text: &str) -> Self {
        let json: Value =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text:?}"));
        let milliseconds = json["ms"].as_f64().expect("a duration");
        Self { json, milliseconds }
    }

    pub fn token(&self) -> &str {
        self.json["token"].as_str().unwrap_or_else(|| panic!("no token but {}", self.json))
    }

    /// The class of the exception that was thrown.
    pub fn class(&self) -> &str {
        self.json["class"].as_str().unwrap_or_else(|| panic!("no exception but {}", self.json))
    }

    pub fn message(&self) -> &str {
        self.json["message"].as_str().unwrap_or_default()
    }

    /// Any other property of the exception.
    pub fn property(&self, name: &str) -> &Value {
        &self.json[name]
    }
}
