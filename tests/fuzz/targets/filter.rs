#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| roster_reference::fuzz::filter::take(input));
