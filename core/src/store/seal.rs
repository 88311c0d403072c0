//! Seals tokens for the store: whoever can write to it could plant the token of an account of his own, and this site would
//! send its users' data there. Reading it, he would have ours.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom, SystemRandom};

use crate::fingerprint::Fingerprint;
use crate::secret::Secret;

/// The format of a sealed token, its first byte.
const FORMAT: u8 = 1;

/// What else the key of the seal is for: nothing.
const PURPOSE: &[u8] = b"wx_token store 1";

/// The seal of one key of the store.
pub struct Seal {
    key: LessSafeKey,
    name: Vec<u8>,
}

impl Seal {
    /// The seal of what the store keeps under `name`, made with `secret`, which machines of one fleet have in common.
    pub fn new(secret: &Secret, name: &[u8]) -> Self {
        let pseudorandom = Salt::new(HKDF_SHA256, &[]).extract(secret.reveal().as_bytes());
        let key = pseudorandom.expand(&[PURPOSE], &CHACHA20_POLY1305).map(UnboundKey::from);
        let Ok(key) = key else { unreachable!("HKDF gives as many bytes as the cipher's key has") };
        Self { key: LessSafeKey::new(key), name: name.to_vec() }
    }

    /// `token` for the store, which will say that its tag is `tag`; `None` if the system has no random numbers.
    pub fn seal(&self, token: &str, tag: &Fingerprint) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let mut text = token.as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                self.context(tag),
                &mut text,
            )
            .ok()?;
        Some([&[FORMAT], &nonce[..], &text].concat())
    }

    /// The token that was sealed with `tag`; `None` for anything else.
    pub fn open(&self, sealed: &[u8], tag: &Fingerprint) -> Option<String> {
        let (&FORMAT, rest) = sealed.split_first()? else { return None };
        let (nonce, text) = rest.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let token = self.key.open_in_place(nonce, self.context(tag), &mut text).ok()?;
        str::from_utf8(token).ok().map(str::to_owned)
    }

    /// Without it, whoever can write to the store could move a token to another key, or say that it is another.
    fn context(&self, tag: &Fingerprint) -> Aad<Vec<u8>> {
        Aad::from([&self.name, tag.hex().as_bytes()].join(&0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_has_the_secret_opens_it_and_only_where_it_was_put() {
        let (secret, tag) = (Secret::new("secret"), Fingerprint::from_parts(["token"]));
        let seal = Seal::new(&secret, b"wx_token:{a}");
        let sealed = seal.seal("token", &tag).unwrap();
        assert_eq!(seal.open(&sealed, &tag).as_deref(), Some("token"));
        assert!(!sealed.windows(5).any(|bytes| bytes == b"token"));
        assert_ne!(seal.seal("token", &tag).unwrap(), sealed, "nobody learns that it is the same");
        let others = [
            Seal::new(&Secret::new("other"), b"wx_token:{a}").open(&sealed, &tag),
            Seal::new(&secret, b"wx_token:{b}").open(&sealed, &tag),
            seal.open(&sealed, &Fingerprint::from_parts(["other"])),
            seal.open(&sealed[..sealed.len() - 1], &tag),
            seal.open(b"token", &tag),
            seal.open(&[FORMAT], &tag),
            seal.open(b"", &tag),
        ];
        assert!(others.iter().all(Option::is_none), "{others:?}");
        for at in 0..sealed.len() {
            let mut forged = sealed.clone();
            forged[at] ^= 1;
            assert_eq!(seal.open(&forged, &tag), None, "{at}");
        }
    }
}
