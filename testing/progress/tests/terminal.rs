//! A bar on a terminal; elsewhere nothing but what the command prints.

#![cfg(test)]

use std::fs;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use vt100::Parser;

const PROGRESS: &str = env!("CARGO_BIN_EXE_progress");

/// Steps on standard error, a table on standard output, and a last line that does not end.
const WORK: &str = "
    echo begun
    echo '[1/4] race: 8 processes' >&2
    echo row
    echo '[3/4] race: 128 processes, and WeChat answers after 200 ms' >&2
    echo warning >&2
    printf end
    exit 7
";
const STDOUT: &str = "begun\nrow\nend";
const STDERR: &str = "[1/4] race: 8 processes\n\
    [3/4] race: 128 processes, and WeChat answers after 200 ms\n\
    warning\n";

/// A script of the shell in a directory of its own.
struct Work(TempDir);

impl Work {
    fn new(script: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("work"), script).expect("a file");
        Self(directory)
    }

    /// Runs `line` of the shell in the directory, on a terminal.
    fn on_terminal(&self, line: &str) -> Output {
        let mut command = Command::new("script");
        command.args(["--quiet", "--return", "--command", line, "/dev/null"]);
        command.current_dir(self.0.path()).env_remove("NO_COLOR").env("TERM", "xterm");
        command.stdin(Stdio::null()).output().expect("script(1)")
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).expect("a file")
    }
}

/// What a terminal of so many columns shows, as lines, each time that the cursor leaves a line.
fn screens(received: &[u8], columns: u16) -> Vec<Vec<String>> {
    let mut parser = Parser::new(24, columns, 0);
    let mut screens = Vec::new();
    for byte in received {
        if b"\r\n\x1b".contains(byte) {
            screens.push(lines(&parser));
        }
        parser.process(&[*byte]);
    }
    screens.push(lines(&parser));
    screens
}

fn lines(parser: &Parser) -> Vec<String> {
    parser.screen().contents().lines().map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn a_terminal_shows_a_bar_below_what_the_command_prints() {
    let work = Work::new(WORK);
    for columns in [60, 120] {
        // One stream, so that the order is certain.
        let output = work
            .on_terminal(&format!("stty rows 24 cols {columns}; {PROGRESS} sh -c 'sh work 2>&1'"));
        let screens = screens(&output.stdout, columns);
        let first_bar = "[                    ]   0%            race: 8 processes";
        assert!(screens.contains(&vec!["begun".into(), first_bar.into()]), "{screens:#?}");
        let is_second = |bar: &&String| bar.starts_with("[==========>         ]  50%");
        let second = screens.iter().filter_map(|lines| lines.get(2)).find(is_second);
        let second = second.unwrap_or_else(|| panic!("{screens:#?}"));
        let name = "race: 128 processes, and WeChat answers after 200 ms";
        assert!(second.contains("s left  race: 128 pr"), "{second}");
        assert_eq!(second.ends_with(name), columns == 120, "{second}");
        let bars = |lines: &[String]| lines.iter().filter(|line| line.contains('%')).count();
        assert!(screens.iter().all(|lines| bars(lines) <= 1), "{screens:#?}");
        assert_eq!(
            screens.last(),
            Some(&["begun", "row", "warning", "end"].map(String::from).to_vec())
        );
        assert_eq!(output.status.code(), Some(7));
    }
}

#[test]
fn a_pipe_receives_what_the_command_prints() {
    let work = Work::new(WORK);
    let output = Command::new(PROGRESS).args(["sh", "work"]).current_dir(work.0.path()).output();
    let output = output.expect("progress runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), STDOUT);
    assert_eq!(String::from_utf8_lossy(&output.stderr), STDERR);
    assert_eq!(output.status.code(), Some(7));
}

#[test]
fn a_terminal_that_cannot_draw_receives_lines() {
    for term in ["TERM=dumb", "TERM=", "--unset=TERM"] {
        let work = Work::new(WORK);
        let output = work.on_terminal(&format!("env {term} {PROGRESS} sh work"));
        let received = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            received.contains("[3/4] race: 128 processes, and WeChat answers after 200 ms\r\n"),
            "{received}"
        );
        assert!(!received.contains('\x1b'), "{received:?}");
        assert_eq!(output.status.code(), Some(7));
    }
}

#[test]
fn a_bar_has_no_colours() {
    let work = Work::new(WORK);
    for variables in ["", "NO_COLOR=1", "CLICOLOR_FORCE=1"] {
        let output = work.on_terminal(&format!("{variables} {PROGRESS} sh work"));
        let received = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(received.contains("50%"), "{received:?}");
        let sequences = received.split("\x1b[").skip(1);
        let ends: String =
            sequences.filter_map(|text| text.chars().find(char::is_ascii_alphabetic)).collect();
        assert!(!ends.contains('m'), "{received:?}");
    }
}

#[test]
fn a_result_in_a_file_is_whole_while_the_bar_is_on_the_terminal() {
    let work = Work::new(WORK);
    let output = work.on_terminal(&format!("{PROGRESS} sh work >result"));
    assert_eq!(work.file("result"), STDOUT);
    let screens = screens(&output.stdout, 80);
    assert!(screens.iter().flatten().any(|line| line.contains(" 50% ")), "{screens:#?}");
    assert_eq!(screens.last(), Some(&vec!["warning".into()]));
}

#[test]
fn tests_of_cargo_move_the_bar_and_stay_in_sight() {
    let work = Work::new(
        "echo 'running 2 tests'
        echo 'test storms::one ... ok'
        echo '[2/2] a sweep: the second half'
        echo 'test storms::two ... FAILED'
        kill -9 $$",
    );
    let output = work.on_terminal(&format!("{PROGRESS} sh work"));
    let screens = screens(&output.stdout, 80);
    for percent in [" 50% ", " 75% ", "100% "] {
        assert!(
            screens.iter().flatten().any(|line| line.contains(percent)),
            "{percent}: {screens:#?}"
        );
    }
    let lines = ["running 2 tests", "test storms::one ... ok", "test storms::two ... FAILED"];
    assert_eq!(screens.last(), Some(&lines.map(String::from).to_vec()));
    assert_eq!(output.status.code(), Some(128 + 9));
}

#[test]
fn a_command_that_does_not_exist_is_named() {
    let work = Work::new("");
    for output in [
        work.on_terminal(&format!("{PROGRESS} ./absent")),
        work.on_terminal(&format!("TERM=dumb {PROGRESS} ./absent")),
    ] {
        let received = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(received.starts_with("cannot run ./absent: No such file"), "{received}");
        assert_eq!(output.status.code(), Some(127));
    }
}
