//! Several users on one machine: what one of their processes learns of the store, all of them know.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use wechat_emulator::Options;
use wx_token_testing::php::{Answer, GET};
use wx_token_testing::{WWW_DATA, now};

use crate::fleet::Fleet;

/// Another user.
const DEPLOYER: u32 = 1000;

/// A machine whose token file has expired; it and its directory are www-data's, with these permission bits.
fn machine_of_www_data(file_mode: u32, directory_mode: u32) -> (Fleet, PathBuf) {
    let fleet = Fleet::with_options(1, Options::default());
    fleet.write(&json!({"access_token": "an-old-token", "expire": now() - 60}).to_string());
    let file = &fleet.machines[0];
    let directory = file.parent().expect("a directory");
    for (path, mode) in
        [(fleet.world.dir.path(), 0o755), (directory, directory_mode), (file, file_mode)]
    {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("chmod");
        chown(path, Some(WWW_DATA), Some(WWW_DATA)).expect("the tests run as root");
    }
    let beside = file.with_file_name(".token.json.wx_store");
    (fleet, beside)
}

/// Calls as a user whose group is www-data's.
fn call_as(fleet: &Fleet, user: u32) -> Answer {
    let mut setpriv = Command::new("setpriv");
    setpriv.args([format!("--reuid={user}"), format!("--regid={WWW_DATA}")]);
    setpriv.arg("--clear-groups");
    fleet.world.php().call_under(&mut setpriv, &fleet.machines[0], GET)
}

fn is_known(beside: &Path) -> bool {
    let text = fs::read(beside).expect("a file beside the token file");
    let json: Value = serde_json::from_slice(&text).unwrap_or_default();
    json["confirmed_at_ms"].as_u64().is_some_and(|at| at / 1000 + 60 > now())
}

#[test]
fn a_file_that_a_killed_process_of_root_has_left_is_replaced() {
    let (fleet, beside) = machine_of_www_data(0o640, 0o755);
    fs::write(&beside, "").expect("root writes everywhere");
    fs::set_permissions(&beside, Permissions::from_mode(0o600)).expect("chmod");
    call_as(&fleet, WWW_DATA).token();
    assert!(is_known(&beside));
}

#[test]
fn users_of_one_group_share_what_they_know() {
    let (fleet, beside) = machine_of_www_data(0o660, 0o775);
    let token = call_as(&fleet, DEPLOYER).token().to_owned();
    assert!(is_known(&beside));
    let made = fs::metadata(&beside).expect("a file beside the token file");
    assert_eq!((made.uid(), made.gid(), made.mode() & 0o777), (DEPLOYER, WWW_DATA, 0o660));
    fs::write(&beside, format!("{:4095}\n", "{}")).expect("root writes everywhere");
    assert_eq!(call_as(&fleet, WWW_DATA).token(), token);
    assert!(is_known(&beside));
    let now = fs::metadata(&beside).expect("a file beside the token file");
    assert_eq!(now.ino(), made.ino(), "it was replaced");
}
