//! What came of a refresh with a fault.

use std::fmt;
use std::fs;
use std::io;

use serde_json::Value;
use wx_token_testing::{World, now};

use crate::scenario::{Scenario, Source};

/// What the caller got.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was killed.
    None,
    Token(String),
    Exception {
        class: String,
        message: String,
    },
}

impl Answer {
    pub fn parse(line: &str) -> Self {
        let json: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("PHP says {line}"));
        let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
        match json.get("token") {
            Some(_) => Self::Token(text("token")),
            None => Self::Exception { class: text("class"), message: text("message") },
        }
    }

    pub const fn is_token(&self) -> bool {
        matches!(self, Self::Token(_))
    }

    /// Nothing, or what a call of `scenario` gets without a fault.
    pub fn is_none_or_as_in(&self, scenario: &Scenario) -> bool {
        match self {
            Self::None => true,
            Self::Token(_) => scenario.source != Source::RejectedAccount,
            Self::Exception { class, .. } => {
                scenario.source == Source::RejectedAccount && class == "WxToken\\ApiException"
            }
        }
    }

    /// A live token, an exception of ours that says something, or nothing at all.
    pub fn check(&self, world: &World) -> Result<(), String> {
        match self {
            Self::None => Ok(()),
            Self::Token(token) if is_live(world, token) => Ok(()),
            Self::Exception { class, message }
                if class.starts_with("WxToken\\") && !message.is_empty() =>
            {
                Ok(())
            }
            _ => Err(format!("{self:?}")),
        }
    }

    pub fn check_token(&self, world: &World) -> Result<(), String> {
        if self.is_token() { self.check(world) } else { Err(format!("{self:?}")) }
    }
}

/// What the token file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// There was no file, and there is none.
    None,
    /// There was no file, and what is there is empty.
    Empty,
    /// To the byte.
    Old,
    /// The old token, and a failure record; or the record alone, if there was no file.
    Failure,
    /// A live token that is not due.
    New,
}

impl Content {
    /// # Errors
    /// Anything else.
    pub fn of(world: &World, old: Option<&[u8]>) -> Result<Self, String> {
        let bytes = match fs::read(world.file()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && old.is_none() => {
                return Ok(Self::None);
            }
            read => read.map_err(|error| format!("the file: {error}"))?,
        };
        if old == Some(&bytes) {
            return Ok(Self::Old);
        }
        if old.is_none() && bytes.is_empty() {
            return Ok(Self::Empty);
        }
        let torn = || format!("the file holds {:?}", String::from_utf8_lossy(&bytes));
        let json: Value = serde_json::from_slice(&bytes).map_err(|_| torn())?;
        let before: Value = old.map_or(Ok(Value::Null), serde_json::from_slice).expect("JSON");
        let is_kept = |key: &str| json.get(key) == before.get(key);
        // Before the token is looked at: the old one of a fresh file is good.
        if json["wx_token"]["failures"] == 1 && is_kept("access_token") && is_kept("expire") {
            return Ok(Self::Failure);
        }
        let token = json["access_token"].as_str();
        if token.is_some_and(|token| is_live(world, token))
            && json["expire"].as_u64().is_some_and(|expire| expire > now() + 1000)
        {
            return Ok(Self::New);
        }
        Err(torn())
    }
}

/// A fault and what came of it.
#[derive(Debug)]
pub struct Outcome {
    pub answer: Answer,
    pub content: Content,
    /// How many fetches the refresh with the fault made.
    pub asked: u64,
    /// Whether the store lacks the token that the file has.
    pub is_unshared: bool,
}

impl fmt::Display for Outcome {
    /// An entry of a table: the file, the exception, and whether a fetched token was lost.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.content {
            Content::None => "no file",
            Content::Empty => "empty",
            Content::Old => "old",
            Content::Failure => "recorded",
            Content::New => "new",
        })?;
        if let Answer::Exception { class, .. } = &self.answer {
            let class = class.trim_start_matches("WxToken\\");
            let initials = class.chars().filter(char::is_ascii_uppercase);
            write!(formatter, ", {}", initials.collect::<String>())?;
        }
        if self.content != Content::New && self.asked > 0 {
            formatter.write_str(" †")?;
        }
        if self.is_unshared {
            formatter.write_str(" ‡")?;
        }
        Ok(())
    }
}

fn is_live(world: &World, token: &str) -> bool {
    token == "a-loaded-token" || world.is_live(token)
}
