//! Random strings that look like WeChat's, and that nobody can take for real ones.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What every token and ticket starts with.
pub(crate) const PREFIX: &str = "EMU";

/// Length of a `jsapi_ticket` in characters: that of the one printed in WeChat's signature example.
pub(crate) const TICKET_LENGTH: usize = 86;

/// A token or ticket of `length` characters from `[A-Za-z0-9_-]`, at least the prefix.
pub(crate) fn secret_looking(length: usize) -> String {
    let random =
        std::iter::repeat_with(|| fastrand::choice(ALPHABET).copied()).flatten().map(char::from);
    PREFIX.chars().chain(random).take(length.max(PREFIX.len())).collect()
}

/// A request id as it ends a WeChat error message: three words of eight hex digits.
pub(crate) fn rid() -> String {
    format!("{:08x}-{:08x}-{:08x}", fastrand::u32(..), fastrand::u32(..), fastrand::u32(..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_the_length_asked_for_and_wechats_alphabet() {
        let token = secret_looking(157);
        assert_eq!(token.len(), 157);
        assert!(token.starts_with("EMU"));
        assert!(token.bytes().all(|byte| ALPHABET.contains(&byte)));
        assert_ne!(token, secret_looking(157));
    }
}
