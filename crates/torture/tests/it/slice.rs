//! A few short seeds, and that each is the same when it is run again.

use aegis_torture::{Options, catalogue, run};

#[test]
fn a_seed_is_the_same_when_it_is_run_again() {
    let options = Options { hours: 0.4, ..Options::default() };
    for seed in [3, 6] {
        let (one, two) = (run(seed, &options), run(seed, &options));
        assert_eq!((one.trace, one.steps, one.events), (two.trace, two.steps, two.events));
        assert_eq!(one.fired, two.fired, "seed {seed}");
        let other = run(seed + 1_000, &options);
        assert_ne!(one.trace, other.trace, "seed {seed}");
    }
}

#[test]
fn without_faults_entries_are_made_and_everything_holds() {
    let options = Options { hours: 0.5, faults: Some(Vec::new()), ..Options::default() };
    let mut entries = 0;
    for seed in 1..=4 {
        let outcome = run(seed, &options);
        assert_eq!(outcome.violation, None, "seed {seed}: {:#?}", outcome.story);
        assert_eq!(outcome.limited, 0, "seed {seed}");
        entries += outcome.entries;
    }
    assert!(entries > 0);
}

#[test]
fn torture_slice() {
    let options = Options { hours: 0.5, ..Options::default() };
    for seed in 1..=20 {
        let outcome = run(seed, &options);
        assert_eq!(outcome.violation, None, "seed {seed}: {:#?}", outcome.story);
    }
}

#[test]
fn every_fault_has_a_level() {
    assert_eq!(catalogue::FAULTS.len(), 54);
}
