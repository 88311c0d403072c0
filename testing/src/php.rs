//! PHP processes.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::process::Process;
use crate::{extension, program};

/// How to run PHP: its settings, its environment, its user, and what it sees of the machine.
#[derive(Clone)]
pub struct Php {
    arguments: Vec<String>,
    environment: Vec<(&'static str, OsString)>,
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
    /// PHP with the extension and these of its settings.
    pub fn new(settings: &[(String, String)]) -> Self {
        Self::of(&extension(), settings)
    }

    /// The same with the extension in this file.
    pub fn of(extension: &Path, settings: &[(String, String)]) -> Self {
        Self::bare().with(&format!("extension={}", extension.display())).set_all(settings)
    }

    /// PHP without the extension, and with these of its settings, which a call [`by_polyfill`] reads.
    pub fn for_polyfill(settings: &[(String, String)]) -> Self {
        Self::bare().set_all(settings)
    }

    fn set_all(self, settings: &[(String, String)]) -> Self {
        let set = |php: Self, (name, value): &_| php.with(&format!("wx_token.{name}=\"{value}\""));
        settings.iter().fold(self, set)
    }

    /// PHP without the extension, and without any configuration.
    pub fn bare() -> Self {
        let arguments = vec!["-n".to_owned()];
        let php = Self { arguments, environment: Vec::new(), user: None, names: None, clock: None };
        php.with("zend.exception_ignore_args=0")
    }

    /// One more `-d name=value`.
    pub fn with(mut self, setting: &str) -> Self {
        self.arguments.extend(["-d".to_owned(), setting.to_owned()]);
        self
    }

    /// Each of these as `-d name=value`.
    pub fn with_all(self, settings: &[&str]) -> Self {
        settings.iter().fold(self, |php, setting| php.with(setting))
    }

    /// One more argument, before those that name a program.
    pub fn with_argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// One more variable of its environment.
    pub fn with_env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.push((name, value.into()));
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

    /// With the wall clock that the program derives from the offset.
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
        self.configure(&mut command);
        if let Some(id) = self.user {
            command.uid(id).gid(id);
        }
        command
    }

    /// php-fpm with the same settings and environment.
    pub fn fpm(&self) -> Command {
        let mut command = Command::new(program("PHP_FPM", "php-fpm"));
        self.configure(&mut command);
        command
    }

    fn configure(&self, command: &mut Command) {
        command.args(&self.arguments).env_remove("WX_APPID").env_remove("WX_SECRET");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
    }

    /// Starts PHP on `code`, which can talk through its standard input and output.
    pub fn start(&self, code: &str, arguments: &[&str]) -> Process {
        Process::start(self.command().args(["-r", code, "--"]).args(arguments))
    }

    /// Runs `code` to its end and returns what it printed, its errors included.
    pub fn run(&self, code: &str, arguments: &[&str]) -> String {
        let output = self
            .command()
            .args(["-d", "display_errors=1", "-d", "html_errors=0", "-r", code, "--"])
            .args(arguments)
            .output()
            .expect("PHP runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr)
    }

    /// Evaluates `call` on `$file` in a process of its own.
    pub fn call(&self, file: &Path, call: &str) -> Answer {
        Callers::start(self, file, call, 1).release().remove(0)
    }

    /// Evaluates `call` on `$file` in a PHP whose command comes after `before`.
    pub fn call_under(&self, before: &mut Command, file: &Path, call: &str) -> Answer {
        let php = self.command();
        before.arg(php.get_program()).args(php.get_args()).args(["-r", code(CALL), "--"]);
        before.env_remove("WX_APPID").env_remove("WX_SECRET");
        // The standard input is at its end, so the call does not wait.
        let output = before.arg(file).arg(call).output().expect("php runs");
        let text = String::from_utf8_lossy(&output.stdout);
        Answer::parse(text.strip_prefix("ready\n").unwrap_or_else(|| panic!("{output:?}")))
    }
}

/// Waits for a line, then evaluates an expression and prints what came of it as JSON.
pub const CALL: &str = include_str!("../php/call.php");

/// Waits until a callable returns something, and returns it. It fails after 30 s, so that no test hangs.
pub const UNTIL: &str = r"
    $until = function (callable $look): mixed {
        for ($deadline = hrtime(true) + 30e9; !($found = $look()); usleep(1000)) {
            if (hrtime(true) > $deadline) { throw new Error('not within 30 s'); }
        }
        return $found;
    };
";

/// Calls until the file is remembered, with further arguments if there are any. That takes two calls, a tick of
/// the file's clock apart.
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

/// The polyfill, which is loaded by this file.
pub const POLYFILL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../php/bootstrap.php");

/// `call`, made by the polyfill. It is loaded by the call itself: `php -r` prepends no file.
pub fn by_polyfill(call: &str) -> String {
    format!("[require_once '{POLYFILL}', {call}][1]")
}

/// Processes that make one call each, at the same moment.
pub struct Callers(Vec<Process>);

impl Callers {
    /// Starts `count` processes that will evaluate `call` on `$file`.
    pub fn start(php: &Php, file: &Path, call: &str, count: usize) -> Self {
        let file = file.to_str().expect("a printable path");
        let mut callers: Vec<_> =
            (0..count).map(|_| php.start(code(CALL), &[file, call])).collect();
        callers.iter_mut().for_each(Process::await_ready);
        Self(callers)
    }

    /// These and `others`.
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    pub fn release_only(mut self) -> Vec<Process> {
        self.0.iter_mut().for_each(Process::release);
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

/// The result of one call.
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
