//! Imports run one way: down the map of modules in `src/lib.rs`.

use std::path::Path;

use wx_token_testing::imports;

#[test]
fn imports_run_down_the_map() {
    imports::assert_run_down(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
}
