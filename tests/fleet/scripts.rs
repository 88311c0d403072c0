//! What the scripts answer, each on a real server: order by stamp, leases, and who may record what.

use wx_token_testing::redis::Redis;

const TAKE: &str = include_str!("../../core/src/store/scripts/take.lua");
const PUT: &str = include_str!("../../core/src/store/scripts/put.lua");
const FAIL: &str = include_str!("../../core/src/store/scripts/fail.lua");
const SYNC: &str = include_str!("../../core/src/store/scripts/sync.lua");

const KEY: &str = "wx_token:{a}";
const UNKNOWN: &str = "-1";

struct Store(Redis);

impl Store {
    fn new() -> Self {
        Self(Redis::start())
    }

    fn eval(&self, script: &str, arguments: &[&str]) -> Vec<String> {
        let answer = self.0.run(&[&["eval", script, "1", KEY], arguments].concat());
        answer.lines().map(str::to_owned).collect()
    }

    fn set(&self, field: &str, value: impl ToString) {
        self.0.run(&["hset", KEY, field, &value.to_string()]);
    }

    fn get(&self, field: &str) -> String {
        self.0.run(&["hget", KEY, field])
    }

    /// By the server's clock, in milliseconds.
    fn now(&self) -> i64 {
        let time = self.0.run(&["time"]);
        let mut parts = time.lines().map(|part| part.parse::<i64>().expect("a number"));
        let (seconds, micros) = (parts.next().expect("seconds"), parts.next().expect("µs"));
        seconds * 1000 + micros / 1000
    }

    /// `machine` has the token `tag`, which is so old by `stamp` or `age`.
    fn take(&self, machine: &str, tag: &str, rejected: &str, stamp: &str, age: &str) -> String {
        let arguments = [machine, "2000", tag, rejected, "1", stamp, age];
        let answer = self.eval(TAKE, &arguments);
        match answer[0].as_str() {
            "T" => format!("T {}", answer[2]),
            word => word.to_owned(),
        }
    }

    /// `machine` stores the token `tag`, which has an hour to live.
    fn put(&self, machine: &str, tag: &str, age: &str, stamp: &str, rejected: &str) -> String {
        let arguments = [machine, "sealed", tag, "3600000", age, stamp, rejected, "0"];
        let answer = self.eval(PUT, &arguments);
        match answer[0].as_str() {
            "T" => format!("T {}", answer[2]),
            word => word.to_owned(),
        }
    }

    fn sync(&self, tag: &str, life: &str, stamp: &str, age: &str) -> String {
        let answer = self.eval(SYNC, &[tag, life, stamp, age]);
        match answer[0].as_str() {
            "T" => format!("T {}", answer[2]),
            word => word.to_owned(),
        }
    }
}

#[test]
fn one_machine_fetches_and_the_others_take_what_it_puts() {
    let store = Store::new();
    assert_eq!(store.take("one", "old", "", UNKNOWN, UNKNOWN), "G");
    assert_eq!(store.take("two", "old", "", UNKNOWN, UNKNOWN), "B");
    assert_eq!(store.take("one", "old", "", UNKNOWN, UNKNOWN), "G", "whoever was killed goes on");
    assert_eq!(store.put("one", "new", "50", UNKNOWN, ""), "S");
    assert_eq!(store.take("two", "old", "", UNKNOWN, UNKNOWN), "T new");
    assert_eq!(store.take("two", "", "", UNKNOWN, UNKNOWN), "T new", "a machine without a token");
    let keep: i64 = store.0.run(&["pttl", KEY]).parse().expect("a number");
    assert!((3_600_000..=3_661_000).contains(&keep), "{keep}: the key goes with its token");
}

#[test]
fn the_turn_of_a_killed_process_ends_with_the_next_one_of_its_machine() {
    let store = Store::new();
    assert_eq!(store.take("one", "", "", UNKNOWN, UNKNOWN), "G");
    assert_eq!(store.put("two", "token", "0", UNKNOWN, ""), "S");
    assert_eq!(store.get("own"), "one", "the turn is not the other machine's to end");
    assert_eq!(store.take("one", "", "", UNKNOWN, UNKNOWN), "T token");
    assert_eq!(store.get("own"), "", "nobody waits for the one that was killed");
}

#[test]
fn a_failure_stays_on_record_whatever_token_comes_meanwhile() {
    let store = Store::new();
    assert_eq!(store.take("one", "", "", UNKNOWN, UNKNOWN), "G");
    assert_eq!(store.eval(FAIL, &["one", "{}", "60000", ""]), ["R"]);
    assert_eq!(store.put("two", "token", "0", UNKNOWN, ""), "S");
    assert_eq!(store.take("three", "", "", UNKNOWN, UNKNOWN), "T token");
    assert_eq!(store.take("three", "token", "token", UNKNOWN, UNKNOWN), "F");
}

#[test]
fn a_lease_ends() {
    let store = Store::new();
    assert_eq!(store.take("one", "", "", UNKNOWN, UNKNOWN), "G");
    store.set("lease", store.now() - 1);
    assert_eq!(store.take("two", "", "", UNKNOWN, UNKNOWN), "G");
    let answer = store.eval(FAIL, &["one", "{}", "60000", ""]);
    assert_eq!(answer, ["O"], "whoever was overtaken has nothing to say");
    assert_eq!(store.get("own"), "two");
    assert_eq!(store.get("fail"), "");
}

#[test]
fn a_token_never_gives_way_to_one_that_was_fetched_before_it() {
    let store = Store::new();
    assert_eq!(store.put("one", "newer", "100", UNKNOWN, ""), "S");
    assert_eq!(store.put("two", "older", "5000", UNKNOWN, ""), "T newer");
    assert_eq!(store.put("two", "older", "5000", UNKNOWN, "newer"), "S", "but for a rejected one");
    assert_eq!(store.put("one", "newest", "0", UNKNOWN, ""), "S");
    // The server's clock was set back: nothing would be stored for an hour.
    store.set("stamp", store.now() + 3_600_000);
    assert_eq!(store.put("two", "other", "0", UNKNOWN, ""), "S");
}

#[test]
fn no_machine_takes_a_token_that_is_older_than_its_own() {
    let store = Store::new();
    assert_eq!(store.put("one", "stored", "0", UNKNOWN, ""), "S");
    let stamp: i64 = store.get("stamp").parse().expect("a number");
    let (before, after) = ((stamp - 1).to_string(), (stamp + 1).to_string());
    assert_eq!(store.take("two", "mine", "", &before, UNKNOWN), "T stored");
    assert_eq!(store.take("two", "mine", "", UNKNOWN, "60000"), "T stored");
    store.set("stamp", stamp - 60_000);
    assert_eq!(
        store.take("two", "mine", "", &after, UNKNOWN),
        "G",
        "a failover lost what came later"
    );
    store.0.run(&["hdel", KEY, "own", "lease"]);
    assert_eq!(store.take("two", "mine", "", UNKNOWN, "10000"), "G");
    store.0.run(&["hdel", KEY, "own", "lease"]);
    assert_eq!(store.take("two", "mine", "", UNKNOWN, UNKNOWN), "T stored", "nobody knows better");
}

#[test]
fn a_rejected_token_is_taken_by_nobody() {
    let store = Store::new();
    assert_eq!(store.put("one", "bad", "0", UNKNOWN, ""), "S");
    assert_eq!(store.take("one", "bad", "bad", UNKNOWN, UNKNOWN), "G");
    // WeChat still returns it.
    assert_eq!(store.eval(FAIL, &["one", "{\"still_rejected\":true}", "30000", "bad"]), ["R"]);
    assert_eq!(
        store.take("two", "", "", UNKNOWN, UNKNOWN),
        "F",
        "not even by a machine without one"
    );
    store.set("retry", store.now() - 1);
    let grant = store.eval(TAKE, &["two", "2000", "", "", "1", UNKNOWN, UNKNOWN]);
    assert_eq!((grant[0].as_str(), grant[2].as_str()), ("G", "bad"), "whoever fetches is told");
    assert_eq!(store.put("two", "good", "0", UNKNOWN, ""), "S");
    assert_eq!(store.take("one", "bad", "bad", UNKNOWN, UNKNOWN), "T good");
    assert_eq!(store.get("rejected"), "");
}

#[test]
fn whoever_may_not_fetch_waits_for_whoever_does_and_is_told_if_nobody_does() {
    let store = Store::new();
    let reader = |store: &Store| store.eval(TAKE, &["reader", "2000", "", "", "0", "-1", "-1"]);
    assert_eq!(reader(&store), ["X"]);
    assert_eq!(store.take("one", "", "", UNKNOWN, UNKNOWN), "G");
    assert_eq!(reader(&store)[0], "B");
    assert_eq!(store.put("one", "token", "0", UNKNOWN, ""), "S");
    assert_eq!(reader(&store)[0], "T");
}

#[test]
fn a_comparison_gives_the_newer_token_to_whoever_lacks_it() {
    let store = Store::new();
    assert_eq!(store.sync("mine", "1000", UNKNOWN, UNKNOWN), "W", "none is there");
    assert_eq!(store.sync("mine", "0", UNKNOWN, UNKNOWN), "-", "mine has expired");
    assert_eq!(store.put("one", "stored", "0", UNKNOWN, ""), "S");
    assert_eq!(store.sync("stored", "1000", UNKNOWN, UNKNOWN), "=");
    assert_eq!(store.sync("mine", "1000", UNKNOWN, "60000"), "T stored");
    let stamp: i64 = store.get("stamp").parse().expect("a number");
    store.set("stamp", stamp - 60_000);
    assert_eq!(store.sync("mine", "1000", &(stamp - 1).to_string(), UNKNOWN), "W");
    assert_eq!(store.sync("mine", "1000", UNKNOWN, "10000"), "W");
    // Of a token whose age nobody knows, only a later expiry counts.
    assert_eq!(store.sync("mine", "3700000", UNKNOWN, UNKNOWN), "-");
    assert_eq!(store.sync("mine", "1000", UNKNOWN, UNKNOWN), "T stored");
    store.set("rejected", "stored");
    assert_eq!(store.sync("mine", "1000", UNKNOWN, UNKNOWN), "-");
}
