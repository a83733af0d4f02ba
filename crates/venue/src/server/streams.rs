//! Step machine: who listens to which stream, and what each stream has sent.

use crate::server::history::Roll;
use crate::server::wsframe;
use aegis_types::{Px, Qty, SymbolId, SymbolTable};
use aegis_wire::streams::{Stream as Name, StreamKind};
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A socket.
pub type ConnId = u64;

/// Bytes for a socket, or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// A whole WebSocket frame.
    Frame(ConnId, Bytes),
    /// The socket closes, with this code or without a close frame.
    Close(ConnId, Option<u16>),
    /// The socket stays open, and nothing is sent to it any more, answers and pongs included.
    Deafen(ConnId),
}

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Market data of a symbol or of all.
    Market(StreamKind, Option<SymbolId>),
    /// Events of an account under a listen key.
    User,
}

#[derive(Clone, Debug)]
struct Subscriber {
    conn: ConnId,
    combined: bool,
    events: Option<Arc<[String]>>,
}

/// Changes of a recorded book that wait to be sent.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    /// First update id.
    pub first_id: u64,
    /// Last update id.
    pub last_id: u64,
    /// Last update id before.
    pub previous_id: u64,
    /// Transaction time of the last one, ms.
    pub time_ms: i64,
    /// Levels of the bids.
    pub bids: BTreeMap<Px, Qty>,
    /// Levels of the asks.
    pub asks: BTreeMap<Px, Qty>,
}

/// Trades of one taker that are told as one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aggregate {
    /// First trade.
    pub first_id: u64,
    /// Last trade.
    pub last_id: u64,
    /// Price.
    pub px: Px,
    /// Quantity together.
    pub qty: Qty,
    /// When, ms.
    pub time_ms: i64,
    /// The aggressor sold.
    pub buyer_is_maker: bool,
}

/// Update id, bids and asks of a book as it was sent.
pub type Shown = (u64, BTreeMap<Px, Qty>, BTreeMap<Px, Qty>);

/// What a stream has to remember.
#[derive(Clone, Debug)]
pub struct Memory {
    /// Market time of the last message, ms.
    pub sent_ms: i64,
    /// There is news since.
    pub dirty: bool,
    /// Id of the last event.
    pub last: Option<i64>,
    /// Events since the newest subscription.
    pub count: i64,
    /// The candle under way.
    pub roll: Roll,
    /// Book changes that wait.
    pub pending: Option<Pending>,
    /// The derived book last sent.
    pub shown: Option<Shown>,
    /// Trades that may get company.
    pub aggregate: Option<Aggregate>,
    /// Symbols with news, of streams of all symbols.
    pub changed: Vec<SymbolId>,
}

impl Memory {
    /// A stream of all symbols has something to say of one.
    pub fn news_of(&mut self, symbol: SymbolId) {
        self.dirty = true;
        if !self.changed.contains(&symbol) {
            self.changed.push(symbol);
        }
    }

    const fn new() -> Self {
        Self {
            sent_ms: i64::MIN,
            dirty: false,
            last: None,
            count: 0,
            roll: Roll::new(),
            pending: None,
            shown: None,
            aggregate: None,
            changed: Vec::new(),
        }
    }
}

/// A stream that someone listens to.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Its name.
    pub name: Arc<str>,
    /// What it carries.
    pub topic: Topic,
    /// What it remembers.
    pub memory: Memory,
    subscribers: Vec<Subscriber>,
}

/// All streams that someone listens to.
#[derive(Clone, Debug, Default)]
pub struct Streams {
    list: Vec<Stream>,
    free: Vec<usize>,
    by_name: HashMap<Arc<str>, usize>,
    by_symbol: Vec<Vec<usize>>,
    of_all: Vec<usize>,
}

/// The market stream that a name names, where its symbol is one of ours.
pub fn topic(name: &str, symbols: &SymbolTable) -> Option<Topic> {
    let parsed = Name::parse(name)?;
    let symbol = match parsed.symbol {
        None => None,
        // A name in lower case, as `Name::parse` takes no other.
        Some(symbol) => Some(symbols.id(&symbol.to_uppercase())?),
    };
    Some(Topic::Market(parsed.kind, symbol))
}

impl Streams {
    /// Of so many symbols.
    pub fn new(symbols: usize) -> Self {
        Self { by_symbol: vec![Vec::new(); symbols], ..Self::default() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// A stream by its place.
    pub fn at(&self, index: usize) -> &Stream {
        &self.list[index]
    }

    /// A stream by its place.
    pub fn at_mut(&mut self, index: usize) -> &mut Stream {
        &mut self.list[index]
    }

    /// Places of the streams of a symbol, in order of subscription.
    pub fn of_symbol(&self, symbol: SymbolId) -> &[usize] {
        self.by_symbol.get(symbol.index()).map_or(&[], Vec::as_slice)
    }

    /// Places of the streams of all symbols.
    pub fn of_all(&self) -> &[usize] {
        &self.of_all
    }

    /// Place of a stream by name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Name and last event of every stream that has sent one.
    pub fn last(&self) -> impl Iterator<Item = (&str, i64)> {
        let heard = self.list.iter().filter(|stream| !stream.subscribers.is_empty());
        heard.filter_map(|stream| Some((&*stream.name, stream.memory.last?)))
    }

    /// A socket listens to a stream from here on; again with other events, where it did before.
    pub fn subscribe(
        &mut self,
        conn: ConnId,
        name: &str,
        topic: Topic,
        combined: bool,
        events: Option<Arc<[String]>>,
    ) {
        let index = self.find(name).unwrap_or_else(|| self.add(name, topic));
        let stream = &mut self.list[index];
        let subscriber = Subscriber { conn, combined, events };
        match stream.subscribers.iter_mut().find(|known| known.conn == conn) {
            Some(known) => *known = subscriber,
            None => {
                stream.subscribers.push(subscriber);
                if topic == Topic::User {
                    stream.memory.count = 0;
                    stream.memory.last = None;
                }
            }
        }
    }

    fn add(&mut self, name: &str, topic: Topic) -> usize {
        let name: Arc<str> = name.into();
        let memory = Memory::new();
        let stream = Stream { name: name.clone(), topic, memory, subscribers: Vec::new() };
        let index = match self.free.pop() {
            Some(index) => {
                self.list[index] = stream;
                index
            }
            None => {
                self.list.push(stream);
                self.list.len() - 1
            }
        };
        self.by_name.insert(name, index);
        match topic {
            Topic::Market(_, Some(symbol)) => self.by_symbol[symbol.index()].push(index),
            Topic::Market(_, None) => self.of_all.push(index),
            Topic::User => {}
        }
        index
    }

    /// A socket does not listen any more.
    pub fn unsubscribe(&mut self, conn: ConnId, name: &str) {
        let Some(index) = self.find(name) else { return };
        let stream = &mut self.list[index];
        stream.subscribers.retain(|known| known.conn != conn);
        if stream.subscribers.is_empty() {
            let list = match stream.topic {
                Topic::Market(_, Some(symbol)) => &mut self.by_symbol[symbol.index()],
                Topic::Market(_, None) => &mut self.of_all,
                Topic::User => &mut Vec::new(),
            };
            list.retain(|known| *known != index);
            self.by_name.remove(name);
            self.free.push(index);
        }
    }

    /// Wrapper on or off for a socket's stream.
    pub fn set_combined(&mut self, conn: ConnId, name: &str, combined: bool) {
        let Some(index) = self.find(name) else { return };
        for known in self.list[index].subscribers.iter_mut().filter(|known| known.conn == conn) {
            known.combined = combined;
        }
    }

    /// A payload to everyone who listens, written once in each form that is wanted. `event` is its
    /// `e`, where listeners may have chosen among events.
    pub fn send(&self, index: usize, payload: &str, event: &str, out: &mut Vec<Delivery>) {
        let stream = &self.list[index];
        let (mut plain, mut wrapped) = (None, None);
        for subscriber in &stream.subscribers {
            if subscriber.events.as_ref().is_some_and(|chosen| !chosen.iter().any(|e| e == event)) {
                continue;
            }
            let bytes = match subscriber.combined {
                false => plain.get_or_insert_with(|| wsframe::text(payload)),
                true => wrapped.get_or_insert_with(|| wsframe::combined(&stream.name, payload)),
            };
            out.push(Delivery::Frame(subscriber.conn, bytes.clone()));
        }
    }

    /// Lets every socket that listens to a stream hear nothing more, without an end.
    pub fn deafen(&self, index: usize, out: &mut Vec<Delivery>) {
        let ears = self.list[index].subscribers.iter();
        out.extend(ears.map(|subscriber| Delivery::Deafen(subscriber.conn)));
    }

    /// Ends every socket that listens to a stream.
    pub fn close(&self, index: usize, code: Option<u16>, out: &mut Vec<Delivery>) {
        let ends = self.list[index].subscribers.iter();
        out.extend(ends.map(|subscriber| Delivery::Close(subscriber.conn, code)));
    }
}
