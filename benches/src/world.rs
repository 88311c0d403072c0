//! The world that is measured: the classic endpoint, and an account in the environment, where PHP code
//! without the extension finds it, too.

use std::fs;

use wechat_emulator::Options;
use wx_token_testing::php::Php;
use wx_token_testing::{World, until};

/// A world whose token file is fresh for an hour. No quota ends the fetches.
pub fn world(options: Options) -> World {
    let mut world = World::new(Options { daily_quota: u64::MAX, ..options }).without_account();
    world.set("endpoint", "classic");
    world.write_old_token(3600);
    world
}

/// PHP with the extension, in an environment that says where to fetch.
pub fn php(world: &World) -> Php {
    let Options { appid, secret, .. } = world.emulator.options();
    let base = world.emulator.base_url();
    world
        .php()
        .with("display_errors=stderr")
        .with_env("WX_API_BASE", base)
        .with_env("WX_APPID", appid)
        .with_env("WX_SECRET", secret)
}

/// Waits until no fetch is under way, and the last token is stored.
pub fn settle(world: &World) {
    let is_stored = || fs::read_to_string(world.file()).is_ok_and(|text| !text.contains("an-old-"));
    until("the token is stored", || world.emulator.stats().in_flight == 0 && is_stored());
}

/// A pool of so many workers, all the time, for more requests at once than they are. It keeps the environment.
pub fn pool(workers: usize) -> String {
    format!(
        "listen.backlog = 1024\nuser = root\nclear_env = no\npm = static\npm.max_children = {workers}"
    )
}

/// php-fpm with OPcache, as on a live site, and with workers of the user who starts php-fpm, root included: that user
/// can read the programs wherever they are. Not root: php-fpm ignores `user`.
pub fn fpm(world: &World) -> Php {
    php(world).with_argument("-R").with_all(&["zend_extension=opcache", "display_errors=0"])
}
