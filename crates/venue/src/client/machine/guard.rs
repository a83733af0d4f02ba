//! Step machine: what stands between a signed request and its socket.

use super::{Input, Machine, Out};
use crate::client::gateway::{Gateway, Stopped};
use crate::client::notes::Note;
use crate::client::request::{Outcome, Purpose, Request};
use aegis_types::Nanos;

impl Machine {
    /// The last look at a request before its bytes are written: they are held against what was
    /// approved. False when it must not be written; it has then been ended here, and the engine
    /// hears of it as refused for sure.
    pub fn pass(&mut self, now: Nanos, request: &Request, text: &str, out: &mut Out) -> bool {
        let Err(why) = self.gateway.check(now, text) else { return true };
        // Of the closing itself people hear once.
        if why != Stopped::Closed {
            out.notes.push(Note::Stopped { purpose: request.purpose, why });
        }
        let outcome = Outcome::Lost(why.loss());
        self.step(now, Input::Ended { token: request.token, outcome }, out);
        false
    }

    /// Fences this program off: nothing leaves any more, until it starts anew. What the engine
    /// still sends is refused at once.
    pub fn close(&mut self, out: &mut Out) {
        if !self.gateway.closed() {
            self.gateway.close();
            out.notes.push(Note::Fenced);
            for index in 0..self.queue.len() {
                if let Purpose::Place(id) = self.queue[index].purpose {
                    self.attempts.fenced(id, &mut self.scratch);
                }
            }
            self.queue.clear();
            self.collect(out);
        }
    }

    /// The gateway.
    pub const fn gateway(&self) -> &Gateway {
        &self.gateway
    }
}
