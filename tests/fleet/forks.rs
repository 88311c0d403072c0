//! Forks while the store is in use, and afterwards: no child has a socket of its parent's, and each works (F9).

use wx_token_testing::proxy::{Point, Proxy, Script, Way};

use crate::fleet::{EXPIRED, Fleet};

/// The extension's own sockets: standard streams may be some.
const SOCKETS: &str = r"
    $sockets = function (): int {
        $links = array_map(fn($fd) => @readlink($fd), glob('/proc/self/fd/*'));
        return count(array_filter($links, fn($link) => str_starts_with((string) $link, 'socket:')));
    };
";

/// Says how many sockets parent and child have, and which tokens they get.
const FORK: &str = r#"
    [, $file, $when] = $argv;
    $fork = function () use ($sockets, $file): void {
        if (!($pid = pcntl_fork())) {
            echo 'child ', $sockets(), "\n";
            fgets(STDIN);
            echo wx_get_token($file), "\n";
            exit(0);
        }
        pcntl_waitpid($pid, $status);
    };
    // The file is too new at first.
    while ($sockets() === 0) { wx_try_token($file); usleep(1000); }
    fgets(STDIN);
    echo 'parent ', $sockets(), "\n";
    if ($when === 'during') { $fork(); }
    else { wx_get_token($file); $fork(); }
    echo wx_get_token($file), "\n";
"#;

fn fork(point: Point, when: &str) {
    let (fleet, proxy) = Fleet::behind_proxy(2);
    fleet.write(EXPIRED);
    let code = format!("{SOCKETS}{FORK}");
    let file = fleet.machines[0].to_str().expect("a printable path");
    proxy.hold(point);
    let mut process = fleet.world.php().start(&code, &[file, when]);
    proxy.until_held();
    process.release();
    assert_eq!(process.read_line(), "parent 1", "the store is in use");
    let pass = |proxy: &Proxy| proxy.release(Way::Open);
    if when == "after" {
        pass(&proxy);
    }
    assert_eq!(process.read_line(), "child 0", "{point:?}, {when}");
    if when == "during" {
        pass(&proxy);
    }
    process.release();
    let child = process.read_line();
    let parent = process.read_line();
    assert_eq!(child, parent, "{point:?}, {when}");
    assert!(fleet.world.is_live(&child));
    assert_eq!(fleet.call(1).token(), child);
    assert_eq!(fleet.world.fetches(), 1, "{point:?}, {when}");
}

#[test]
fn a_child_that_is_forked_while_the_store_is_in_use_has_no_socket_and_gets_the_same_token() {
    for point in
        [Point::Before(Script::Take), Point::Before(Script::Put), Point::After(Script::Put)]
    {
        fork(point, "during");
    }
}

#[test]
fn a_child_that_is_forked_afterwards_has_no_socket_and_gets_the_same_token() {
    fork(Point::Before(Script::Put), "after");
}
