//! The log of refreshes, for administrators: who refreshed which file, when and why, and what failed.
//!
//! One line of JSON is one event. It shows neither secrets nor tokens, but fingerprints of tokens. What cannot be
//! written is lost, and costs no caller its token.

mod destination;
mod event;

use std::borrow::Cow;
use std::path::Path;
use std::process;
use std::sync::Arc;

use serde::Serialize;

pub use self::destination::Destination;
use self::event::cut;
pub use self::event::{Event, EventKind, Level, fingerprint, in_millis, message, rfc3339, short};
use crate::clock::Timestamp;
use crate::printable::printable;

/// The log of one call.
#[derive(Debug, Clone)]
pub struct Log {
    pub destination: Arc<Destination>,
    /// Less severe events are not written.
    pub level: Level,
    /// The interface that runs PHP, as `PHP_SAPI` has it.
    pub sapi: &'static str,
    pub script: Script,
}

/// The script that makes the call.
#[derive(Debug, Clone)]
pub enum Script {
    /// This thread's, which this function tells.
    Running(fn() -> Option<String>),
    Known(Option<String>),
}

/// The longest texts of a line, in bytes: with them, it is no longer than a pipe takes at once.
const MAX_FILE: usize = 1000;
const MAX_SCRIPT: usize = 400;
const MAX_HOST: usize = 64;

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    event: EventKind,
    level: Level,
    file: &'a str,
    #[serde(flatten)]
    event_members: &'a Event,
    /// The host's name: one log may be that of several.
    host: &'a str,
    pid: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    sapi: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    script: Option<Cow<'a, str>>,
}

impl Log {
    pub fn takes(&self, kind: EventKind) -> bool {
        kind.level() <= self.level
    }

    /// The same log, for a thread that is not PHP's.
    pub fn on_worker(self) -> Self {
        let script = match self.script {
            Script::Running(running) => Script::Known(running()),
            known @ Script::Known(_) => known,
        };
        Self { script, ..self }
    }

    /// Writes what happened to `file`.
    pub fn write(&self, file: &Path, kind: EventKind, at: Timestamp, event: &Event) {
        let script = match &self.script {
            Script::Running(running) => running().map(Cow::Owned),
            Script::Known(script) => script.as_deref().map(Cow::Borrowed),
        };
        let cut = |text: &[u8], max_bytes| cut(printable(text).to_string(), max_bytes);
        let line = Line {
            time: event::rfc3339(at),
            event: kind,
            level: kind.level(),
            file: &cut(file.as_os_str().as_encoded_bytes(), MAX_FILE),
            event_members: event,
            host: &cut(rustix::system::uname().nodename().to_bytes(), MAX_HOST),
            pid: process::id(),
            sapi: self.sapi,
            script: script.map(|script| Cow::Owned(cut(script.as_bytes(), MAX_SCRIPT))),
        };
        // What is serialised here has text for keys.
        let Ok(mut json) = serde_json::to_string(&line) else { return };
        json.push('\n');
        self.destination.write(kind.level(), &json, file);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io;
    use std::path::PathBuf;

    use serde_json::Value;

    use super::*;

    /// PIPE_BUF (limits.h).
    const MAX_LINE: usize = 4096;

    const AT: Timestamp = Timestamp::from_millis(1_700_000_000_123);

    fn log(path: &Path, level: Level) -> Log {
        Log {
            destination: Arc::new(Destination::File(path.to_owned())),
            level,
            sapi: "cli",
            script: Script::Running(|| Some("/srv/a \"b\"\n.php".to_owned())),
        }
    }

    #[test]
    fn an_event_is_one_line_of_json_in_the_order_of_the_documentation() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("log");
        let event = Event {
            endpoint: Some("stable"),
            appid: Some("wx1".to_owned()),
            requests: Some(1),
            fetch_ms: Some(213),
            old: Some(fingerprint("old")),
            new: Some(fingerprint("new")),
            expires_at: Some(event::rfc3339(AT)),
            foreign: true,
            ..Event::default()
        };
        log(&path, Level::Info).on_worker().write(
            Path::new("/t\n.json"),
            EventKind::Refreshed,
            AT,
            &event,
        );
        let text = fs::read_to_string(&path)?;
        // SHA-256 of "old" and of "new", as sha256sum(1) gives them.
        let spec = format!(
            r#"{{"time":"2023-11-14T22:13:20.123Z","event":"refreshed","level":"notice","file":"/t\\n.json","appid":"wx1","endpoint":"stable","requests":1,"fetch_ms":213,"old":"cba06b57","new":"11507a0e","expires_at":"2023-11-14T22:13:20.123Z","foreign":true,"host":"{}","pid":{},"sapi":"cli","script":"/srv/a \"b\"\\n.php"}}"#,
            rustix::system::uname().nodename().to_string_lossy(),
            process::id()
        );
        assert_eq!(text, format!("{spec}\n"));
        Ok(())
    }

    #[test]
    fn less_severe_events_are_not_taken() {
        let takes = |level, kind| log(Path::new("/log"), level).takes(kind);
        assert!(takes(Level::Error, EventKind::Failed));
        assert!(!takes(Level::Error, EventKind::Displaced));
        assert!(takes(Level::Warning, EventKind::Displaced));
        assert!(!takes(Level::Warning, EventKind::Refreshed));
        assert!(!takes(Level::Notice, EventKind::Waited));
        assert!(takes(Level::Info, EventKind::Waited));
    }

    #[test]
    fn no_line_is_longer_than_a_pipe_takes_at_once() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("log");
        for text in ["\"", "\\", "\n", "\u{202e}", "文", "a"] {
            let long = text.repeat(4096);
            let script = Script::Known(Some(long.clone()));
            let event = Event {
                appid: Some(event::short(&long)),
                message: Some(event::message(&long)),
                ..Event::default()
            };
            let log = Log { script, ..log(&path, Level::Info) };
            log.write(&PathBuf::from(&long), EventKind::Failed, AT, &event);
            let written = fs::read_to_string(&path)?;
            assert!(written.len() <= MAX_LINE, "{text:?}: {} bytes", written.len());
            let line: Value = serde_json::from_str(&written)?;
            assert!(line["file"].as_str().is_some_and(|file| file.ends_with('…')));
            fs::remove_file(&path)?;
        }
        Ok(())
    }
}
