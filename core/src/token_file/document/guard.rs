//! The PHP code before some JSON files: a browser that opens one shows nothing.

/// The guard of the JS-SDK sample's files. Its readers cut off 15 bytes without a look at them.
pub(super) const GUARD: &str = "<?php exit();?>";

/// Splits `text` after its guard, which is `<?php exit();?>` or another spelling of that, and perhaps a byte order mark.
/// The guard is empty if there is none.
pub(super) fn split(text: &str) -> (&str, &str) {
    let length = after_guard(text).map_or(0, |rest| text.len() - rest.len());
    text.split_at(length)
}

/// Whether `text` is the beginning of a guard, and nothing else.
pub(super) fn is_torn(text: &str) -> bool {
    GUARD.len() > text.len() && GUARD.starts_with(text)
}

fn after_guard(text: &str) -> Option<&str> {
    let code = text.strip_prefix('\u{feff}').unwrap_or(text).strip_prefix("<?php")?;
    let call = code.trim_ascii_start();
    let call = call.strip_prefix("exit").or_else(|| call.strip_prefix("die"))?.trim_ascii_start();
    let end = match call.strip_prefix('(') {
        None => call,
        Some(arguments) => {
            let (argument, end) = arguments.split_once(')')?;
            is_literal(argument.trim_ascii()).then_some(end)?
        }
    };
    let end = end.trim_ascii_start().strip_prefix(';').unwrap_or(end);
    end.trim_ascii_start().strip_prefix("?>")
}

/// Whether an argument of `exit()` is nothing, a number or a text without anything that PHP would run.
fn is_literal(argument: &str) -> bool {
    let is_plain = |char: char| char.is_alphanumeric() || " _-.,:!".contains(char);
    let unquoted = ['"', '\'']
        .into_iter()
        .find_map(|quote| argument.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)));
    unquoted.unwrap_or(argument).chars().all(is_plain)
}
