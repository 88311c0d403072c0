//! Shows how far a command is, and what is left: `progress COMMAND [ARGUMENT]…`.
//!
//! Long work says that a step begins, on a line of its own: `[3/12] race: 8 processes`. In a log, that is all: the
//! command runs as if it had been called alone. On a terminal, these lines become a bar, and all else that the
//! command prints stays above it. Tests that cargo runs are steps, too.

mod bar;
mod estimate;
mod work;

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Mutex, PoisonError};
use std::{env, thread};

use crate::bar::Bar;

/// What a shell answers for a command that it cannot run.
const NOT_RUN: u8 = 127;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        return fails("usage: progress COMMAND [ARGUMENT]…");
    };
    let mut command = Command::new(&program);
    command.args(arguments);
    let ended = if is_seen() { follow(&mut command) } else { Err(command.exec()) };
    ended.unwrap_or_else(|error| fails(&format!("cannot run {}: {error}", program.display())))
}

fn fails(why: &str) -> ExitCode {
    // If there is no stderr, nobody is there to be told.
    let _ = writeln!(io::stderr(), "{why}");
    ExitCode::from(NOT_RUN)
}

/// Whether somebody looks at a terminal that can draw.
fn is_seen() -> bool {
    let cannot_draw = |terminal: OsString| terminal.is_empty() || terminal == OsStr::new("dumb");
    io::stderr().is_terminal() && !env::var_os("TERM").is_none_or(cannot_draw)
}

/// Runs `command` below a bar, and ends as it ends.
fn follow(command: &mut Command) -> io::Result<ExitCode> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let bar = Mutex::new(Bar::default());
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        let stdout = scope.spawn(|| stdout.map(|from| pass(from, io::stdout(), &bar)));
        // The reader of the output may have gone: the command then finds its own output closed.
        let _ = stderr.map(|from| pass(from, io::stderr(), &bar));
        let _ = stdout.join();
    });
    bar.into_inner().unwrap_or_else(PoisonError::into_inner).end();
    let status = child.wait()?;
    let code = status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or_default();
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)))
}

/// Passes lines on, but for those that move the bar.
fn pass(from: impl Read, mut to: impl Write + IsTerminal, bar: &Mutex<Bar>) -> io::Result<()> {
    let mut from = BufReader::new(from);
    let is_terminal = to.is_terminal();
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        let mut bar = bar.lock().unwrap_or_else(PoisonError::into_inner);
        if !bar.takes(&String::from_utf8_lossy(&line)) {
            // The bar has a line of its own.
            if is_terminal && !line.ends_with(b"\n") {
                line.push(b'\n');
            }
            bar.above(|| to.write_all(&line).and_then(|()| to.flush()))?;
        }
        line.clear();
    }
    Ok(())
}
