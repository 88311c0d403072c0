//! Names of users and groups, from passwd(5) and group(5).
//!
//! Read without the C library, whose name services take locks that a forked child may find locked.

use std::path::Path;

use crate::descriptor;

pub fn user(uid: u32) -> String {
    name("/etc/passwd", uid)
}

pub fn group(gid: u32) -> String {
    name("/etc/group", gid)
}

fn name(list: &str, id: u32) -> String {
    let found = descriptor::read_if_streams_are_open(Path::new(list))
        .and_then(|list| name_in(&String::from_utf8_lossy(&list), id));
    found.unwrap_or_else(|| id.to_string())
}

/// The name of `id` in a list of lines such as `www-data:x:33:…`.
fn name_in(list: &str, id: u32) -> Option<String> {
    let has_id = |line: &&str| line.split(':').nth(2).is_some_and(|field| field.parse() == Ok(id));
    let name = list.lines().find(has_id)?.split(':').next()?;
    // It becomes part of a command.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (!name.is_empty() && !name.starts_with('-') && name.bytes().all(is_plain))
        .then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_its_number_unless_a_shell_would_act_on_it() {
        let list = "root:x:0:0:root:/root:/bin/sh\n+::::::\nwww-data:x:33:\na b:x:34:\n-R:x:35:\n:x:36:\nlast:x:37";
        assert_eq!(name_in(list, 0).as_deref(), Some("root"));
        assert_eq!(name_in(list, 33).as_deref(), Some("www-data"));
        assert_eq!(name_in(list, 37).as_deref(), Some("last"));
        assert!([34, 35, 36, 3, 330].iter().all(|id| name_in(list, *id).is_none()));
        assert_eq!(name("/nowhere", 33), "33");
    }
}
