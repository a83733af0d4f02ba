#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Some(target) = aegis_fuzzing::find("snapshots") {
        (target.run)(data);
    }
});
