//! What WeChat's answers mean.

use std::time::Duration;

use serde_json::{Map, Value};

use super::errcode;
use crate::failure::{Cause, Failure};
use crate::secret::Secret;
use crate::token_source::IssuedToken;

#[derive(Debug)]
pub enum AnswerError {
    Failure(Failure),
    /// It contains neither a token nor a failure: why, as it follows "the answer is unusable".
    Unusable(String),
}

/// Reads the body of an answer with HTTP status 200, whose member `granted` is the token.
pub fn read(body: &[u8], granted: &str, secret: &Secret) -> Result<IssuedToken, AnswerError> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(answer)) => interpret(&answer, granted, secret),
        _ => {
            let why = format!("it is not a JSON object ({} bytes)", body.len());
            Err(AnswerError::Unusable(why))
        }
    }
}

pub fn interpret(
    answer: &Map<String, Value>,
    granted: &str,
    secret: &Secret,
) -> Result<IssuedToken, AnswerError> {
    let unusable = AnswerError::Unusable;
    // WeChat leaves errcode out of a good answer; WeCom sets it to 0.
    match answer.get("errcode").map(number) {
        None | Some(Some(0)) => {}
        Some(None) => return Err(unusable("its \"errcode\" is not a number".to_owned())),
        Some(Some(errcode)) => {
            let errmsg = answer.get("errmsg").and_then(Value::as_str).unwrap_or_default();
            let cause = Cause::Api { errcode, errmsg: secret.scrub(errmsg) };
            let retry_policy = errcode::retry_policy(errcode);
            return Err(AnswerError::Failure(Failure { cause, retry_policy }));
        }
    }
    let token = answer.get(granted).and_then(Value::as_str);
    let token = token.ok_or_else(|| unusable(format!("it has no string \"{granted}\"")))?;
    let seconds = answer.get("expires_in").and_then(number);
    let seconds = seconds.ok_or_else(|| unusable("it has no number \"expires_in\"".to_owned()))?;
    let lifetime = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    IssuedToken::new(token.to_owned(), lifetime).map_err(|why| unusable(why.to_owned()))
}

/// A number, or a string that spells one.
#[expect(
    clippy::cast_possible_truncation,
    reason = "as saturates, and a far too long lifetime is rejected"
)]
pub fn number(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_f64().map(|number| number as i64))
        .or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn of(body: &str) -> Result<(String, Timestamp), Option<Cause>> {
        read(body.as_bytes(), "access_token", &Secret::new("s3cr3t"))
            .map(|issued| issued.into_parts(Timestamp::from_secs(1000)))
            .map_err(|error| match error {
                AnswerError::Failure(failure) => Some(failure.cause),
                AnswerError::Unusable(_) => None,
            })
    }

    #[test]
    fn a_token_comes_with_its_lifetime() {
        let spec = Ok(("abc".to_owned(), Timestamp::from_secs(8200)));
        assert_eq!(of(r#"{"access_token":"abc","expires_in":7200}"#), spec);
        assert_eq!(
            of(r#"{"errcode":0,"errmsg":"ok","access_token":"abc","expires_in":"7200"}"#),
            spec
        );
    }

    #[test]
    fn an_errcode_is_an_api_failure_without_the_secret() {
        let cause = Cause::Api { errcode: 40125, errmsg: "bad *** rid: 1".into() };
        assert_eq!(of(r#"{"errcode":40125,"errmsg":"bad s3cr3t rid: 1"}"#), Err(Some(cause)));
    }

    #[test]
    fn anything_else_is_no_usable_answer() {
        for body in [
            "",
            "<html>",
            "[]",
            r#"{"access_token":"","expires_in":7200}"#,
            r#"{"access_token":"a b","expires_in":7200}"#,
            r#"{"access_token":"abc"}"#,
            r#"{"access_token":"abc","expires_in":0}"#,
            r#"{"access_token":"abc","expires_in":-1}"#,
            r#"{"access_token":"abc","expires_in":9223372036854775807}"#,
            r#"{"errcode":"x"}"#,
        ] {
            assert_eq!(of(body), Err(None), "{body}");
        }
    }
}
