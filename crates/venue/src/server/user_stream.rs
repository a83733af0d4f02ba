//! Step machine: listen keys and the events that travel under them.
