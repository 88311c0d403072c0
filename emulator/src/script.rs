//! Scripted faults: which fetch fails next, and how; and their queue.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::endpoint::Endpoint;

/// One scripted fault. It waits in a queue for the next fetches that match it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The endpoint that it waits for; `None` is any.
    pub on: Option<Endpoint>,
    /// How many fetches it serves; 0 is all until the script is cleared.
    pub times: u32,
    /// Added to [`crate::Options::latency`].
    pub delay: Duration,
    /// Whether the `errcode` of the answer, if any, is a string; shows clients that accept only a number.
    pub errcode_as_string: bool,
    /// What the fetch gets.
    pub effect: Effect,
}

impl Default for Step {
    /// The next fetch from any endpoint gets the real answer.
    fn default() -> Self {
        Self {
            on: None,
            times: 1,
            delay: Duration::ZERO,
            errcode_as_string: false,
            effect: Effect::Real,
        }
    }
}

impl From<Effect> for Step {
    /// The next fetch from any endpoint gets `effect`.
    fn from(effect: Effect) -> Self {
        Self { effect, ..Self::default() }
    }
}

/// What a scripted fetch gets. Only effects that send the real answer, or some of it, create a token
/// and count against a quota.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// The real answer.
    Real,
    /// WeChat's error answer, with HTTP status 200.
    Errcode {
        /// The number in `errcode`.
        errcode: i64,
        /// The text in `errmsg`; `None` is WeChat's own text.
        errmsg: Option<String>,
    },
    /// Another HTTP status.
    Status {
        /// 200 to 599.
        status: u16,
        /// The body of the answer.
        body: String,
    },
    /// HTTP status 200 with a body that need not be JSON.
    Body(String),
    /// The emulator closes the connection early.
    Cut(Cut),
    /// A body of spaces that ends only when the client disconnects.
    Endless,
    /// The real answer, byte by byte, with this pause after each.
    Drip(Duration),
    /// No answer until the client disconnects.
    Hang,
    /// HTTP status 302 with this `Location`.
    Redirect(String),
    /// The real answer with this value as `expires_in`.
    ExpiresIn(Value),
    /// The real answer with this value as the token (or ticket).
    AccessToken(Value),
}

/// When the emulator cuts a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cut {
    /// Before the answer.
    Before,
    /// After the headers, with the full `Content-Length`, and half of the real body.
    Half,
}

/// Why the emulator rejected a script. None of its steps was queued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// The script is not a JSON array.
    #[error("a script is a JSON array of steps")]
    NotAnArray,
    /// A step is wrong; the message names its key.
    #[error("step {number}: {why}")]
    Step {
        /// From 1.
        number: usize,
        /// What is wrong, with the key.
        why: String,
    },
}

/// The steps that are left, the next one first.
#[derive(Debug, Default)]
pub(crate) struct Script {
    steps: VecDeque<Step>,
}

impl Script {
    pub(crate) fn extend(&mut self, steps: impl IntoIterator<Item = Step>) {
        self.steps.extend(steps);
    }

    pub(crate) fn clear(&mut self) {
        self.steps.clear();
    }

    /// The first step that waits for `endpoint`. It then serves one fetch less.
    pub(crate) fn next_for(&mut self, endpoint: Endpoint) -> Option<Step> {
        let position =
            self.steps.iter().position(|step| step.on.is_none_or(|on| on == endpoint))?;
        let step = self.steps.get_mut(position)?;
        match step.times {
            0 => Some(step.clone()),
            1 => self.steps.remove(position),
            _ => {
                step.times -= 1;
                Some(step.clone())
            }
        }
    }
}

/// Reads a JSON array of steps. The error for an unknown key names the key.
pub(crate) fn parse(script: Value) -> Result<Vec<Step>, ScriptError> {
    let Value::Array(steps) = script else {
        return Err(ScriptError::NotAnArray);
    };
    steps
        .into_iter()
        .zip(1..)
        .map(|(step, number)| {
            serde_json::from_value::<StepJson>(step)
                .map_err(|error| error.to_string())
                .and_then(Step::try_from)
                .map_err(|why| ScriptError::Step { number, why })
        })
        .collect()
}

/// A step in JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepJson {
    on: Option<Endpoint>,
    #[serde(default = "once")]
    times: u32,
    #[serde(default)]
    delay_ms: u64,
    #[serde(default)]
    errcode_as_string: bool,
    errcode: Option<i64>,
    errmsg: Option<String>,
    status: Option<u16>,
    body: Option<String>,
    cut: Option<Cut>,
    #[serde(default)]
    endless: bool,
    drip_ms: Option<u64>,
    #[serde(default)]
    hang: bool,
    redirect: Option<String>,
    #[serde(default, deserialize_with = "present")]
    expires_in: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    access_token: Option<Value>,
}

fn once() -> u32 {
    1
}

/// Tells `null` from a missing key.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl TryFrom<StepJson> for Step {
    type Error = String;

    fn try_from(json: StepJson) -> Result<Self, String> {
        if json.errmsg.is_some() && json.errcode.is_none() {
            return Err("`errmsg` needs `errcode`".to_owned());
        }
        if let Some(status) = json.status.filter(|status| !(200..600).contains(status)) {
            return Err(format!("`status` {status} is not within 200 to 599"));
        }
        let from_body = match (json.status, json.body) {
            (Some(status), body) => {
                Some(("status", Effect::Status { status, body: body.unwrap_or_default() }))
            }
            (None, Some(body)) => Some(("body", Effect::Body(body))),
            (None, None) => None,
        };
        let errmsg = json.errmsg;
        let named = [
            json.errcode.map(|errcode| ("errcode", Effect::Errcode { errcode, errmsg })),
            from_body,
            json.cut.map(|cut| ("cut", Effect::Cut(cut))),
            json.endless.then_some(("endless", Effect::Endless)),
            json.drip_ms.map(|pause| ("drip_ms", Effect::Drip(Duration::from_millis(pause)))),
            json.hang.then_some(("hang", Effect::Hang)),
            json.redirect.map(|location| ("redirect", Effect::Redirect(location))),
            json.expires_in.map(|value| ("expires_in", Effect::ExpiresIn(value))),
            json.access_token.map(|value| ("access_token", Effect::AccessToken(value))),
        ];
        let mut named = named.into_iter().flatten();
        let effect = match (named.next(), named.next()) {
            (None, _) => Effect::Real,
            (Some((_, effect)), None) => effect,
            (Some((one, _)), Some((other, _))) => {
                return Err(format!("`{one}` and `{other}` exclude each other"));
            }
        };
        Ok(Self {
            on: json.on,
            times: json.times,
            delay: Duration::from_millis(json.delay_ms),
            errcode_as_string: json.errcode_as_string,
            effect,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn effect(step: Value) -> Result<Effect, String> {
        match parse(json!([step])) {
            Ok(mut steps) => Ok(steps.remove(0).effect),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn json_can_name_every_effect() {
        let pause = Duration::from_millis(5);
        for (step, expected) in [
            (json!({}), Effect::Real),
            (json!({"errcode": -1}), Effect::Errcode { errcode: -1, errmsg: None }),
            (
                json!({"status": 500, "body": "x"}),
                Effect::Status { status: 500, body: "x".to_owned() },
            ),
            (json!({"body": "<"}), Effect::Body("<".to_owned())),
            (json!({"cut": "before"}), Effect::Cut(Cut::Before)),
            (json!({"cut": "half"}), Effect::Cut(Cut::Half)),
            (json!({"endless": true}), Effect::Endless),
            (json!({"drip_ms": 5}), Effect::Drip(pause)),
            (json!({"hang": true}), Effect::Hang),
            (json!({"redirect": "http://a/"}), Effect::Redirect("http://a/".to_owned())),
            (json!({"expires_in": null}), Effect::ExpiresIn(Value::Null)),
            (json!({"access_token": 7}), Effect::AccessToken(json!(7))),
        ] {
            assert_eq!(effect(step), Ok(expected));
        }
    }

    #[test]
    fn a_wrong_step_is_named_by_number_and_key() {
        let error = parse(json!([{}, {"hung": true}])).unwrap_err().to_string();
        assert!(error.starts_with("step 2: unknown field `hung`"), "{error}");
        for (step, named) in [
            (json!({"hang": true, "cut": "half"}), "`cut` and `hang`"),
            (json!({"errmsg": "x"}), "`errmsg` needs `errcode`"),
            (json!({"status": 700}), "`status` 700"),
            (json!({"on": "tokens"}), "`tokens`"),
        ] {
            let error = effect(step).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
        assert_eq!(parse(json!({})), Err(ScriptError::NotAnArray));
    }

    #[test]
    fn a_step_serves_its_number_of_matching_fetches_in_order() {
        let mut script = Script::default();
        let steps = json!([
            {"on": "getticket", "errcode": 1},
            {"times": 2, "errcode": 2},
            {"times": 0, "errcode": 3},
        ]);
        script.extend(parse(steps).unwrap());
        let mut next_for = |endpoint| match script.next_for(endpoint).unwrap().effect {
            Effect::Errcode { errcode, .. } => errcode,
            other => panic!("{other:?}"),
        };
        assert_eq!(next_for(Endpoint::Token), 2);
        assert_eq!(next_for(Endpoint::Getticket), 1);
        assert_eq!(next_for(Endpoint::Getticket), 2);
        assert_eq!(next_for(Endpoint::Token), 3);
        assert_eq!(next_for(Endpoint::Token), 3);
    }
}
