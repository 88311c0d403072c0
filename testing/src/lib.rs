//! What tests and benchmarks share: the emulator with a token file, PHP processes, servers, disks, name
//! servers, and the check of imports.
//!
//! Nothing here builds against PHP, so that the tests of the core can use it. What cannot continue panics.

pub mod clocks;
pub mod fastcgi;
pub mod fpm;
pub mod imports;
pub mod mounts;
pub mod name_server;
pub mod php;
pub mod process;
pub mod programs;
pub mod proxy;
pub mod redis;
pub mod server;
pub mod site;
pub mod steps;
pub mod system_calls;
pub mod timing;
pub mod witness;
pub mod world;

pub use self::process::run;
pub use self::programs::{earlier_extension, extension, program};
pub use self::steps::Steps;
pub use self::timing::{SetOnDrop, now, now_ms, print_waits, until};
pub use self::world::World;

/// www-data, the user as whom Debian's servers run PHP.
pub const WWW_DATA: u32 = 33;
