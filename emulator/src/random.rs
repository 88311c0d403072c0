//! Random strings in the form of WeChat's tokens, tickets and request ids. A prefix tells tokens and
//! tickets from real ones.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Prefix of each token and ticket.
pub(crate) const PREFIX: &str = "EMU";

/// Characters in a ticket, as in the example of WeChat's page on JS-SDK signatures.
pub(crate) const TICKET_LENGTH: usize = 86;

/// A token or ticket of `length` characters from `[A-Za-z0-9_-]`; the prefix at least.
pub(crate) fn token(length: usize) -> String {
    let random =
        std::iter::repeat_with(|| fastrand::choice(ALPHABET).copied()).flatten().map(char::from);
    PREFIX.chars().chain(random).take(length.max(PREFIX.len())).collect()
}

/// A request id, as at the end of WeChat's errmsgs: three words of eight hex digits.
pub(crate) fn rid() -> String {
    format!("{:08x}-{:08x}-{:08x}", fastrand::u32(..), fastrand::u32(..), fastrand::u32(..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_the_length_asked_for_and_wechats_alphabet() {
        let first = token(157);
        assert_eq!(first.len(), 157);
        assert!(first.starts_with("EMU"));
        assert!(first.bytes().all(|byte| ALPHABET.contains(&byte)));
        assert_ne!(first, token(157));
    }
}
