#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wx_token_fuzz::reply(bytes));
