#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Some(target) = aegis_fuzzing::find("stream_payloads") {
        (target.run)(data);
    }
});
