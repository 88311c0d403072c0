//! PHP code that holds `flock()` on the token file counts as one of us (I1, I5).

use wx_token_testing::World;
use wx_token_testing::php::Answer;
use wx_token_testing::process::Process;

/// The articles' first example: a PHP process that holds the lock until it is told to go on.
fn holder(world: &World) -> Process {
    let code = r#"
        $file = fopen($argv[1], 'r+');
        flock($file, LOCK_EX);
        echo "held\n";
        fgets(STDIN);
        flock($file, LOCK_UN);
        echo "released\n";
    "#;
    let mut holder = world.php().start(code, &[world.file().to_str().expect("a path")]);
    assert_eq!(holder.read_line(), "held");
    holder
}

#[test]
fn callers_on_an_expired_file_wait_for_php_code_that_holds_the_lock() {
    let world = World::slow();
    world.write_expired();
    let mut holder = holder(&world);
    let callers = world.callers(128).release_only();
    // The time for which the lock is held is what the test is about: the articles hold it for 2 s.
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(world.fetches(), 0, "nobody fetches while another holds the lock");
    // It says nothing to those who wait: they find out.
    holder.release();
    assert_eq!(holder.read_line(), "released");
    let answers: Vec<Answer> = callers.into_iter().map(Answer::of).collect();
    assert_eq!(world.fetches(), 1);
    world.assert_one_live_token(&answers);
}

#[test]
fn a_lock_timeout_names_the_process_that_holds_the_lock() {
    let mut world = World::slow();
    world.write_expired();
    world.set("lock_timeout", "0.5");
    let holder = holder(&world);
    for answer in world.callers(4).release() {
        assert_eq!(answer.class(), "WxToken\\LockException");
        assert_eq!(answer.property("holderPid"), holder.pid());
        let named = format!("within 0.5 s; process {} (php", holder.pid());
        assert!(answer.message().contains(&named), "{}", answer.message());
    }
    assert_eq!(world.fetches(), 0);
}

#[test]
fn callers_on_a_fresh_file_do_not_wait_for_the_lock() {
    let mut world = World::slow();
    world.write_expired();
    let token = world.call().token().to_owned();
    world.set("lock_timeout", "0");
    let holder = holder(&world);
    for answer in world.callers(4).release() {
        assert_eq!(answer.token(), token);
    }
    drop(holder);
}

#[test]
fn a_status_names_the_lock_holder() {
    let world = World::slow();
    world.write_expired();
    let status = "echo json_encode(wx_token_status($argv[1]));";
    let read = || -> serde_json::Value {
        let text = world.php().run(status, &[world.file().to_str().expect("a path")]);
        serde_json::from_str(&text).expect("a status")
    };
    assert_eq!((&read()["locked"], &read()["holder_pid"]), (&false.into(), &().into()));
    let holder = holder(&world);
    let status = read();
    assert_eq!((&status["locked"], &status["holder_pid"]), (&true.into(), &holder.pid().into()));
    assert_eq!((&status["state"], &status["layout"]), (&"expired".into(), &"expire".into()));
}

#[test]
fn a_file_that_is_replaced_during_the_fetch_is_not_overwritten_with_the_older_token() {
    let world = World::slow();
    world.write_expired();
    let caller = world.callers(1).release_only();
    wx_token_testing::until("a fetch is under way", || world.emulator.stats().in_flight == 1);
    // Somebody without the lock, say a deployment, puts a fresh file in its place.
    let newer = world.dir.path().join("newer");
    let content =
        format!(r#"{{"access_token":"newer","expire":{}}}"#, wx_token_testing::now() + 5000);
    std::fs::write(&newer, &content).expect("a file");
    std::fs::rename(&newer, world.file()).expect("a rename");
    for answer in caller.into_iter().map(Answer::of) {
        assert_eq!(answer.token(), "newer", "the file's token is the newer one");
    }
    assert_eq!(std::fs::read(world.file()).ok(), Some(content.into_bytes()));
    assert_eq!(world.names(), ["token.json"]);
}

#[test]
fn a_file_that_is_removed_during_the_fetch_is_created_again_with_the_token() {
    let world = World::slow();
    world.write_expired();
    let caller = world.callers(1).release_only();
    wx_token_testing::until("a fetch is under way", || world.emulator.stats().in_flight == 1);
    std::fs::remove_file(world.file()).expect("a removal");
    let answers: Vec<Answer> = caller.into_iter().map(Answer::of).collect();
    assert_eq!(world.fetches(), 1, "the token in hand is stored, not fetched again");
    world.assert_one_live_token(&answers);
}
