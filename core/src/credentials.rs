//! What an account proves itself with.

use crate::secret::Secret;

/// The name and the secret of an account. They belong together.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// AppID, or WeCom's corpid. It is case-sensitive.
    pub id: String,
    /// AppSecret, or WeCom's corpsecret.
    pub secret: Secret,
}
