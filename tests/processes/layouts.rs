//! The files that legacy projects have: read, kept in their own spelling, and still understood by the
//! code that has not been migrated.

use std::fs;
use std::path::{Path, PathBuf};

use wx_token_testing::php::{Answer, Callers};
use wx_token_testing::{World, now, print_waits};

/// How a project spells its file, and how its own PHP code reads it.
struct Layout {
    name: &'static str,
    file: &'static str,
    /// The file, with `TOKEN`, and `EXPIRY` in seconds or `MILLIS`; `START` is two hours before.
    content: &'static str,
    /// PHP code of the project's own kind: `[token, expiry in seconds]` from `$text`.
    reader: &'static str,
    /// The option `layout`, where the content alone does not tell.
    option: Option<&'static str>,
}

const JSON_EXPIRE: &str =
    "$d = json_decode($text, true); return [$d['access_token'], $d['expire']];";

const LAYOUTS: &[Layout] = &[
    Layout {
        name: "expire",
        file: "token.json",
        content: "{\"access_token\":\"TOKEN\",\"expire\":EXPIRY}",
        reader: JSON_EXPIRE,
        option: None,
    },
    Layout {
        name: "expire, pretty-printed, with more keys and a string",
        file: "token.json",
        content: "{\n    \"note\": \"\\u4e2d 1.0\",\n    \"access_token\" : \"TOKEN\",\n    \"expire\": \"EXPIRY\",\n    \"list\": [1, 2.50]\n}\n",
        reader: JSON_EXPIRE,
        option: None,
    },
    Layout {
        name: "expire_time, the JS-SDK sample's old form",
        file: "access_token.json",
        content: "{\"expire_time\":EXPIRY,\"access_token\":\"TOKEN\"}",
        reader: "$d = json_decode($text); return [$d->access_token, $d->expire_time];",
        option: None,
    },
    Layout {
        name: "guarded, the JS-SDK sample's new form",
        file: "access_token.php",
        content: "<?php exit();?>{\"access_token\":\"TOKEN\",\"expire_time\":EXPIRY}",
        reader: "$d = json_decode(trim(substr($text, 15))); return [$d->access_token, $d->expire_time];",
        option: None,
    },
    Layout {
        name: "guarded, with a line break",
        file: "access_token.php",
        content: "<?php exit();?>\n{\"access_token\":\"TOKEN\",\"expire_time\":EXPIRY}\n",
        reader: "$d = json_decode(trim(substr($text, 15))); return [$d->access_token, $d->expire_time];",
        option: None,
    },
    Layout {
        name: "milliseconds",
        file: "token.json",
        content: "{\"access_token\":\"TOKEN\",\"expires_in\":7200,\"expire_time\":MILLIS}",
        reader: "$d = json_decode($text, true); return [$d['access_token'], intdiv($d['expire_time'], 1000)];",
        option: None,
    },
    Layout {
        name: "expires, beside WeChat's answer",
        file: "token.json",
        content: "{\"access_token\":\"TOKEN\",\"expires_in\":7200,\"expires\":EXPIRY}",
        reader: "$d = json_decode($text, true); return [$d['access_token'], $d['expires']];",
        option: None,
    },
    Layout {
        name: "expires_at",
        file: "token.json",
        content: "{\"expires_at\":EXPIRY,\"access_token\":\"TOKEN\"}",
        reader: "$d = json_decode($text, true); return [$d['access_token'], $d['expires_at']];",
        option: None,
    },
    Layout {
        name: "expired",
        file: "token.json",
        content: "{\"access_token\":\"TOKEN\",\"expired\":EXPIRY}",
        reader: "$d = json_decode($text, true); return [$d['access_token'], $d['expired']];",
        option: None,
    },
    Layout {
        name: "expires_in as a moment",
        file: "token.json",
        content: "{\"access_token\":\"TOKEN\",\"expires_in\":EXPIRY}",
        reader: "$d = json_decode($text, true); return [$d['access_token'], $d['expires_in']];",
        option: None,
    },
    Layout {
        name: "a duration and its start",
        file: "token.json",
        content: "{\"access_token\":\"TOKEN\",\"expires_in\":7200,\"time\":START}",
        reader: "$d = json_decode($text, true); return [$d['access_token'], $d['time'] + $d['expires_in']];",
        option: None,
    },
    Layout {
        name: "a start alone",
        file: "token.json",
        content: "{\"time\":\"START\",\"access_token\":\"TOKEN\"}",
        reader: "$d = json_decode($text, true); return [$d['access_token'], $d['time'] + 7200];",
        option: Some("time:fetched"),
    },
    Layout {
        name: "two expiries",
        file: "token.json",
        content: "{\"access_token\":\"TOKEN\",\"expire\":EXPIRY,\"expire_time\":EXPIRY}",
        reader: "$d = json_decode($text, true); return [$d['access_token'], min($d['expire'], $d['expire_time'])];",
        option: None,
    },
    Layout {
        name: "token and expires",
        file: "token.json",
        content: "{\"token\":\"TOKEN\",\"expires\":EXPIRY}",
        reader: "$d = json_decode($text, true); return [$d['token'], $d['expires']];",
        option: None,
    },
    Layout {
        name: "another guard",
        file: "token.php",
        content: "<?php die;?>{\"access_token\":\"TOKEN\",\"expire_time\":EXPIRY}",
        reader: "$d = json_decode(substr($text, 12)); return [$d->access_token, $d->expire_time];",
        option: None,
    },
    Layout {
        name: "token, duration and start on one line",
        file: "token.txt",
        content: "TOKEN,7200,START",
        reader: "[$token, $life, $start] = explode(',', $text); return [$token, $start + $life];",
        option: None,
    },
    Layout {
        name: "token and expiry on one line",
        file: "token.txt",
        content: "TOKEN,EXPIRY",
        reader: "return explode(',', $text);",
        option: Some("csv:expiry"),
    },
    Layout {
        name: "serialize() of name, value and expired",
        file: "wx01_access_token",
        content: "a:3:{s:4:\"name\";s:17:\"wx01_access_token\";s:5:\"value\";s:LENGTH:\"TOKEN\";s:7:\"expired\";i:EXPIRY;}",
        reader: "$d = unserialize($text); return [$d['value'], $d['expired']];",
        option: None,
    },
    Layout {
        name: "expires_time as the expiry",
        file: "token.json",
        content: "{\"access_token\": \"TOKEN\", \"expires_time\": EXPIRY}",
        reader: "$d = json_decode($text, true); return [$d['access_token'], $d['expires_time']];",
        option: Some("expires_time:expiry"),
    },
];

impl Layout {
    fn path(&self, world: &World) -> PathBuf {
        world.dir.path().join(self.file)
    }

    fn spell(&self, token: &str, expiry: u64) -> String {
        self.content
            .replace("LENGTH", &token.len().to_string())
            .replace("TOKEN", token)
            .replace("EXPIRY", &expiry.to_string())
            .replace("START", &(expiry - 7200).to_string())
            .replace("MILLIS", &format!("{expiry}000"))
    }

    fn call(&self) -> String {
        match self.option {
            Some(layout) => format!("wx_get_token($file, ['layout' => '{layout}'])"),
            None => "wx_get_token($file)".to_owned(),
        }
    }

    fn callers(&self, world: &World, count: usize) -> Vec<Answer> {
        Callers::start(&world.php(), &self.path(world), &self.call(), count).release()
    }

    /// Token and expiry as the project's own code reads them.
    fn read_by_legacy_code(&self, world: &World) -> (String, u64) {
        let code = format!(
            "$read = function ($text) {{ {} }};
             [$token, $expiry] = $read(file_get_contents($argv[1]));
             echo $token, ' ', (int) $expiry;",
            self.reader
        );
        let path = self.path(world);
        let printed = world.php().run(&code, &[path.to_str().expect("a path")]);
        let (token, expiry) = printed.split_once(' ').unwrap_or_else(|| panic!("{printed}"));
        (token.to_owned(), expiry.parse().unwrap_or_else(|_| panic!("{printed}")))
    }
}

fn world() -> World {
    World::new(wechat_emulator::Options::default())
}

#[test]
fn a_fresh_file_of_every_layout_is_served_without_a_change_to_one_byte() {
    for layout in LAYOUTS {
        let world = world();
        let content = layout.spell("still-alive-0123456789", now() + 5000);
        fs::write(layout.path(&world), &content).expect("a file");
        assert_eq!(
            layout.callers(&world, 1)[0].token(),
            "still-alive-0123456789",
            "{}",
            layout.name
        );
        assert_eq!(fs::read_to_string(layout.path(&world)).ok(), Some(content), "{}", layout.name);
        assert_eq!(world.fetches(), 0);
    }
}

#[test]
fn an_expired_file_of_every_layout_is_rewritten_so_that_its_own_reader_takes_it() {
    for layout in LAYOUTS {
        let world = world();
        fs::write(layout.path(&world), layout.spell("dead-0123456789abcdef", now() - 60))
            .expect("a file");
        let token = layout.callers(&world, 1)[0].token().to_owned();
        assert!(world.is_live(&token));
        let (read, expiry) = layout.read_by_legacy_code(&world);
        assert_eq!(read, token, "{}", layout.name);
        assert!((now() + 7100..=now() + 7200).contains(&expiry), "{}: {expiry}", layout.name);
        // Everything but token and expiry is what it was.
        let written = fs::read_to_string(layout.path(&world)).expect("a file");
        let number = layout.content.contains("MILLIS").then(|| {
            let start = written.find("\"expire_time\":").expect("a key") + 14;
            written[start..start + 13].to_owned()
        });
        let expected = layout.spell(&token, expiry);
        let expected = number
            .map_or(expected.clone(), |millis| expected.replace(&format!("{expiry}000"), &millis));
        assert_eq!(written, expected, "{}", layout.name);
        assert_eq!(layout.callers(&world, 1)[0].token(), token, "{}", layout.name);
        assert_eq!(world.fetches(), 1);
    }
}

#[test]
fn a_storm_on_an_expired_file_of_every_layout_makes_one_fetch() {
    for layout in LAYOUTS {
        let world = World::slow();
        fs::write(layout.path(&world), layout.spell("dead-0123456789abcdef", now() - 60))
            .expect("a file");
        let answers = layout.callers(&world, 16);
        print_waits(layout.name, &answers);
        assert_eq!(world.fetches(), 1, "{}", layout.name);
        let (token, _) = layout.read_by_legacy_code(&world);
        assert!(answers.iter().all(|answer| answer.token() == token), "{}", layout.name);
        assert!(world.is_live(&token));
    }
}

#[test]
fn a_failure_in_every_layout_leaves_a_file_that_its_own_reader_still_takes() {
    for layout in LAYOUTS {
        let mut world = world();
        let right = wechat_emulator::Options::default().secret;
        world.set("secret", "00000000000000000000000000000000");
        let old = layout.spell("dead-0123456789abcdef", 1_588_219_064);
        fs::write(layout.path(&world), &old).expect("a file");
        for answer in layout.callers(&world, 4) {
            assert_eq!(
                answer.class(),
                "WxToken\\ApiException",
                "{}: {}",
                layout.name,
                answer.message()
            );
        }
        assert_eq!(world.fetches(), 1, "{}", layout.name);
        let dead = ("dead-0123456789abcdef".to_owned(), 1_588_219_064);
        assert_eq!(layout.read_by_legacy_code(&world), dead, "{}", layout.name);
        world.set("secret", &right);
        assert!(world.is_live(layout.callers(&world, 1)[0].token()), "{}", layout.name);
        assert!(!fs::read_to_string(layout.path(&world)).expect("a file").contains("wx_token"));
    }
}

#[test]
fn a_duration_counts_from_the_modification_time() {
    let world = world();
    world.write(r#"{"access_token":"abc","expires_in":7200}"#);
    assert_eq!(world.call().token(), "abc");
    let past = std::time::SystemTime::now() - std::time::Duration::from_secs(7300);
    let touched =
        fs::File::options().write(true).open(world.file()).and_then(|file| file.set_modified(past));
    assert!(touched.is_ok());
    let token = world.call().token().to_owned();
    assert!(world.is_live(&token));
    let written = world.stored();
    assert_eq!(written["access_token"], token.as_str());
    assert!(
        written["expires_in"].as_u64().is_some_and(|life| (7190..=7200).contains(&life)),
        "{written}"
    );
}

/// The JS-SDK sample on a file that the extension made: after one fetch of its own, both read what the other writes.
#[test]
fn a_legacy_writer_of_another_expiry_shares_the_file() {
    let world = world();
    let first = world.call().token().to_owned();
    let renew = "$d = json_decode(file_get_contents($argv[1]));
        if (($d->expire_time ?? 0) < time()) {
            $d->expire_time = time() + 7000;
            $d->access_token = str_repeat('L', 40);
            file_put_contents($argv[1], json_encode($d));
        }
        echo $d->access_token;";
    let path = world.file();
    let legacy = || world.php().run(renew, &[path.to_str().expect("a path")]);
    let theirs = legacy();
    assert_ne!(theirs, first, "it finds no expiry of its own, and fetches");
    assert_eq!(
        world.call().token(),
        theirs,
        "which counts, beside the expiry that it does not know"
    );
    assert_eq!(legacy(), theirs);
    let expired = |key: &str| {
        let mut stored = world.stored();
        stored[key] = (now() - 60).into();
        world.write(stored.to_string());
    };
    expired("expire_time");
    let second = world.call().token().to_owned();
    assert!(world.is_live(&second));
    assert_eq!(world.stored()["expire"], world.stored()["expire_time"]);
    assert_eq!(legacy(), second, "it reads what the extension wrote");
    expired("expire");
    assert_eq!(world.fetches(), 2);
    assert!(world.is_live(world.call().token()));
    assert_eq!(world.fetches(), 3, "the earliest counts");
}

#[test]
fn a_plain_file_expires_two_hours_after_its_modification() {
    let world = World::slow();
    let call = "wx_get_token($file, ['layout' => 'plain'])";
    world.write("a-plain-token-that-is-long-enough-to-be-one");
    let answers = world.callers_of(call, 2).release();
    assert!(answers.iter().all(|answer| answer.token().starts_with("a-plain-token")));
    let past = std::time::SystemTime::now() - std::time::Duration::from_secs(7300);
    let touched =
        fs::File::options().write(true).open(world.file()).and_then(|file| file.set_modified(past));
    assert!(touched.is_ok());
    let answers = world.callers_of(call, 16).release();
    assert_eq!(world.fetches(), 1);
    let stored = fs::read_to_string(world.file()).expect("a file");
    assert!(world.is_live(&stored), "the file is the token and nothing else");
    assert!(answers.iter().all(|answer| answer.token() == stored));
    world.emulator.script_json(serde_json::json!([{"status": 500}])).expect("a script");
    let touched =
        fs::File::options().write(true).open(world.file()).and_then(|file| file.set_modified(past));
    assert!(touched.is_ok());
    for answer in world.callers_of(call, 8).release() {
        assert_eq!(answer.class(), "WxToken\\NetworkException");
    }
    assert_eq!(world.fetches(), 2, "the failure is shared although the file has no room for it");
    assert_eq!(fs::read_to_string(world.file()).ok(), Some(stored));
}

#[test]
fn formats_that_are_not_supported_are_rejected_with_a_remedy() {
    for (content, way_out) in [
        (r#"{"access_token": "abc", "expires_time": 1588219064}"#, "expires_time:fetched"),
        ("0123456789abcdef0123456789abcdef0123456789abcdef", "'layout' => 'plain'"),
        (
            "<?php\n$access_token = array (\n  'access_token' => 'abc',\n  'expires' => 1,\n);\n?>",
            "call wx_get_token()",
        ),
        (r#"{"access_token":"a","time":1}"#, "time:fetched"),
        (r#"{"access_token":"a","jsapi_ticket":"b","expire":1}"#, "a file of its own"),
        (r#"{"last_access_token":"a","last_access_token_time":1}"#, "expires_at"),
    ] {
        let world = world();
        world.write(content);
        let answer = world.call();
        assert_eq!(answer.class(), "WxToken\\FileException");
        assert!(answer.message().contains(way_out), "{}", answer.message());
        assert_eq!(fs::read_to_string(world.file()).ok().as_deref(), Some(content));
        assert_eq!(world.fetches(), 0);
    }
}

#[test]
fn the_empty_starting_files_of_the_sample_count_as_expired() {
    let world = world();
    let ticket: &Path = &world.dir.path().join("jsapi_ticket.php");
    fs::write(ticket, "<?php exit();?>\n{\"jsapi_ticket\":\"\",\"expire_time\":0}\n")
        .expect("a file");
    fs::write(
        world.dir.path().join("access_token.php"),
        "<?php exit();?>\n{\"access_token\":\"\",\"expire_time\":0}",
    )
    .expect("a file");
    let call = "wx_get_ticket($file, dirname($file) . '/access_token.php')";
    let answer = world.php().call(ticket, call);
    let written = fs::read_to_string(ticket).expect("a file");
    assert!(
        written.starts_with(&format!(
            "<?php exit();?>\n{{\"jsapi_ticket\":\"{}\",\"expire_time\":",
            answer.token()
        )),
        "{written}"
    );
    assert!(written.ends_with("}\n"));
}
