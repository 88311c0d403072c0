//! Host names: looked up without the C library's locks, which a forked child would find locked for ever,
//! and over sockets that no child keeps.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use wechat_emulator::Options;
use wx_token_testing::name_server::{HOSTED, NameServer, SERVED, WECHAT};
use wx_token_testing::{World, now};

/// An emulator that is found by its name, over TLS.
fn named() -> (World, TempDir) {
    (World::named(WECHAT), tempfile::tempdir().expect("a directory"))
}

/// Tries `$call`, and prints the token or the message.
fn print(call: &str) -> String {
    format!("try {{ echo {call}; }} catch (Exception $e) {{ echo $e->getMessage(); }}")
}

#[test]
fn a_name_is_found_by_the_name_server_of_resolv_conf() {
    let (world, dir) = named();
    world.write("");
    let server = NameServer::start();
    let php = server.serve(world.php(), dir.path());
    let token = php.run(&print("wx_get_token($argv[1])"), &[path(&world)]);
    assert!(world.is_live(&token), "{token}");
    assert_eq!(server.asked(), 2, "for addresses of either kind");
}

#[test]
fn an_unknown_name_is_not_reported_as_a_silent_name_server() {
    let (mut world, dir) = named();
    world.set("api_base", "https://nobody.test");
    let get = print("wx_get_token($argv[1])");
    let server = NameServer::start();
    let message = server.serve(world.php(), dir.path()).run(&get, &[path(&world)]);
    let expected = "cannot connect to https://nobody.test: the host name nobody.test does not resolve. Check DNS";
    assert!(message.contains(expected), "{message}");

    world.write_expired();
    world.set("connect_timeout", "0.2");
    world.set("timeout", "0.7");
    let silent = NameServer::dropping();
    // The thread of the refresh has sent its answer, but may not have ended yet.
    let get = get
        + r#"
        $end = hrtime(true) + 20e9;
        while (($threads = count(scandir('/proc/self/task')) - 2) > 1 && hrtime(true) < $end) {
            usleep(1000);
        }
        echo "\n$threads";
    "#;
    let printed = silent.serve(world.php(), dir.path()).run(&get, &[path(&world)]);
    let (message, threads) = printed.split_once('\n').expect("two lines");
    let expected = format!(
        "no name server answered for nobody.test: {} (no answer in time)",
        silent.address()
    );
    assert!(message.contains(&expected), "{message}");
    assert_eq!(threads, "1", "a thread outlives the call");
}

#[test]
fn children_that_are_forked_during_the_first_lookup_can_look_names_up() {
    const PROCESSES: usize = 20;
    const FORKS: &str = "20";
    let (world, dir) = named();
    let server = NameServer::start();
    let php = server.serve(world.php(), dir.path());
    // glibc reads this file under a lock: the longer it is, the surer a fork finds it locked.
    let mut resolv_conf = OpenOptions::new().append(true).open(dir.path().join("resolv.conf"));
    let comments = "# nothing to see here\n".repeat(300_000);
    resolv_conf.as_mut().expect("a file").write_all(comments.as_bytes()).expect("a file");
    // One fork after the other from the moment of the call. A child that hangs is ended by its alarm.
    let code = r#"
        [, $file, $forks, $hosted, $served] = $argv;
        wx_get_token($file);
        for ($i = 0; $i < $forks; $i++) {
            if (!($pid = pcntl_fork())) {
                pcntl_alarm(10);
                $found = gethostbyname('hosted.test') . ' ' . gethostbyname('served.test');
                exit($found === "$hosted $served" ? 0 : 1);
            }
            $children[] = $pid;
        }
        $ends = ['well' => 0, 'hanging' => 0, 'without an address' => 0];
        foreach ($children as $pid) {
            pcntl_waitpid($pid, $status);
            $ends[pcntl_wifsignaled($status) ? 'hanging'
                : (pcntl_wexitstatus($status) ? 'without an address' : 'well')]++;
        }
        echo json_encode($ends);
    "#;
    let (hosted, served) = (HOSTED.1.to_string(), SERVED.1.to_string());
    for number in 1..=PROCESSES {
        world.write(json!({"access_token": "due", "expire": now() + 100}).to_string());
        let printed = php.run(code, &[path(&world), FORKS, &hosted, &served]);
        let ends: Value = serde_json::from_str(&printed).expect("JSON");
        let expected = json!({"well": 20, "hanging": 0, "without an address": 0});
        assert_eq!(ends, expected, "process {number}");
    }
    assert!(world.fetches() > 0, "nothing was refreshed");
}

#[test]
fn a_fork_does_not_wait_for_a_lookup_and_its_child_can_call() {
    let (mut world, dir) = named();
    world.set("connect_timeout", "25");
    world.set("timeout", "25");
    world.write(json!({"access_token": "due", "expire": now() + 100}).to_string());
    let silent = NameServer::dropping();
    let code = r#"
        wx_get_token($argv[1]);
        fgets(STDIN);                       // until the name server has been asked
        if (!($pid = pcntl_fork())) {
            pcntl_alarm(10);
            try {
                wx_get_token("$argv[1].other", ['timeout' => 0.3]);
            } catch (WxToken\NetworkException) {
                exit(42);
            }
            exit(0);
        }
        echo count(scandir('/proc/self/task')) - 2, "\n";
        pcntl_waitpid($pid, $status);
        echo pcntl_wifsignaled($status) ? 'hangs' : pcntl_wexitstatus($status), "\n";
        fgets(STDIN);
    "#;
    let mut php = silent.serve(world.php(), dir.path()).start(code, &[path(&world)]);
    wx_token_testing::until("the lookup is under way", || silent.asked() > 0);
    php.release();
    assert_eq!(php.read_line(), "2", "the lookup goes on in its thread");
    assert_eq!(php.read_line(), "42", "the child asks and gives up");
    php.kill();
}

#[test]
fn a_child_keeps_no_copy_of_a_connection() {
    let mut world = World::new(Options::default());
    let server = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = server.local_addr().expect("an address");
    world.set("api_base", &format!("http://{address}"));
    world.set("timeout", "25");
    world.write(json!({"access_token": "due", "expire": now() + 100}).to_string());
    let code = r#"
        wx_get_token($argv[1]);
        fgets(STDIN);                       // until the server has the request
        if (!($pid = pcntl_fork())) {
            echo getmypid(), "\n";
            sleep(60);
            exit(0);
        }
        pcntl_waitpid($pid, $status);
    "#;
    let mut parent = world.php().start(code, &[path(&world)]);
    let (mut connection, _) = server.accept().expect("a connection");
    connection.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
    let mut request = [0; 4096];
    assert!(connection.read(&mut request).expect("a request") > 0);
    assert_eq!(sockets_of(&parent.pid().to_string()).len(), 1, "the connection of the refresh");
    parent.release();
    let child = parent.read_line();
    assert!(sockets_of(&child).is_empty(), "the child has {:?}", sockets_of(&child));

    parent.kill();
    while connection.read(&mut request).expect("the end of the connection") > 0 {}
    assert!(Path::new("/proc").join(&child).join("exe").exists(), "the child lives on");
    let killed = std::process::Command::new("kill").args(["-KILL", &child]).status();
    assert!(killed.is_ok_and(|status| status.success()));
}

fn path(world: &World) -> &str {
    // The same for each world of a test, and as long as the process.
    Box::leak(world.file().display().to_string().into_boxed_str())
}

/// The sockets that a process has open.
fn sockets_of(pid: &str) -> Vec<PathBuf> {
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("a process");
    let targets = descriptors.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).collect()
}
