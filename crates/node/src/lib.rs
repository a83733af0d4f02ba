//! The running system: orchestrator, feed, brain, sequencer, bus, dispatch, audit.
